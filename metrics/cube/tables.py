"""The cube's tables and statements, made from the kinds of cells.

Per (family, kind): `{family}_{kind}` holds the cells as they came, one row per Kafka partition;
`{family}_{kind}_sums` their sums over categories and partitions at every grain (rollups.py).
Of dossiers by day, `{family}_{kind}_categories` holds the sums over agencies and partitions at the
coarser grains: a question about some procedures, or all of them, would else read a year of cells.
Of what flows, `…_pairs` holds them by agency and procedure: report 06a of a year by field, and what
was open of some procedures of one agency, add up all days since the first one. A
batch goes into a temporary table, its differences to the cells are summed in a second one, and from
there into the sums: all in SQL, where Python's lock is not held. A cell that is gone arrives as
zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from metrics.cube.rollups import COARSER, FINE
from schemas.cells.kinds import CELL_KINDS, CellKind
from schemas.families import OWN_FAMILY, PROCEDURE_FAMILIES

_VERSION = 5
_KEY = ("at", "agency", "category", "partition")

_COMMON = (
    # `next` is where reading goes on; the last record applied says whether it is still the same
    # topic. `whole`: it was a page `applied`, so every family's cells are those of whole
    # transactions. `heard_ms`: when something last came of the partition, by a clock that was not
    # ahead of this process's own
    (
        "CREATE TABLE offsets (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, last INTEGER"
        " NOT NULL, last_ms INTEGER NOT NULL, whole INTEGER NOT NULL, heard_ms INTEGER NOT NULL)"
    ),
    # the newest page of cells as it came: what another one changes is the difference to it
    (
        "CREATE TABLE pages (partition INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
        " PRIMARY KEY (partition, key)) WITHOUT ROWID"
    ),
    "CREATE TABLE agencies (agency TEXT PRIMARY KEY, newest_ms INTEGER NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE procedures (procedure TEXT PRIMARY KEY, newest_ms INTEGER NOT NULL) WITHOUT"
        " ROWID"
    ),
)


def columns(names: Iterable[str], pattern: str = '"{}"') -> str:
    """Names through a pattern, joined by commas."""
    return ", ".join(pattern.replace("{}", name) for name in names)


@dataclass(frozen=True)
class Table:
    """The statements of one kind of cell."""

    family: str
    kind: str
    declared: CellKind

    @property
    def cells(self) -> str:
        """Name of the table of cells."""
        return f"{self.family}_{self.kind}"

    @property
    def sums(self) -> str:
        """Name of the table of sums."""
        return f"{self.cells}_sums"

    @property
    def category_sums(self) -> str | None:
        """Name of the table of sums by category; None: it has none."""
        return (
            f"{self.cells}_categories"
            if self.family in PROCEDURE_FAMILIES and self.declared.at == "day"
            else None
        )

    @property
    def dated(self) -> bool:
        """Whether an agency told of something on a day on which it counts here."""
        return self.declared.at == "day" and not self.declared.implied

    @cached_property
    def heard(self) -> bool:
        """Whether an agency was heard from when it counts here: being registered by another, or the
        hub's bookkeeping, is no word of it.
        """
        return self.declared.at != "none" and self.cells != "inventory_agencies"

    @property
    def pair_sums(self) -> str | None:
        """Name of the table of sums by agency and category; None: it has none."""
        return f"{self.cells}_pairs" if self.cells == "dossiers_flow" else None

    @cached_property
    def create(self) -> tuple[str, ...]:
        """Statements that make its tables."""
        counts = columns(self.declared.measures, '"{}" INTEGER NOT NULL')
        by_category = (
            f"CREATE TABLE {self.category_sums} (grain INTEGER NOT NULL, at INTEGER NOT NULL,"
            f" category TEXT NOT NULL, {counts}, PRIMARY KEY (grain, at, category)) WITHOUT ROWID"
        )
        by_pair = (
            f"CREATE TABLE {self.pair_sums} (grain INTEGER NOT NULL, at INTEGER NOT NULL, agency"
            f" TEXT NOT NULL, category TEXT NOT NULL, {counts}, PRIMARY KEY (grain, at, agency,"
            " category)) WITHOUT ROWID"
        )
        return (
            (
                f"CREATE TABLE {self.cells} (at INTEGER NOT NULL, agency TEXT NOT NULL, category"
                f" TEXT NOT NULL, partition INTEGER NOT NULL, {counts}, PRIMARY KEY"
                f" ({columns(_KEY)})) WITHOUT ROWID"
            ),
            (
                f"CREATE TABLE {self.sums} (grain INTEGER NOT NULL, at INTEGER NOT NULL, agency"
                f" TEXT NOT NULL, {counts}, PRIMARY KEY (grain, at, agency)) WITHOUT ROWID"
            ),
            *([by_category] if self.category_sums else []),
            *([by_pair] if self.pair_sums else []),
        )

    @cached_property
    def create_temporary(self) -> tuple[str, ...]:
        """Statements that make a connection's two work tables."""
        counts = columns(self.declared.measures)
        return (
            f"CREATE TEMP TABLE new_{self.cells} ({columns(_KEY)}, {counts})",
            f"CREATE TEMP TABLE change_{self.cells} (at, agency, category, {counts})",
        )

    @cached_property
    def insert(self) -> str:
        """Takes one row: at, agency, category, partition and every measure."""
        return (
            f"INSERT INTO new_{self.cells} VALUES"
            f" ({columns('?' * (len(_KEY) + len(self.declared.measures)), '{}')})"
        )

    @cached_property
    def settle(self) -> tuple[str, ...]:
        """Statements that bring the inserted rows into cells and sums, in this order."""
        change = columns(self.declared.measures, 'sum(new."{}" - coalesce(old."{}", 0))')
        same = " AND ".join(f'old."{name}" = new."{name}"' for name in _KEY)
        return (
            (
                f"INSERT INTO change_{self.cells} SELECT new.at, new.agency, new.category, {change}"
                f" FROM new_{self.cells} AS new LEFT JOIN {self.cells} AS old ON {same} GROUP BY"
                " new.at, new.agency, new.category"
            ),
            *(self._add(*one) for one in self._sums),
            f"INSERT OR REPLACE INTO {self.cells} SELECT * FROM new_{self.cells}",
            f"DELETE FROM new_{self.cells}",
        )

    @cached_property
    def delete(self) -> str:
        """Takes the key of a cell that is gone: at, agency, category, partition."""
        return f"DELETE FROM {self.cells} WHERE {' AND '.join(f'{name} = ?' for name in _KEY)}"

    @cached_property
    def sweep(self) -> tuple[str, ...]:
        """Statements that remove the sums that became all zero, or due times long past would stay
        for ever.
        """
        zero = " AND ".join(f'"{measure}" = 0' for measure in self.declared.measures)
        return tuple(
            f"DELETE FROM {sums} WHERE (grain, at, {by}) IN (SELECT {grain}, {at}, {by} FROM"
            f" change_{self.cells}) AND {zero}"
            for sums, by, grain, at in self._sums
        )

    @property
    def forget(self) -> str:
        """Empties the second work table, once swept."""
        return f"DELETE FROM change_{self.cells}"

    @property
    def _sums(self) -> Iterator[tuple[str, str, int, str]]:
        """Every table of sums by what it groups and each grain that it has, with the SQL that takes
        `at` to the grain.
        """
        coarser = COARSER[self.declared.at]
        yield from (
            (self.sums, "agency", grain, at) for grain, at in ({FINE: "at"} | coarser).items()
        )
        if self.category_sums:
            yield from (
                (self.category_sums, "category", grain, at) for grain, at in coarser.items()
            )
        if self.pair_sums:
            yield from (
                (self.pair_sums, "agency, category", grain, at) for grain, at in coarser.items()
            )

    def _add(self, sums: str, by: str, grain: int, at: str) -> str:
        measures = self.declared.measures
        totals, added = (
            columns(measures, 'sum("{}")'),
            columns(measures, '"{}" = "{}" + excluded."{}"'),
        )
        return (
            f"INSERT INTO {sums} SELECT {grain}, {at}, {by}, {totals} FROM change_{self.cells} "
            f"WHERE true GROUP BY 2, {by} ON CONFLICT DO UPDATE SET {added}"
        )


TABLES: dict[tuple[str, str], Table] = {
    (family, kind): Table(family, kind, declared)
    for family, kinds in CELL_KINDS.items()
    for kind, declared in kinds.items()
}


# Those that people ask about; the other one is the hub's own pulse.
FAMILIES = tuple(family for family in CELL_KINDS if family != OWN_FAMILY)


def cube_statements() -> list[str]:
    """Every table of an empty cube."""
    return [*_COMMON, *(statement for table in TABLES.values() for statement in table.create)]


def cube_layout(kinds: dict[str, dict[str, CellKind]] = CELL_KINDS) -> str:
    """Changes whenever a file of another version of the hub would be read wrongly."""
    declared = [
        (family, kind, what.at, what.measures)
        for family, found in kinds.items()
        for kind, what in found.items()
    ]
    return hashlib.sha256(repr((_VERSION, _COMMON, declared)).encode()).hexdigest()
