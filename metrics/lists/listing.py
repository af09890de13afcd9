"""The listing: a disposable SQLite file with a row for each thing in each cell that it counts in,
made from the states.

It answers what is behind a figure. Rows are what the families' own `counts` say of each state: the
rules that make the cells also make the list, so the two can't part. Those functions are handed in
(`Meaning`), since metrics and streams never import one another. One thread writes
(serving/store/follower.py); metrics/lists/reader.py reads.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import TopicPartition

from metrics.lists.standing import DailyChanges
from metrics.lists.tables import HALF, ORDER, PLACES, TABLES, create_all, fingerprint
from schemas.cells.applied import CountingRules
from schemas.cells.pages import parse_key
from schemas.errors import ContractError
from schemas.kafka.reading import ConsumedRecord
from schemas.masking import quoted
from schemas.states import APPLIED_KEY, read_applied
from schemas.topics import DEFAULT_BOOKS, state_topic
from schemas.wire import Fields
from serving.store.disposable import FileOfTopics

log = logging.getLogger(__name__)

# What a state adds to one cell: the cell's key, the measures (places) that it adds 1 to, and
# (place, amount) for the sums.
Contribution = tuple[bytes, tuple[int, ...], tuple[tuple[int, int], ...]]
# Place of the (family, kind) in ORDER, at, agency, number among equal ones, category, low, high,
# sums…, and of what exists until when it does
ListingRow = tuple[Any, ...]
# How many rows of a thing there are at one place, day and agency.
_Numbers = defaultdict[tuple[int, int, str], int]
# What a thing changes in what exists, by place, agency and category.
_Stocks = dict[tuple[int, str, str], DailyChanges]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a family's states mean: how they are read, what they count for, their dates (epoch ms)
    and texts (None: not known).

    Other `rules` make the listing anew.
    """

    family: str
    rules: CountingRules
    load: Callable[[bytes], Any]
    counts: Callable[[Any], Iterable[Contribution]]
    date_names: tuple[str, ...]
    dates: Callable[[Any], Sequence[int | None]]
    text_names: tuple[str, ...]
    texts: Callable[[Any], Sequence[str | None]]
    # Why no door wrote a record of this key to this partition of so many, so that it counts
    # nowhere; None if one may have.
    strange: Callable[[bytes, int, int], str | None] = lambda key, partition, partitions: None
    # Of facts about one thing (event type, fields, broker time) the places of those that do not
    # stand, each with the place of one that outdoes it (None: no other does alone).
    outdone: Callable[[Sequence[tuple[str, Fields, int]]], Mapping[int, int | None]] = (
        lambda facts: {}
    )


@dataclass(slots=True)
class ListingStats:
    """Counted since this process started."""

    unreadable: int = 0


class Listing(FileOfTopics):
    """The writing side. Every method raises Untrusted when only a rebuild helps, and StorageTrouble
    when waiting does.
    """

    name = "listing"

    def __init__(self, path: Path, meanings: Iterable[Meaning], books: str = DEFAULT_BOOKS) -> None:
        self.meanings = {state_topic(meaning.family, books): meaning for meaning in meanings}
        rules = {
            found.family: (found.rules, (*found.date_names, *found.text_names))
            for found in self.meanings.values()
        }
        super().__init__(path, create_all(), fingerprint(rules))
        self.stats = ListingStats()

    def applied(self) -> dict[TopicPartition, int | None]:
        """Of each partition with rows, the next event that they do not stand for; None where the
        last record did not say so.
        """
        with self._guarded("read"):
            found = self._db.execute(
                "SELECT topic, partition, applied FROM offsets WHERE last >= 0"
            )
            return {TopicPartition(topic, partition): offset for topic, partition, offset in found}

    def apply(
        self, records: Iterable[ConsumedRecord], positions: Mapping[TopicPartition, int]
    ) -> None:
        """Apply states (in order within a partition) and remember `positions`, the next offset of
        each, in one transaction.
        """
        self.check()
        newest: dict[tuple[str, bytes | None], ConsumedRecord] = {}
        last: dict[tuple[str, int], ConsumedRecord] = {}
        for record in records:
            if record.key != APPLIED_KEY:
                newest[record.topic, record.key] = record
            last[record.topic, record.partition] = record
        with self._guarded("write", positions), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._write(newest.values())
            self._remember(positions, last.values())
        self._written(positions)

    def _write(self, records: Iterable[ConsumedRecord]) -> None:
        change = _Change()
        for record in records:
            family = self.meanings[record.topic].family
            told, rows = self._read(self.meanings[record.topic], record)
            known = self._db.execute(
                f"SELECT listed FROM {family} WHERE thing = ?", (told.thing,)
            ).fetchone()
            change.add(
                family,
                told,
                frozenset(map(tuple, _unpack(known[0]))) if known else frozenset(),
                rows,
            )
        change.write(self._db)

    def _read(self, meaning: Meaning, record: ConsumedRecord) -> tuple[_Told, list[ListingRow]]:
        """What is told of the thing, and its rows; none for a tombstone, and for what can't be
        read.
        """
        thing = (record.key or b"").decode("utf-8", "replace")
        if not record.value:
            return _Told(thing), []
        try:
            state = meaning.load(record.value)
            told = _Told(thing, _pack(meaning.dates(state)), _pack(meaning.texts(state)))
            return told, rows_of(meaning.counts(state))
        except (msgspec.MsgspecError, ContractError, ValueError, KeyError) as error:
            self.stats.unreadable += 1
            place = f"{record.topic}, offset {record.offset}"
            log.error(
                "The state of %s in %s, can't be read and is left out: %s",
                quoted(thing),
                place,
                error,
            )
            return _Told(thing), []

    def _remember(
        self, positions: Mapping[TopicPartition, int], last: Iterable[ConsumedRecord]
    ) -> None:
        last = list(last)
        super()._remember(positions, last)
        self._db.executemany(
            "UPDATE offsets SET applied = ? WHERE topic = ? AND partition = ?",
            ((applied_of(record), record.topic, record.partition) for record in last),
        )


