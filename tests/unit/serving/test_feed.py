"""The feed's reading of one topic: where it begins, what it compares, when it says that it is
complete; Kafka is a double here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from cubes import NOW, Record, cell

from metrics.cube.cube import Cube
from metrics.cube.feed import cube_options
from schemas.topics import CELLS
from serving.store.disposable import LONGEST_AWAY_MS, Position, Untrusted
from serving.store.following import HURRY_MS, Following
from serving.store.options import FollowerOptions
from serving.store.progress import Progress

PARTITIONS = [TopicPartition(CELLS, 0), TopicPartition(CELLS, 1)]


class Drained(Exception):
    """The double has nothing more to hand out."""


class Reader:
    """A consumer over lists of records; `control` records take an offset and are never handed
    out.
    """

    def __init__(self, records: dict[int, list[Record]], first: int = 0, control: int = 1) -> None:
        self.log = {TopicPartition(CELLS, number): found for number, found in records.items()}
        self.first, self.control = first, control
        self.at: dict[TopicPartition, int] = {}
        self.heard: int | None = NOW

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return self.heard

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == PARTITIONS

    async def beginning_offsets(
        self, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.first)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {partition: self.end(partition) for partition in partitions}

    def end(self, partition: TopicPartition) -> int:
        found = self.log.get(partition, [])
        return found[-1].offset + 1 + self.control if found else self.first

    last_stable_offset = end

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.at[partition]

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Record]]:
        """A record of each partition at a time."""
        if all(self.at[partition] >= self.end(partition) for partition in self.at):
            raise Drained
        found: dict[TopicPartition, list[Record]] = {}
        for partition, at in self.at.items():
            ahead = [record for record in self.log.get(partition, []) if record.offset >= at]
            if ahead:
                found[partition] = ahead[:1]
            self.at[partition] = ahead[0].offset + 1 if ahead else self.end(partition)
        return found


def received(count: int, offset: int, partition: int = 0, timestamp: int = NOW) -> Record:
    return cell(
        f"dossiers|received|A|P{partition}|20251103",
        count,
        partition=partition,
        offset=offset,
        timestamp=timestamp,
    ).record


@pytest.fixture
def cube(tmp_path: Path) -> Iterator[Cube]:
    made = Cube(tmp_path / "cube.sqlite")
    made.open("one", NOW)
    yield made
    made.close()


def following(
    reader: Reader,
    cube: Cube,
    positions: dict[int, Position] | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
    options: FollowerOptions | None = None,
) -> Following:
    return Following(
        reader,  # type: ignore[arg-type]
        cube,
        options or cube_options(),
        positions or {},
        tell,
        lambda: NOW,
    )


async def follow(
    reader: Reader, cube: Cube, positions: dict[int, Position] | None = None
) -> list[Progress]:
    said: list[Progress] = []
    with pytest.raises(Drained):
        await following(reader, cube, positions, said.append).run(PARTITIONS)
    return said


LOG = {0: [received(1, 5), received(2, 6), received(3, 9)], 1: [received(4, 7, 1)]}


async def test_it_reads_from_the_beginning_and_becomes_ready_at_the_end(cube: Cube) -> None:
    said = await follow(Reader(LOG, first=5), cube)
    assert [progress.ready for progress in said] == [False] * (len(said) - 1) + [True]
    percents = [progress.percent for progress in said]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0.0, 100.0)
    assert (said[-1].lag, said[-1].partitions) == (0, 2)
    # behind a transaction's marker
    assert cube.open("one", NOW) == {0: Position(10, 9, NOW), 1: Position(9, 7, NOW)}


async def test_an_empty_topic_is_ready_at_once(cube: Cube) -> None:
    assert [progress.ready for progress in await follow(Reader({}), cube)] == [True]


async def test_it_goes_on_where_it_was_and_reads_the_last_record_once_more(cube: Cube) -> None:
    reader = Reader(LOG)
    await follow(reader, cube, {0: Position(7, 6, NOW)})
    assert cube.stats.records == 3  # offsets 6 and 9, and 7 of the other partition


@pytest.mark.parametrize("position", [Position(7, 6, NOW - 1), Position(6, 5, NOW + 5)])
async def test_another_record_at_the_last_offset_is_another_topic(
    cube: Cube, position: Position
) -> None:
    with pytest.raises(Untrusted, match="made anew"):
        await following(Reader(LOG), cube, {0: position}).run(PARTITIONS)


async def test_a_last_record_that_compaction_took_says_nothing(cube: Cube) -> None:
    await follow(Reader(LOG), cube, {0: Position(9, 8, NOW - 1)})
    assert cube.stats.records == 2


@pytest.mark.parametrize("next_, first", [(12, 0), (400, 0), (3, 5)])
async def test_a_position_outside_the_topic_is_another_topic(
    cube: Cube, next_: int, first: int
) -> None:
    positions = {0: Position(next_, next_ - 1, NOW)}
    with pytest.raises(Untrusted, match="it was fed up to offset"):
        await following(Reader(LOG, first), cube, positions).run(PARTITIONS)


async def test_a_file_deleted_under_way_is_not_trusted(cube: Cube) -> None:
    cube.path.unlink()
    with pytest.raises(Untrusted, match="deleted"):
        await following(Reader(LOG), cube).run(PARTITIONS)


async def test_what_brokers_have_is_not_known_while_they_are_silent(cube: Cube) -> None:
    reader = Reader(LOG)
    reader.heard = NOW - 5_001
    assert {progress.lag for progress in await follow(reader, cube)} == {None}


async def test_it_was_complete_when_the_brokers_last_answered(cube: Cube) -> None:
    reader = Reader(LOG)
    reader.heard = NOW - LONGEST_AWAY_MS + 7
    await follow(reader, cube)
    assert cube.open("one", NOW + 7) != {}
    assert cube.open("one", NOW + 8) == {}


async def test_it_was_not_complete_before_they_answered_at_all(cube: Cube) -> None:
    reader = Reader(LOG)
    reader.heard = None
    await follow(reader, cube)
    assert cube.open("one", NOW + LONGEST_AWAY_MS + 1) == {}


async def test_what_is_less_urgent_rests_in_proportion_to_its_work(
    cube: Cube, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch takes two seconds of a clock that moves by one at every look."""
    looks, rests = iter(range(1_000)), []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr("serving.store.following.perf_counter", lambda: 2.0 * next(looks))
    monkeypatch.setattr("serving.store.following.asyncio.sleep", rest)
    resting = replace(cube_options(), rest=1.5)
    with pytest.raises(Drained):
        await following(Reader(LOG), cube, options=resting).run(PARTITIONS)
    slices = round(3_000 / HURRY_MS)
    assert rests == [HURRY_MS / 1000] * slices * cube.stats.batches
    assert cube.stats.batches > 1
    rests.clear()
    hurried = replace(resting, hurry=lambda: len(rests) >= 7)
    with pytest.raises(Drained):
        await following(Reader(LOG), cube, options=hurried).run(PARTITIONS)
    assert len(rests) == 7, "nobody rests while somebody waits"
