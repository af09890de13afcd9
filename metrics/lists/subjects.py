"""What a list can be behind: a part of an indicator, or one raw count; each with its figure and the
rows that make it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from metrics.catalogue.indicators import Indicator, Name
from metrics.cube.rollups import cover_days, fine
from metrics.cube.tables import TABLES, Table
from metrics.errors import instead, unknown_indicator, wrong
from metrics.figures import uncounted
from metrics.figures.compute import figures, require_moment
from metrics.figures.counts import counted_in, counted_sums, counted_window, refuse_time
from metrics.figures.figure import NOTHING, Figure
from metrics.figures.origins import origin_of
from metrics.figures.query import Query
from metrics.figures.reading import Reading, Slice, Told
from metrics.figures.resolve import Resolved, resolve
from metrics.lists.reader import Selection
from metrics.lists.tables import TABLES as LISTED
from metrics.lists.terms import ListedPart, families_of, selections, term_of
from schemas.masking import shown
from schemas.windows import Window


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A page of the list behind a part of an indicator, or behind a measure of a kind of cell."""

    query: Query
    indicator: str | None = None
    part: ListedPart = "numerator"
    kind: str | None = None
    measure: str | None = None
    limit: int = 100
    after: str | None = None  # `next` of the page before


@dataclass(frozen=True, slots=True)
class Behind:
    """A figure over a window (None: it has none, and why), and what is behind it."""

    figure: int | None
    missing: Name | None
    window: Window
    selections: list[Selection]


class Subject(Protocol):
    """What a list is asked for."""

    @property
    def query(self) -> Query:
        """The query whose view, window and scopes it shares."""

    @property
    def indicators(self) -> Sequence[Indicator]:
        """The indicators of that query."""

    @property
    def head(self) -> dict[str, Any]:
        """Its fields in the answer."""

    def behind(self, reading: Reading) -> Behind:
        """Its figure, and the rows behind."""


@dataclass(frozen=True, slots=True)
class PartOfIndicator:
    """A numerator, a denominator, or what the one lacks of the other."""

    indicator: Indicator
    part: ListedPart
    query: Query

    @property
    def indicators(self) -> Sequence[Indicator]:
        """The one."""
        return [self.indicator]

    @property
    def head(self) -> dict[str, Any]:
        """Id, definition and part."""
        return {
            "id": self.indicator.id,
            "version": self.indicator.version,
            "name": self.indicator.name,
            "part": self.part,
        }

    def behind(self, reading: Reading) -> Behind:
        """As the indicator is answered."""
        told = reading.told(self.indicator)
        indicator, asked = told.indicator, Slice(told.window, self.query.level)
        found, why = figures(reading, indicator, asked)
        whole = found.get("", NOTHING)
        figure = _figure_of(whole, self.part)
        rows = [] if why else self._selections(reading, told, asked)
        return Behind(figure, why or indicator.missing, asked.window, rows)

    def _selections(self, reading: Reading, told: Told, asked: Slice) -> list[Selection]:
        place = resolve(reading, told.indicator, asked)
        assert isinstance(place, Resolved), "a figure that can be told has a place to look for it"
        return selections(told.indicator, self.part, reading.view.moment, place)


def _figure_of(whole: Figure, part: ListedPart) -> int | None:
    numerator, denominator = whole.numerator, whole.denominator
    if part == "numerator":
        return numerator
    if part == "denominator":
        return denominator
    return None if numerator is None or denominator is None else denominator - numerator


