"""A second opinion on working time: day by day, with datetimes; shares with the hub only the public
calendar's library.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

from holidays import country_holidays

VIET_NAM = timezone(timedelta(hours=7))
CALENDAR = country_holidays("VN", years=range(2015, 2035))
SPANS = ((time(7), time(11, 30)), (time(13, 30), time(17)))


def works(day: date) -> bool:
    """Monday to Friday but for the public holidays, and the days worked in the stead of others."""
    return day in CALENDAR.weekend_workdays or (day.weekday() < 5 and day not in CALENDAR)


def working_seconds(start: int, end: int) -> int:
    """Whole seconds of office hours between two instants (epoch ms)."""
    first, last = (
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms) for ms in (start, end)
    )
    total, day = timedelta(), first.astimezone(VIET_NAM).date()
    while day <= last.astimezone(VIET_NAM).date():
        for opening, closing in SPANS if works(day) else ():
            begins, ends = (
                datetime.combine(day, moment, VIET_NAM) for moment in (opening, closing)
            )
            total += max(timedelta(), min(ends, last) - max(begins, first))
        day += timedelta(days=1)
    return total // timedelta(seconds=1)
