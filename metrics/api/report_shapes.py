"""The shape of form 06a, and its CSV."""

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
    ReportDays,
    as_of,
    coverage_cells,
    coverage_shape,
    days_of,
    names,
    vi_and_en,
)
from metrics.catalogue.indicators import Name
from metrics.figures.naming import Naming
from metrics.figures.query import REST, Rule
from metrics.figures.reading import Reading
from metrics.reports import words_06a as words
from metrics.reports.form_06a import Columns, Form06a, Row06a
from schemas.spreadsheets import CsvValue

_COUNTED = tuple(head.number for head in words.COLUMN_HEADS if head.number > 2)


class Heading(BaseModel):
    """What stands above the form, in its own words."""

    number: str
    title: str
    unit: str
    sender: str
    receiver: str
    period: str


class ColumnOf(BaseModel):
    """A column by its official number."""

    number: int
    group: Name | None
    label: Name


class RowOf(BaseModel):
    """A band as a whole (`group` null), a field in a band, or an agency."""

    band: str | None = Field(description="province, district, commune or unknown; null by agency")
    group: str | None = Field(description="Code of the field or agency; none: not known")
    name: Names | None
    known: bool | None = Field(
        description="By agency: whether it was registered; null while no agency is"
    )
    columns: dict[str, int] = Field(description="By the official number, 3 to 13")


class Report06aAnswer(BaseModel):
    """Form II.06a, as of the end of `day`."""

    form: str
    heading: Heading
    columns: list[ColumnOf]
    agency: str | None
    by: str
    window: ReportDays | Days
    over: bool = Field(description="Whether the whole window is: else it is told until `day`")
    rule: Rule = Field(description=RULE)
    day: date = Field(description=DAY)
    rows: list[RowOf]
    total: dict[str, int] | None
    coverage: CoverageOf
    as_of: AsOf
    missing: Name | None = Field(description="Why there are no rows")


REPORT_COLUMNS = (
    "band",
    "group",
    "name_vi",
    "name_en",
    "known",
    *(f"column_{number}" for number in _COUNTED),
    "agency",
    "from",
    "to",
    "day",
    "by",
    *COVERAGE_COLUMNS,
    *AS_OF_COLUMNS,
    "missing_vi",
    "missing_en",
)


def report_shape(reading: Reading, form: Form06a) -> Report06aAnswer:
    """The form as it is answered."""
    query, asked = reading.query, reading.window
    return Report06aAnswer(
        form=words.FORM_ID,
        heading=_heading(reading, form),
        columns=[ColumnOf(**head._asdict()) for head in words.COLUMN_HEADS],
        agency=query.agency,
        by=query.by or "field",
        window=days_of(asked, reading.due),
        over=asked.last == form.day,
        rule="by_date",
        day=form.day,
        rows=[_row(reading, one, form.day) for one in form.rows],
        total=None if form.total is None else _numbered(form.total),
        coverage=coverage_shape(form.coverage),
        as_of=as_of(reading.view.as_of),
        missing=form.missing,
    )


def _heading(reading: Reading, form: Form06a) -> Heading:
    agency = reading.query.agency
    name = _naming(reading, form.day).agency(agency)
    sender = "" if agency is None else f": {(name and name.vi) or agency}"
    return Heading(
        number=words.NUMBER,
        title=words.TITLE,
        unit=words.UNIT,
        sender=f"{words.SENDER}{sender}",
        receiver=words.RECEIVER,
        period=words.period_text(form.window.first, form.day),
    )


def _row(reading: Reading, one: Row06a, day: date) -> RowOf:
    directory = reading.view.directory
    by_agency = one.band is None
    return RowOf(
        band=one.band,
        group=one.group,
        name=_name(reading, one, day),
        known=directory.registered(one.group or "", "agency" if by_agency else None),
        columns=_numbered(one.columns),
    )


def _name(reading: Reading, one: Row06a, day: date) -> Names | None:
    if one.band is None:
        return names(_naming(reading, day).agency(one.group))
    if one.group is None:
        return names(words.BANDS[one.band])
    return names(words.FIELD_NOT_KNOWN) if one.group == REST else None


def _naming(reading: Reading, day: date) -> Naming:
    return Naming(reading.view.directory, reading.view.declared, day)


def _numbered(columns: Columns) -> dict[str, int]:
    return {str(number): count for number, count in zip(_COUNTED, columns, strict=True)}


def report_sheet(answer: Report06aAnswer) -> Sheet:
    """A row for each of the form's, the total last."""
    return Sheet("06a", REPORT_COLUMNS, _rows(answer))


def _rows(answer: Report06aAnswer) -> Iterable[Sequence[CsvValue]]:
    tail = (
        answer.agency,
        answer.window.first,
        answer.window.last,
        answer.day,
        answer.by,
        *coverage_cells(answer.coverage),
        *answer.as_of.cells,
        *vi_and_en(answer.missing),
    )
    for row in answer.rows:
        yield row.band, row.group, *vi_and_en(row.name), row.known, *row.columns.values(), *tail
    total = [None] * len(_COUNTED) if answer.total is None else answer.total.values()
    yield None, None, words.TOTAL.vi, words.TOTAL.en, None, *total, *tail
