"""What gateway and metrics bound alike, attacked on real sockets: memory stays flat, and whoever
asks properly is answered meanwhile.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvloop
from served import (
    GET,
    Clock,
    Port,
    answer,
    on_uvloop,
    problem_of,
    served,
    small_gateway,
    small_metrics,
    until,
)
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving import connections
from serving.connections import CONNECTION_METRICS, KEPT_FILES, Connections, most
from serving.protocol import (
    HEAD_LIMIT,
    HEAD_SECONDS,
    HEADERS_LIMIT,
    UNREAD_BYTES,
    UNREAD_SECONDS,
    Protocol,
)

PORTS = {"gateway": small_gateway, "metrics": small_metrics}
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: hub\r\n\r\n"
Attack = Callable[[Port], Awaitable[None]]


@pytest.fixture(scope="module", params=PORTS)
def attacked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., None]]:
    """Runs an attack against either port: on a server of its own, of one application on one loop
    for all of them.
    """
    beside: list[Callable[[], str]] = []

    async def run(app: Any, attack: Attack, most: int) -> None:
        def make(all_: Connections) -> Any:
            beside[:] = [all_.text]
            return app

        async with served(make, most=most) as port:
            await attack(port)
            status, text = await port.ask(SCRAPE)
            assert status == 200
            assert b'lgsp_http_limited_total{reason="unread"}' in text

    folder = tmp_path_factory.mktemp(request.param)
    with (
        PORTS[request.param](folder, lambda: beside[0]()) as app,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        yield lambda attack, most=16: runner.run(run(app, attack, most))


def held(port: Port) -> list[Protocol]:
    return [one for one in port.connections._open if isinstance(one, Protocol)]


def test_half_sent_heads_and_silent_connections_keep_out_nobody_and_are_closed(
    attacked: Callable[..., None],
) -> None:
    async def attack(port: Port) -> None:
        silent = [await port.connect() for _ in range(100)]
        for _, writer in silent[::2]:
            writer.write(b"GET /healthz HTTP/1.1\r\nX-Half: ")
        for _ in range(20):
            assert (await port.ask())[0] == 200
        assert len(held(port)) <= 16
        assert port.met("evicted") >= 84
        port.pass_time(HEAD_SECONDS + 1)
        await until(lambda: not held(port))
        rest = [await reader.read() for reader, _ in silent[-4::2]]
        assert all(one.startswith(b"HTTP/1.1 408 ") for one in rest)
        assert port.met("head_time") > 0

    attacked(attack)


def test_a_head_that_drips_has_no_more_time_than_one_that_stands_still(
    attacked: Callable[..., None],
) -> None:
    async def attack(port: Port) -> None:
        reader, writer = await port.connect()
        writer.write(GET)
        assert (await answer(reader))[0] == 200
        for _ in range(4):
            writer.write(b"GET /"[:1])
            await until(lambda: held(port)[0]._begun is not None)
            port.pass_time(HEAD_SECONDS / 3)
        assert problem_of(await answer(reader)) == "too-slow"

    attacked(attack)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * HEAD_LIMIT,
        b"GET / HTTP/1.1\r\nX-Long: " + b"a" * HEAD_LIMIT + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (HEADERS_LIMIT + 1) + b"\r\n",
        b"GET / HTTP/1.1\r\nX-Endless: " + b"a" * (10 << 20),
    ],
    ids=["address", "header", "headers", "10 MB"],
)
def test_a_head_beyond_the_limits_is_refused(attacked: Callable[..., None], head: bytes) -> None:
    async def attack(port: Port) -> None:
        reader, writer = await port.connect()
        writer.write(head[: HEAD_LIMIT + 1_000])
        assert problem_of(await answer(reader)) == "head-too-large"
        writer.write(head[HEAD_LIMIT + 1_000 :])
        await until(lambda: not held(port))
        assert port.met("head_size") == 1
        just = b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * (HEADERS_LIMIT - 1) + b"b: "
        assert (await port.ask(just + b"c" * (HEAD_LIMIT - len(just) - 4) + b"\r\n\r\n"))[0] == 200

    attacked(attack)


CHUNKED = b"POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "begin",
    [
        [CHUNKED, b"0\r\n", b"\r\nGET / HTTP/1.1\r\nX-Endless: a"],
        [CHUNKED + b"0\r\nX-Endless: a"],
        [CHUNKED + b"1;a"],
        [b"POST /nowhere HTTP/1.1\r\nContent-Length: 4 \r\n\r\nabcdGET / HTTP/1.1\r\nX-Endless: a"],
    ],
    ids=[
        "end of the body in two reads",
        "headers behind a body",
        "name of a chunk",
        "blank behind a length",
    ],
)
def test_no_head_grows_beyond_its_limit_behind_a_body(
    attacked: Callable[..., None], begin: list[bytes]
) -> None:
    """The parser keeps the value of a header until it ends: it must never be given an endless
    one.
    """

    async def attack(port: Port) -> None:
        _, writer = await port.connect()
        for part in begin:
            writer.write(part)
            await until(lambda: bool(held(port)) and not held(port)[0].flow.read_paused)
            await port.ask()  # by now it was read by itself
        fed = 0
        with suppress(ConnectionError):
            while held(port) and fed < 10 << 20:
                writer.write(b"a" * HEAD_LIMIT)
                fed += HEAD_LIMIT
                await writer.drain()
        assert fed < 10 << 20
        await until(lambda: not held(port))
        assert port.met("head_size") == 1

    attacked(attack)


def test_a_system_that_allows_no_more_files_is_served_with_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert connections.raise_open_files() == 256


def test_pipelined_requests_wait_in_their_socket_until_answers_are_read(
    attacked: Callable[..., None],
) -> None:
    async def attack(port: Port) -> None:
        _, writer = await port.ignore(SCRAPE)
        sent = asyncio.create_task(flood(writer, SCRAPE))
        await until(lambda: bool(held(port)) and held(port)[0].flow.write_paused)
        connection = held(port)[0]
        unsent = connection.unsent
        for _ in range(50):
            await port.ask()
            assert connection.flow.read_paused
            assert len(connection.pipeline) == 0
            assert len(connection._unfed) <= 256 << 10
            assert connection.unsent <= unsent  # not one answer more
        port.pass_time(0)
        port.pass_time(UNREAD_SECONDS + 1)
        await until(lambda: not held(port))
        assert port.met("unread") == port.met("pipelined") == 1
        sent.cancel()

    attacked(attack)


async def flood(writer: asyncio.StreamWriter, request: bytes) -> None:
    """Requests without end, as fast as the socket takes them."""
    while True:
        writer.write(request * 1_000)
        await writer.drain()


def test_who_comes_after_a_crowd_that_sends_ahead_is_answered_before_most_of_it(
    attacked: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop accepts one connection a turn: its turns must not be as long as the crowd is
    large.
    """
    crowd, ahead, answered = 100, 100, [0]
    original = RequestResponseCycle.run_asgi

    async def run_asgi(self: RequestResponseCycle, app: Any) -> None:
        answered[0] += 1
        await original(self, app)

    monkeypatch.setattr(RequestResponseCycle, "run_asgi", run_asgi)

    async def attack(port: Port) -> None:
        clients = await asyncio.gather(*(port.connect() for _ in range(crowd)))
        readings = [asyncio.create_task(reader.read(-1)) for reader, _ in clients]
        await until(lambda: len(port.connections._open) == crowd)
        for _, writer in clients:
            writer.write(GET * ahead)
        # of whom the last is accepted a hundred turns later
        news = [asyncio.create_task(port.ask()) for _ in range(crowd)]
        for status, _ in await asyncio.gather(*news):
            assert status == 200
        assert answered[0] < crowd * ahead / 2
        for reading in readings:
            reading.cancel()
        for _, writer in clients:
            writer.transport.abort()

    attacked(attack, 3 * crowd)


