"""The memory that bodies share: held as they arrive, given back, never blocked for good; and slow
bodies keep out nobody.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from gateways import RECEIVED, Remembers
from hypothesis import given
from hypothesis import strategies as st
from served import Clock, Port, answer, on_uvloop, problem_of, served
from strategies import examples

from connectors.gateway import gateway_app, room
from connectors.gateway.room import PRESSED_RATE, PRESSED_SECONDS, BodyRoom, BodyShare, NoRoom
from schemas.settings import Settings

KIB = 1 << 10
BODY = json.dumps(RECEIVED).encode()
GOOD = (
    b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length:"
    b" %d\r\n\r\n%s" % (len(BODY), BODY)
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits looks again after every turn of the loop."""
    monkeypatch.setattr(room, "TICK_SECONDS", 0.0)


class Shared:
    """A room and the bodies in it, by hand."""

    def __init__(self, limit: int = 100) -> None:
        self.clock = Clock()
        self.room = BodyRoom(limit, self.clock)
        self._open: dict[BodyShare, ExitStack] = {}

    def body(self, client: str = "a") -> BodyShare:
        """A new body that arrives."""
        stack = ExitStack()
        share = stack.enter_context(self.room.share(client))
        self._open[share] = stack
        return share

    def end(self, share: BodyShare) -> None:
        """Its request is answered."""
        self._open.pop(share).close()

    def begin(self, share: BodyShare, size: int) -> asyncio.Task[None]:
        """Take, in a task of its own."""
        return asyncio.create_task(self.room.take(share, size, 60))


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_bytes_are_held_until_the_end_and_whoever_waits_goes_on_then() -> None:
    hub = Shared(100)
    one, other = hub.body("a"), hub.body("b")
    await hub.room.take(one, 40, 60)
    await hub.room.take(one, 30, 60)
    later = hub.begin(other, 40)
    await turns()
    assert (hub.room.used, hub.room.waiting, later.done()) == (70, 1, False)
    hub.end(one)
    await later
    assert (hub.room.used, hub.room.waiting) == (40, 0)


async def test_new_bodies_leave_a_quarter_to_those_that_have_begun() -> None:
    hub = Shared(100)
    one, new = hub.body("a"), hub.body("b")
    await hub.room.take(one, 45, 60)
    later = hub.begin(new, 40)
    await turns()
    assert not later.done()
    await asyncio.wait_for(hub.begin(one, 5), 5)
    hub.end(one)
    await later


async def test_one_client_has_half_and_is_in_nobody_elses_way() -> None:
    hub = Shared(100)
    first, second, other = hub.body("a"), hub.body("a"), hub.body("b")
    await hub.room.take(first, 40, 60)
    waits = hub.begin(second, 20)
    await turns()
    assert hub.room.waiting == 1
    await asyncio.wait_for(hub.begin(other, 30), 5)
    hub.end(first)
    await waits


async def test_one_body_alone_may_be_larger_than_the_room() -> None:
    hub = Shared(100)
    alone = hub.body()
    for _ in range(5):
        await hub.room.take(alone, 60, 60)
    assert hub.room.used == 300


async def test_no_room_in_time_is_told_and_leaves_nothing() -> None:
    hub = Shared(100)
    one, other = hub.body("a"), hub.body("b")
    await hub.room.take(one, 70, 60)
    with pytest.raises(NoRoom, match=r"within 0\.01 s"):
        await hub.room.take(other, 40, 0.01)
    assert (hub.room.used, hub.room.waiting) == (70, 0)


async def test_a_slow_body_gives_way_to_whoever_waits() -> None:
    hub = Shared(100)
    slow, fast, new = hub.body("a"), hub.body("b"), hub.body("c")

    async def read(share: BodyShare, size: int) -> None:
        async with asyncio.timeout(None) as patience:
            with share.arriving(patience):
                share.arrived(size)
                await hub.room.take(share, size, 60)
                await asyncio.Event().wait()

    reading = [asyncio.create_task(read(slow, 40)), asyncio.create_task(read(fast, 30))]
    await turns()
    later = hub.begin(new, 40)
    await turns()
    assert not any(task.done() for task in (*reading, later))
    hub.clock.now += PRESSED_SECONDS / 2
    fast.arrived(PRESSED_RATE)
    hub.clock.now += PRESSED_SECONDS * 0.75
    with pytest.raises(TimeoutError):
        await reading[0]
    assert slow.refused == room.SLOW
    hub.end(slow)
    await later
    assert not reading[1].done()
    reading[1].cancel()


async def test_a_refused_body_does_not_go_on_with_what_came_in_the_same_turn() -> None:
    """Whoever was refused is looked at no more: it could have dripped with all that it holds for
    hours.
    """
    hub = Shared(100)
    share = hub.body()
    async with asyncio.timeout(None) as patience:
        with share.arriving(patience):
            await hub.room.take(share, 40, 60)
            share.refuse(room.SLOW)
            share.arrived(10)
            with pytest.raises(NoRoom, match="slowly"):
                await hub.room.take(share, 10, 60)
    hub.end(share)
    assert hub.room.used == 0


