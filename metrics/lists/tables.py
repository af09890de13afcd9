"""The listing's tables, made from the kinds of cells: one row for each thing in each cell that it
counts in.

Per (family, kind) a table holds which measures the thing adds 1 to (two whole numbers of bits:
`low` and `high`) and what it adds to the sums (a column each); of what exists, a row holds for a
period (metrics/lists/standing.py). Rows are in order of (at, agency,
thing, number), and an index holds them whole by agency. Per family a table holds each thing's dates
and texts and the rows that it has, so that a changed state changes only the rows that differ.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from schemas.cells.applied import CountingRules
from schemas.cells.kinds import CELL_KINDS, CellKind, counted
from schemas.families import LISTED_FAMILIES

VERSION = 2
HALF = 62  # bits in each of the two numbers: SQLite's are signed, of 64 bits
KEY = ("at", "agency", "thing", "number")
MOST_BITS = 4  # of which a row's patterns are told apart

COMMON = (
    # `applied`: up to which event the rows stand; null where the last record did not say so
    (
        "CREATE TABLE offsets (topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT"
        " NULL, last INTEGER NOT NULL, last_ms INTEGER NOT NULL, applied INTEGER, PRIMARY KEY"
        " (topic, partition)) WITHOUT ROWID"
    ),
    *(
        f"CREATE TABLE {family} (thing TEXT PRIMARY KEY, dates BLOB NOT NULL, texts BLOB NOT NULL,"
        " listed BLOB NOT NULL) WITHOUT ROWID"
        for family in LISTED_FAMILIES
    ),
)


def is_sum(measure: str) -> bool:
    """Whether a thing adds amounts to a measure, instead of one."""
    return measure.endswith(("_seconds", "_days")) or measure.startswith("amount")


@dataclass(frozen=True, slots=True)
class Weighing:
    """SQL for whether a row adds anything, and for what it adds; `each`, where all rows that add
    anything add as much.
    """

    condition: str
    weight: str
    each: int | None


def _of_bits(column: str, signs: Mapping[int, int]) -> Weighing:
    """By the patterns of a few bits, each with what it adds: quicker than adding them up in every
    row.
    """
    weights = {0: 0}
    for bit, sign in signs.items():
        weights |= {pattern | bit: weight + sign for pattern, weight in weights.items()}
    weights = {pattern: weight for pattern, weight in weights.items() if weight}
    bits, each = f"{column} & {sum(signs)}", set(weights.values())
    if len(each) <= 1:
        amount = each.pop() if each else 0
        return Weighing(f"{bits} IN ({', '.join(map(str, weights))})", str(amount), amount)
    weight = (
        f"CASE {bits}"
        f" {' '.join(f'WHEN {pattern} THEN {weight}' for pattern, weight in weights.items())} END"
    )
    return Weighing(weight, weight, None)


@dataclass(frozen=True)
class Listed:
    """The table of one kind of cell."""

    family: str
    kind: str
    declared: CellKind

    @property
    def name(self) -> str:
        """Of the table."""
        return f"{self.family}_{self.kind}"

    @cached_property
    def sums(self) -> tuple[str, ...]:
        """The measures to which things add amounts: where these may be less than nothing, all."""
        measures = self.declared.measures
        if self.declared.signed:
            return measures
        return tuple(measure for measure in measures if is_sum(measure))

    @cached_property
    def stands(self) -> bool:
        """Whether a row counts on every day from `at` to before `until`, and not on one day."""
        return self.declared.at == "stock"

    @cached_property
    def sum_place(self) -> dict[int, int]:
        """From a measure's place in the vector to its column among the sums."""
        return {
            self.declared.measures.index(measure): column
            for column, measure in enumerate(self.sums)
        }

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column, the key first."""
        sums = (f'"{measure}"' for measure in self.sums)
        until = ["until"] if self.stands else []
        return (*KEY, "category", "low", "high", *sums, *until)

    @cached_property
    def create(self) -> tuple[str, ...]:
        """Statements that make the table and its index."""
        numbers = "".join(f", {column} INTEGER NOT NULL" for column in self.columns[len(KEY) + 3 :])
        by_agency = (
            "agency",
            "at",
            *(column for column in self.columns if column not in ("agency", "at")),
        )
        return (
            (
                f"CREATE TABLE {self.name} (at INTEGER NOT NULL, agency TEXT NOT NULL, thing TEXT"
                " NOT NULL, number INTEGER NOT NULL, category TEXT NOT NULL, low INTEGER NOT NULL,"
                f" high INTEGER NOT NULL{numbers}, PRIMARY KEY ({', '.join(KEY)})) WITHOUT ROWID"
            ),
            f"CREATE INDEX {self.name}_by_agency ON {self.name} ({', '.join(by_agency)})",
        )

    @cached_property
    def insert(self) -> str:
        """Takes a row, in the order of `columns`."""
        return f"INSERT OR REPLACE INTO {self.name} VALUES ({', '.join('?' * len(self.columns))})"

    @cached_property
    def delete(self) -> str:
        """Takes a row's key."""
        return f"DELETE FROM {self.name} WHERE {' AND '.join(f'{name} = ?' for name in KEY)}"

    def value(self, measure: str) -> str:
        """SQL for what a row adds to a measure."""
        if measure in self.sums:
            return f'"{measure}"'
        place = self.declared.measures.index(measure)
        return f"(low >> {place} & 1)" if place < HALF else f"(high >> {place - HALF} & 1)"

    def weighing(self, measures: Sequence[str], less: Sequence[str], times: int = 1) -> Weighing:
        """How rows add to the measures, each counted so many times, less what they add to
        `less`.
        """
        places = [
            self.declared.measures.index(measure)
            for measure in (*measures, *less)
            if measure not in self.sums
        ]
        halves = {place < HALF for place in places}
        by_bits = times == 1 and len(places) == len(measures) + len(less)
        if not by_bits or len(halves) != 1 or len(places) > MOST_BITS:
            each = "" if times == 1 else f"{times} * "
            weight = " + ".join(f"{each}{self.value(measure)}" for measure in measures) + "".join(
                f" - {self.value(measure)}" for measure in less
            )
            return Weighing(f"{weight} <> 0", weight, None)
        signs: defaultdict[int, int] = defaultdict(int)
        for number, place in enumerate(places):
            signs[1 << place % HALF] += 1 if number < len(measures) else -1
        return _of_bits("low" if halves == {True} else "high", signs)

    def counts(self, low: int, high: int, sums: Sequence[int]) -> dict[str, int]:
        """What a row adds to each measure; zeros left out."""
        bits = low | high << HALF
        for place, column in self.sum_place.items():
            bits = bits | 1 << place if sums[column] else bits & ~(1 << place)
        return {
            name: 1 if column is None else sums[column]
            for name, column in _names(self.family, self.kind, bits)
        }


