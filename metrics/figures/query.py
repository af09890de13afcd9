"""What is asked: the one form that every door (HTTP, and whatever else asks) brings a question
into.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, cast

from metrics.errors import Fault, QueryError, wrong
from schemas.codes import AdministrativeLevel, AgencyLevel
from schemas.periods import is_period, period
from schemas.windows import Comparison, Window, WindowName, compared, named_window

Groups = Literal["agency", "category", "procedure", "field", "day", "level"]
# of what has no field or level, so that groups add up to the whole
REST = "none"
Rule = Literal["by_date", "to_the_instant"]
_USUAL: WindowName = "year"  # the window, where none is asked for
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Query:
    """Whose figures, of when, and told by which groups. Days are the province's.

    Raises: QueryError for a window given twice or that ends before it begins, and for what goes
    with something else only.
    """

    agency: str | None = None  # with everything below it
    own: bool = False  # without what is below it
    history: bool = False  # with its predecessors, for the time before it took over
    level: AdministrativeLevel | None = None
    field: str | None = None  # of procedures
    first: date | None = None
    last: date | None = None  # included
    window: str | None = None  # instead of days: a WindowName, or the name of a period
    as_of: date | None = None  # as if asked at the end of this day, and by date; None: this instant
    compare: Comparison | None = None
    by: Groups | None = None
    roll_up: AgencyLevel | None = None  # with groups of agencies: tell what is below under it

    def __post_init__(self) -> None:
        if self.window is not None and (self.first or self.last):
            raise wrong("window", "goes without from and to")
        if self.first and self.last and self.first > self.last:
            raise wrong("from", f"{self.first} is after to, {self.last}")
        for name, given in (("own", self.own), ("history", self.history)):
            if given and self.agency is None:
                raise wrong(
                    name, "goes with agency: name the agency that it is asked of, or leave it out"
                )
        if self.roll_up is not None and self.by != "agency":
            raise wrong("roll_up", "goes with by=agency")

    @property
    def time(self) -> list[str]:
        """The parameters by which another time than this moment is asked for."""
        given = {"from": self.first, "to": self.last, "window": self.window}
        return [name for name, value in given.items() if value is not None]

    @property
    def rule(self) -> Rule:
        """By which what is late or in time is told."""
        return "to_the_instant" if self.as_of is None else "by_date"

    def refuse_time(self, what: str, ask: str = "") -> None:
        """Raises: QueryError if another time is asked for of what is known of this moment only;
        `ask`: what to ask for that time, if anything.
        """
        given = [*self.time, *(["as_of"] if self.as_of is not None else [])]
        if given:
            detail = (
                f"{what} is told as of now, and of no other time: leave out {' and '.join(given)}"
            )
            faults = [Fault(name, "leave it out") for name in given]
            raise QueryError(faults, f"{detail}{ask and f', or {ask}'}")
        if self.compare is not None:
            raise wrong(
                "compare",
                f"{what} is told as of now, so there is nothing before to compare it with: leave"
                " out compare",
            )

    def refuse_window(self, what: str) -> None:
        """Raises: QueryError if a window is asked for of what is told of one moment, be it this
        instant or the end of a day: it would change nothing.
        """
        if self.compare is not None and self.as_of is None:
            raise wrong(
                "compare",
                f"{what} is told as of now, so there is nothing before to compare it with: leave"
                " out compare, or ask with as_of",
            )
        if self.time and self.compare is None and self.by != "day":
            given = " and ".join(self.time)
            ask = "" if self.as_of else f"; for the end of a day ask as_of={self._last_day}"
            detail = f"{what} is told of one moment, not of a window: leave out {given}{ask}"
            raise QueryError([Fault(name, "leave it out") for name in self.time], detail)

    @property
    def _last_day(self) -> str:
        """Of the window, if its days are known; else how one is written."""
        named = self.window is not None and is_period(self.window)
        last = period(self.window).last if self.window and named else self.last
        return "YYYY-MM-DD" if last is None else last.isoformat()

    def require_over(self, today: date) -> None:
        """Raises: QueryError for a day that is not over yet."""
        if self.as_of is not None and self.as_of >= today:
            raise wrong(
                "as_of",
                f"{self.as_of} is not over yet: leave out as_of for this instant, or ask"
                f" as_of={today - _DAY} for the end of the last day that is",
            )

    def days(self, today: date) -> Window:
        """The window asked for; with `as_of` as if it were asked on that day, and no further.

        Raises: QueryError for one that begins after that day.
        """
        if self.as_of is None:
            return self._days(today)
        first, last = self._days(self.as_of)
        if first is not None and first > self.as_of:
            raise wrong(
                "as_of",
                f"{self.as_of} is before the window, which begins on {first}: ask as of a day in"
                " it, or leave out as_of",
            )
        return Window(first, min(last or self.as_of, self.as_of))

    def _days(self, today: date) -> Window:
        if self.window is not None:
            return _window_of(self.window, today)
        if self.first is None and self.last is None:
            return named_window(_USUAL, today)
        return Window(self.first, self.last)

    def before(self, today: date) -> Window | None:
        """The window to compare with, if one is asked for.

        Raises: QueryError for a window that is open on a side, or that has none before it.
        """
        if self.compare is None:
            return None
        window = self.days(today)
        if window.first is None or window.last is None:
            raise wrong("compare", "needs a window with a first and a last day")
        name = self.window or (None if self.first or self.last else _USUAL)
        if name is not None and is_period(name):
            name = None  # it is whole months, like days that were asked for
        if (found := compared(window, self.compare, cast(WindowName | None, name))) is None:
            raise wrong(
                "compare",
                "reaches beyond the ends of the calendar: ask with a window that lies further"
                " within it",
            )
        return found


def _window_of(name: str, today: date) -> Window:
    return period(name) if is_period(name) else named_window(cast(WindowName, name), today)
