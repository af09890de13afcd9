"""`lgsp metrics`: the feeds, the reporting API and /metrics of one or several books in one process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
import uvloop

from metrics.books import Books, ByBooks
from metrics.catalogue import load_agencies, load_indicators
from metrics.listing import Meaning
from schemas.errors import EnvironmentBroken, HubError
from schemas.settings import Settings

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
    served = [Books(one, indicators, agencies, meanings) for one in settings.served]
    server = Server(uvicorn.Config(
        ByBooks({one.name: one.app for one in served}), ws="none", lifespan="off", log_config=None, access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS, server_header=False,
    ))  # fmt: skip
    feeds = [feed for one in served for feed in one.feeds]
    for feed in feeds:
        feed.start(when_ended=server.stop_soon)
    watching = [asyncio.create_task(one.lag.watch()) for one in served]
    try:
        await server.serve([listener])
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for feed in feeds:
            await asyncio.to_thread(feed.stop)
    for feed in feeds:
        if feed.failure is not None:
            raise feed.failure


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
