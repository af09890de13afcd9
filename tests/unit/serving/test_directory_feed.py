"""The directory's feed: what it takes of the topic, when it is complete, and what makes another
directory; Kafka is a double here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest
from agencies import Items as Stated
from agencies import agency, merged_communes
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from schemas.clock import now_ms
from schemas.settings import Settings
from schemas.states import Item, applied_state
from schemas.topics import state_topic
from serving.directory import feed as directory_feed
from serving.directory.directory import Directory
from serving.directory.feed import (
    SETTLED_SECONDS,
    DirectoryFeed,
    Items,
    LastingMistakes,
    both,
)
from serving.directory.items import Mistake
from serving.store.progress import Progress

TOPIC = state_topic("inventory")
PARTITIONS = [TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)]
DAY = date(2025, 7, 1)
encode = msgspec.msgpack.encode


@dataclass
class Record:
    """A record of the topic."""

    key: bytes | None
    value: bytes | None
    partition: int = 0
    offset: int = 0
    topic: str = TOPIC


class Drained(Exception):
    """The double has nothing more to hand out."""


class Reader:
    """A consumer that hands out one record at a time; a transaction's marker takes the last offset
    of a partition.
    """

    def __init__(self, *records: Record) -> None:
        self.left = list(records)
        self.at: dict[TopicPartition, int] = {}

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == PARTITIONS

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        ends = {
            partition: sum(record.partition == partition.partition for record in self.left)
            for partition in partitions
        }
        return {partition: end + 1 if end else 0 for partition, end in ends.items()}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return now_ms()

    def last_stable_offset(self, partition: TopicPartition) -> int:
        return self.at[partition]

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Record]]:
        if not self.left:
            raise Drained
        record = self.left.pop(0)
        partition = PARTITIONS[record.partition]
        more = any(other.partition == record.partition for other in self.left)
        self.at[partition] += 1 if more else 2
        return {partition: [record]}


def records(stated: Stated, partition: int = 0) -> list[Record]:
    return [Record(name.encode(), encode(item), partition) for name, item in stated.items()]


class Watched(DirectoryFeed):
    """Remembers after each step whether it was ready and how many agencies it knew."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.seen: list[tuple[bool, int]] = []

    def _tell(self, progress: Progress) -> None:
        super()._tell(progress)
        self.seen.append((self.progress.ready, len(self.directory.agencies(DAY))))


async def follow(
    *given: Record, feed: Watched | None = None
) -> tuple[DirectoryFeed, list[tuple[bool, int]]]:
    """The feed after all records, and what it was after each step of this reading."""
    feed = feed or Watched()
    feed.seen = []
    with pytest.raises(Drained):
        await feed._feed(Reader(*given), "cluster", PARTITIONS)  # type: ignore[arg-type]
    return feed, feed.seen


async def test_it_is_ready_when_all_that_stood_there_was_read_and_not_before() -> None:
    feed, seen = await follow(
        *records(agency({}, "A", "unit")), *records(agency({}, "B", "unit"), 1)
    )
    assert seen == [(False, 0), (False, 0), (True, 2)]
    assert feed.progress.percent == 100.0


async def test_an_empty_topic_is_ready_at_once_and_knows_nobody() -> None:
    feed, seen = await follow()
    assert seen == [(True, 0)]
    assert feed.directory.empty


async def test_the_directory_is_the_one_of_the_items() -> None:
    feed, _ = await follow(*records(merged_communes()))
    assert feed.directory.agencies(DAY) == Directory(merged_communes()).agencies(DAY) != []


def test_figures_are_complete_when_cube_and_directory_are() -> None:
    cube, directory = (
        Progress(True, 100.0, 0, 4, "following"),
        Progress(True, 100.0, doing="following"),
    )
    reading = Progress(False, 40.0, doing="reading the directory")
    assert both(cube, directory) == cube
    assert both(cube, reading) == Progress(False, 40.0, 0, 4, "reading the directory")
    building = Progress(False, 7.5, None, 4, "catching up")
    assert both(building, directory) == both(building, reading) == building


