"""The cube's reading side: one read-only connection per thread, one snapshot per question."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import accumulate
from typing import Literal

from metrics.cube import Cube
from metrics.disposable import Connections
from metrics.grains import ALL, FINE, FIRST_DAY, LAST_DAY, Range, Window, cover_days, cover_stock, fine
from metrics.layout import TABLES, Table, columns
from schemas.cells import At
from schemas.clock import OFFSET_MS, yyyymmdd

By = Literal["agency", "category", "day"]
Sums = dict[str, list[int]]


class Readers:
    """Snapshots for any number of threads."""

    def __init__(self, cube: Cube) -> None:
        self._connections = Connections(cube, "The figures are being built anew", cache_kib=8_192, statements=512)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """All questions asked of one snapshot are answered from the same moment.

        Raises: Unreadable when the file is damaged or gone; the cube is then rebuilt by itself.
        """
        with self._connections.snapshot() as connection:
            yield Snapshot(connection)


class Snapshot:
    """Sums over cells as of one moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def sums(
        self, table: Table, ranges: Sequence[Range], *,
        by: By | None = None, codes: Collection[str] | None = None, among: Sequence[str] = (), measures: Sequence[str] = (),
    ) -> Sums:  # fmt: skip
        """Sums of `measures` (none given: all, in their order) per group, groups in order; without `by` one group, the empty text.

        `codes` (agencies; None: all) and `among` (categories; none given: all) keep only those. A day is YYYY-MM-DD; of an
        instant it is the province's day, of no instant the empty text.
        """
        found: Sums = {}
        from_cells = by == "category" or bool(among)
        source = table.cells if from_cells else table.sums
        group = _DAY[table.declared.at] if by == "day" else f"{by or _NOTHING}"
        chosen = columns(measures or table.declared.measures, 'sum("{}")')
        for range_ in [fine(range_, table.declared.at) for range_ in ranges] if from_cells or by == "day" else ranges:
            where, values = _where(range_, from_cells, codes, among)
            for name, *counts in self._connection.execute(f"SELECT {group}, {chosen} FROM {source} WHERE {where} GROUP BY 1", values):
                known = found.get(name)
                found[name] = counts if known is None else _plus(known, counts)
        return dict(sorted(found.items()))

    def total(self, table: Table, ranges: Sequence[Range], measures: Sequence[str] = ()) -> list[int]:
        """Sums of `measures` over everything in the ranges."""
        return self.sums(table, ranges, measures=measures).get("", [0] * len(measures or table.declared.measures))

    def reporting(self, family: str, window: Window, today: date) -> set[str]:
        """Agencies with at least one dated count of the family in the window, or with something that existed at its end.

        That an agency itself existed says nothing of what it reports.
        """
        found: set[str] = set()
        for (name, _), table in TABLES.items():
            if name == family and table.declared.at in ("day", "stock") and table.cells != "inventory_agencies":
                for grain, low, high in cover_days(window) if table.declared.at == "day" else cover_stock(window, today):
                    rows = self._connection.execute(
                        f"SELECT DISTINCT agency FROM {table.sums} WHERE grain = ? AND at BETWEEN ? AND ?", (grain, low, high)
                    )
                    found.update(agency for (agency,) in rows)
        return found

    def days(self, families: Collection[str], window: Window) -> set[tuple[str, int]]:
        """Each (agency, day as YYYYMMDD) with at least one dated count of the families in the window."""
        first, last = (window.first or FIRST_DAY), (window.last or LAST_DAY)
        tables = [table.sums for (family, _), table in TABLES.items() if family in families and table.declared.at == "day"]
        chosen = " UNION ".join(f"SELECT at, agency FROM {sums} WHERE grain = {FINE} AND at BETWEEN :first AND :last" for sums in tables)
        # in the order of the tables' keys, so that they are merged and nothing is sorted
        found = self._connection.execute(f"{chosen} ORDER BY 1, 2", {"first": yyyymmdd(first), "last": yyyymmdd(last)}) if tables else ()
        return {(agency, at) for at, agency in found}

    def dated(self, families: Collection[str], window: Window) -> set[str]:
        """Agencies with at least one dated count of the families in the window."""
        tables = [table.sums for (family, _), table in TABLES.items() if family in families and table.declared.at == "day"]
        found: set[str] = set()
        for range_ in cover_days(window) if tables else []:
            chosen = " UNION ".join(f"SELECT agency FROM {sums} WHERE grain = ?1 AND at BETWEEN ?2 AND ?3" for sums in tables)
            found.update(agency for (agency,) in self._connection.execute(chosen, range_))
        return found

    def counted(self) -> set[str]:
        """Agencies with any count at all; that an agency was registered is none, nor are the hub's own heartbeats and offsets."""
        tables = [table.sums for table in TABLES.values() if table.declared.at != "none" and table.cells != "inventory_agencies"]
        chosen = " UNION ".join(f"SELECT agency FROM {sums} WHERE grain = {ALL} AND at = 0" for sums in tables)
        return {agency for (agency,) in self._connection.execute(chosen)}

    def last_events(self) -> dict[str, int]:
        """The newest Kafka timestamp (epoch ms) of a cell of each agency that has counts."""
        counted = self.counted()
        found = self._connection.execute("SELECT agency, newest_ms FROM agencies ORDER BY agency")
        return {agency: newest for agency, newest in found if agency in counted}

    def offsets(self) -> dict[int, int]:
        """The next offset of `lgsp.cells` to be read, of each partition."""
        return dict(self._connection.execute("SELECT partition, next FROM offsets ORDER BY partition"))

    def applied(self, family: str) -> dict[int, tuple[int, int]] | None:
        """Of each partition, the next event of the family that is not counted, and the version of the rules that count.

        None while a transaction has been read only in part.
        """
        if self._connection.execute("SELECT 1 FROM offsets WHERE NOT whole").fetchone():
            return None
        found = self._connection.execute(f'SELECT partition, "offset", version FROM {family}_applied')
        return {partition: (offset, version) for partition, offset, version in found}

    def complete_ms(self) -> int:
        """When everything readable was last known to be in the cube (epoch ms)."""
        return int(self._connection.execute("SELECT value FROM facts WHERE name = 'complete_ms'").fetchone()[0])

    def heartbeats(self) -> dict[int, int]:
        """Of each partition, the time (epoch ms) of the newest heartbeat that came through the whole pipeline."""
        return dict(self._connection.execute("SELECT partition, max(occurred_at) FROM heartbeats_beat GROUP BY 1 ORDER BY 1"))


