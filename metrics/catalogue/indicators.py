"""The catalogue of indicators: declared in YAML, validated against the kinds of cells before
anything is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.cells.kinds import CELL_KINDS, CellKind
from schemas.codes import ADMINISTRATIVE_LEVELS, AGENCY_PATTERN, AdministrativeLevel
from schemas.declarations import Decimal, load_entries

SHIPPED = Path(__file__).with_name("indicators.yaml")
Text = Annotated[str, Field(min_length=1)]
Number = Annotated[Decimal, Field(ge=0)]
Targets = dict[Annotated[int, Field(ge=2000, le=2100)], Number]
Due = Literal["past", "soon", "ahead", "any"]
Over = Literal["window", "before", "until"]
ByProcedure = Literal["any", "days_saved"]
DISTRICTS_ENDED = date(2025, 6, 30)


class Declared(BaseModel):
    """Base of everything that a catalogue declares."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Name(Declared):
    """A text in both languages."""

    vi: Text
    en: Text


class Term(Declared):
    """Sum of `measures` less the sum of `less`, and the terms in `also` added to it.

    Of an instant kind `due` asks what is past now, what is due within eight office hours, what is
    ahead of now, or for any due time and none. Of a kind of days `over` asks for the window, for
    everything before it, or for everything until its end.
    Without `family` the indicator's own is meant. With `times_today` each of `measures` counts as
    often as today is days after 1 January 1970: less the days of deadlines, that is how many days
    have passed since them.
    """

    family: Text | None = None
    kind: Text
    measures: tuple[Text, ...] = ()
    less: tuple[Text, ...] = ()
    due: Due | None = None
    over: Over = "window"
    times_today: bool = False
    also: tuple[Term, ...] = ()

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        if not self.all_measures:
            raise ValueError("measures: a term needs measures to add or to take away")
        if self.times_today and self.due is None:
            raise ValueError("times_today: only what is asked of this moment (`due`) knows today")
        return self

    @property
    def all_measures(self) -> tuple[str, ...]:
        """Everything that has to be read of its kind."""
        return self.measures + self.less

    @property
    def parts(self) -> Iterator[Term]:
        """Itself and the terms that are added to it."""
        yield self
        for term in self.also:
            yield from term.parts


class Percentiles(Declared):
    """Percentiles from a histogram: the measures `{classes}_le_{bound}` and `{classes}_more` of a
    kind.
    """

    kind: Text
    classes: Text
    of: Annotated[tuple[Annotated[int, Field(ge=1, le=99)], ...], Field(min_length=1)]


class Filters(Declared):
    """What an indicator is limited to: categories, or the procedures of fields (lĩnh vực) that the
    directory knows.
    """

    categories: tuple[Text, ...] = ()
    fields: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if bool(self.categories) == bool(self.fields):
            raise ValueError("filters needs either categories or fields")
        return self


class Score(Declared):
    """An item of QĐ 766: its group, its number, the points it gives at most, and the share from
    which it gives them all.
    """

    group: Literal["transparency", "progress", "online", "payment", "digitisation", "satisfaction"]
    item: Text
    points: Annotated[Decimal, Field(ge=0, le=100)] | None = Field(
        None, description="Null: the portal does not say how many"
    )
    full: Annotated[Decimal, Field(gt=0, le=1)] = 1


