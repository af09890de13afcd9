"""One query at one view: what its indicators share while they are read, and the verb by which every
origin of figures reads one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures.expected import Expecting, expecting
from metrics.figures.figure import Figure
from metrics.figures.query import Groups, Query
from metrics.figures.scopes import AgencyScope, limited_to_level, scopes
from metrics.figures.sums import SumsProvider
from metrics.figures.view import View
from schemas.codes import AdministrativeLevel
from schemas.periods import is_period, report_due
from schemas.windows import EVER, Window

# The figure of each group (without groups of the empty text), and why some or all are absent.
FoundFigures = tuple[dict[str, Figure], Name | None]


class Slice(NamedTuple):
    """What is read at once of a query: one window, of one level of government, by one grouping."""

    window: Window
    level: AdministrativeLevel | None = None
    by: Groups | None = None


class Told(NamedTuple):
    """An indicator as it is read for a query: of which window, and at the end of which day (None:
    as of this instant, or it is told of a window).
    """

    indicator: Indicator
    window: Window
    day: date | None = None


class Reading:
    """A query as it is answered. `figures_of` reads any indicator (metrics/figures/compute.py makes
    readings).

    Raises: QueryError for a window that can't be compared with another, and for the end of a day
    that is not over; NotAllowed for what the view's reader may not read.
    """

    def __init__(
        self,
        view: View,
        query: Query,
        indicators: Sequence[Indicator],
        figures_of: Callable[[Reading, Indicator, Slice], FoundFigures],
    ) -> None:
        self.view, self.query, self._indicators = view, query, indicators
        query.require_over(view.moment.today)
        self.window = query.days(view.moment.today)
        self.before = query.before(view.moment.today)
        view.reader.require(view.directory, query, self._days_asked())
        self._figures_of = figures_of
        self._sums: dict[AdministrativeLevel | None, SumsProvider] = {}
        self._scopes: dict[Slice, list[AgencyScope] | None] = {}
        self._expecting: dict[Window, Expecting] = {}

    def _days_asked(self) -> list[Window]:
        """The days by whose hierarchies it is answered: those of its windows (the usual one ends
        today), and the one of whose end moments are told.
        """
        asked = [self.window, *([] if self.before is None else [self.before])]
        if self.query.as_of is not None:
            asked.append(Window(self.query.as_of, self.query.as_of))
        return asked

    @property
    def due(self) -> date | None:
        """The day on which the report of the window is due, if a closed reporting period was asked
        for by its name.
        """
        name, moment = self.query.window, self.view.moment
        if name is None or not is_period(name):
            return None
        return report_due(name, self.query.as_of or moment.today, moment.office)

    def told(self, indicator: Indicator) -> Told:
        """The indicator as its figure is read: a question about a moment as of the end of a day, if
        one is asked for and that can be told.
        """
        if not indicator.asks_now:
            return Told(indicator, self.window)
        day, then = self._day, indicator.at_end_of_day
        if day is None or then is None:
            return Told(indicator, EVER)
        return Told(then, Window(None, day), day)

    def curve(self, indicator: Indicator) -> Told | None:
        """A question about a moment for the end of each day of the window that is over; None: none
        is, or that can't be told.
        """
        yesterday = self.view.moment.today - timedelta(days=1)
        over, then = self.window.overlap(Window(None, yesterday)), indicator.at_end_of_day
        return None if then is None or over is None else Told(then, over, over.last)

    @property
    def _day(self) -> date | None:
        """At the end of which day questions about a moment are answered: of curves the window's
        last one, if that is over.
        """
        query, last = self.query, self.window.last
        if query.as_of is not None:
            return query.as_of
        over = last is not None and last < self.view.moment.today
        return last if query.by == "day" and query.time and over else None

    def figures(self, indicator: Indicator, part: Slice) -> FoundFigures:
        """Of any indicator, whatever its figures come from."""
        return self._figures_of(self, indicator, part)

    def sums(self, level: AdministrativeLevel | None) -> SumsProvider:
        """The sums that the indicators share."""
        if level not in self._sums:
            self._sums[level] = self.view.provider(self._indicators, level)
        return self._sums[level]

    def scopes(self, window: Window, level: AdministrativeLevel | None) -> list[AgencyScope] | None:
        """Where to look; None: no agency of the level is known."""
        part = Slice(window, level)
        if part not in self._scopes:
            self._scopes[part] = self._look(part)
        return self._scopes[part]

    def _look(self, part: Slice) -> list[AgencyScope] | None:
        found = scopes(self.view.directory, self.query, part.window)
        return (
            found
            if part.level is None
            else limited_to_level(self.view.directory, part.level, found)
        )

    def expecting(self, window: Window) -> Expecting:
        """Whose counts figures of the window should hold."""
        view, days = self.view, window.up_to(self.view.moment.today)
        if days not in self._expecting:
            self._expecting[days] = expecting(
                view.directory, view.declared, view.heard, self.query, days
            )
        return self._expecting[days]