def applied_of(record: ConsumedRecord) -> int | None:
    """The offset of the next event to be joined into states, if the record says so."""
    if record.key != APPLIED_KEY:
        return None
    try:
        return read_applied(record.value or b"").next
    except msgspec.MsgspecError:
        return None


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[list[Any]]).decode


class _Told(NamedTuple):
    """A thing, and what goes with its rows, packed."""

    thing: str
    dates: bytes = b""
    texts: bytes = b""


class _Change:
    """What a batch of states changes, by table, so that each statement runs once for all of its
    rows.
    """

    def __init__(self) -> None:
        self.gone: defaultdict[int, list[ListingRow]] = defaultdict(list)
        self.come: defaultdict[int, list[ListingRow]] = defaultdict(list)
        self.things: defaultdict[str, list[tuple[str, bytes, bytes, bytes]]] = defaultdict(list)
        self.forgotten: defaultdict[str, list[tuple[str]]] = defaultdict(list)

    def add(
        self,
        family: str,
        told: _Told,
        before: frozenset[ListingRow],
        rows: list[ListingRow],
    ) -> None:
        """One thing's rows as they are now, and as they were."""
        thing = told.thing
        if not rows:
            self.forgotten[family].append((thing,))
        else:
            self.things[family].append((thing, told.dates, told.texts, _pack(rows)))
        for place, at, agency, number, *_ in before.difference(rows):
            self.gone[place].append((at, agency, thing, number))
        for row in rows:
            if row not in before:
                place, at, agency, number, *rest = row
                self.come[place].append((at, agency, thing, number, *rest))

    def write(self, db: sqlite3.Connection) -> None:
        """Rows that are gone first: one that came may have the same key."""
        for place, rows in self.gone.items():
            db.executemany(TABLES[ORDER[place]].delete, sorted(rows))
        for place, rows in self.come.items():
            # neighbours in the file one after the other
            db.executemany(TABLES[ORDER[place]].insert, sorted(rows))
        for family, things in self.things.items():
            db.executemany(f"INSERT OR REPLACE INTO {family} VALUES (?, ?, ?, ?)", things)
        for family, names in self.forgotten.items():
            db.executemany(f"DELETE FROM {family} WHERE thing = ?", names)


def rows_of(contributions: Iterable[Contribution]) -> list[ListingRow]:
    """A state's rows from what it contributes: one each; of what exists, one for each period.

    Raises: ContractError for the key of no cell; KeyError for an amount added to a measure that is
    none.
    """
    found: list[ListingRow] = []
    numbers: _Numbers = defaultdict(int)
    stocks: _Stocks = {}
    for key, ones, amounts in contributions:
        family, kind, agency, category, at = parse_key(key)
        place = PLACES[family, kind]
        table = TABLES[family, kind]
        if table.stands:
            stock = stocks.setdefault((place, agency, category), DailyChanges(len(table.sums)))
            for measure, amount in amounts:
                stock.add(at, measure, amount)
            continue
        sums = [0] * len(table.sums)
        for measure, amount in amounts:
            sums[table.sum_place[measure]] += amount
        bits = 0
        for measure in ones:
            bits |= 1 << measure
        number = numbers[place, at, agency]
        numbers[place, at, agency] = number + 1
        found.append(
            (place, at, agency, number, category, bits & (1 << HALF) - 1, bits >> HALF, *sums)
        )
    found += _standing_rows(stocks, numbers)
    return found


def _standing_rows(stocks: _Stocks, numbers: _Numbers) -> Iterator[ListingRow]:
    for (place, agency, category), stock in stocks.items():
        for first, until, amounts in stock.rows():
            number = numbers[place, first, agency]
            numbers[place, first, agency] = number + 1
            yield (place, first, agency, number, category, 0, 0, *amounts, until)
