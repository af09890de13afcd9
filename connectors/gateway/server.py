"""The gateway as a process: topics, publisher, heartbeat and HTTP server, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from aiokafka.errors import KafkaError

from connectors.gateway.app import build_app
from connectors.gateway.protocol import Protocol
from connectors.heartbeat import beat
from connectors.publisher import Publisher
from schemas import kafka
from schemas.errors import EnvironmentBroken, HubError, KafkaUnavailable
from schemas.settings import Settings

log = logging.getLogger(__name__)

TOPICS_RETRY_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 65  # longer than the usual 60 s of proxies in front, so that they close first


def run(settings: Settings) -> int:
    """Serve in the foreground until asked to stop; the process's exit code."""
    log_plainly(settings.log_level)
    try:
        with contextlib.closing(_listener(settings)) as listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, listener))
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve on a listening socket until a signal; the requests in flight are finished.

    Raises: SettingsError when the topics exist with another number of partitions.
    """
    async with Publisher(settings) as publisher:
        server = Server(_configuration(settings, publisher))
        topics = asyncio.create_task(_ensure_topics(settings, server))
        beating = asyncio.create_task(beat(publisher, settings.heartbeat_seconds))
        try:
            await server.serve([listener])
        finally:
            for task in (topics, beating):
                task.cancel()
            ended = await asyncio.gather(topics, beating, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result


class Server(uvicorn.Server):
    """uvicorn, but signals end it quietly, and it says so itself when it answers."""

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
            print(f"gateway: http://{host}:{port}/v1/events", flush=True)


def _configuration(settings: Settings, publisher: Publisher) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(settings, publisher),
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.publish_timeout) + 5,
    )


async def _ensure_topics(settings: Settings, server: Server) -> None:
    """Make the topics as soon as Kafka answers; a mismatch ends the server, since books would be split differently."""
    while True:
        try:
            made = await kafka.ensure_topics(settings)
        except (KafkaUnavailable, KafkaError, OSError) as error:
            log.debug("topics not made yet: %s", error)
            await asyncio.sleep(TOPICS_RETRY_SECONDS)
        except HubError:
            server.should_exit = True
            raise
        else:
            if made:
                log.info("made the topics %s", ", ".join(made))
            return


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.gateway_port), family=family, backlog=1024)
    except OSError as error:
        where = f"{settings.host}:{settings.gateway_port}"
        if error.errno == errno.EADDRINUSE:
            raise EnvironmentBroken(f"{where} is in use: stop what listens there, or set LGSP_GATEWAY_PORT to a free port.") from None
        why = f"{error.strerror or error}: correct LGSP_HOST or LGSP_GATEWAY_PORT"
        raise EnvironmentBroken(f"The gateway can't listen on {where} ({why}).") from None


def log_plainly(level: str) -> None:
    """One line a message, to stderr. aiokafka would repeat itself at every attempt; the publisher says once what matters."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
