"""Both ports on real sockets, in the test's own process: the gateway over a publisher that
remembers, metrics over a small cube.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from accesses import Clients, TopicInMemory, draft
from agencies import Items, agency, state
from cubes import INDICATORS, NOW, at, counted, filled
from fastapi import FastAPI
from gateways import Remembers
from listings import empty, paced
from refusals import EntriesInMemory
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.gateway import clients as client_routes
from connectors.gateway import gateway_app
from connectors.gateway import quarantine as quarantine_routes
from metrics.api.access import ReadingAccess
from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.lists import listing_routes
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.lists.questions import Lists
from metrics.prometheus.exporter import Exporter
from ops.meanings import meanings
from schemas.settings import Settings
from serving.access.audit import AuditLog
from serving.access.scraping import Scraping
from serving.connections import Connections
from serving.directory.directory import Directory
from serving.http import Server, bound_sending
from serving.protocol import Protocol
from serving.store.progress import Progress

FORMULA = '=HYPERLINK("http://sample.invalid","X")'

GET = b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n"
GRACE_SECONDS = 1


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Port:
    """A server that answers: its connections, and how to speak with it."""

    def __init__(self, listener: socket.socket, connections: Connections, clock: Clock) -> None:
        self.address, self.connections, self.clock = listener.getsockname()[:2], connections, clock

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection."""
        return await asyncio.open_connection(*self.address)

    async def ignore(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that asks and takes next to nothing of the answers, until it is read
        from.
        """
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 10)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, self.address)
        reader, writer = await asyncio.open_connection(sock=small, limit=1 << 10)
        writer.write(request)
        return reader, writer

    async def ask(self, request: bytes = GET) -> tuple[int, bytes]:
        """The status and body of one request on a connection of its own."""
        reader, writer = await self.connect()
        try:
            writer.write(request)
            return await answer(reader)
        finally:
            writer.close()

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass for every connection."""
        self.clock.now += seconds
        self.connections.sweep()

    def met(self, reason: str) -> float:
        """How often a limit was met."""
        return (
            self.connections.registry.get_sample_value(
                "lgsp_http_limited_total", {"reason": reason}
            )
            or 0.0
        )


@contextmanager
def small_metrics(
    folder: Path,
    beside: Callable[[], str] = lambda: "",
    access: ReadingAccess | None = None,
) -> Iterator[FastAPI]:
    """The reporting API over a small province, with an agency that registered itself under names
    that are formulas, and a procedure.
    """
    cube, listing, directory = (
        filled(
            folder,
            [
                counted("dossiers|received|TST.A|P1|20251103", received=3),
                counted("dossiers|received|TST.X|P9|20251103", received=2),
                counted("dossiers|closed|TST.A|P1|20251105", closed=2, finished=2, on_time=1),
                counted(f"dossiers|open|TST.A|P1|{at('2025-11-11T17:00')}", open=4),
                counted("inventory|systems|TST.A|portal|20240301", systems=5),
                counted("inventory|systems|TST.A|portal|99991231", systems=-5),
            ],
        ),
        empty(folder),
        Directory(registered()),
    )
    ready = Progress(ready=True, percent=100.0, partitions=1)
    shared: Any = {"progress": lambda: ready, "clock": lambda: NOW, "directory": lambda: directory}
    views = Views(Readers(cube), INDICATORS, {}, **shared)
    lists = Lists(views, paced(cube, listing), meanings(), progress=lambda: ready)
    exporter = Exporter(cube, views, beside=beside)
    yield create_app(views, exporter, [directory_routes(views), listing_routes(lists)], access)
    cube.close()
    listing.close()


def registered() -> Items:
    """What is registered in it."""
    items = agency({}, "TST.A", "province", name_vi=FORMULA, name_en="@SUM(1+1)")
    return state(
        items,
        "procedure/P1",
        "procedure.registered",
        "TST.A",
        "2024-01-01",
        procedure="P1",
        field="land",
    )


@contextmanager
def small_gateway(_: Path, beside: Callable[[], str] = lambda: "") -> Iterator[FastAPI]:
    """The gateway over a publisher that remembers."""
    yield gateway_app(Settings(), Remembers(), beside=beside)


class SignedIn:
    """Sends a header with every request that has none of the name: schemathesis would leave it out
    where it tries what is wrong.
    """

    def __init__(self, app: ASGIApp, header: tuple[bytes, bytes]) -> None:
        self._app, self._header = app, header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [one for one in scope.get("headers", []) if one[0] != self._header[0]]
        await self._app({**scope, "headers": [*headers, self._header]}, receive, send)


@contextmanager
def small_guarded_metrics(folder: Path) -> Iterator[FastAPI]:
    """The same where access is required, and an agency's reader asks."""
    rights = {"agencies": ("TST.A",), "role": "agency", "doors": ()}
    clients = Clients(draft("reader", **rights))
    access = ReadingAccess(clients.gate, Scraping(required=True), AuditLog("metrics"))
    with small_metrics(folder, access=access) as app:
        key = clients.basic("reader")["Authorization"].encode()
        app.add_middleware(SignedIn, header=(b"authorization", key))
        yield app


@contextmanager
def small_guarded_gateway(folder: Path) -> Iterator[FastAPI]:
    """The same where access is required and an operator asks, with the register in memory."""
    rights = {"agencies": ("*",), "role": "operator", "events_a_second": 0, "bytes_a_second": 0}
    clients = Clients(draft("operator", **rights), draft("shop"))
    app = gateway_app(Settings(data=folder), Remembers(), access=clients.access)
    key = clients.basic("operator")["Authorization"].encode()
    app.add_middleware(SignedIn, header=(b"authorization", key))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client_routes, "topic", TopicInMemory(clients))
        refused = EntriesInMemory("shop")
        for name in ("entries", "find", "original_of"):
            patched.setattr(quarantine_routes, name, getattr(refused, name))
        yield app


@asynccontextmanager
async def served(make: Callable[[Connections], Any], *, most: int = 64) -> AsyncIterator[Port]:
    """Serve, on a port of its own, the application that is made."""
    clock = Clock()
    connections = Connections(most, clock=clock)
    server = Server(
        make(connections), "test", ["/"], connections=connections, grace_seconds=GRACE_SECONDS
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bound_sending(listener)
        running = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)
        try:
            yield Port(listener, connections, clock)
        finally:
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            for listening in server.servers:
                listening.close()
            # an end in good order takes a fifth of a second: test_serving.py looks at that
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next answer's status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return int(head.split(b" ")[1]), await reader.readexactly(int(headers[b"content-length"]))


def problem_of(answered: tuple[int, bytes]) -> str:
    """The type of a problem document, checked for its shape."""
    document = json.loads(answered[1])
    assert document["status"] == answered[0]
    assert document["detail"]
    return str(document["type"].removeprefix("urn:lgsp:problem:"))


async def until(holds: Callable[[], bool]) -> None:
    """Wait, for so many turns at most, until something holds."""
    for _ in range(5_000):
        if holds():
            return
        await asyncio.sleep(0.002)
    pytest.fail("it never came to hold")


def on_uvloop(work: Coroutine[Any, Any, None]) -> None:
    """Run it on the loop that the processes use."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def held(port: Port) -> list[Protocol]:
    """The connections that a server has open."""
    return [one for one in port.connections._open if isinstance(one, Protocol)]
