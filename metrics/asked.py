"""The parameters that questions take."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from metrics.grains import Window
from metrics.problems import wrong
from metrics.windows import Comparison, WindowName, compared, named
from schemas.codes import AdministrativeLevel, AgencyLevel

BOOKS = "The books to ask, of those that this process serves; without it its own"
Groups = Literal["agency", "category", "day", "level"]


def _iso_date(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError("should be a date such as 2026-11-03")
    return text


Day = Annotated[date, BeforeValidator(_iso_date)]


class AskedOfBooks(BaseModel):
    """The parameter that every address takes; which books answer is decided before it is read here."""

    model_config = ConfigDict(extra="forbid")

    books: str | None = Field(None, description=BOOKS)


class Asked(AskedOfBooks):
    """Parameters that every question about figures takes."""

    agency: str | None = Field(None, description="Only this agency (its code), with everything below it")
    own: bool = Field(False, description="With agency: without what is below it")
    history: bool = Field(False, description="With agency: with its predecessors, for the time before it took over")
    first: Day | None = Field(None, alias="from", description="First day, in the province's time zone; without it no bound")
    last: Day | None = Field(None, alias="to", description="Last day, included; without it no bound")
    window: WindowName | None = Field(None, description="Instead of from and to: a window that ends today. Without any: year")
    roll_up: AgencyLevel | None = Field(None, description="With by=agency: tell what is below an agency of this level under it")
    format: Literal["json", "csv"] = "json"

    def days(self, today: date) -> Window:
        """The window asked for.

        Raises: Problem for a window given twice, or one that ends before it begins.
        """
        if self.window is not None:
            if self.first or self.last:
                raise wrong("window", "goes without from and to")
            return named(self.window, today)
        if self.first is None and self.last is None:
            return named("year", today)
        if self.first and self.last and self.first > self.last:
            raise wrong("from", f"{self.first} is after to, {self.last}")
        return Window(self.first, self.last)


class IndicatorsAsked(Asked):
    """Parameters of indicators."""

    main: bool = Field(False, description="Only the main indicators, as the catalogue marks them")
    by: Groups | None = Field(None, description="Groups to tell beside the total")
    level: AdministrativeLevel | None = Field(None, description="Only the agencies of this level of government")
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    compare: Comparison | None = Field(None, description="The same figures of the window before, or of the same days last year")

    def before(self, window: Window, today: date) -> Window | None:
        """The window to compare with, if one is asked for.

        Raises: Problem for a window that is open on a side.
        """
        if self.compare is None:
            return None
        name = self.window or (None if self.first or self.last else "year")
        if (found := compared(window, self.compare, name)) is None:
            raise wrong("compare", "needs a window with a first and a last day")
        return found


class CountsAsked(Asked):
    """Parameters of the raw counts."""

    by: Literal["agency", "category", "day"] | None = Field(None, description="Groups to tell beside the total")
    family: str | None = Field(None, description="Only this family: dossiers, documents, tasks, activities, inventory")
    kind: str | None = Field(None, description="Only this kind of cell: received, closed…")