def test_pipelined_requests_are_all_answered_in_order_when_they_are_read(
    attacked: Callable[..., None],
) -> None:
    async def attack(port: Port) -> None:
        reader, writer = await port.connect()
        chunked = (
            b"POST /nowhere HTTP/1.1\r\nTransfer-Encoding:"
            b" chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"
        )
        known = b"POST /nowhere HTTP/1.1\r\nContent-Length: 40\r\n\r\n" + b"\r\n\r\n" * 10
        writer.write((GET + chunked + known) * 200 + GET)
        found = [(await answer(reader))[0] for _ in range(601)]
        assert found == [200, 404, 404] * 200 + [200]

    attacked(attack)


def test_an_answer_that_is_read_slowly_is_read_whole(attacked: Callable[..., None]) -> None:
    async def attack(port: Port) -> None:
        reader, writer = await port.ignore(SCRAPE * 1_000)
        await until(lambda: held(port)[0].flow.write_paused)
        for _ in range(20):
            before = held(port)[0].unsent
            await reader.readexactly(4 * UNREAD_BYTES)
            # until the system has told the server that there is room, however busy the machine
            for _ in range(500):
                if held(port)[0].unsent != before:
                    break
                await asyncio.sleep(0.01)
            port.pass_time(UNREAD_SECONDS / 3)
        assert port.met("unread") == 0
        writer.close()

    attacked(attack)


