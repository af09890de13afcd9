"""Windows: days of the province; named ones, to date; and the windows that one is compared with.

Named windows end today. The reporting period begins on the 15th and ends on the 14th (NĐ
09/2019/NĐ-CP).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple, get_args

WindowName = Literal["today", "week", "month", "quarter", "year", "period", "all"]
Comparison = Literal["previous", "last_year"]
WINDOW_NAMES: tuple[WindowName, ...] = get_args(WindowName)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
EXPORTED: tuple[WindowName, ...] = ("today", "month", "year", "all")
PERIOD_BEGINS = 15
_DAY = timedelta(days=1)


class Window(NamedTuple):
    """Days of the province, both included; None on a side: no bound there."""

    first: date | None
    last: date | None

    @property
    def bounds(self) -> tuple[date, date]:
        """Its first and its last day; where it is open, the calendar's."""
        return self.first or date.min, self.last or date.max

    def holds(self, day: date) -> bool:
        """Whether the day is in it."""
        first, last = self.bounds
        return first <= day <= last

    def ends_before(self, day: date) -> bool:
        """Whether all of it is over by the morning of the day."""
        return self.last is not None and self.last < day

    def overlap(self, other: Window) -> Window | None:
        """The days that are in both; None: none is."""
        firsts = [one.first for one in (self, other) if one.first is not None]
        lasts = [one.last for one in (self, other) if one.last is not None]
        first, last = max(firsts, default=None), min(lasts, default=None)
        if first is not None and last is not None and first > last:
            return None
        return Window(first, last)

    def up_to(self, today: date) -> Window:
        """Its days that are not ahead. One without a first day stands for its last one only, and
        one that is all ahead for its first.
        """
        last = min(self.last or today, today)
        first = self.first or last
        return Window(first, max(last, first))


EVER = Window(None, None)


def joined(parts: Sequence[Window]) -> Window:
    """The whole of parts that follow one another without a gap."""
    return Window(parts[0].first, parts[-1].last)


_FIRST: dict[WindowName, Callable[[date], date]] = {
    "today": lambda today: today,
    "week": lambda today: today - timedelta(days=today.weekday()),
    "month": lambda today: today.replace(day=1),
    "quarter": lambda today: today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda today: today.replace(month=1, day=1),
    "period": lambda today: add_months(
        today if today.day >= PERIOD_BEGINS else add_months(today, -1), 0, PERIOD_BEGINS
    ),
}
_MONTHS: dict[WindowName, int] = {"month": 1, "quarter": 3, "year": 12, "period": 1}


def named_window(name: WindowName, today: date) -> Window:
    """The window from its first day to today; `all` has no bounds. None begins before the
    calendar.
    """
    if name == "all":
        return EVER
    try:
        return Window(_FIRST[name](today), today)
    except (OverflowError, ValueError):
        return Window(date.min, today)


def add_months(day: date, months: int, on: int | None = None) -> date:
    """The same day (or the day `on`) so many months later; the month's last one where it has no
    such day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(on or day.day, monthrange(year, month + 1)[1]))


def compared(window: Window, with_: Comparison, name: WindowName | None = None) -> Window | None:
    """The window to compare one with; None for a window that is open on a side, or if it lies
    beyond the calendar's ends.

    `last_year` is the same days of the year before. `previous` is as much of the unit before (of
    `name`: month, quarter …) as has passed of this one; of a range of whole months, counted from
    any day, as many months before it; of any other range, as many days before it.
    """
    if window.first is None or window.last is None:
        return None
    try:
        return _earlier(window.first, window.last, with_, name)
    # days of no calendar: before the year 1, behind the year 9999
    except (OverflowError, ValueError):
        return None


def _earlier(first: date, last: date, with_: Comparison, name: WindowName | None) -> Window:
    whole = whole_months(first, last)
    months = 12 if with_ == "last_year" else _MONTHS.get(name, 0) if name else whole
    if not months:
        days = timedelta(days=7) if name == "week" else last - first + _DAY
        return Window(first - days, last - days)
    return Window(
        add_months(first, -months),
        add_months(last + _DAY, -months) - _DAY if whole else add_months(last, -months),
    )


def whole_months(first: date, last: date) -> int:
    """How many months a range is, where its end falls on the day before the day of the month that
    it began on; else 0.
    """
    end = last + _DAY
    months = (end.year - first.year) * 12 + end.month - first.month
    return months if end.day == first.day else 0
