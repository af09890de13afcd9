"""The shape of the raw counts, and their CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import BaseModel, Field

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
    as_of,
    coverage_cells,
    coverage_shape,
    days_of,
    names,
    vi_and_en,
)
from metrics.catalogue.indicators import Name
from metrics.figures.counts import GroupCounts, KindFigures
from metrics.figures.naming import Naming, naming_for
from metrics.figures.query import Rule
from metrics.figures.reading import Reading
from schemas.spreadsheets import CsvValue
from serving.directory.names import CodeName


class CountsGroup(BaseModel):
    """Raw counts of one agency, category or day."""

    group: str
    name: Names | None = Field(
        description="What the agency or procedure is called on the window's last day"
    )
    known: bool | None = Field(
        None, description="By agency: whether it was registered; null while no agency is"
    )
    counts: dict[str, int | None]


class KindCounts(BaseModel):
    """Raw counts of one kind of cell. `window` is null on both sides for what is counted as of now
    (open dossiers).
    """

    family: str
    kind: str
    window: Days
    coverage: CoverageOf
    counts: dict[str, int | None]
    groups: list[CountsGroup]
    missing: Name | None = Field(description="Why some counts are null")


class CountsAnswer(BaseModel):
    """Raw counts under the indicators."""

    agency: str | None
    agency_name: Names | None = Field(description="What it is called on the window's last day")
    rule: Rule = Field(description=RULE)
    day: date | None = Field(description=DAY)
    by: str | None
    as_of: AsOf
    kinds: list[KindCounts]


COUNTS_COLUMNS = (
    "family",
    "kind",
    "agency",
    "agency_name_vi",
    "agency_name_en",
    "from",
    "to",
    "rule",
    "day",
    "by",
    "group",
    "group_name_vi",
    "group_name_en",
    "known",
    "measure",
    "count",
    *COVERAGE_COLUMNS,
    *AS_OF_COLUMNS,
    "missing_vi",
    "missing_en",
)


def counts_shape(reading: Reading, kinds: Iterable[KindFigures]) -> CountsAnswer:
    """Raw counts as they are answered."""
    naming = naming_for(reading)
    return CountsAnswer(
        agency=reading.query.agency,
        agency_name=names(naming.agency(reading.query.agency)),
        rule=reading.query.rule,
        day=reading.query.as_of,
        by=reading.query.by,
        as_of=as_of(reading.view.as_of),
        kinds=[_kind(one, naming, reading.query.by) for one in kinds],
    )


def _kind(found: KindFigures, naming: Naming, by: str | None) -> KindCounts:
    families = [found.table.family]
    return KindCounts(
        family=found.table.family,
        kind=found.table.kind,
        window=days_of(found.window),
        coverage=coverage_shape(found.coverage),
        counts=found.whole,
        groups=[_group(one, naming.group(one.group, by, families)) for one in found.groups],
        missing=found.missing,
    )


def _group(one: GroupCounts, name: CodeName | None) -> CountsGroup:
    return CountsGroup(group=one.group, name=names(name), known=one.known, counts=one.counts)


def counts_sheet(answer: CountsAnswer) -> Sheet:
    """A row for each measure of each kind: its total (an empty group), then its groups."""
    return Sheet(
        "counts",
        COUNTS_COLUMNS,
        (row for kind in answer.kinds for row in _count_rows(answer, kind)),
    )


def _count_rows(answer: CountsAnswer, kind: KindCounts) -> Iterable[Sequence[CsvValue]]:
    asked = (answer.agency, *vi_and_en(answer.agency_name))
    days = (kind.window.first, kind.window.last, answer.rule, answer.day)
    head = (kind.family, kind.kind, *asked, *days, answer.by)
    groups = (((one.group, *vi_and_en(one.name), one.known), one.counts) for one in kind.groups)
    for group, counts in ((("", None, None, None), kind.counts), *groups):
        for measure, count in counts.items():
            missing = vi_and_en(kind.missing if count is None else None)
            yield (
                *head,
                *group,
                measure,
                count,
                *coverage_cells(kind.coverage),
                *answer.as_of.cells,
                *missing,
            )
