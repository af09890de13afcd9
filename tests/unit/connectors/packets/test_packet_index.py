"""The index of packets: what stands in it, whatever stands in the topics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from aiokafka import TopicPartition

from connectors.packets.index import (
    PacketIndex,
    PacketSession,
    Reached,
    expired_sessions,
    is_fed,
    kept_packets,
    kept_session,
)
from connectors.packets.states import Packet, PacketRecord, decode_record, encode_record
from schemas.topics import packets_topic, sessions_topic
from serving.store.disposable import Snapshots

NOW = 1_762_135_200_000
PACKETS, SESSIONS = packets_topic(), sessions_topic()


@dataclass
class Row:
    """A record of Kafka."""

    topic: str
    offset: int
    key: bytes | None
    value: bytes | None
    partition: int = 0
    timestamp: int = NOW


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def index(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[PacketIndex]:
    made = PacketIndex(tmp_path / "packets.sqlite", "official", Reached(loop))
    made.open("cluster", NOW)
    yield made
    made.close()


def record(version: int, status: int) -> bytes:
    return encode_record(PacketRecord("c", "HS-1", version, Packet(status, "P")))


def statuses(index: PacketIndex, *keys: bytes) -> list[int]:
    with Snapshots(index, "it is read anew").snapshot() as db:
        found = kept_packets(db, keys or (b"c|HS-1",))
    packets = [decode_record(value).packet for value in found.values()]
    return [packet.status for packet in packets if packet is not None]


def feed(index: PacketIndex, *rows: Row) -> None:
    ends = {TopicPartition(row.topic, row.partition): row.offset + 1 for row in rows}
    index.apply(rows, ends)  # type: ignore[arg-type]


@pytest.mark.parametrize("apart", [False, True])
def test_of_two_records_of_one_version_the_first_stands(index: PacketIndex, apart: bool) -> None:
    rows = [
        Row(PACKETS, number, b"c|HS-1", record(version, status))
        for number, (version, status) in enumerate([(1, 2), (1, 4), (2, 5), (2, 9), (1, 10)])
    ]
    for part in [[row] for row in rows] if apart else [rows]:
        feed(index, *part)
    assert statuses(index) == [5]


def test_what_no_gateway_wrote_is_passed_over(index: PacketIndex) -> None:
    feed(
        index,
        Row(PACKETS, 0, b"c|HS-1", record(1, 2)),
        Row(PACKETS, 1, b"c|HS-1", b"\xc1 no record"),
        Row(PACKETS, 2, None, record(1, 2)),
        Row(SESSIONS, 0, b"digest", b"\xc1 no session"),
    )
    assert statuses(index) == [2]


def test_sessions_come_and_go(index: PacketIndex) -> None:
    session = msgspec.msgpack.encode(PacketSession("c", NOW))
    feed(index, Row(SESSIONS, 0, b"one", session), Row(SESSIONS, 1, b"two", session))
    snapshots = Snapshots(index, "it is read anew")
    with snapshots.snapshot() as db:
        assert kept_session(db, b"one") == PacketSession("c", NOW)
        assert expired_sessions(db, NOW - 1, 10) == []
        assert sorted(expired_sessions(db, NOW, 10)) == [b"one", b"two"]
    feed(index, Row(SESSIONS, 2, b"one", None))
    with snapshots.snapshot() as db:
        assert kept_session(db, b"one") is None
        assert kept_session(db, b"two") is not None


def test_who_waits_goes_on_when_it_was_fed_and_waits_again_when_it_is_made_anew(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    reached = Reached(loop)
    index = PacketIndex(tmp_path / "packets.sqlite", "official", reached)
    index.open("cluster", NOW)
    end = {TopicPartition(PACKETS, 0): 1}

    async def fed() -> None:
        waiting = asyncio.create_task(reached.until(end))
        await asyncio.sleep(0)
        assert not waiting.done()
        await asyncio.to_thread(feed, index, Row(PACKETS, 0, b"c|HS-1", record(1, 2)))
        await waiting
        await reached.until(end)

    loop.run_until_complete(fed())
    index.rebuild("cluster", NOW, "for a test")

    async def anew() -> None:
        waiting = asyncio.create_task(reached.until(end))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    loop.run_until_complete(anew())
    index.close()


def test_where_it_stood_is_known_after_a_restart(
    index: PacketIndex, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    feed(index, Row(PACKETS, 6, b"c|HS-1", record(3, 4)))
    index.close()
    reached = Reached(loop)
    again = PacketIndex(tmp_path / "packets.sqlite", "official", reached)
    positions = again.open("cluster", NOW)
    with Snapshots(again, "it is read anew").snapshot() as db:
        assert is_fed(db, {TopicPartition(PACKETS, 0): 7, TopicPartition(PACKETS, 1): 0})
        assert not is_fed(db, {TopicPartition(PACKETS, 0): 8})
        assert not is_fed(db, {TopicPartition(SESSIONS, 0): 1})
    assert positions[TopicPartition(PACKETS, 0)].next == 7
    loop.run_until_complete(reached.until({TopicPartition(PACKETS, 0): 7}))
    assert statuses(again) == [4]
    again.close()
