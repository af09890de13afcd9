"""The gateway as a process: topics, publisher, heartbeat and HTTP server, until SIGTERM or
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial

from connectors.gateway.access import GatewayAccess
from connectors.gateway.app import gateway_app
from connectors.gateway.health import Health
from connectors.gateway.heartbeat import beat
from connectors.gateway.housekeeping import keep_house
from connectors.gateway.used import keep_noting
from connectors.publishing.publisher import Publisher
from connectors.vault.feed import VaultKeyFeed
from connectors.vault.vault import Vault
from schemas.kafka.topics import when_ready
from schemas.settings import Settings
from serving import logs
from serving.access.gate import Gate
from serving.access.register import IDLE_MS, RegisterFeed
from serving.connections import Connections
from serving.directory.feed import DirectoryFeed
from serving.http import Server, run_server, spare_collections
from serving.store.background import Background

log = logging.getLogger(__name__)

_COLLECTED = 10_000  # objects; its requests leave cycles rather than large answers


def run_gateway(settings: Settings) -> int:
    """Serve in the foreground until asked to stop; the process's exit code."""
    logs.set_up(settings, "gateway", aiokafka="CRITICAL")  # the publisher says once what matters
    return run_server(settings, "gateway_port", "The gateway", partial(_serve, settings))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    """Serve on a listening socket until a signal; the requests in flight are finished.

    Raises: SettingsError when the topics exist with another number of partitions;
    EnvironmentBroken for a file of a secret that others may read.
    """
    access, feeds = _access(settings)
    vault_keys = VaultKeyFeed(settings)
    vault = Vault(settings, lambda: vault_keys.known)
    async with Publisher(settings) as publisher:
        health = Health()
        server = _server(settings, publisher, health, access, vault)
        spare_collections(_COLLECTED)
        tasks = [
            asyncio.create_task(_ensure_topics(settings, server)),
            asyncio.create_task(beat(publisher, settings.heartbeat_seconds)),
            asyncio.create_task(keep_house(settings, publisher, health, lambda: vault_keys.known)),
        ]
        if feeds:
            tasks.append(asyncio.create_task(keep_noting(settings, access)))
        # whom it lets in rests on them: without them it ends, and is started again
        for feed in feeds:
            feed.start(when_ended=server.stop_soon)
        vault_keys.start()
        try:
            await server.serve([listener])
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for feed in (*feeds, vault_keys):
                await asyncio.to_thread(feed.stop)
        for result in (*ended, *(feed.failure for feed in feeds)):
            if isinstance(result, Exception):
                raise result


def _access(settings: Settings) -> tuple[GatewayAccess, list[Background]]:
    """Who may, and what has to be fed for it: nothing where everybody may."""
    if settings.access == "open":
        return GatewayAccess(), []
    register, directory = RegisterFeed(settings), DirectoryFeed(settings, IDLE_MS)
    gate = Gate.of(settings, lambda: register.register)
    access = GatewayAccess(
        gate,
        lambda: register.register,
        lambda: directory.directory if directory.progress.ready else None,
    )
    return access, [register, directory]


def _server(
    settings: Settings, publisher: Publisher, health: Health, access: GatewayAccess, vault: Vault
) -> Server:
    connections = Connections(settings.connections)
    app = gateway_app(
        settings, publisher, health, access=access, vault=vault, beside=connections.text
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