def test_connections_that_were_answered_and_never_read_are_closed(
    attacked: Callable[..., None],
) -> None:
    """An answer that fits the socket's memory is none that stays; one that does not is given up,
    closing or not.
    """

    async def attack(port: Port) -> None:
        last = SCRAPE.replace(b"Host: hub", b"Host: hub\r\nConnection: close")
        clients = [await port.ignore(SCRAPE * 1_000 + last) for _ in range(8)]
        await until(lambda: sum(one.unsent > 0 for one in held(port)) == len(clients))
        port.pass_time(0)
        port.pass_time(UNREAD_SECONDS + 1)
        await until(lambda: not held(port))

    attacked(attack)


def test_all_unread_answers_together_have_a_bound(
    attacked: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def attack(port: Port) -> None:
        monkeypatch.setattr(connections, "UNSENT_BYTES", 1)
        clients = [await port.ignore(SCRAPE * 1_000) for _ in range(4)]
        await until(lambda: sum(one.unsent > 0 for one in held(port)) == len(clients))
        port.pass_time(0)
        await until(lambda: not held(port))
        assert port.met("unread") == len(clients)

    attacked(attack)


def test_a_body_nobody_asked_for_is_taken_for_a_while_and_then_closed(
    attacked: Callable[..., None],
) -> None:
    async def attack(port: Port) -> None:
        reader, writer = await port.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n")
        assert (await answer(reader))[0] == 200
        for _ in range(64):
            writer.write(b"x" * (64 << 10))
            await writer.drain()
        assert len(held(port)[0].cycle.body) <= 64 << 10
        port.pass_time(HEAD_SECONDS + 1)
        await until(lambda: not held(port))

    attacked(attack)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"CONNECT hub:1 HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_http_is_told_so_at_once(attacked: Callable[..., None], garbage: bytes) -> None:
    async def attack(port: Port) -> None:
        assert problem_of(await port.ask(garbage)) == "http-error"
        assert port.met("no_http") == 1

    attacked(attack)


def test_a_client_that_offers_http_2_is_answered_in_http_1(attacked: Callable[..., None]) -> None:
    """Java's own client does with each first request; the parser would take its body for another
    protocol.
    """

    async def attack(port: Port) -> None:
        offer = (
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        )
        asked = b"POST /nowhere HTTP/1.1\r\nHost: hub\r\n" + offer + b"Content-Length: 2\r\n\r\n{}"
        reader, writer = await port.connect()
        writer.write(asked + GET)
        assert [(await answer(reader))[0] for _ in range(2)] == [404, 200]

    attacked(attack)


@asynccontextmanager
async def busy(most: int) -> AsyncIterator[tuple[Port, asyncio.Event]]:
    """A server whose answers take until the event."""
    go = asyncio.Event()

    async def app(_: Any, __: Any, send: Any) -> None:
        await go.wait()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        )
        await send({"type": "http.response.body", "body": b""})

    async with served(lambda _: app, most=most) as port:
        yield port, go


