"""The shape of an indicator's answer, and its CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from metrics.api.csv import Sheet
from metrics.api.shapes import (
    AS_OF_COLUMNS,
    COVERAGE_COLUMNS,
    DAY,
    RULE,
    AsOf,
    CoverageOf,
    Days,
    Names,
    ReportDays,
    as_of,
    coverage_cells,
    coverage_shape,
    days_of,
    names,
    rule_of,
    vi_and_en,
)
from metrics.catalogue.indicators import Indicator, Name
from metrics.figures.compute import Assessed, GroupFigure, IndicatorFigures
from metrics.figures.naming import Naming, naming_for
from metrics.figures.query import Rule
from metrics.figures.reading import Reading
from metrics.figures.reported import ReportedFigure
from schemas.clock import to_datetime
from schemas.spreadsheets import CsvValue
from schemas.windows import Window


class Compared(BaseModel):
    """The same figure in the window that it is compared with; `change` is value less this value."""

    window: Days
    numerator: int | None
    denominator: int | None
    value: float | int | None
    change: float | None


class Share(BaseModel):
    """A figure with what it is made of. `denominator` null: a count; `value` null: a zero
    denominator, or absent.
    """

    numerator: int | None
    denominator: int | None
    value: float | int | None
    target: float | None
    gap: float | None = Field(description="value less target")
    percentiles: dict[str, int | None] = Field(
        {}, description="p50, p90: upper bound of the class that holds it"
    )
    compared: Compared | None = None


class Group(Share):
    """One agency, category, day or level."""

    group: str
    name: Names | None = Field(
        None, description="What the agency or procedure is called on the window's last day"
    )
    known: bool | None = Field(
        None, description="By agency: whether it was registered; null while no agency is"
    )


class Report(BaseModel):
    """A figure as an agency reported it. Without a denominator the numerator is the figure
    itself.
    """

    agency: str
    agency_name: Names | None = Field(description="What it is called on the window's last day")
    period: Days
    numerator: int
    denominator: int | None
    value: float | None
    document: str | None = Field(description="Number of the source document")
    revision: int
    reported_at: str
    covered_by: str | None = Field(
        description=(
            "The agency whose figure of the same period stands for this one, which is not added:"
            " one above, or itself later"
        )
    )
    covered_by_name: Names | None


class IndicatorAnswer(Share):
    """One indicator over one window."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    version: int
    source: str = Field(serialization_alias="from")
    name: Name
    unit: str
    direction: str
    agency: str | None
    agency_name: Names | None = Field(description="What it is called on the window's last day")
    level: str | None
    field: str | None
    window: ReportDays | Days
    rule: Rule = Field(description=RULE)
    day: date | None = Field(description=DAY)
    coverage: CoverageOf
    as_of: AsOf
    by: str | None
    groups: list[Group]
    missing: Name | None = Field(
        description="Why a value or groups are absent, or what the official formula asks for beside"
    )
    reports: list[Report] = Field(
        description=(
            "Of reported indicators: what agencies reported for periods that meet the window"
        )
    )


class IndicatorsAnswer(BaseModel):
    """Every indicator."""

    indicators: list[IndicatorAnswer]


class CatalogueAnswer(BaseModel):
    """The whole catalogue, as it is declared."""

    indicators: list[Indicator]


INDICATOR_COLUMNS = (
    "id",
    "version",
    "source",
    "name_vi",
    "name_en",
    "unit",
    "agency",
    "agency_name_vi",
    "agency_name_en",
    "level",
    "field",
    "from",
    "to",
    "rule",
    "day",
    "by",
    "group",
    "group_name_vi",
    "group_name_en",
    "known",
    "numerator",
    "denominator",
    "value",
    "target",
    "gap",
    "p50",
    "p90",
    "compared_from",
    "compared_to",
    "compared_numerator",
    "compared_denominator",
    "compared_value",
    "change",
    *COVERAGE_COLUMNS,
    *AS_OF_COLUMNS,
    "missing_vi",
    "missing_en",
)