@dataclass(frozen=True, slots=True)
class Count:
    """One measure of a kind of cell."""

    table: Table
    measure: str
    query: Query

    @property
    def indicators(self) -> Sequence[Indicator]:
        """None."""
        return []

    @property
    def head(self) -> dict[str, Any]:
        """Kind and measure."""
        return {"kind": self.table.kind, "measure": self.measure}

    def behind(self, reading: Reading) -> Behind:
        """As /v1/counts counts."""
        table, window = self.table, counted_window(reading, self.table)
        needed = {(table.family, table.kind, self.measure)}
        if (why := uncounted.why(needed & reading.view.uncounted)) is not None:
            return Behind(None, why, window, [])
        whole = counted_sums(reading, table).get("")
        figure = whole[table.declared.measures.index(self.measure)] if whole else 0
        rows = [
            found
            for scope in counted_in(reading, table)
            for found in self._of(scope.window, scope.codes)
        ]
        return Behind(figure, None, window, rows)

    def _of(self, window: Window, codes: frozenset[str] | None) -> list[Selection]:
        ranges = [fine(range_, self.table.declared.at) for range_ in cover_days(window)]
        if not ranges:
            return []
        low, high = min(found.low for found in ranges), max(found.high for found in ranges)
        agencies = None if codes is None else tuple(sorted(codes))
        listed = LISTED[self.table.family, self.table.kind]
        return [Selection(listed, low, high, (self.measure,), (), agencies)]


def subject(
    family: str, asked: ListQuery, catalogue: Mapping[str, Indicator], listed: Sequence[str]
) -> Subject:
    """What is asked for, of a family among those `listed`.

    Raises: QueryError and UnknownIndicator for what has no list at this address.
    """
    if (asked.indicator is None) == (asked.kind is None):
        raise wrong("indicator", "name either an indicator, or kind and measure")
    return (
        _count(family, asked)
        if asked.indicator is None
        else _part(family, asked, asked.indicator, catalogue, listed)
    )


def _part(
    family: str,
    asked: ListQuery,
    id_: str,
    catalogue: Mapping[str, Indicator],
    listed: Sequence[str],
) -> PartOfIndicator:
    if asked.measure is not None:
        raise wrong("measure", "goes with kind, not with an indicator")
    if (indicator := catalogue.get(id_)) is None:
        raise unknown_indicator(id_, catalogue, "indicator")
    if indicator.by_procedure is not None:
        raise wrong(
            "indicator",
            f"{id_} is worked out procedure by procedure: ask /v1/indicators/{id_}?by=category",
        )
    if not origin_of(indicator).listed:
        raise wrong("indicator", f"{id_} is not counted from events, so there is no list behind it")
    if term_of(indicator, asked.part) is None:
        raise wrong("part", _no_part(indicator, asked.part))
    families = families_of(indicator, asked.part)
    if families != [family]:
        where = (
            f"ask /v1/{families[0]}"
            if len(families) == 1 and families[0] in listed
            else "there is no list behind it"
        )
        raise wrong(
            "indicator", f"the {asked.part} of {id_} counts {' and '.join(families)}: {where}"
        )
    require_moment(asked.query, indicator)
    return PartOfIndicator(indicator, asked.part, asked.query)


def _no_part(indicator: Indicator, part: ListedPart) -> str:
    if indicator.denominator is None:
        return f"{indicator.id} is a count and has no {part}"
    return (
        f"numerator and denominator of {indicator.id} are not counted from the same cells, so"
        " nothing is missing of one in the other: ask for each"
    )


def _count(family: str, asked: ListQuery) -> Count:
    kinds = [kind for found, kind in LISTED if found == family]
    if asked.kind not in kinds:
        kind = asked.kind or ""
        raise wrong("kind", f"{shown(kind)} is no kind of {family}; {instead(kind, kinds)}")
    table = TABLES[family, asked.kind]
    if asked.measure not in table.declared.measures:
        raise wrong("measure", f"kind {asked.kind} counts {', '.join(table.declared.measures)}")
    for name, given in (("level", asked.query.level), ("field", asked.query.field)):
        if given is not None:
            raise wrong(name, "goes with an indicator, not with a raw count")
    if table.declared.at == "instant":
        refuse_time(asked.query, table)
    return Count(table, asked.measure, asked.query)
