"""The shapes of the reporting API's answers, and their CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from metrics.api.csv import Cell, Sheet
from metrics.catalogue.indicators import Indicator, Name

AS_OF_COLUMNS = ("as_of", "books", "rules", "behind")


class Days(BaseModel):
    """A window of days in the province's zone, both included; null: no bound."""

    model_config = ConfigDict(populate_by_name=True)

    first: date | None = Field(serialization_alias="from")
    last: date | None = Field(serialization_alias="to")


class AsOf(BaseModel):
    """What the figures stand for: every fact accepted up to `instant`, by these books and their
    rules.
    """

    instant: str
    books: str = Field(description="The name of the books that counted")
    rules: dict[str, list[int]] = Field(
        description="By family the version of its counting rules; two while workers count anew"
    )
    behind: int | None = Field(
        description=(
            "Events accepted and not yet counted, asked every two seconds; null while Kafka can't"
            " be asked"
        )
    )
    offsets: dict[str, int] = Field(
        description="By partition the next offset of the books' topic of cells"
    )

    @property
    def cells(self) -> tuple[Cell, ...]:
        """As in CSV, under AS_OF_COLUMNS."""
        rules = " ".join(
            f"{family}={'/'.join(map(str, versions))}" for family, versions in self.rules.items()
        )
        return self.instant, self.books, rules, self.behind


class CoverageOf(BaseModel):
    """Expected agencies with at least one dated count in the window; the note goes wherever the
    figure is shown.

    Never complete where nobody registered who should report. All numbers are null where nobody is
    expected to send: of what exists as it is registered, and of reported figures.
    """

    reporting: int | None
    expected: int | None
    share: float | None
    complete: bool | None
    note: Name | None


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
    known: bool | None = Field(
        None, description="By agency: whether it was registered; null while no agency is"
    )


class Report(BaseModel):
    """A figure as an agency reported it. Without a denominator the numerator is the figure
    itself.
    """

    agency: str
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
    level: str | None
    field: str | None
    window: Days
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
    items: list[ItemAnswer]


class ScoreAnswer(BaseModel):
    """QĐ 766: points from events out of the possible ones, and out of 100."""

    id: str
    version: int
    agency: str | None
    window: Days
    coverage: CoverageOf
    as_of: AsOf
    points: float | None
    possible: float
    of: float
    missing: Name | None
    groups: list[GroupOfItems]


class IndicatorsAnswer(BaseModel):
    """Every indicator."""

    indicators: list[IndicatorAnswer]


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
    by: str | None
    as_of: AsOf
    kinds: list[KindCounts]


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
    "level",
    "field",
    "from",
    "to",
    "by",
    "group",
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
    "reporting",
    "expected",
    "complete",
    "note_vi",
    "note_en",
    *AS_OF_COLUMNS,
    "missing_vi",
    "missing_en",
)
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
    "from",
    "to",
    "reporting",
    "expected",
    "complete",
    "note_vi",
    "note_en",
    *AS_OF_COLUMNS,
)
COUNTS_COLUMNS = (
    "family",
    "kind",
    "agency",
    "from",
    "to",
    "by",
    "group",
    "known",
    "measure",
    "count",
    "reporting",
    "expected",
    "complete",
    "note_vi",
    "note_en",
    *AS_OF_COLUMNS,
    "missing_vi",
    "missing_en",
)


def indicators_sheet(name: str, answers: Iterable[IndicatorAnswer]) -> Sheet:
    """A row for each indicator's total (an empty group), and one for each of its groups."""
    return Sheet(
        name, INDICATOR_COLUMNS, (row for answer in answers for row in _indicator_rows(answer))
    )


def _indicator_rows(answer: IndicatorAnswer) -> Iterable[Sequence[Cell]]:
    named = (answer.id, answer.version, answer.source, answer.name.vi, answer.name.en, answer.unit)
    head = (
        *named,
        answer.agency,
        answer.level,
        answer.field,
        answer.window.first,
        answer.window.last,
        answer.by,
    )
    missing = (answer.missing.vi, answer.missing.en) if answer.missing else (None, None)
    tail = (*_covered(answer.coverage), *answer.as_of.cells, *missing)
    yield (*head, None, None, *_share(answer), *tail)
    for group in answer.groups:
        yield (*head, group.group, group.known, *_share(group), *tail)


def _covered(coverage: CoverageOf) -> tuple[Cell, ...]:
    note = (coverage.note.vi, coverage.note.en) if coverage.note else (None, None)
    return coverage.reporting, coverage.expected, coverage.complete, *note


def _share(share: Share) -> tuple[Cell, ...]:
    percentiles = share.percentiles.get("p50"), share.percentiles.get("p90")
    return (
        share.numerator,
        share.denominator,
        share.value,
        share.target,
        share.gap,
        *percentiles,
        *_compared(share.compared),
    )


def _compared(then: Compared | None) -> tuple[Cell, ...]:
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


def score_sheet(answer: ScoreAnswer) -> Sheet:
    """A row for each item."""
    return Sheet(
        "score-766",
        SCORE_COLUMNS,
        (_item_row(answer, group, item) for group in answer.groups for item in group.items),
    )


def _item_row(answer: ScoreAnswer, group: GroupOfItems, item: ItemAnswer) -> Sequence[Cell]:
    missing = (item.missing.vi, item.missing.en) if item.missing else (None, None)
    told = (item.numerator, item.denominator, item.value, item.full, item.points, item.of, *missing)
    tail = (
        answer.agency,
        answer.window.first,
        answer.window.last,
        *_covered(answer.coverage),
        *answer.as_of.cells,
    )
    return group.group, item.item, item.id, item.version, item.name.vi, item.name.en, *told, *tail


def counts_sheet(answer: CountsAnswer) -> Sheet:
    """A row for each measure of each kind: its total (an empty group), then its groups."""
    return Sheet(
        "counts",
        COUNTS_COLUMNS,
        (row for kind in answer.kinds for row in _count_rows(answer, kind)),
    )


def _count_rows(answer: CountsAnswer, kind: KindCounts) -> Iterable[Sequence[Cell]]:
    head = (kind.family, kind.kind, answer.agency, kind.window.first, kind.window.last, answer.by)
    groups = ((found.group, found.known, found.counts) for found in kind.groups)
    for group, known, counts in (("", None, kind.counts), *groups):
        for measure, count in counts.items():
            missing = (
                (kind.missing.vi, kind.missing.en)
                if count is None and kind.missing
                else (None, None)
            )
            yield (
                *head,
                group,
                known,
                measure,
                count,
                *_covered(kind.coverage),
                *answer.as_of.cells,
                *missing,
            )