async def test_a_crowd_of_half_read_bodies_that_fill_the_room_does_not_block_it() -> None:
    """Each holds some and waits for more: the last in turn give back until the first has all it
    needs, without any time passing.
    """
    hub = Shared(100)
    crowd = [hub.body(str(number)) for number in range(10)]
    for share in crowd[:7]:
        await hub.room.take(share, 10, 60)
    for share in crowd[:3]:
        await hub.room.take(share, 10, 60)
    assert hub.room.used == hub.room.limit
    tasks = {share: hub.begin(share, 30) for share in crowd}
    ended = []
    while tasks:
        done, _ = await asyncio.wait_for(
            asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED), 10
        )
        for share, task in list(tasks.items()):
            if task in done:
                ended.append(task.exception() is None)
                del tasks[share]
                hub.end(share)
    assert hub.room.used == hub.room.waiting == 0
    assert any(ended)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.integers(1, 90), min_size=1, max_size=5)),
        min_size=1,
        max_size=12,
    )
)
@examples(100)
def test_whatever_arrives_ends_and_somebody_always_gets_through(
    bodies: list[tuple[str, list[int]]],
) -> None:
    async def work() -> None:
        hub = Shared(100)

        async def one(client: str, sizes: list[int]) -> bool:
            with hub.room.share(client) as share:
                try:
                    for size in sizes:
                        await hub.room.take(share, size, 60)
                        await asyncio.sleep(0)
                except NoRoom:
                    return False
                return True

        answered = await asyncio.wait_for(asyncio.gather(*(one(*body) for body in bodies)), 30)
        assert any(answered)
        assert (hub.room.used, hub.room.waiting, +hub.room._of_client) == (0, 0, {})

    asyncio.run(work())


# ---- on real sockets


def attacked(attack: Callable[[Port, Remembers], object], **options: object) -> None:
    async def work() -> None:
        publisher = Remembers()
        app = gateway_app(Settings(**options), publisher)  # type: ignore[arg-type]
        async with served(lambda _: app) as port:
            await attack(port, publisher)  # type: ignore[misc]

    on_uvloop(work())


def announcing(length: int) -> bytes:
    return (
        b"POST /v1/events HTTP/1.1\r\nHost: hub\r\nContent-Type:"
        b" application/json\r\nContent-Length: %d\r\n\r\n" % length
    )


def test_slow_connections_that_announce_much_keep_out_nobody() -> None:
    async def attack(port: Port, publisher: Remembers) -> None:
        slow = [await port.connect() for _ in range(40)]
        for _, writer in slow:
            writer.write(announcing(8 << 20) + b"[")
        for _ in range(20):
            assert (await port.ask(GOOD))[0] == 202
        assert len(publisher.events) == 20
        assert (
            b"lgsp_gateway_buffer_bytes 40.0"
            in (await port.ask(b"GET /metrics HTTP/1.1\r\n\r\n"))[1]
        )

    attacked(attack)


def test_half_read_bodies_that_fill_the_memory_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PRESSED_SECONDS", 0.05)
    monkeypatch.setattr(room, "STANDSTILL_SECONDS", 3.0)

    async def attack(port: Port, _: Remembers) -> None:
        slow = [await port.connect() for _ in range(8)]
        for _, writer in slow:
            writer.write(announcing(900 * KIB) + b" " * (500 * KIB))
            await writer.drain()
        for _ in range(5):
            assert (await port.ask(GOOD))[0] == 202
        told = [problem_of(await answer(reader)) for reader, _ in slow]
        assert "unavailable" in told
        assert set(told) <= {"unavailable", "too-slow"}

    attacked(attack, publish_buffer=1 << 20)


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "STANDSTILL_SECONDS", 0.2)

    async def attack(port: Port, _: Remembers) -> None:
        reader, writer = await port.connect()
        writer.write(announcing(1 << 20))
        told = asyncio.create_task(answer(reader))
        while not told.done():
            writer.write(b" ")
            await asyncio.sleep(0.01)
        assert problem_of(await told) == "too-slow"

    attacked(attack)


def test_a_body_that_comes_steadily_has_all_the_time_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Far longer than it may stand still."""
    monkeypatch.setattr(room, "STANDSTILL_SECONDS", 0.2)
    monkeypatch.setattr(room, "LEAST_RATE", 1)

    async def attack(port: Port, publisher: Remembers) -> None:
        reader, writer = await port.connect()
        writer.write(announcing(len(BODY)))
        for place in range(0, len(BODY), 8):
            writer.write(BODY[place : place + 8])
            await asyncio.sleep(0.02)
        assert (await answer(reader))[0] == 202
        assert len(publisher.events) == 1

    attacked(attack)
