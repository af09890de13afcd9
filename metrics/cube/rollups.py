"""Roll-up rows: the same sums kept by day, month, year and for all time, so that any window is a
few rows per agency.

A day YYYYMMDD, a stock's as well, is also summed at YYYYMM (month), YYYY (year) and 0 (all time).
An instant (epoch ms) is also summed at the number of its day in the province's zone, and at 0.
`cover` takes a window apart into the fewest such rows.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import NamedTuple

from schemas.cells.kinds import At
from schemas.clock import DAY_MS, EARLIEST_MS, LATEST_MS, OFFSET_MS, day_number, yyyymmdd
from schemas.windows import EVER, Window

ALL, YEAR, MONTH, FINE = 0, 1, 2, 3
INSTANT_DAY = MONTH  # the one middle grain of instants

# SQL that takes `at` to its coarser grains.
_OF_DAYS = {ALL: "0", YEAR: "at / 10000", MONTH: "at / 100"}
COARSER: dict[At, dict[int, str]] = {
    "day": _OF_DAYS,
    "stock": _OF_DAYS,
    "instant": {ALL: "0", INSTANT_DAY: f"(at + {OFFSET_MS}) / {DAY_MS}"},
    "none": {ALL: "0"},
}


class Range(NamedTuple):
    """Rows of one grain with `low` <= at <= `high`."""

    grain: int
    low: int
    high: int


def cover_days(window: Window) -> list[Range]:
    """The ranges whose rows together are exactly the days of a window, each day once."""
    if window == EVER:
        return [Range(ALL, 0, 0)]
    first, last = window.first or date.min, window.last or date.max
    if first > last:
        return []
    return _days_months_years(first, last)


def cover_stock(window: Window, today: date) -> list[Range]:
    """The ranges of every change up to a window's last day, or up to today: what exists then,
    however late the window begins.
    """
    return cover_days(Window(None, window.last or today))


def _days_months_years(first: date, last: date) -> list[Range]:
    # No day behind the last one is asked for: there is none behind 9999-12-31, by which many mean
    # "no end".
    month_from, month_to = _month_up(first), last.year * 12 + last.month
    if month_from > month_to or (month_from == month_to and first.day != 1):
        return [Range(FINE, yyyymmdd(first), yyyymmdd(last))]
    found = []
    if first.day != 1:
        found.append(Range(FINE, yyyymmdd(first), _month_number(month_from - 1) * 100 + 31))
    full_to = month_to if last.day == monthrange(last.year, last.month)[1] else month_to - 1
    found += _months_years(month_from, full_to)
    if full_to != month_to:
        found.append(Range(FINE, yyyymmdd(last.replace(day=1)), yyyymmdd(last)))
    return found


def _month_up(day_: date) -> int:
    """Months since year 0 of the first month that begins on or after a day."""
    return day_.year * 12 + day_.month - 1 + (day_.day != 1)


def _month_number(months: int) -> int:
    return months // 12 * 100 + months % 12 + 1


def _months_years(start: int, end: int) -> list[Range]:
    """Whole months from `start` to before `end`, whole years among them as years."""
    year_from, year_to = -(-start // 12), end // 12
    if year_from >= year_to:
        return _months(start, end)
    return [
        *_months(start, year_from * 12),
        Range(YEAR, year_from, year_to - 1),
        *_months(year_to * 12, end),
    ]


def _months(start: int, end: int) -> list[Range]:
    return [Range(MONTH, _month_number(start), _month_number(end - 1))] if start < end else []


def cover_instants(low: int = EARLIEST_MS, high: int = LATEST_MS) -> list[Range]:
    """The ranges whose rows together are exactly the instants `low` <= at <= `high` (the absent
    one, 0, is in none).
    """
    if low > high:
        return []
    day_from, day_to = -(-(low + OFFSET_MS) // DAY_MS), day_number(high + 1)
    if day_from >= day_to:
        return [Range(FINE, low, high)]
    found = [Range(INSTANT_DAY, day_from, day_to - 1)]
    if low < (morning := day_from * DAY_MS - OFFSET_MS):
        found.insert(0, Range(FINE, low, morning - 1))
    if high >= (midnight := day_to * DAY_MS - OFFSET_MS):
        found.append(Range(FINE, midnight, high))
    return found


def fine(range_: Range, at: At) -> Range:
    """The same rows at the finest grain, where cells and days are kept apart."""
    grain, low, high = range_
    if grain == FINE:
        return range_
    if grain == ALL:
        return Range(FINE, 0, LATEST_MS)
    if at == "instant":
        return Range(FINE, low * DAY_MS - OFFSET_MS, (high + 1) * DAY_MS - OFFSET_MS - 1)
    scale = 10_000 if grain == YEAR else 100
    return Range(FINE, low * scale, high * scale + scale - 1)