_NOTHING = "''"
_OF_DAYS = "printf('%04d-%02d-%02d', at / 10000, at / 100 % 100, at % 100)"
_DAY: dict[At, str] = {
    "day": _OF_DAYS,
    "stock": _OF_DAYS,
    "instant": f"CASE at WHEN 0 THEN '' ELSE date((at + {OFFSET_MS}) / 1000, 'unixepoch') END",
    "none": _NOTHING,
}


def running(changes: Mapping[str, list[int]], days: Iterable[str], none: Sequence[int]) -> dict[str, list[int]]:
    """What exists on each of the days (in order), from what changed on days; `none` is what exists before the first change."""
    dated = sorted(changes)
    totals = list(accumulate((changes[day] for day in dated), _plus, initial=list(none)))
    return {day: totals[bisect_right(dated, day)] for day in days}


def _plus(one: list[int], other: list[int]) -> list[int]:
    return [first + second for first, second in zip(one, other, strict=True)]


def _where(range_: Range, from_cells: bool, codes: Collection[str] | None, among: Sequence[str]) -> tuple[str, list[int | str]]:
    conditions: list[tuple[str, Sequence[int | str]]] = [("at BETWEEN ? AND ?", [range_.low, range_.high])]
    if not from_cells:
        conditions.append(("grain = ?", [range_.grain]))
    if codes is not None:
        conditions.append((f"agency IN ({columns('?' * len(codes), '{}')})", sorted(codes)))
    if among:
        conditions.append((f"category IN ({columns('?' * len(among), '{}')})", among))
    return " AND ".join(text for text, _ in conditions), [value for _, given in conditions for value in given]
