"""The shape of QĐ 766's score, and its CSV."""

from __future__ import annotations

from collections.abc import Sequence
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
    ReportDays,
    as_of,
    coverage_cells,
    coverage_shape,
    days_of,
    names,
    vi_and_en,
)
from metrics.catalogue.indicators import Indicator, Name
from metrics.cube.tables import FAMILIES
from metrics.figures.coverage import coverage_of
from metrics.figures.naming import naming_for
from metrics.figures.query import Rule
from metrics.figures.reading import Reading
from metrics.figures.score import GROUPS_766, Scored, add_up, by_group
from schemas.spreadsheets import CsvValue


class ItemAnswer(BaseModel):
    """One item of QĐ 766. `points` null: its share or its greatest number of points is not
    known.
    """

    id: str
    item: str
    version: int = Field(description="Of the formula")
    name: Name
    numerator: int | None
    denominator: int | None
    value: float | None
    full: float = Field(description="The share from which all points are given")
    points: float | None
    of: float | None = Field(description="The most points it gives")
    missing: Name | None


class GroupOfItems(BaseModel):
    """A group of items. `points` out of `possible` come from events; the group gives `of` in
    all.
    """

    group: str
    name: Name
    points: float | None
    possible: float
    of: float
    undivided: float = Field(
        description="Of these, what the decision's readings do not divide among its items"
    )
    items: list[ItemAnswer]


class ScoreAnswer(BaseModel):
    """QĐ 766: points from events out of the possible ones, and out of 100."""

    id: str
    version: int
    agency: str | None
    agency_name: Names | None = Field(description="What it is called on the window's last day")
    window: ReportDays | Days
    rule: Rule = Field(description=RULE)
    day: date | None = Field(description=DAY)
    coverage: CoverageOf
    as_of: AsOf
    points: float | None
    possible: float
    of: float
    missing: Name | None
    groups: list[GroupOfItems]


SCORE_COLUMNS = (
    "group",
    "item",
    "id",
    "version",
    "name_vi",
    "name_en",
    "numerator",
    "denominator",
    "value",
    "full",
    "points",
    "of",
    "missing_vi",
    "missing_en",
    "agency",
    "agency_name_vi",
    "agency_name_en",
    "from",
    "to",
    "rule",
    "day",
    *COVERAGE_COLUMNS,
    *AS_OF_COLUMNS,
)


def score_shape(reading: Reading, declared: Indicator, found: Sequence[Scored]) -> ScoreAnswer:
    """The score as it is answered."""
    total = add_up(found)
    return ScoreAnswer(
        id=declared.id,
        version=declared.version,
        agency=reading.query.agency,
        agency_name=names(naming_for(reading).agency(reading.query.agency)),
        window=days_of(reading.window, reading.due),
        rule=reading.query.rule,
        day=reading.query.as_of,
        coverage=coverage_shape(coverage_of(reading, FAMILIES, reading.window)),
        as_of=as_of(reading.view.as_of),
        points=total.points,
        possible=total.possible,
        of=sum(most for _, most in GROUPS_766.values()),
        missing=declared.missing,
        groups=[_group(group, items) for group, items in by_group(found).items()],
    )


def _group(group: str, items: Sequence[Scored]) -> GroupOfItems:
    (name, most), total = GROUPS_766[group], add_up(items)
    return GroupOfItems(
        group=group,
        name=name,
        points=total.points,
        possible=total.possible,
        of=most,
        undivided=most - sum(one.item.score.points or 0 for one in items if one.item.score),
        items=[_item(one) for one in items],
    )


def _item(one: Scored) -> ItemAnswer:
    assert one.item.score is not None
    return ItemAnswer(
        id=one.item.id,
        item=one.item.score.item,
        version=one.item.version,
        name=one.item.name,
        numerator=one.found.numerator,
        denominator=one.found.denominator,
        value=one.found.value,
        full=one.item.score.full,
        points=one.points,
        of=one.item.score.points,
        missing=one.missing,
    )


def score_sheet(answer: ScoreAnswer) -> Sheet:
    """A row for each item."""
    return Sheet(
        "score-766",
        SCORE_COLUMNS,
        (_item_row(answer, group, item) for group in answer.groups for item in group.items),
    )


def _item_row(answer: ScoreAnswer, group: GroupOfItems, item: ItemAnswer) -> Sequence[CsvValue]:
    figure = (item.numerator, item.denominator, item.value)
    scored = (item.full, item.points, item.of, *vi_and_en(item.missing))
    tail = (
        answer.agency,
        *vi_and_en(answer.agency_name),
        answer.window.first,
        answer.window.last,
        answer.rule,
        answer.day,
        *coverage_cells(answer.coverage),
        *answer.as_of.cells,
    )
    head = (group.group, item.item, item.id, item.version, *vi_and_en(item.name))
    return *head, *figure, *scored, *tail
