"""The parameters that questions take, and what is wrong with them whatever they ask."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from metrics.cube.tables import FAMILIES
from metrics.errors import Fault, QueryError, instead, wrong
from metrics.figures.query import Groups, Query
from metrics.lists.subjects import ListQuery
from metrics.lists.terms import ListedPart
from schemas.codes import AdministrativeLevel, AgencyLevel
from schemas.masking import shown
from schemas.periods import PERIOD_PATTERN, is_period, period
from schemas.windows import WINDOW_NAMES, Comparison

_BOOKS = "The books to ask, of those that this process serves; without it its own"
Format = Literal["json", "csv"]
ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
# How else people and programs write a day: 20261103, 2026/11/3, with a time behind; and 3/11/2026,
# 03-11-2026, 3.11.2026.
YEAR_FIRST = re.compile(
    r"([0-9]{4})(?:[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|([0-9]{2})([0-9]{2}))(?:[T ].*)?"
)
DAY_FIRST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")


def each_once(request: Request) -> None:
    """Of a parameter given twice one value would be passed over in silence, and of an empty one
    nobody knows what is meant.

    Raises: QueryError naming each of them.
    """
    given = parse_qsl(request.url.query, keep_blank_values=True)
    times = Counter(name for name, _ in given)
    empty = {name for name, value in given if not value}
    faults = []
    for name, count in sorted(times.items()):
        if count > 1:
            faults.append(Fault(shown(name), f"is given {count} times: give it once"))
        elif name in empty:
            faults.append(Fault(shown(name), "is empty: give a value, or leave it out"))
    if faults:
        raise QueryError(faults)


def _day(text: object) -> object:
    """A day in the one way of writing that nobody can mistake; of any other way the right one is
    told.
    """
    if not isinstance(text, str):
        return text
    if (parts := ISO_DAY.fullmatch(text)) is None:
        raise ValueError(f"{shown(text)} is not how a day is written: {_meant(text)}")
    try:
        return date(*map(int, parts.groups()))
    except ValueError:
        raise ValueError(f"{text} is no day of the calendar") from None


def _meant(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip()
    if parts := YEAR_FIRST.fullmatch(plain):
        year, month, day = (part for part in parts.groups() if part is not None)
    elif parts := DAY_FIRST.fullmatch(plain):
        day, month, year = parts.groups()
    else:
        return "write it like 2026-11-03"
    try:
        return f"write {date(int(year), int(month), int(day))}"
    except ValueError:
        return "write it like 2026-11-03"


def _family(text: str) -> str:
    if text not in FAMILIES:
        raise ValueError(f"{shown(text)} is no family; {instead(text, FAMILIES)}")
    return text


Day = Annotated[date, BeforeValidator(_day)]
FamilyName = Annotated[str, AfterValidator(_family)]


def _window(text: str) -> str:
    """Raises: ValueError, which says what there is, for a name of no window."""
    if is_period(text):
        period(text)
    elif text not in WINDOW_NAMES:
        there_are = (*WINDOW_NAMES, "report:2026-10", "calendar:2026-Q3")
        raise ValueError(f"{shown(text)} cannot be chosen: {instead(text, there_are)}")
    return text


_NAMES_OF_WINDOWS: dict[str, Any] = {
    "type": "string",
    "anyOf": [{"enum": list(WINDOW_NAMES)}, {"pattern": PERIOD_PATTERN}],
}
WindowText = Annotated[str, AfterValidator(_window), WithJsonSchema(_NAMES_OF_WINDOWS)]


class BooksParameters(BaseModel):
    """The parameter that every address takes; which books answer is decided before it is read
    here.
    """

    model_config = ConfigDict(extra="forbid")

    books: str | None = Field(None, description=_BOOKS)


class WindowParameters(BooksParameters):
    """Parameters of every question about what was counted: of whom, and of when."""

    agency: str | None = Field(
        None, description="Only this agency (its code), with everything below it"
    )
    own: bool = Field(False, description="With agency: without what is below it")
    first: Day | None = Field(
        None,
        alias="from",
        description="First day, in the province's time zone; without it no bound",
    )
    last: Day | None = Field(
        None, alias="to", description="Last day, included; without it no bound"
    )
    window: WindowText | None = Field(
        None,
        description=(
            "Instead of from and to: a window that ends today, a reporting period (report:2026-10,"
            " -Q3, -6M, -9M) or one of the calendar (calendar:2026-10, -Q3). Without any: year"
        ),
    )
    as_of: Day | None = Field(
        None,
        description=(
            "As if asked at the end of this day, which must be over: by date, as it is known now."
            " Without it: of this instant, to the instant"
        ),
    )
    format: Format = "json"

    @model_validator(mode="after")
    def _is_a_query(self) -> Self:
        """Raises: QueryError for what does not go together."""
        self.query()
        return self

    def query(self) -> Query:
        """What is asked."""
        names = Query.__dataclass_fields__.keys() & set(type(self).model_fields)
        return Query(**{name: getattr(self, name) for name in names})


class FigureParameters(WindowParameters):
    """Parameters that every question about figures takes."""

    history: bool = Field(
        False, description="With agency: with its predecessors, for the time before it took over"
    )


class GroupParameters(FigureParameters):
    """Parameters of questions that can be told by groups (`by`)."""

    roll_up: AgencyLevel | None = Field(
        None, description="With by=agency: tell what is below an agency of this level under it"
    )


class IndicatorParameters(GroupParameters):
    """Parameters of indicators."""

    main: bool = Field(False, description="Only the main indicators, as the catalogue marks them")
    by: Groups | None = Field(None, description="Groups to tell beside the total")
    level: AdministrativeLevel | None = Field(
        None, description="Only the agencies of this level of government"
    )
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    compare: Comparison | None = Field(
        None, description="The same figures of the window before, or of the same days last year"
    )


class CountParameters(GroupParameters):
    """Parameters of the raw counts."""

    by: Groups | None = Field(None, description="Groups to tell beside the total")
    family: FamilyName | None = Field(
        None, description="Only this family: dossiers, documents, tasks, activities, inventory"
    )
    kind: str | None = Field(None, description="Only this kind of cell: received, closed…")


class ReportParameters(WindowParameters):
    """Parameters of an official form, which is told by the hierarchy of one day."""

    by: Literal["agency", "field"] = Field(
        "field", description="Rows: fields in bands of levels, as the form has them, or agencies"
    )
    roll_up: AgencyLevel | None = Field(
        None, description="With by=agency: tell what is below an agency of this level under it"
    )


class ListParameters(FigureParameters):
    """Parameters of a list: those of a figure, and which figure."""

    indicator: str | None = Field(None, description="The id of an indicator, as in /v1/catalogue")
    part: ListedPart = Field(
        "numerator",
        description=(
            "Which part of it: numerator, denominator, or what is missing: in the denominator of a"
            " share and not in its numerator"
        ),
    )
    kind: str | None = Field(
        None, description="Instead of indicator: a kind of cell, as in /v1/counts"
    )
    measure: str | None = Field(None, description="With kind: one of its measures")
    level: AdministrativeLevel | None = Field(
        None, description="Only the agencies of this level of government"
    )
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    limit: int = Field(100, ge=1, le=1_000, description="Rows of a page")
    after: str | None = Field(None, description="`next` of the page before")

    def list_query(self) -> ListQuery:
        """What is asked, and of which figure.

        Raises: QueryError for a part of a raw count, which has none.
        """
        if self.kind is not None and "part" in self.model_fields_set:
            raise wrong("part", "goes with an indicator, not with a raw count")
        return ListQuery(
            query=self.query(),
            indicator=self.indicator,
            part=self.part,
            kind=self.kind,
            measure=self.measure,
            limit=self.limit,
            after=self.after,
        )


class TraceParameters(BooksParameters):
    """Parameters of one thing."""

    # a fact takes a question to the broker
    limit: int = Field(50, ge=1, le=200, description="Facts of a page")
    after: str | None = Field(None, description="`next` of the page of facts before")
    format: Format = Field("json", description="csv: the facts alone")
