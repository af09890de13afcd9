"""`lgsp metrics`: the feeds, the reporting API and /metrics of one or several books in one process,
until SIGTERM or Ctrl-C.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from functools import partial

from metrics.api.access import ReadingAccess
from metrics.application import ByBooks, ServedBooks
from metrics.catalogue.indicators import load_agencies, load_indicators
from metrics.lists.listing import Meaning
from metrics.tracing.service import Tracing
from schemas.settings import Settings
from schemas.storage import require_writable
from serving import logs
from serving.access.audit import AuditLog
from serving.access.auditing import keep_auditing
from serving.access.gate import Gate
from serving.access.register import RegisterFeed
from serving.access.scraping import Scraping
from serving.connections import Connections
from serving.http import Server, run_server, spare_collections
from serving.store.background import Background
from serving.tls import ServerTls

_GRACE_SECONDS = 5
_COLLECTED = 100_000  # objects: more than an answer of a thousand rows makes
# Seconds that a thread may keep Python's lock from another. SQLite lets go of it at every
# statement, so at the usual 5 ms a feed would wait its batch's number of statements times as long
# while a scrape is rendered.
SWITCH_SECONDS = 0.0005


def run(settings: Settings, meanings: Sequence[Meaning] = ()) -> int:
    """Serve in the foreground until asked to stop; the process's exit code. Without `meanings` of
    states there are no lists.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    logs.set_up(settings, "metrics")
    return run_server(
        settings, "metrics_port", "The reporting API", partial(serve, settings, meanings=meanings)
    )


async def serve(
    settings: Settings, listener: socket.socket, meanings: Sequence[Meaning] = ()
) -> None:
    """Serve on a listening socket until a signal, or until a vital feed ends for good.

    Raises: CatalogueError; EnvironmentBroken for a folder that can't be written, and for a file of
    a secret that others may read; SettingsError for
    office hours that are none, or topics that exist with another number of partitions.
    """
    for one in settings.served:
        require_writable(one.read_models, "The metrics process")
    indicators, agencies = load_indicators(settings.indicators), load_agencies(settings.agencies)
    connections = Connections(settings.connections)
    tracing = Tracing(settings, meanings)
    access, clients = _access(settings)
    tls = ServerTls.of(settings)
    beside = partial(_beside, connections, access, tls)
    served = [
        ServedBooks(one, indicators, agencies, meanings, tracing, access, beside)
        for one in settings.served
    ]
    app = ByBooks({one.name: one.app for one in served}, access)
    server = Server(
        app,
        "metrics",
        ["/metrics", "/v1/indicators"],
        connections=connections,
        grace_seconds=_GRACE_SECONDS,
        space=settings.space,
        tls=tls,
        proxies=settings.proxies,
    )
    feeds = [*(feed for one in served for feed in one.feeds), *tracing.feeds, *clients]
    spare_collections(_COLLECTED)
    # a vital one that ends takes the server with it: figures that no longer move must not be told
    for feed in feeds:
        feed.start(when_ended=server.stop_soon if feed.vital else _nothing)
    watching = [asyncio.create_task(one.lag.watch()) for one in served]
    if access.audit is not None:
        watching.append(asyncio.create_task(keep_auditing(settings, access.audit)))
    try:
        await server.serve([listener])
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for feed in feeds:
            await asyncio.to_thread(feed.stop)
    for feed in feeds:
        if feed.vital and feed.failure is not None:
            raise feed.failure


def _access(settings: Settings) -> tuple[ReadingAccess, list[Background]]:
    """Who may read, and what has to be fed for it: nothing where everybody may."""
    scraping = Scraping.of(settings)
    if settings.access == "open":
        return ReadingAccess(scraping=scraping), []
    register = RegisterFeed(settings)
    gate = Gate.of(settings, lambda: register.register)
    return ReadingAccess(gate, scraping, AuditLog("metrics")), [register]


def _beside(connections: Connections, access: ReadingAccess, tls: ServerTls | None) -> str:
    """Further metrics of the process."""
    others = [one.text() for one in (access.audit, tls) if one is not None]
    return "".join((connections.text(), *others))


def _nothing() -> None:
    """The figures go on without it."""