async def test_while_it_reads_anew_the_directory_stays_the_one_that_was() -> None:
    feed, _ = await follow(*records(agency({}, "A", "unit")))
    known = feed.directory
    again, seen = await follow(
        *records(agency({}, "A", "unit")), *records(agency({}, "B", "unit"), 1), feed=feed
    )
    assert seen == [(True, 1), (True, 1), (True, 2)]
    assert again.directory is not known


def test_a_heartbeat_makes_no_other_directory_and_a_statement_does() -> None:
    items = Items()
    (first,) = records(agency({}, "A", "unit"))
    assert items.apply([first])
    beaten = Item(items.items["agency/A"].statements, heartbeat=5)
    assert not items.apply([Record(first.key, encode(beaten))])
    assert items.items["agency/A"].heartbeat == 5
    assert items.apply(records(agency({}, "A", "unit", "P")))


def test_how_far_the_states_have_come_is_no_item() -> None:
    items = Items()
    assert not items.apply([Record(*applied_state(7))])
    assert (items.items, items.unreadable) == ({}, {})


def test_an_item_that_is_gone_is_gone() -> None:
    items = Items()
    (first,) = records(agency({}, "A", "unit"))
    items.apply([first])
    assert items.apply([Record(first.key, None)])
    assert items.items == {}
    assert not items.apply([Record(first.key, None)])


@pytest.mark.parametrize("record", [Record(b"agency/A", b"\xc1"), Record(b"\xff", encode(Item()))])
def test_what_is_no_state_is_left_out_and_told(record: Record) -> None:
    items = Items()
    assert items.apply([record])  # the mistake is told
    assert items.items == {}
    (mistake,) = items.unreadable.values()
    assert (mistake.kind, mistake.place) == ("unreadable", f"{TOPIC}/0, offset 0")
    assert Directory(items.items, items.unreadable.values()).mistakes == [mistake]


async def test_what_is_no_state_is_told_until_a_later_record_mends_it() -> None:
    (good,) = records(agency({}, "A", "unit"))
    feed, _ = await follow(Record(good.key, b"\xc1"))
    assert [mistake.kind for mistake in feed.directory.mistakes] == ["unreadable"]
    feed, _ = await follow(Record(good.key, b"\xc1"), good)
    assert (feed.directory.mistakes, feed.directory.agencies(DAY)) == ([], ["A"])


def test_what_is_wrong_is_said_once_it_was_wrong_for_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A parent often comes a moment after its child: a first start would alarm of the whole
    province.
    """
    now = [100.0]
    monkeypatch.setattr(directory_feed, "monotonic", lambda: now[0])
    mistakes = LastingMistakes()
    mistakes.replace([Mistake("unreadable", "", "child", "", "its parent is not registered")])
    mistakes.say()
    now[0] += SETTLED_SECONDS - 1
    mistakes.say()
    assert not caplog.messages
    for _ in range(3):
        mistakes.replace([Mistake("unreadable", "", "other", "", "cannot be read")])
        mistakes.say()
        now[0] += SETTLED_SECONDS
    assert caplog.messages == ["The directory: other: cannot be read."]


async def test_a_topic_made_anew_is_read_from_its_beginning_and_what_was_known_stays_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Anew(Reader):
        """The topic is deleted and made again after the first reading, with another agency."""

        lost = False

        async def getmany(self, **_: Any) -> dict[TopicPartition, list[Record]]:
            if not self.left and not self.lost:
                self.lost = True
                self.left = records(agency({}, "B", "unit"))
                raise OffsetOutOfRangeError({PARTITIONS[0]: 2})
            return await super().getmany()

    async def no_sleep(_: float) -> None:
        return None

    monkeypatch.setattr("serving.store.follower.asyncio.sleep", no_sleep)
    feed = Watched()
    with pytest.raises(Drained):
        await feed._feed(Anew(*records(agency({}, "A", "unit"))), "cluster", PARTITIONS)  # type: ignore[arg-type]
    assert feed.seen == [(False, 0), (True, 1), (True, 1), (True, 1)]
    assert feed.directory.agencies(DAY) == ["B"]
    assert any("was made anew" in message for message in caplog.messages)
