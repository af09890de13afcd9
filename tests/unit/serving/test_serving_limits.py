"""What gateway and metrics bound alike, attacked on real sockets: memory stays flat, and whoever
asks properly is answered meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import uvloop
from served import GET, Port, answer, held, problem_of, served, small_gateway, small_metrics, until
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serving import connections
from serving.connections import Connections
from serving.protocol import HEAD_LIMIT, HEAD_SECONDS, HEADERS_LIMIT, UNREAD_BYTES, UNREAD_SECONDS

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
