"""The gateway as a process: topics, publisher, heartbeat and HTTP server, until SIGTERM or
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from functools import partial
from typing import NamedTuple

from connectors.gateway.access import GatewayAccess
from connectors.gateway.app import gateway_app, watch_topics
from connectors.gateway.health import Health
from connectors.gateway.heartbeat import beat
from connectors.gateway.housekeeping import keep_house
from connectors.gateway.open_access import warn_if_open
from connectors.gateway.packet_clients import RegisteredClients
from connectors.gateway.used import keep_noting
from connectors.packets.access import OpenAccess, PacketAccess
from connectors.packets.door import PacketDoor
from connectors.packets.register import KnownDirectory
from connectors.publishing.publisher import Publisher
from connectors.sandbox.place import OpensSandbox
from connectors.vault.feed import VaultKeyFeed
from connectors.vault.vault import Vault
from schemas.kafka.topics import when_ready
from schemas.settings import Settings
from schemas.spaces import NO_HUB, is_sandbox
from serving import logs
from serving.access.audit import AuditLog
from serving.access.auditing import keep_auditing
from serving.access.gate import Gate
from serving.access.register import RegisterFeed
from serving.access.scraping import Scraping
from serving.connections import Connections
from serving.directory.feed import DirectoryFeed
from serving.http import Server, run_server, spare_collections
from serving.store.background import Background
from serving.store.memory import IDLE_MS
from serving.tls import ServerTls

log = logging.getLogger(__name__)

_COLLECTED = 10_000  # objects; its requests leave cycles rather than large answers


def run_gateway(settings: Settings) -> int:
    """Serve in the foreground until asked to stop; the process's exit code."""
    if is_sandbox(settings.space):
        print(f"LGSP_SPACE is {settings.space}, {NO_HUB}", file=sys.stderr)
        return 1
    logs.set_up(settings, "gateway", aiokafka="CRITICAL")  # the publisher says once what matters
    return run_server(settings, "gateway_port", "The gateway", partial(_serve, settings))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    """Serve on a listening socket until a signal; the requests in flight are finished.

    Raises: SettingsError when the topics exist with another number of partitions;
    EnvironmentBroken for a file of a secret that others may read.
    """
    who, health = _who(settings), Health()
    audit = AuditLog("gateway") if who.feeds else None
    vault_keys = VaultKeyFeed(settings)
    vault = Vault(settings, lambda: vault_keys.known)
    async with Publisher(settings) as publisher:
        sandbox = OpensSandbox(
            settings,
            lambda: who.access.clients,
            who.directory,
            lambda opened: _beat_in_sandbox(opened, health),
        )
        packets = PacketDoor(
            settings, publisher, who.packets, directory=who.directory, sandbox=sandbox.open
        )
        server = _server(settings, publisher, who.access, audit, packets, sandbox, health, vault)
        spare_collections(_COLLECTED)
        tasks = [
            asyncio.create_task(_ensure_topics(settings, server)),
            asyncio.create_task(beat(publisher, settings.heartbeat_seconds)),
            asyncio.create_task(keep_house(settings, publisher, health, lambda: vault_keys.known)),
        ]
        if audit is not None:
            tasks.append(asyncio.create_task(keep_noting(settings, who.access)))
            tasks.append(asyncio.create_task(keep_auditing(settings, audit)))
            tasks.append(asyncio.create_task(sandbox.keep()))
        # whom it lets in rests on them: without them it ends, and is started again
        for feed in who.feeds:
            feed.start(when_ended=server.stop_soon)
        vault_keys.start()
        try:
            await server.serve([listener])
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(
                *tasks, packets.stop(), sandbox.stop(), return_exceptions=True
            )
            for feed in (*who.feeds, vault_keys):
                await asyncio.to_thread(feed.stop)
        for result in (*ended, *(feed.failure for feed in who.feeds)):
            if isinstance(result, Exception):
                raise result


class _Who(NamedTuple):
    """Who may, at either door; the directory of agencies for packets; and what has to be fed for
    it: nothing where everybody may.
    """

    access: GatewayAccess
    packets: PacketAccess
    directory: KnownDirectory
    feeds: list[Background]


def _who(settings: Settings) -> _Who:
    if settings.access == "open":
        return _Who(GatewayAccess(), OpenAccess(), KnownDirectory(settings), [])
    register, directory = RegisterFeed(settings), DirectoryFeed(settings, IDLE_MS)
    access = GatewayAccess(
        Gate.of(settings, lambda: register.register),
        lambda: register.register,
        lambda: directory.directory if directory.progress.ready else None,
        scraping=Scraping.of(settings),
    )
    packets = RegisteredClients(lambda: register.register, access.buckets)
    known = KnownDirectory(settings, directory)
    return _Who(access, packets, known, [register, directory])


def _server(
    settings: Settings,
    publisher: Publisher,
    access: GatewayAccess,
    audit: AuditLog | None,
    packets: PacketDoor,
    sandbox: OpensSandbox,
    health: Health,
    vault: Vault,
) -> Server:
    connections, tls = Connections(settings.connections), ServerTls.of(settings)
    told = [one for one in (connections, packets.tally, audit, tls) if one is not None]
    app = gateway_app(
        settings,
        publisher,
        health,
        access=access,
        audit=audit,
        vault=vault,
        beside=lambda: "".join(one.text() for one in told),
        packets=packets,
        sandbox=sandbox.open,
    )
    return Server(
        app,
        "gateway",
        ["/v1/events"],
        connections=connections,
        grace_seconds=int(settings.publish_timeout) + 5,
        space=settings.space,
        tls=tls,
        proxies=settings.proxies,
    )


async def _beat_in_sandbox(publisher: Publisher, health: Health) -> None:
    """Its figures are as fresh as its heartbeats, and its topics are watched like all others."""
    watch_topics(health, publisher)
    await beat(publisher, publisher.settings.heartbeat_seconds)


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
    await warn_if_open(settings)
