"""Books of many dossiers, made as the worker makes them but without Kafka between: half-years told
one by one, each joined in memory.

States and counts are those of the real family; a test compares them with the fold of the encoded
events. Cells are sums over states, so those of the parts add up to those of the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import msgspec

from ops.bench.load import Writer
from ops.simulate.run import START
from ops.simulate.stream import events
from schemas.cells.codec import decode_page, encode_page
from schemas.clock import DAY_MS
from schemas.partitioner import partition_of
from schemas.settings import Settings
from schemas.topics import state_topic
from streams.families import FAMILIES
from streams.family_state import FamilyState

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

PART_DAYS = 182
BooksKey = tuple[str, int]  # family, partition
_States = dict[tuple[str, bytes], Any]
_counter: Synchronized[int] | None = None


@dataclass(frozen=True, slots=True)
class HalfYear:
    """A half-year of the province. Only the last one is cut: what is reported of the others after
    their end is told as well.
    """

    number: int
    of: int
    dossiers: int

    @property
    def last(self) -> bool:
        """Whether work is still open at its end."""
        return self.number == self.of - 1


@dataclass(frozen=True, slots=True)
class Made:
    """What a part adds to a partition's books."""

    events: int
    states: int
    pages: dict[bytes, bytes]


def half_years(dossiers: int, parts: int) -> list[HalfYear]:
    """The dossiers shared out over consecutive half-years."""
    return [
        HalfYear(number, parts, dossiers * (number + 1) // parts - dossiers * number // parts)
        for number in range(parts)
    ]


def count_into(counter: Synchronized[int]) -> None:
    """In a process that makes parts: add the dossiers made to a counter that the waiting process
    reads.
    """
    global _counter
    _counter = counter


def make_half_year(settings: Settings, part: HalfYear) -> dict[BooksKey, Made]:
    """Tell a part, write its states to their topics; what it adds to each partition's books. Meant
    for a process of its own.
    """
    states, told = merged(part, settings.partitions)
    books = as_books(states, settings.partitions)
    asyncio.run(_write_states(settings, books))
    made = {}
    for key, one in books.items():
        made[key] = Made(told.get(key, 0), len(one.states), dict(one.pages.items()))
    return made


def merged(part: HalfYear, partitions: int) -> tuple[_States, dict[BooksKey, int]]:
    """The states of everything that happens in a part, and the events told of each partition."""
    states: _States = {}
    told: dict[BooksKey, int] = {}
    start = START - (part.of - part.number) * PART_DAYS * DAY_MS
    for at, event in events(100 + part.number, part.dossiers, start, PART_DAYS, cut=part.last):
        family, key = FAMILIES[event.family], event.thing.encode()
        state = states.get((family.name, key))
        if state is None:
            state = states[family.name, key] = family.state()
            _count(family.name)
        family.merges[event.type](state, event.__dict__, at)
        place = family.name, partition_of(key, partitions)
        told[place] = told.get(place, 0) + 1
    return states, told


def _count(family: str) -> None:
    if _counter is not None and family == "dossiers":
        with _counter.get_lock():
            _counter.value += 1


def as_books(states: _States, partitions: int) -> dict[BooksKey, FamilyState]:
    """The books that hold these states, pages counted by the real rules. Takes the states out of
    their dictionary.
    """
    named = {family for family, _ in states}
    books = {key: FamilyState(FAMILIES[key[0]]) for key in product(named, range(partitions))}
    dump = msgspec.msgpack.Encoder().encode
    while states:
        (family, key), state = states.popitem()
        books[family, partition_of(key, partitions)].states.put(key, dump(state))
    for one in books.values():
        asyncio.run(one.recount_pages())
    return books


async def _write_states(settings: Settings, books: dict[BooksKey, FamilyState]) -> None:
    async with Writer(settings) as writer:
        for (family, partition), one in books.items():
            rows = one.states.items()
            await writer.write(
                state_topic(family), partition, ((key, row, []) for key, row in rows)
            )


def summed(parts: Iterable[dict[bytes, bytes]]) -> dict[bytes, bytes]:
    """The pages of several parts of one partition's books."""
    total: dict[bytes, bytes] = {}
    for pages in parts:
        for key, value in pages.items():
            known = total.get(key)
            total[key] = value if known is None else _added(known, value)
    return total


def _added(one: bytes, other: bytes) -> bytes:
    page = decode_page(one)
    for name, sums in decode_page(other).items():
        cell = page.setdefault(name, {})
        for place, amount in sums.items():
            cell[place] = cell.get(place, 0) + amount
    return encode_page(page)
