"""What a list can be behind: a part of an indicator, or one raw count; each with its figure and the
rows that make it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from metrics.api.parameters import Asked, CountsAsked, IndicatorsAsked
from metrics.api.problems import instead, shown, unknown_indicator, wrong
from metrics.api.questions import Counting, counted_in, counted_sums, counted_window
from metrics.catalogue.indicators import Indicator, Name
from metrics.cube.rollups import cover_days, fine
from metrics.cube.tables import TABLES, Table
from metrics.figures import uncounted
from metrics.figures.compute import Question, among_of, figures
from metrics.figures.sums import NOTHING, own_level
from metrics.lists.reader import Selection
from metrics.lists.tables import TABLES as LISTED
from metrics.lists.terms import Part, families_of, selections, term_of
from schemas.codes import AdministrativeLevel
from schemas.windows import EVER, Window

LIMIT = 100


class ListAsked(Asked):
    """Parameters of a list: those of a figure, and which figure."""

    indicator: str | None = Field(None, description="The id of an indicator, as in /v1/catalogue")
    part: Part = Field("numerator", description="Which part of it: numerator or denominator")
    kind: str | None = Field(
        None, description="Instead of indicator: a kind of cell, as in /v1/counts"
    )
    measure: str | None = Field(None, description="With kind: one of its measures")
    level: AdministrativeLevel | None = Field(
        None, description="Only the agencies of this level of government"
    )
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    limit: int = Field(LIMIT, ge=1, le=1_000, description="Rows of a page")
    after: str | None = Field(None, description="`next` of the page before")

    def common(self) -> dict[str, object]:
        """The parameters that every question takes, by their names for callers."""
        names = ("agency", "own", "history", "window")
        return {name: getattr(self, name) for name in names} | {"from": self.first, "to": self.last}


@dataclass(frozen=True, slots=True)
class Told:
    """A figure over a window (None: it has none, and why), and what is behind it."""

    figure: int | None
    missing: Name | None
    window: Window
    behind: list[Selection]


class Subject(Protocol):
    """What a list is asked for."""

    @property
    def asked(self) -> IndicatorsAsked:
        """The question whose snapshot, moment, window and scopes it shares."""

    @property
    def indicators(self) -> Sequence[Indicator]:
        """The indicators of that question."""

    @property
    def head(self) -> dict[str, Any]:
        """Its fields in the answer."""

    def told(self, question: Question) -> Told:
        """Its figure, and the rows behind."""


@dataclass(frozen=True, slots=True)
class PartOfIndicator:
    """A numerator or a denominator."""

    indicator: Indicator
    part: Part
    asked: IndicatorsAsked

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

    def told(self, question: Question) -> Told:
        """As the indicator is answered."""
        indicator, level = self.indicator, self.asked.level
        window = EVER if indicator.asks_now else question.window
        found, why = figures(question, indicator, window, level)
        whole = found.get("", NOTHING)
        figure = whole.numerator if self.part == "numerator" else whole.denominator
        return Told(
            figure, why or indicator.missing, window, [] if why else self._behind(question, window)
        )

    def _behind(self, question: Question, window: Window) -> list[Selection]:
        own = own_level(self.indicator, self.asked.level)
        where, among = (
            question.scopes(window, None if own else self.asked.level),
            among_of(question, self.indicator),
        )
        assert where is not None, "a figure that can be told has a place to look for it"
        assert isinstance(among, tuple), "a figure that can be told has its categories"
        return selections(
            self.indicator, self.part, question.moment, where, among=among, level=self.asked.level
        )


@dataclass(frozen=True, slots=True)
class Count:
    """One measure of a kind of cell."""

    table: Table
    measure: str
    counts: CountsAsked

    @property
    def asked(self) -> IndicatorsAsked:
        """The same question without the kind."""
        return IndicatorsAsked.model_validate(
            self.counts.model_dump(by_alias=True, exclude={"family", "kind"})
        )

    @property
    def indicators(self) -> Sequence[Indicator]:
        """None."""
        return []

    @property
    def head(self) -> dict[str, Any]:
        """Kind and measure."""
        return {"kind": self.table.kind, "measure": self.measure}

    def told(self, question: Question) -> Told:
        """As /v1/counts counts."""
        table, counting = self.table, Counting(question, self.counts)
        window = counted_window(counting, table)
        if (
            why := uncounted.why({(table.family, table.kind, self.measure)} & question.uncounted)
        ) is not None:
            return Told(None, why, window, [])
        whole = counted_sums(counting, table, window, None).get("")
        figure = whole[table.declared.measures.index(self.measure)] if whole else 0
        behind = [
            found
            for scope in counted_in(counting, table, window)
            for found in self._of(scope.window, scope.codes)
        ]
        return Told(figure, None, window, behind)

    def _of(self, window: Window, codes: frozenset[str] | None) -> list[Selection]:
        ranges = [fine(range_, self.table.declared.at) for range_ in cover_days(window)]
        agencies = None if codes is None else tuple(sorted(codes))
        low, high = (
            min((found.low for found in ranges), default=1),
            max((found.high for found in ranges), default=0),
        )
        return (
            [
                Selection(
                    LISTED[self.table.family, self.table.kind],
                    low,
                    high,
                    (self.measure,),
                    (),
                    agencies,
                )
            ]
            if ranges
            else []
        )


def subject(
    family: str, asked: ListAsked, catalogue: Mapping[str, Indicator], listed: Sequence[str]
) -> Subject:
    """What is asked for, of a family among those `listed`.

    Raises: Problem for what has no list at this address.
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
    asked: ListAsked,
    id_: str,
    catalogue: Mapping[str, Indicator],
    listed: Sequence[str],
) -> PartOfIndicator:
    if asked.measure is not None:
        raise wrong("measure", "goes with kind, not with an indicator")
    if (indicator := catalogue.get(id_)) is None:
        raise unknown_indicator(id_, catalogue, "indicator")
    if indicator.source == "procedures":
        raise wrong(
            "indicator",
            f"{id_} is worked out procedure by procedure: ask /v1/indicators/{id_}?by=category",
        )
    if indicator.source != "events":
        raise wrong("indicator", f"{id_} is not counted from events, so there is no list behind it")
    if term_of(indicator, asked.part) is None:
        raise wrong("part", f"{id_} is a count and has no {asked.part}")
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
    if indicator.asks_now:
        asked.refuse_time(id_)
    question = IndicatorsAsked.model_validate(
        asked.common() | {"level": asked.level, "field": asked.field}
    )
    return PartOfIndicator(indicator, asked.part, question)


def _count(family: str, asked: ListAsked) -> Count:
    kinds = [kind for found, kind in LISTED if found == family]
    if asked.kind not in kinds:
        given = asked.kind or ""
        raise wrong("kind", f"{shown(given)} is no kind of {family}; {instead(given, kinds)}")
    table = TABLES[family, asked.kind]
    if asked.measure not in table.declared.measures:
        raise wrong("measure", f"kind {asked.kind} counts {', '.join(table.declared.measures)}")
    for name in ("level", "field"):
        if getattr(asked, name) is not None:
            raise wrong(name, "goes with an indicator, not with a raw count")
    if table.declared.at == "instant":
        asked.refuse_time(f"kind {table.kind}")
    return Count(
        table,
        asked.measure,
        CountsAsked.model_validate(asked.common() | {"family": family, "kind": asked.kind}),
    )