TABLES: dict[tuple[str, str], Listed] = {
    (family, kind): Listed(family, kind, declared)
    for family in LISTED_FAMILIES
    for kind, declared in counted(family).items()
}
ORDER: tuple[tuple[str, str], ...] = tuple(TABLES)
PLACES: dict[tuple[str, str], int] = {key: place for place, key in enumerate(ORDER)}


@lru_cache(maxsize=65_536)
def _names(family: str, kind: str, bits: int) -> tuple[tuple[str, int | None], ...]:
    """The measures whose bits are set, each with its column among the sums (None: it is no sum)."""
    table = TABLES[family, kind]
    return tuple(
        (name, table.sum_place.get(place))
        for place, name in enumerate(table.declared.measures)
        if bits >> place & 1
    )


def create_all() -> list[str]:
    """Every table of an empty listing."""
    return [*COMMON, *(statement for table in TABLES.values() for statement in table.create)]


def fingerprint(rules: Mapping[str, tuple[CountingRules, tuple[str, ...]]]) -> str:
    """Changes with the kinds of cells, and with each family's rules of counting and the names of
    its dates and texts.
    """
    declared = [
        (family, kind, what.at, what.measures)
        for family in LISTED_FAMILIES
        for kind, what in CELL_KINDS[family].items()
    ]
    return hashlib.sha256(
        repr((VERSION, COMMON, declared, sorted(rules.items()))).encode()
    ).hexdigest()
