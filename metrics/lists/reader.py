"""The listing's reading side: pages of rows in order, and how many there are.

A page goes on after a row's key (no OFFSET), so that any page costs the same. Of one agency the
rows come from its own part of the index; of several, from each one's part, merged; of all, from the
table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from metrics.lists.standing import UNTIL_FURTHER_NOTICE
from metrics.lists.tables import KEY, Listed, Weighing
from schemas.cells.kinds import At
from schemas.clock import as_date, iso


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of one table with `low` <= at <= `high` that add something to `measures`, each counted
    so many `times`, less `less`; of what exists those that still do on the last day.

    `standing`: not the rows, but each thing once whose rows add up to something: of sums over all
    days until one, where what began and ended takes itself away.
    """

    table: Listed
    low: int
    high: int
    measures: tuple[str, ...]
    less: tuple[str, ...] = ()
    agencies: tuple[str, ...] | None = None  # None: all
    categories: tuple[str, ...] | None = None
    times: int = 1
    standing: bool = False

    @property
    def weighing(self) -> Weighing:
        """How its rows add to the figure."""
        return self.table.weighing(self.measures, self.less, self.times)


class Cursor(NamedTuple):
    """Where a page ended: the selection, and the key of its last row."""

    selection: int
    at: int
    agency: str
    thing: str
    number: int


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row: where it stands, what it counts for, and what it adds to the figure asked for."""

    cursor: Cursor
    table: Listed
    category: str
    counts: dict[str, int]
    adds: int
    until: date | None = None  # of what exists: the first day on which it does no longer


@dataclass(frozen=True, slots=True)
class Total:
    """Of everything selected: how many rows, and what they add up to."""

    rows: int
    adds: int


def page(
    db: sqlite3.Connection, selections: Sequence[Selection], after: Cursor | None, limit: int
) -> list[ListedRow]:
    """At most `limit` rows behind a cursor, in order of selection, at, agency, thing and number; of
    things that stand in order of thing.
    """
    found: list[ListedRow] = []
    for number, selection in enumerate(selections):
        if after is not None and number < after.selection:
            continue
        key = after[1:] if after is not None and number == after.selection else None
        read = _standing if selection.standing else _rows
        rows = islice(read(db, selection, key, limit - len(found)), limit - len(found))
        found += (_found(number, selection.table, row) for row in rows)
        if len(found) == limit:
            break
    return found


def total(db: sqlite3.Connection, selections: Iterable[Selection]) -> Total:
    """Counts and sums everything selected."""
    rows, adds = 0, 0
    for selection in selections:
        if selection.standing:
            each, values = _things(selection)
            counted = f"SELECT count(*), coalesce(sum(adds), 0) FROM ({each})"
            more_rows, more = db.execute(counted, values).fetchone()
            rows, adds = rows + more_rows, adds + more
            continue
        weighing = selection.weighing
        sums = (
            f"coalesce(sum({weighing.weight}), 0)"
            if weighing.each is None
            else f"count(*) * {weighing.each}"
        )
        for where, values in _parts(selection):
            more_rows, more = db.execute(
                f"SELECT count(*), {sums} FROM {selection.table.name} WHERE {where}", values
            ).fetchone()
            rows, adds = rows + more_rows, adds + more
    return Total(rows, adds)


def dates(
    db: sqlite3.Connection, family: str, things: Iterable[str]
) -> dict[str, list[int | None]]:
    """Each known thing's dates, in the order of the family's names (epoch ms; None: not known)."""
    return {thing: _dates(packed) for thing, packed in _told(db, "dates", family, things)}


def texts(
    db: sqlite3.Connection, family: str, things: Iterable[str]
) -> dict[str, list[str | None]]:
    """Each known thing's texts, in the order of the family's names (None: not known)."""
    return {thing: _texts(packed) for thing, packed in _told(db, "texts", family, things)}


def _told(
    db: sqlite3.Connection, what: str, family: str, things: Iterable[str]
) -> Iterable[tuple[str, bytes]]:
    names = list(set(things))
    return db.execute(
        f"SELECT thing, {what} FROM {family} WHERE thing IN ({', '.join('?' * len(names))})", names
    )


def offsets(db: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """The next offset to be read, by topic and partition."""
    found: dict[str, dict[str, int]] = {}
    for topic, partition, offset in db.execute(
        "SELECT topic, partition, next FROM offsets ORDER BY topic, partition"
    ):
        found.setdefault(topic, {})[str(partition)] = offset
    return found


def applied(db: sqlite3.Connection, topic: str) -> dict[int, int] | None:
    """Of each partition with rows, the next event that they do not stand for; None where one can't
    say.
    """
    found = dict(
        db.execute("SELECT partition, applied FROM offsets WHERE topic = ? AND last >= 0", (topic,))
    )
    return None if None in found.values() else found


def at_text(at: int, shape: At) -> str | None:
    """When a row counts, for people."""
    if shape == "instant":
        return iso(at) if at else None
    return as_date(at).isoformat()


_dates = msgspec.msgpack.Decoder(list[int | None]).decode
_texts = msgspec.msgpack.Decoder(list[str | None]).decode


def _rows(
    db: sqlite3.Connection, selection: Selection, after: tuple[Any, ...] | None, limit: int
) -> Iterable[tuple[Any, ...]]:
    columns = ", ".join(selection.table.columns)
    order = ", ".join(KEY)
    parts = [
        db.execute(
            f"SELECT {columns}, {selection.weighing.weight} FROM {selection.table.name} WHERE"
            f" {where} ORDER BY {order} LIMIT ?",
            (*values, limit),
        )
        for where, values in _parts(selection, after)
    ]
    return merge(*parts, key=lambda row: row[: len(KEY)])


def _standing(
    db: sqlite3.Connection, selection: Selection, after: tuple[Any, ...] | None, limit: int
) -> Iterable[tuple[Any, ...]]:
    each, values = _things(selection, None if after is None else after[2])
    return db.execute(f"{each} ORDER BY thing LIMIT ?", (*values, limit))


def _things(selection: Selection, after: str | None = None) -> tuple[str, list[Any]]:
    """A row for each thing that stands: the newest of its rows, with what all of them add. Of a
    thing with the newest `at` SQLite takes the other columns from that row.
    """
    weighing, table = selection.weighing, selection.table
    conditions = [weighing.condition, "at <= ?", "at >= ?"]
    values: list[Any] = [selection.high, selection.low]
    for column, chosen in (("agency", selection.agencies), ("category", selection.categories)):
        if chosen is not None:
            conditions.append(f"{column} IN ({', '.join('?' * len(chosen))})")
            values += chosen
    if after is not None:
        conditions.append("thing > ?")
        values.append(after)
    newest = ", ".join("max(at) AS at" if name == "at" else name for name in table.columns)
    return (
        f"SELECT {newest}, sum({weighing.weight}) AS adds FROM {table.name} WHERE"
        f" {' AND '.join(conditions)} GROUP BY thing HAVING sum({weighing.weight}) <> 0",
        values,
    )


def _parts(
    selection: Selection, after: tuple[Any, ...] | None = None
) -> Iterable[tuple[str, list[Any]]]:
    """Conditions and their values: one for all agencies, or one for each."""
    conditions: list[str] = [selection.weighing.condition, "at <= ?"]
    values: list[Any] = [selection.high]
    if selection.table.stands:
        conditions.append("until > ?")
        values.append(selection.high)
    if selection.categories is not None:
        conditions.append(f"category IN ({', '.join('?' * len(selection.categories))})")
        values += selection.categories
    for agency in selection.agencies if selection.agencies is not None else (None,):
        own, start = ([], []) if agency is None else (["agency = ?"], [agency])
        begin, from_ = _begin(selection.low, after, agency)
        yield " AND ".join([*own, *begin, *conditions]), [*start, *from_, *values]


def _begin(
    low: int, after: tuple[Any, ...] | None, agency: str | None
) -> tuple[list[str], list[Any]]:
    """Where to begin: at the window's first `at`, or behind the last row of the page before."""
    if after is None:
        return ["at >= ?"], [low]
    if agency is None:
        return ["(at, agency, thing, number) > (?, ?, ?, ?)"], [*after]
    at, last_agency, thing, number = after
    if agency > last_agency:
        return ["at >= ?"], [at]
    if agency < last_agency:
        return ["at > ?"], [at]
    return ["(at, thing, number) > (?, ?, ?)"], [at, thing, number]


def _found(selection: int, table: Listed, row: tuple[Any, ...]) -> ListedRow:
    at, agency, thing, number, category, low, high, *numbers, adds = row
    return ListedRow(
        Cursor(selection, at, agency, thing, number),
        table,
        category,
        table.counts(low, high, numbers),
        adds,
        until_of(table, numbers),
    )


def until_of(table: Listed, numbers: Sequence[int]) -> date | None:
    """The first day on which what a row tells is no longer so, of the row's numbers behind its
    bits; None: until further notice, or a row of one day.
    """
    if not table.stands or numbers[-1] == UNTIL_FURTHER_NOTICE:
        return None
    return as_date(numbers[-1])