def indicator_shape(reading: Reading, found: IndicatorFigures) -> IndicatorAnswer:
    """What an indicator says to a query, as it is answered."""
    indicator, query, naming = found.indicator, reading.query, naming_for(reading)
    return IndicatorAnswer(
        **_share(found.whole, reading.before).__dict__,
        id=indicator.id,
        version=indicator.version,
        source=indicator.source,
        name=indicator.name,
        unit=indicator.unit,
        direction=indicator.direction,
        agency=query.agency,
        agency_name=names(naming.agency(query.agency)),
        level=query.level,
        field=query.field,
        window=days_of(found.window, None if indicator.asks_now else reading.due),
        rule=rule_of(found.day),
        day=found.day,
        coverage=coverage_shape(found.coverage),
        as_of=as_of(reading.view.as_of),
        by=query.by,
        groups=[_group(reading, naming, one, indicator.families) for one in found.groups],
        missing=found.missing,
        reports=[_report(one, naming) for one in found.reports],
    )


def _group(reading: Reading, naming: Naming, one: GroupFigure, families: Sequence[str]) -> Group:
    return Group(
        group=one.group,
        name=names(naming.group(one.group, reading.query.by, families)),
        known=one.known,
        **_share(one.assessed, reading.before).__dict__,
    )


def _share(found: Assessed, before: Window | None) -> Share:
    figure = found.figure
    return Share(
        numerator=figure.numerator,
        denominator=figure.denominator,
        value=figure.value,
        target=found.target,
        gap=found.gap,
        percentiles={f"p{percentile}": bound for percentile, bound in figure.percentiles},
        compared=None if before is None else _compared(found, before),
    )


def _compared(found: Assessed, before: Window) -> Compared | None:
    if (then := found.then) is None:
        return None
    return Compared(
        window=days_of(before),
        numerator=then.numerator,
        denominator=then.denominator,
        value=then.value,
        change=found.change,
    )


def _report(one: ReportedFigure, naming: Naming) -> Report:
    said, instead = one.said, None if one.instead is None else one.instead.agency
    return Report(
        agency=said.agency,
        agency_name=names(naming.agency(said.agency)),
        period=Days(first=said.first, last=said.last),
        numerator=said.numerator,
        denominator=said.denominator,
        value=said.numerator / said.denominator if said.denominator else None,
        document=said.document,
        revision=said.revision,
        reported_at=to_datetime(said.said_ms).isoformat(timespec="seconds"),
        covered_by=instead,
        covered_by_name=names(naming.agency(instead)),
    )


def indicators_sheet(name: str, answers: Iterable[IndicatorAnswer]) -> Sheet:
    """A row for each indicator's total (an empty group), and one for each of its groups."""
    return Sheet(
        name, INDICATOR_COLUMNS, (row for answer in answers for row in _indicator_rows(answer))
    )


def _indicator_rows(answer: IndicatorAnswer) -> Iterable[Sequence[CsvValue]]:
    named = (answer.id, answer.version, answer.source, answer.name.vi, answer.name.en, answer.unit)
    head = (
        *named,
        answer.agency,
        *vi_and_en(answer.agency_name),
        answer.level,
        answer.field,
        answer.window.first,
        answer.window.last,
        answer.rule,
        answer.day,
        answer.by,
    )
    tail = (*coverage_cells(answer.coverage), *answer.as_of.cells, *vi_and_en(answer.missing))
    yield (*head, None, None, None, None, *_share_cells(answer), *tail)
    for group in answer.groups:
        named_group = (group.group, *vi_and_en(group.name), group.known)
        yield (*head, *named_group, *_share_cells(group), *tail)


def _share_cells(share: Share) -> tuple[CsvValue, ...]:
    percentiles = share.percentiles.get("p50"), share.percentiles.get("p90")
    return (
        share.numerator,
        share.denominator,
        share.value,
        share.target,
        share.gap,
        *percentiles,
        *_compared_cells(share.compared),
    )


def _compared_cells(then: Compared | None) -> tuple[CsvValue, ...]:
    if then is None:
        return (None,) * 6
    return (
        then.window.first,
        then.window.last,
        then.numerator,
        then.denominator,
        then.value,
        then.change,
    )
