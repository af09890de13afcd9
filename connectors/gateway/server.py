"""The gateway as a process: topics, publisher, heartbeat and HTTP server, until SIGTERM or
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial

from connectors.gateway.app import gateway_app
from connectors.gateway.heartbeat import beat
from connectors.packets.access import OpenAccess
from connectors.packets.door import PacketDoor
from connectors.publishing.publisher import Publisher
from schemas.kafka.topics import when_ready
from schemas.settings import Settings
from serving import logs
from serving.connections import Connections
from serving.http import Server, run_server, spare_collections

log = logging.getLogger(__name__)

_COLLECTED = 10_000  # objects; its requests leave cycles rather than large answers


def run_gateway(settings: Settings) -> int:
    """Serve in the foreground until asked to stop; the process's exit code."""
    logs.set_up(settings, "gateway", aiokafka="CRITICAL")  # the publisher says once what matters
    return run_server(settings, "gateway_port", "The gateway", partial(_serve, settings))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    """Serve on a listening socket until a signal; the requests in flight are finished.

    Raises: SettingsError when the topics exist with another number of partitions.
    """
    async with Publisher(settings) as publisher:
        packets = PacketDoor(settings, publisher, OpenAccess())
        server = _server(settings, publisher, packets)
        spare_collections(_COLLECTED)
        topics = asyncio.create_task(_ensure_topics(settings, server))
        beating = asyncio.create_task(beat(publisher, settings.heartbeat_seconds))
        try:
            await server.serve([listener])
        finally:
            for task in (topics, beating):
                task.cancel()
            ended = await asyncio.gather(topics, beating, packets.stop(), return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result


def _server(settings: Settings, publisher: Publisher, packets: PacketDoor) -> Server:
    connections = Connections(settings.connections)
    app = gateway_app(
        settings,
        publisher,
        beside=lambda: connections.text() + packets.tally.text(),
        packets=packets,
    )
    return Server(
        app,
        "gateway",
        ["/v1/events"],
        connections=connections,
        grace_seconds=int(settings.publish_timeout) + 5,
        space=settings.space,
    )


async def _ensure_topics(settings: Settings, server: Server) -> None:
    """Make the topics as soon as Kafka answers; a mismatch ends the server, since books would be
    split differently.
    """
    try:
        made = await when_ready(settings, lambda error: log.debug("topics not made yet: %s", error))
    except Exception:  # raised again by whoever awaits this at the end, which is now
        server.stop_soon()
        raise
    if made:
        log.info("made the topics %s", ", ".join(made))