def test_beyond_the_limit_of_requests_under_way_the_next_is_told_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        async with busy(4) as (port, go):
            asked = [asyncio.create_task(port.ask()) for _ in range(4)]
            await until(
                lambda: len(held(port)) == 4 and all(one.cycle is not None for one in held(port))
            )
            for _ in range(30):
                assert problem_of(await port.ask()) == "unavailable"
            assert port.met("connections") == 30
            go.set()
            assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 4
            assert (await port.ask())[0] == 200

    with caplog.at_level(logging.WARNING):
        on_uvloop(work())
    assert [one.getMessage() for one in caplog.records if "no room" in one.getMessage()] == [
        "From 127.0.0.1: there was no room for another connection; lgsp_http_limited_total counts"
        " them."
    ]


def test_a_limit_is_said_again_after_a_while_with_how_often_it_was_met(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    door = Connections(16, 1_000, clock)
    for seconds in (0, 1, 58, 2):
        clock.now += seconds
        door.met("no_http", "192.0.2.1")
    assert [one.getMessage() for one in caplog.records] == [
        "From 192.0.2.1: something came that is not HTTP; lgsp_http_limited_total counts them.",
        (
            "From 192.0.2.1: something came that is not HTTP (and 2 times more since this was last"
            " said); lgsp_http_limited_total counts them."
        ),
    ]


@pytest.mark.parametrize(
    ("wanted", "files", "found"),
    [
        (1_024, 65_536, 1_024),
        (1_024, 1_024, 1_024 - KEPT_FILES),
        (1_024, 256, 128),
        (1_024, 64, 32),
        (16, 65_536, 16),
        (16, 1, 1),
    ],
)
def test_there_are_no_more_connections_than_open_files_allow(
    wanted: int, files: int, found: int
) -> None:
    assert most(wanted, files) == found
    door = Connections(wanted, files)
    assert door.limit == found
    assert files < 64 or found + door.backlog <= files


def test_a_process_that_may_open_few_files_says_how_many_connections_it_has() -> None:
    """As its own process, since a limit once lowered stays so."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 256))\n"
        "from serving.connections import Connections\n"
        "print(Connections(1024).limit, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["128", "256"]
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0


def test_every_metric_of_the_server_is_told_as_it_is_declared() -> None:
    text = Connections(16).text()
    for metric in CONNECTION_METRICS:
        assert f"# HELP {metric.name} {metric.means} {metric.do}\n" in text


def test_uvicorn_has_what_the_protocol_stands_on() -> None:
    """Its names and habits are no promise of uvicorn's: when one goes, this says which, before an
    attacker does.
    """
    for name in (
        "connection_made",
        "connection_lost",
        "data_received",
        "on_headers_complete",
        "on_message_complete",
        "on_response_complete",
        "resume_writing",
        "send_400_response",
    ):
        assert callable(getattr(HttpToolsProtocol, name)), name
    fields = inspect.getsource(HttpToolsProtocol.__init__) + inspect.getsource(
        RequestResponseCycle.__init__
    )
    for name in (
        "transport",
        "flow",
        "cycle",
        "client",
        "headers",
        "logger",
        "loop",
        "body",
        "response_complete",
    ):
        assert f"self.{name}" in fields, name
    assert "self.flow = FlowControl(transport)" in inspect.getsource(
        HttpToolsProtocol.connection_made
    )
    assert "self.flow.resume_reading()" in inspect.getsource(RequestResponseCycle.receive)
    assert "self.on_response()" in inspect.getsource(RequestResponseCycle.send)
    assert {"read_paused", "write_paused"} <= set(vars(FlowControl(asyncio.Transport())))
