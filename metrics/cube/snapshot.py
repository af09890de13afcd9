"""The cube's reading side: one read-only connection per thread, one snapshot per question."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import accumulate
from typing import Literal

from metrics.cube.cube import Cube
from metrics.cube.rollups import ALL, FINE, Range, cover_days, fine
from metrics.cube.tables import FAMILIES, TABLES, Table, columns
from schemas.cells.applied import CountingRules
from schemas.cells.kinds import APPLIED, At
from schemas.clock import OFFSET_MS, yyyymmdd
from schemas.windows import Window
from serving.store.disposable import Snapshots

By = Literal["agency", "category", "day"]
Sums = dict[str, list[int]]


class Readers:
    """Snapshots for any number of threads."""

    def __init__(self, cube: Cube) -> None:
        self._snapshots = Snapshots(
            cube, "The figures are being built anew", cache_kib=8_192, statements=512
        )

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """All questions asked of one snapshot are answered from the same moment.

        Raises: Unreadable when the file is damaged or gone; the cube is then rebuilt by itself.
        """
        with self._snapshots.snapshot() as connection:
            yield Snapshot(connection)


class Snapshot:
    """Sums over cells as of one moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def sums(
        self,
        table: Table,
        ranges: Sequence[Range],
        *,
        by: By | None = None,
        codes: Collection[str] | None = None,
        among: Sequence[str] = (),
        measures: Sequence[str] = (),
    ) -> Sums:
        """Sums of `measures` (none given: all, in their order) per group, groups in order; without
        `by` one group, the empty text.

        `codes` (agencies; None: all) and `among` (categories; none given: all) keep only those. A
        day is YYYY-MM-DD; of an instant it is the province's day, of no instant the empty text.
        """
        found: Sums = {}
        of_categories = by == "category" or bool(among)
        summed = (
            table.sums
            if not of_categories
            else table.category_sums
            if codes is None and by != "agency"
            else table.pair_sums
        )
        group = _DAY[table.declared.at] if by == "day" else f"{by or _NOTHING}"
        chosen = columns(measures or table.declared.measures, 'sum("{}")')
        for range_ in (
            ranges
            if summed and by != "day"
            else [fine(range_, table.declared.at) for range_ in ranges]
        ):
            source = (
                table.cells
                if summed is None or (of_categories and range_.grain == FINE)
                else summed
            )
            where, values = _where(range_, source == table.cells, codes, among)
            for name, *counts in self._connection.execute(
                f"SELECT {group}, {chosen} FROM {source} WHERE {where} GROUP BY 1", values
            ):
                known = found.get(name)
                found[name] = counts if known is None else plus(known, counts)
        return dict(sorted(found.items()))

    def pairs(
        self,
        table: Table,
        ranges: Sequence[Range],
        *,
        codes: Collection[str] | None = None,
        measures: Sequence[str],
    ) -> dict[tuple[str, str], list[int]]:
        """Sums of `measures` by agency and category, of these agencies' codes (None: all)."""
        found: dict[tuple[str, str], list[int]] = {}
        chosen = columns(measures, 'sum("{}")')
        for range_ in ranges:
            of_cells = table.pair_sums is None or range_.grain == FINE
            rows = fine(range_, table.declared.at) if of_cells else range_
            where, values = _where(rows, of_cells, codes, ())
            source = table.cells if of_cells else table.pair_sums
            for agency, category, *counts in self._connection.execute(
                f"SELECT agency, category, {chosen} FROM {source} WHERE {where} GROUP BY 1, 2",
                values,
            ):
                known = found.get((agency, category))
                found[agency, category] = counts if known is None else plus(known, counts)
        return found

    def total(
        self, table: Table, ranges: Sequence[Range], measures: Sequence[str] = ()
    ) -> list[int]:
        """Sums of `measures` over everything in the ranges."""
        return self.sums(table, ranges, measures=measures).get(
            "", [0] * len(measures or table.declared.measures)
        )

    def days(self, families: Collection[str], window: Window) -> set[tuple[str, int]]:
        """Each (agency, day as YYYYMMDD) with at least one dated count of the families in the
        window.
        """
        first, last = (window.first or date.min), (window.last or date.max)
        tables = [
            table.sums
            for (family, _), table in TABLES.items()
            if family in families and table.dated
        ]
        chosen = " UNION ".join(
            f"SELECT at, agency FROM {sums} WHERE grain = {FINE} AND at BETWEEN :first AND :last"
            for sums in tables
        )
        # in the order of the tables' keys, so that they are merged and nothing is sorted
        found = (
            self._connection.execute(
                f"{chosen} ORDER BY 1, 2", {"first": yyyymmdd(first), "last": yyyymmdd(last)}
            )
            if tables
            else ()
        )
        return {(agency, at) for at, agency in found}

    def dated(self, families: Collection[str], window: Window) -> set[str]:
        """Agencies with at least one dated count of the families in the window."""
        tables = [
            table.sums
            for (family, _), table in TABLES.items()
            if family in families and table.dated
        ]
        found: set[str] = set()
        for range_ in cover_days(window) if tables else []:
            chosen = " UNION ".join(
                f"SELECT agency FROM {sums} WHERE grain = ?1 AND at BETWEEN ?2 AND ?3"
                for sums in tables
            )
            found.update(agency for (agency,) in self._connection.execute(chosen, range_))
        return found

    def counted(self) -> set[str]:
        """Agencies with any count at all; that an agency was registered is none, nor are the hub's
        own heartbeats and offsets.
        """
        tables = [table.sums for table in TABLES.values() if table.heard]
        chosen = " UNION ".join(
            f"SELECT agency FROM {sums} WHERE grain = {ALL} AND at = 0" for sums in tables
        )
        return {agency for (agency,) in self._connection.execute(chosen)}

    def last_events(self) -> dict[str, int]:
        """The newest Kafka timestamp (epoch ms) of a cell of each agency that has counts."""
        counted = self.counted()
        found = self._connection.execute("SELECT agency, newest_ms FROM agencies ORDER BY agency")
        return {agency: newest for agency, newest in found if agency in counted}

    def last_of_procedures(self) -> dict[str, int]:
        """The newest Kafka timestamp (epoch ms) of a cell of each procedure that has counts; each
        dossier has a dated one.
        """
        tables = [
            table.category_sums for table in TABLES.values() if table.category_sums is not None
        ]
        counted = " UNION ".join(
            f"SELECT category FROM {sums} WHERE grain = {ALL} AND at = 0" for sums in tables
        )
        chosen = (
            f"SELECT procedure, newest_ms FROM procedures WHERE procedure IN ({counted}) ORDER BY"
            " procedure"
        )
        return dict(self._connection.execute(chosen))

    def offsets(self) -> dict[int, int]:
        """The next offset of `lgsp.cells` to be read, of each partition."""
        return dict(
            self._connection.execute("SELECT partition, next FROM offsets ORDER BY partition")
        )

    def rules(self) -> dict[str, list[CountingRules]]:
        """The counting rules by which the partitions of each counted family stand, in order; more
        than one: some lag behind.
        """
        found: dict[str, list[CountingRules]] = {}
        for family, *rules in self._connection.execute(_RULES):
            found.setdefault(family, []).append(CountingRules(*rules))
        return found

    def begun(self) -> bool:
        """Whether any page of cells was ever published; without one the books are not empty, but
        not kept.
        """
        return any(self.offsets().values())

    def applied(self, family: str) -> dict[int, tuple[int, CountingRules]] | None:
        """Of each partition, the next event of the family that is not counted, and the rules that
        count.

        None while a transaction has been read only in part.
        """
        if self._connection.execute("SELECT 1 FROM offsets WHERE NOT whole").fetchone():
            return None
        return self.counted_up_to(family)

    def counted_up_to(self, family: str) -> dict[int, tuple[int, CountingRules]]:
        """As `applied`, while a transaction is being read too: whatever is behind these offsets,
        all before them is there.
        """
        found = self._connection.execute(
            f'SELECT partition, "offset", version, calendar, hours FROM {family}_applied'
        )
        return {partition: (offset, CountingRules(*rules)) for partition, offset, *rules in found}

    def complete_ms(self) -> int:
        """When everything readable was last known to be in the cube (epoch ms)."""
        return int(
            self._connection.execute(
                "SELECT value FROM facts WHERE name = 'complete_ms'"
            ).fetchone()[0]
        )

    def heartbeats(self) -> dict[int, int]:
        """Of each partition, the time (epoch ms) of the newest heartbeat that came through the
        whole pipeline.

        That of a clock which ran ahead says nothing, and nothing newer would come for as long.
        Instead of it stands when something last came of the partition, which stops when the
        partition does.
        """
        beats = (
            "SELECT partition, min(max(occurred_at), heard_ms) FROM heartbeats_beat JOIN offsets"
            " USING (partition)"
        )
        return dict(self._connection.execute(f"{beats} GROUP BY 1 ORDER BY 1"))


