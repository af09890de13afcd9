"""`lgsp metrics`: the cube's feed, the reporting API and /metrics in one process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop

from metrics.api import create_app
from metrics.catalogue import load_agencies, load_indicators
from metrics.cube import Cube
from metrics.directory_api import directory_routes
from metrics.directory_feed import DirectoryFeed, both
from metrics.exporter import Exporter
from metrics.feed import Feed
from metrics.listing import Meaning
from metrics.listing_api import listing_routes
from metrics.listing_feed import Service
from metrics.questions import Questions
from metrics.reader import Readers
from metrics.workers import WorkerLag
from metrics.worktime import office
from schemas.clock import now_ms
from schemas.errors import EnvironmentBroken, HubError
from schemas.settings import Settings

CUBE_FILE = "cube.sqlite"
GRACE_SECONDS = 5
# Seconds that a thread may keep Python's lock from another. SQLite lets go of it at every statement, so at the usual 5 ms a
# feed would wait its batch's number of statements times as long while a scrape is rendered.
SWITCH_SECONDS = 0.0005


def run(settings: Settings, meanings: Sequence[Meaning] = ()) -> int:
    """Serve in the foreground until asked to stop; the process's exit code. Without `meanings` of states there are no lists."""
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    logging.getLogger("aiokafka").setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    try:
        with contextlib.closing(_listener(settings)) as listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, listener, meanings))
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def serve(settings: Settings, listener: socket.socket, meanings: Sequence[Meaning] = ()) -> None:
    """Serve on a listening socket until a signal, or until a feed ends for good.

    Raises: CatalogueError; SettingsError for office hours that are none, or topics that exist with another number of partitions.
    """
    indicators, agencies = load_indicators(settings.indicators), load_agencies(settings.agencies)
    cube, workers = Cube(settings.read_models / CUBE_FILE), WorkerLag(settings)
    feed, directory = Feed(settings, cube), DirectoryFeed(settings)
    shared: Any = {
        "progress": lambda: both(feed.progress, directory.progress), "clock": now_ms, "directory": lambda: directory.directory,
        "office": office(settings),
    }  # fmt: skip
    questions = Questions(Readers(cube), indicators, agencies, **shared)
    listing = Service(settings, meanings, questions)
    exporter = Exporter(cube, indicators, worker_lag=lambda: workers.records, agencies=agencies, beside=listing.text, **shared)
    routes = [directory_routes(questions), listing_routes(listing.lists)]
    server = Server(uvicorn.Config(
        create_app(questions, exporter, routes), ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS, server_header=False,
    ))  # fmt: skip
    feeds: list[Feed | DirectoryFeed] = [feed, directory, *listing.feeds]
    spare_collections()
    for one in feeds:
        one.start(when_ended=server.stop_soon)
    watching = asyncio.create_task(workers.watch())
    try:
        await server.serve([listener])
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        for one in feeds:
            await asyncio.to_thread(one.stop)
    for one in feeds:
        if one.failure is not None:
            raise one.failure


def spare_collections() -> None:
    """Let the garbage collector pass over what stays, and look seldom: an answer makes many objects and no cycles.

    Every thousand rows of lists it went through everything that the process holds, which took longer than the answer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class Server(uvicorn.Server):
    """uvicorn, but signals end it quietly, and it says so itself when it answers."""

    def stop_soon(self) -> None:
        """A feed that ended takes the server with it: figures that no longer move must not be told. May be called from any thread."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C finish the requests in flight; the process then ends by itself, with its own exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then print the address."""
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            print(f"metrics: http://{host}:{port}/metrics and http://{host}:{port}/v1/indicators", flush=True)


def _listener(settings: Settings) -> socket.socket:
    """The socket to serve on.

    Raises: EnvironmentBroken when the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    where = f"{settings.host}:{settings.metrics_port}"
    try:
        return socket.create_server((settings.host, settings.metrics_port), family=family, backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EnvironmentBroken(f"{where} is in use: stop what listens there, or set LGSP_METRICS_PORT to a free port.") from None
        why = f"{error.strerror or error}: correct LGSP_HOST or LGSP_METRICS_PORT"
        raise EnvironmentBroken(f"The reporting API can't listen on {where} ({why}).") from None