class Indicator(Declared):
    """One indicator: numerator ÷ denominator over cells; without a denominator it is a count."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Name
    unit: Literal["share", "dossiers", "documents", "tasks", "days", "seconds", "points"]
    direction: Literal["up", "down"]
    version: Annotated[int, Field(ge=1, strict=True)]
    clause: Text
    definition: Name
    source: Literal["events", "procedures", "reported", "coverage", "score", "none"] = Field(
        "events",
        alias="from",
        description=(
            "Derived from events; so by procedure; reported by agencies; who reports; the sum of QĐ"
            " 766's items; nothing"
        ),
    )
    family: Text
    numerator: Term | None = None
    denominator: Term | None = None
    by_procedure: ByProcedure | None = Field(
        None,
        description=(
            "Of fee procedures: those with any; of reviewed ones: legal days before less days taken"
            " ÷ legal days before"
        ),
    )
    percentiles: Percentiles | None = None
    filters: Filters | None = None
    levels: Literal["agencies", "measures"] = Field(
        "agencies", description="How a level is told: by its agencies, or by own measures"
    )
    as_of: Term | None = Field(
        None,
        description="Of what is asked about this moment: the same as of the end of a day",
    )
    main: bool = Field(False, description="Among the few that a live table shows (`main=1`)")
    by_agency: bool = Field(
        True,
        description=(
            "False: what is divided stands at different agencies, so no single agency has a figure"
        ),
    )
    targets: Targets = {}
    level_targets: dict[AdministrativeLevel, Targets] = {}
    score: Score | None = None
    missing: Name | None = Field(
        None, description="What the official formula asks for and events do not give"
    )

    @model_validator(mode="after")
    def _holds(self) -> Self:
        """Every kind and measure exists, and terms can be divided by one another."""
        if (self.source in ("events", "procedures")) != (self.numerator is not None) or (
            self.denominator and not self.numerator
        ):
            raise ValueError(
                "numerator: what is derived from events needs one, and nothing else has one"
            )
        if (self.source == "procedures") != (self.by_procedure is not None):
            raise ValueError(
                "by_procedure: what is worked out procedure by procedure needs it, and nothing else"
                " has it"
            )
        if self.filters is not None and self.numerator is None:
            raise ValueError("filters limit what is derived from events, and nothing else")
        if self.targets and self.level_targets:
            raise ValueError("targets and level_targets exclude one another")
        for term in self.leaves:
            self._check(term)
        self._check_as_of()
        if self.percentiles is not None:
            _check(self.family, self.percentiles.kind, (f"{self.percentiles.classes}_more",))
        if self.source == "events" and (self.unit in ("share", "seconds")) != (
            self.denominator is not None
        ):
            raise ValueError("units share and seconds go with a denominator, and a count has none")
        if self.percentiles is not None and self.unit != "seconds":
            raise ValueError("percentiles go with unit seconds")
        return self

    def _check(self, term: Term) -> None:
        family = term.family or self.family
        _check(family, term.kind, term.all_measures)
        at = CELL_KINDS[family][term.kind].at
        if (at == "instant") != (term.due is not None):
            raise ValueError(
                f"kind {term.kind}: `due` (past, soon, ahead, any) goes with kinds whose `at` is an"
                " instant, and they need it"
            )
        if term.over != "window" and at != "day":
            raise ValueError(
                f"kind {term.kind}: `over: {term.over}` goes with kinds whose `at` is a day"
            )
        if self.levels == "measures":
            _check(
                family,
                term.kind,
                tuple(
                    of_level(name, level)
                    for name in term.all_measures
                    for level in ADMINISTRATIVE_LEVELS
                ),
            )

    def _check_as_of(self) -> None:
        if self.as_of is None:
            return
        if not self.asks_now or self.denominator is not None:
            raise ValueError("as_of goes with a count that asks about this moment")
        if self.as_of.also:
            raise ValueError("as_of is one term: what is behind it is told thing by thing")
        for term in self.as_of.parts:
            self._check(term)
            if term.over != "until":
                raise ValueError("as_of adds up everything until a day: it needs `over: until`")

    def __hash__(self) -> int:
        """By id, which a catalogue has once, but for the same as of a day."""
        return hash(self.id)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Numerator and denominator, those that there are."""
        return tuple(term for term in (self.numerator, self.denominator) if term is not None)

    @cached_property
    def leaves(self) -> tuple[Term, ...]:
        """Every term, those in `also` too."""
        return tuple(leaf for term in self.terms for leaf in term.parts)

    @cached_property
    def asks_now(self) -> bool:
        """Whether it is a question about this moment (overdue), which no window changes."""
        return bool(self.leaves) and all(term.due for term in self.leaves)

    @cached_property
    def at_end_of_day(self) -> Indicator | None:
        """The same as of the end of its window's last day; None: nothing gives that, or it is no
        question about a moment.
        """
        if self.as_of is None:
            return None
        declared = {name: getattr(self, name) for name in type(self).model_fields}
        return Indicator.model_validate(declared | {"numerator": self.as_of, "as_of": None})

    @cached_property
    def is_running(self) -> bool:
        """Whether it is made of sums over all days until one."""
        return any(term.over == "until" for term in self.leaves)

    @cached_property
    def ends_open(self) -> bool:
        """Whether it asks about a window and what is open at its end too."""
        return len({term.over for term in self.leaves} & {"window", "until"}) == 2

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The families that it is about."""
        counted = [term.family or self.family for term in self.leaves]
        if self.percentiles is not None:
            counted.append(self.family)
        return tuple(dict.fromkeys(counted)) or (self.family,)

    @cached_property
    def bounds(self) -> tuple[tuple[str, int | None], ...]:
        """The histogram's measures in order, each with its upper bound; the last one is open."""
        if self.percentiles is None:
            return ()
        prefix = f"{self.percentiles.classes}_le_"
        measures = CELL_KINDS[self.family][self.percentiles.kind].measures
        closed = [
            (measure, int(measure.removeprefix(prefix)))
            for measure in measures
            if measure.startswith(prefix)
        ]
        return (*closed, (f"{self.percentiles.classes}_more", None))

    def target(self, day: date, level: AdministrativeLevel | None = None) -> float | None:
        """The milestone in force on a day: its year's own, else the next one; behind the last one,
        the last.

        The district level ended on 30 June 2025, and its targets with it (NQ 203/2025/QH15).
        """
        milestones = (
            self.level_targets.get(level, {}) if self.level_targets and level else self.targets
        )
        if not milestones or (level == "district" and day > DISTRICTS_ENDED):
            return None
        return milestones[
            min((year for year in milestones if year >= day.year), default=max(milestones))
        ]


def of_level(measure: str, level: AdministrativeLevel) -> str:
    """The measure that counts the same for one level."""
    return f"{measure}_{level}"


def _check(family: str, kind: str, measures: tuple[str, ...]) -> None:
    if (declared := _kind(family, kind)) is None:
        raise ValueError(f"family {family} has no kind of cells {kind}")
    if unknown := [measure for measure in measures if measure not in declared.measures]:
        raise ValueError(f"kind {kind} of family {family} has no measure {', '.join(unknown)}")


def _kind(family: str, kind: str) -> CellKind | None:
    return CELL_KINDS.get(family, {}).get(kind)


class Agency(Declared):
    """An agency that is expected to report."""

    code: Annotated[str, Field(pattern=AGENCY_PATTERN)]
    name: Text | Name | None = None
    level: Literal["province", "district", "commune"] | None = None


def load_indicators(path: Path | None = None) -> dict[str, Indicator]:
    """The catalogue by id, in the order of the file.

    Raises: CatalogueError naming file, line and entry of each mistake.
    """
    return {entry.id: entry for entry in load_entries(path or SHIPPED, list[Indicator], "id")}


def load_agencies(path: Path | None) -> dict[str, Agency]:
    """The agencies expected to report, by code; none without a file.

    Raises: CatalogueError naming file, line and entry of each mistake.
    """
    return (
        {entry.code: entry for entry in load_entries(path, list[Agency], "code")}
        if path is not None
        else {}
    )