_NOTHING = "''"
_RULES_OF = (
    f"SELECT '{family}', version, calendar, hours FROM {family}_{APPLIED}" for family in FAMILIES
)
_RULES = " UNION ".join(_RULES_OF) + " ORDER BY 1, 2, 3, 4"
_OF_DAYS = "printf('%04d-%02d-%02d', at / 10000, at / 100 % 100, at % 100)"
_DAY: dict[At, str] = {
    "day": _OF_DAYS,
    "stock": _OF_DAYS,
    "instant": f"CASE at WHEN 0 THEN '' ELSE date((at + {OFFSET_MS}) / 1000, 'unixepoch') END",
    "none": _NOTHING,
}


def running(
    changes: Mapping[str, list[int]], days: Iterable[str], none: Sequence[int]
) -> dict[str, list[int]]:
    """What exists on each of the days (in order), from what changed on days; `none` is what exists
    before the first change.
    """
    dated = sorted(changes)
    totals = list(accumulate((changes[day] for day in dated), plus, initial=list(none)))
    return {day: totals[bisect_right(dated, day)] for day in days}


def plus(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Vectors added up."""
    return [first + second for first, second in zip(one, other, strict=True)]


def _where(
    range_: Range, from_cells: bool, codes: Collection[str] | None, among: Sequence[str]
) -> tuple[str, list[int | str]]:
    conditions: list[tuple[str, Sequence[int | str]]] = [
        ("at BETWEEN ? AND ?", [range_.low, range_.high])
    ]
    if not from_cells:
        conditions.append(("grain = ?", [range_.grain]))
    if codes is not None:
        conditions.append((f"agency IN ({columns('?' * len(codes), '{}')})", sorted(codes)))
    if among:
        conditions.append((f"category IN ({columns('?' * len(among), '{}')})", among))
    return " AND ".join(text for text, _ in conditions), [
        value for _, given in conditions for value in given
    ]
