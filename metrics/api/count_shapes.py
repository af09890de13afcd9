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
    as_of,
    coverage_cells,
    coverage_shape,
    days_of,
    vi_and_en,
)
from metrics.catalogue.indicators import Name
from metrics.figures.counts import GroupCounts, KindFigures
from metrics.figures.query import Rule
from metrics.figures.reading import Reading
from schemas.spreadsheets import CsvValue


class CountsGroup(BaseModel):
    """Raw counts of one agency, category or day."""

    group: str
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
    rule: Rule = Field(description=RULE)
    day: date | None = Field(description=DAY)
    by: str | None
    as_of: AsOf
    kinds: list[KindCounts]


COUNTS_COLUMNS = (
    "family",
    "kind",
    "agency",
    "from",
    "to",
    "rule",
    "day",
    "by",
    "group",
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
    return CountsAnswer(
        agency=reading.query.agency,
        rule=reading.query.rule,
        day=reading.query.as_of,
        by=reading.query.by,
        as_of=as_of(reading.view.as_of),
        kinds=[_kind(one) for one in kinds],
    )


def _kind(found: KindFigures) -> KindCounts:
    return KindCounts(
        family=found.table.family,
        kind=found.table.kind,
        window=days_of(found.window),
        coverage=coverage_shape(found.coverage),
        counts=found.whole,
        groups=[_group(one) for one in found.groups],
        missing=found.missing,
    )


def _group(one: GroupCounts) -> CountsGroup:
    return CountsGroup(group=one.group, known=one.known, counts=one.counts)


def counts_sheet(answer: CountsAnswer) -> Sheet:
    """A row for each measure of each kind: its total (an empty group), then its groups."""
    return Sheet(
        "counts",
        COUNTS_COLUMNS,
        (row for kind in answer.kinds for row in _count_rows(answer, kind)),
    )


def _count_rows(answer: CountsAnswer, kind: KindCounts) -> Iterable[Sequence[CsvValue]]:
    head = (
        kind.family,
        kind.kind,
        answer.agency,
        kind.window.first,
        kind.window.last,
        answer.rule,
        answer.day,
        answer.by,
    )
    groups = ((found.group, found.known, found.counts) for found in kind.groups)
    for group, known, counts in (("", None, kind.counts), *groups):
        for measure, count in counts.items():
            missing = vi_and_en(kind.missing if count is None else None)
            yield (
                *head,
                group,
                known,
                measure,
                count,
                *coverage_cells(kind.coverage),
                *answer.as_of.cells,
                *missing,
            )
