"""What workers published of one partition: pages of cells, states, and how far each of them has
come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.recount.verdict import VerdictCells
from schemas.cells.applied import CountingRules, is_applied, read_applied_page
from schemas.cells.codec import CellSums
from schemas.cells.kinds import APPLIED
from schemas.cells.pages import CellKey, cells_of_page
from schemas.errors import ContractError, NewerLayout
from schemas.kafka.reading import read_to_end
from schemas.states import APPLIED_KEY, read_applied
from streams.admission import looks_like_page, looks_like_state


@dataclass
class Pages:
    """A family's newest pages."""

    values: dict[bytes, bytes | None] = field(default_factory=dict)
    offsets: dict[bytes, int] = field(default_factory=dict)
    junk: list[str] = field(default_factory=list)  # places of what is no page
    applied: int = 0  # the offset of the first event that they do not stand for
    rules: CountingRules | None = None  # that counted them

    def cells(self, topic: TopicPartition) -> VerdictCells:
        """The counts that they hold, without how far they have come."""
        return dict(self._readable(topic))

    def _readable(self, topic: TopicPartition) -> Iterator[tuple[CellKey, CellSums]]:
        for key, value in self.values.items():
            try:
                found = [cell for cell in cells_of_page(key, value) if cell[0].kind != APPLIED]
            except ContractError:
                self.junk.append(_place(topic, self.offsets[key]))
            else:
                yield from found


@dataclass
class States:
    """A family's newest states as they stood at an offset of the events."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    # the offset that they stand for: the one asked for if they say it, else the nearest that they
    # do
    stand: int = 0
    junk: list[str] = field(default_factory=list)


def _place(topic: TopicPartition, offset: int) -> str:
    """Where a record stands."""
    return f"{topic.topic}/{topic.partition}/{offset}"


async def pages_of(reader: AIOKafkaConsumer, topic: TopicPartition) -> Mapping[bytes, Pages]:
    """The newest pages of each family, by its name; what is none is passed over, as the cube does.

    Raises: NewerLayout if a later version of the hub keeps these books.
    """
    found: defaultdict[bytes, Pages] = defaultdict(Pages)
    async for record in records(reader, topic):
        key = record.key
        if key is None:
            continue
        pages = found[key.partition(b"|")[0]]
        if record.value and not looks_like_page(record.value):
            pages.junk.append(_place(topic, record.offset))
            continue
        pages.values[key], pages.offsets[key] = record.value, record.offset
    for pages in found.values():
        _read_applied(pages, topic)
    return found


def _read_applied(pages: Pages, topic: TopicPartition) -> None:
    for key in filter(is_applied, pages.values):
        try:
            pages.applied, pages.rules, _ = read_applied_page(pages.values[key])
        except NewerLayout:
            raise
        except ContractError:
            pages.junk.append(_place(topic, pages.offsets[key]))


async def states_of(reader: AIOKafkaConsumer, topic: TopicPartition, applied: int) -> States:
    """The newest states that stand for the events before `applied`; workers may have gone on
    since.
    """
    found, reached = States(), False  # whether they say just that offset
    waiting: list[tuple[bytes, bytes | None]] = []  # of the transaction that is being read
    async for record in records(reader, topic):
        if record.key == APPLIED_KEY:
            stand = _stand(found, topic, record)
            if stand is None:
                continue
            if stand > applied:
                found.stand = found.stand if reached else stand
                break
            found.stand, reached = stand, stand == applied
            _take_in(found.rows, waiting)
            waiting.clear()
        elif record.value and not looks_like_state(record.value):
            found.junk.append(_place(topic, record.offset))
        elif record.key is not None:
            waiting.append((record.key, record.value))
    return found


def _stand(found: States, topic: TopicPartition, record: Any) -> int | None:
    try:
        return read_applied(record.value or b"").next
    except ValueError:
        found.junk.append(_place(topic, record.offset))
        return None


def _take_in(rows: dict[bytes, bytes], written: list[tuple[bytes, bytes | None]]) -> None:
    for key, row in written:
        if row:
            rows[key] = row
        else:
            rows.pop(key, None)


async def records(reader: AIOKafkaConsumer, partition: TopicPartition) -> AsyncIterator[Any]:
    """Every committed record of a partition, up to its end as it is now."""
    reader.assign([partition])
    async for _, found in read_to_end(reader, partition):
        for record in found:
            yield record
