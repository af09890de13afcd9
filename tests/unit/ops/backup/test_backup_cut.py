"""States and cells of one moment: copied while workers go on, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from ops.backup import cut
from ops.backup.chunks import entries_of
from ops.backup.cut import NotOneMoment, PartitionCut
from schemas.cells.applied import CellsStanding, CountingRules, applied_row
from schemas.settings import Settings
from schemas.states import applied_state
from schemas.topics import CELLS, state_topic

STATES, PAGES = TopicPartition(state_topic("dossiers"), 0), TopicPartition(CELLS, 0)
Row = tuple[bytes, bytes | None]


class Broker:
    """Two topics in memory, as a consumer reads them; `workers` says what is committed when a
    topic's end is asked for.
    """

    def __init__(self) -> None:
        self.rows: dict[TopicPartition, dict[int, Row]] = {STATES: {}, PAGES: {}}
        self.ends = {STATES: 0, PAGES: 0}
        self.positions: dict[TopicPartition, int] = {}
        self.asked = 0
        self.workers: dict[int, Any] = {}
        self.assigned: Sequence[TopicPartition] = ()

    def commit(
        self, offset: int, *states: bytes, topics: Sequence[TopicPartition] = (STATES, PAGES)
    ) -> None:
        """A transaction: states and their mark, a page and `applied`, and the transaction's own
        mark in both.
        """
        page = applied_row("dossiers", CellsStanding(offset, CountingRules(1)))
        value = b"%d" % offset
        written = {
            STATES: [*((key, value) for key in states), applied_state(offset)],
            PAGES: [(b"dossiers|A|1", value), page],
        }
        for topic in topics:
            for row in written[topic]:
                self.rows[topic][self.ends[topic]] = row
                self.ends[topic] += 1
            self.ends[topic] += 1

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self.assigned = partitions

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        for partition in partitions:
            self.positions[partition] = 0

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked += 1
        if act := self.workers.pop(self.asked, None):
            act()
        return {partition: self.ends[partition] for partition in partitions}

    async def getmany(
        self, *partitions: TopicPartition, **_: Any
    ) -> dict[TopicPartition, list[Any]]:
        (partition,) = partitions
        start, self.positions[partition] = self.positions[partition], self.ends[partition]
        found = [
            SimpleNamespace(offset=at, key=key, value=value, timestamp=at, headers=())
            for at, (key, value) in sorted(self.rows[partition].items())
            if at >= start
        ]
        return {partition: found} if found else {}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "CUT_PATIENCE", 0.05)


async def taken(broker: Broker, root: Path) -> tuple[int, dict[bytes, bytes | None]]:
    """The offset that the copy stands for, and its states; the cells must say the same offset."""
    one = PartitionCut(broker, Settings(partitions=1), 0, ["dossiers"], root, "books/x")
    await one.copy()
    states = {row.key or b"": row.value for row in entries_of(root, one.chunks[STATES.topic])}
    (page,) = [row.value for row in entries_of(root, one.chunks[CELLS])][-1:]
    (standing,) = one.standings
    assert page == b"%d" % standing.offset
    return standing.offset, states


def parts(root: Path) -> list[Path]:
    """What was begun and is no chunk."""
    return list(root.rglob("*.part"))


# The ends are asked for in this order: states before and after they are read, cells before they are
# read, then until nothing is new.
BEFORE, AFTER, CELLS_BEFORE, CELLS_AFTER = 1, 2, 3, 4


@pytest.mark.parametrize("when", [BEFORE, AFTER, CELLS_BEFORE, CELLS_AFTER])
async def test_a_transaction_that_comes_meanwhile_is_in_both_or_in_neither(
    tmp_path: Path, when: int
) -> None:
    broker = Broker()
    broker.commit(3, b"a", b"b")
    broker.workers[when] = lambda: broker.commit(5, b"b", b"c")
    assert await taken(broker, tmp_path) == (5, {b"a": b"3", b"b": b"5", b"c": b"5"})


async def test_states_that_are_ahead_are_cut_at_the_cells_moment(tmp_path: Path) -> None:
    """What is written after cells were read to their end is in neither."""
    broker = Broker()
    broker.commit(3, b"a", b"b")
    broker.workers[CELLS_BEFORE] = lambda: broker.commit(5, b"b", b"c")
    read, getmany = [], broker.getmany

    async def then_more(*partitions: TopicPartition, **options: Any) -> Any:
        if partitions == (STATES,) and read:
            broker.commit(8, b"a", b"d")
        read.append(partitions)
        return await getmany(*partitions, **options)

    broker.getmany = then_more  # type: ignore[method-assign]
    assert await taken(broker, tmp_path) == (5, {b"a": b"3", b"b": b"5", b"c": b"5"})


async def test_what_compaction_took_before_is_no_hole(tmp_path: Path) -> None:
    broker = Broker()
    broker.commit(3, b"a", b"b")
    broker.commit(5, b"b", b"c")
    for gone in (1, 2):  # b's first state, and the mark behind it
        del broker.rows[STATES][gone]
    assert await taken(broker, tmp_path) == (5, {b"a": b"3", b"b": b"5", b"c": b"5"})


async def test_what_compaction_takes_out_meanwhile_makes_it_try_again(tmp_path: Path) -> None:
    """A row written after the states were read is gone before the copy gets there: another moment
    has to be found.
    """
    broker = Broker()
    broker.commit(3, b"a", b"b")

    def act() -> None:
        broker.commit(5, b"b", b"c")
        del broker.rows[STATES][4]  # b's, which a later transaction will have written again

    broker.workers[CELLS_BEFORE] = act
    broker.workers[CELLS_AFTER + 1] = lambda: broker.commit(7, b"b")
    assert await taken(broker, tmp_path) == (7, {b"a": b"3", b"b": b"7", b"c": b"5"})


async def test_books_that_do_not_fit_together_are_left_out(tmp_path: Path) -> None:
    broker = Broker()
    broker.commit(3, b"a")
    broker.commit(5, b"b", topics=[STATES])
    with pytest.raises(NotOneMoment, match="stand at 5, and the cells at 3"):
        await taken(broker, tmp_path)
    assert parts(tmp_path) == []


async def test_books_of_before_states_said_how_far_they_have_come_are_left_out(
    tmp_path: Path,
) -> None:
    broker = Broker()
    broker.commit(3, b"a")
    del broker.rows[STATES][1]
    with pytest.raises(NotOneMoment, match="earlier version"):
        await taken(broker, tmp_path)


async def test_a_transaction_whose_cells_are_not_readable_yet_is_waited_for(tmp_path: Path) -> None:
    """Its parts become readable one after another: what compaction took out for its sake could be
    missing in a copy without it.
    """
    broker = Broker()
    broker.commit(3, b"a", b"b")

    def act() -> None:
        broker.commit(5, b"b", topics=[STATES])
        del broker.rows[STATES][1]

    broker.workers[AFTER] = act
    broker.workers[CELLS_AFTER + 1] = lambda: broker.commit(5, topics=[PAGES])
    assert await taken(broker, tmp_path) == (5, {b"a": b"3", b"b": b"5"})
