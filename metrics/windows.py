"""Named reporting windows, to date: they end today, in the province's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal, get_args

from metrics.grains import EVER, Window

WindowName = Literal["today", "week", "month", "quarter", "year", "all"]
NAMES: tuple[WindowName, ...] = get_args(WindowName)
EXPORTED: tuple[WindowName, ...] = ("today", "month", "year", "all")

_FIRST: dict[WindowName, Callable[[date], date]] = {
    "today": lambda today: today,
    "week": lambda today: today - timedelta(days=today.weekday()),
    "month": lambda today: today.replace(day=1),
    "quarter": lambda today: today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda today: today.replace(month=1, day=1),
}


def named(name: WindowName, today: date) -> Window:
    """The window from its first day to today; `all` has no bounds."""
    return EVER if name == "all" else Window(_FIRST[name](today), today)
