"""The shapes of the reporting API's answers, and their CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO

from pydantic import BaseModel, ConfigDict, Field

from metrics.catalogue import Indicator, Name

Cell = str | int | float | None


class Days(BaseModel):
    """A window of days in the province's zone, both included; null: no bound."""

    model_config = ConfigDict(populate_by_name=True)

    first: date | None = Field(serialization_alias="from")
    last: date | None = Field(serialization_alias="to")


class AsOf(BaseModel):
    """What the figures stand for: every fact accepted up to `instant`, and the cells before these offsets of lgsp.cells."""

    instant: str
    offsets: dict[str, int]


class CoverageOf(BaseModel):
    """Expected agencies with at least one dated count in the window."""

    reporting: int
    expected: int
    share: float | None


class Share(BaseModel):
    """A figure with what it is made of. `denominator` null: a count; `value` null: a zero denominator."""

    numerator: int
    denominator: int | None
    value: float | int | None
    target: float | None
    gap: float | None = Field(description="value less target")
    percentiles: dict[str, int | None] = Field({}, description="p50, p90: upper bound of the class that holds it")


class Group(Share):
    """One agency, category or day."""

    group: str


class IndicatorAnswer(Share):
    """One indicator over one window."""

    id: str
    version: int
    name: Name
    unit: str
    direction: str
    agency: str | None
    window: Days
    coverage: CoverageOf
    as_of: AsOf
    by: str | None
    groups: list[Group]


class IndicatorsAnswer(BaseModel):
    """Every indicator."""

    indicators: list[IndicatorAnswer]


class CountsGroup(BaseModel):
    """Raw counts of one agency, category or day."""

    group: str
    counts: dict[str, int]


class KindCounts(BaseModel):
    """Raw counts of one kind of cell. `window` is null on both sides for what is counted as of now (open dossiers)."""

    family: str
    kind: str
    window: Days
    counts: dict[str, int]
    groups: list[CountsGroup]


class CountsAnswer(BaseModel):
    """Raw counts under the indicators."""

    agency: str | None
    by: str | None
    as_of: AsOf
    kinds: list[KindCounts]


class CatalogueAnswer(BaseModel):
    """The whole catalogue, as it is declared."""

    indicators: list[Indicator]


INDICATOR_COLUMNS = (
    "id", "version", "name_vi", "name_en", "unit", "agency", "from", "to", "by", "group", "numerator", "denominator", "value",
    "target", "gap", "p50", "p90", "reporting", "expected", "as_of",
)  # fmt: skip
COUNTS_COLUMNS = ("family", "kind", "agency", "from", "to", "by", "group", "measure", "count", "as_of")


def indicators_csv(answers: Iterable[IndicatorAnswer]) -> str:
    """A row for each indicator's total (an empty group), and one for each of its groups."""
    return _csv(INDICATOR_COLUMNS, (row for answer in answers for row in _indicator_rows(answer)))


def _indicator_rows(answer: IndicatorAnswer) -> Iterable[Sequence[Cell]]:
    days = (_iso(answer.window.first), _iso(answer.window.last))
    head = (answer.id, answer.version, answer.name.vi, answer.name.en, answer.unit, answer.agency, *days, answer.by)
    tail = (answer.coverage.reporting, answer.coverage.expected, answer.as_of.instant)
    yield (*head, None, *_share(answer), *tail)
    for group in answer.groups:
        yield (*head, group.group, *_share(group), *tail)


def _share(share: Share) -> tuple[Cell, ...]:
    percentiles = share.percentiles.get("p50"), share.percentiles.get("p90")
    return share.numerator, share.denominator, share.value, share.target, share.gap, *percentiles


def counts_csv(answer: CountsAnswer) -> str:
    """A row for each measure of each kind: its total (an empty group), then its groups."""
    return _csv(COUNTS_COLUMNS, (row for kind in answer.kinds for row in _count_rows(answer, kind)))


def _count_rows(answer: CountsAnswer, kind: KindCounts) -> Iterable[Sequence[Cell]]:
    head = (kind.family, kind.kind, answer.agency, _iso(kind.window.first), _iso(kind.window.last), answer.by)
    for group, counts in (("", kind.counts), *((found.group, found.counts) for found in kind.groups)):
        for measure, count in counts.items():
            yield (*head, group, measure, count, answer.as_of.instant)


def _iso(day_: date | None) -> str | None:
    return None if day_ is None else day_.isoformat()


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
