"""The parameters that questions take, and what is wrong with them whatever they ask."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from metrics.api.problems import FieldError, Problem, all_wrong, instead, shown, wrong
from metrics.cube.tables import FAMILIES
from schemas.codes import AdministrativeLevel, AgencyLevel
from schemas.windows import Comparison, Window, WindowName, compared, named

BOOKS = "The books to ask, of those that this process serves; without it its own"
Groups = Literal["agency", "category", "day", "level"]
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

    Raises: Problem naming each of them.
    """
    given = parse_qsl(request.url.query, keep_blank_values=True)
    times = Counter(name for name, _ in given)
    empty = {name for name, value in given if not value}
    errors: list[FieldError] = []
    for name, count in sorted(times.items()):
        if count > 1:
            errors.append(
                {"field": shown(name), "message": f"is given {count} times: give it once"}
            )
        elif name in empty:
            errors.append(
                {"field": shown(name), "message": "is empty: give a value, or leave it out"}
            )
    if errors:
        raise all_wrong(errors)


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
Family = Annotated[str, AfterValidator(_family)]


class AskedOfBooks(BaseModel):
    """The parameter that every address takes; which books answer is decided before it is read
    here.
    """

    model_config = ConfigDict(extra="forbid")

    books: str | None = Field(None, description=BOOKS)


class Asked(AskedOfBooks):
    """Parameters that every question about figures takes."""

    agency: str | None = Field(
        None, description="Only this agency (its code), with everything below it"
    )
    own: bool = Field(False, description="With agency: without what is below it")
    history: bool = Field(
        False, description="With agency: with its predecessors, for the time before it took over"
    )
    first: Day | None = Field(
        None,
        alias="from",
        description="First day, in the province's time zone; without it no bound",
    )
    last: Day | None = Field(
        None, alias="to", description="Last day, included; without it no bound"
    )
    window: WindowName | None = Field(
        None, description="Instead of from and to: a window that ends today. Without any: year"
    )
    format: Format = "json"

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        """Raises: Problem for a window given twice or that ends before it begins, and for what goes
        with an agency only.
        """
        if self.window is not None and (self.first or self.last):
            raise wrong("window", "goes without from and to")
        if self.first and self.last and self.first > self.last:
            raise wrong("from", f"{self.first} is after to, {self.last}")
        for name in ("own", "history"):
            if getattr(self, name) and self.agency is None:
                raise wrong(
                    name, "goes with agency: name the agency that it is asked of, or leave it out"
                )
        return self

    @property
    def time(self) -> list[str]:
        """The parameters by which another time than this moment is asked for."""
        given = {"from": self.first, "to": self.last, "window": self.window}
        return [name for name, value in given.items() if value is not None]

    def refuse_time(self, what: str) -> None:
        """Raises: Problem if another time is asked for of what is known of this moment only."""
        if self.time:
            detail = (
                f"{what} is told as of now, and of no other time: leave out"
                f" {' and '.join(self.time)}"
            )
            raise Problem(
                "wrong-parameter",
                detail,
                {
                    "errors": [{"field": name, "message": "leave it out"} for name in self.time],
                },
            )

    def days(self, today: date) -> Window:
        """The window asked for."""
        if self.window is not None:
            return named(self.window, today)
        if self.first is None and self.last is None:
            return named("year", today)
        return Window(self.first, self.last)


class GroupsAsked(Asked):
    """Parameters of questions that can be told by groups (`by`)."""

    roll_up: AgencyLevel | None = Field(
        None, description="With by=agency: tell what is below an agency of this level under it"
    )

    @model_validator(mode="after")
    def _rolls_up_agencies(self) -> Self:
        """Raises: Problem for what goes with groups of agencies only."""
        if self.roll_up is not None and getattr(self, "by", None) != "agency":
            raise wrong("roll_up", "goes with by=agency")
        return self


class IndicatorsAsked(GroupsAsked):
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

    def refuse_time(self, what: str) -> None:
        """As of every question; nor is there anything to compare it with."""
        super().refuse_time(what)
        if self.compare is not None:
            raise wrong(
                "compare",
                f"{what} is told as of now, so there is nothing before to compare it with: leave"
                " out compare",
            )

    def before(self, window: Window, today: date) -> Window | None:
        """The window to compare with, if one is asked for.

        Raises: Problem for a window that is open on a side, or that has none before it.
        """
        if self.compare is None:
            return None
        if window.first is None or window.last is None:
            raise wrong("compare", "needs a window with a first and a last day")
        name = self.window or (None if self.first or self.last else "year")
        if (found := compared(window, self.compare, name)) is None:
            raise wrong(
                "compare",
                "reaches beyond the ends of the calendar: ask with a window that lies further"
                " within it",
            )
        return found


class CountsAsked(GroupsAsked):
    """Parameters of the raw counts."""

    by: Literal["agency", "category", "day"] | None = Field(
        None, description="Groups to tell beside the total"
    )
    family: Family | None = Field(
        None, description="Only this family: dossiers, documents, tasks, activities, inventory"
    )
    kind: str | None = Field(None, description="Only this kind of cell: received, closed…")
