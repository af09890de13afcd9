"""Times as events bring them: RFC 3339 text with its zone, or epoch milliseconds. What is neither
is told how to be written.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any

from schemas.clock import EARLIEST_MS, LATEST_MS, to_ms

SAMPLE_TIME = "2026-11-03T09:00:00+07:00"
BUDDHIST_YEARS = 543  # ahead of the common era
RANGE = "should be between 1980 and 2100"

_SECOND_60 = re.compile(r"(T\d{2}:?\d{2}:?)60(?:[.,]\d+)?(?=Z|[+-]|$)")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?!\d)")
_CLOCK = re.compile(r"[T ,]+(\d{1,2})[:HG](\d{2})(?::(\d{2}))?")
_LONGEST = 64  # characters of a text that is looked at for what it may have meant


def parse_instant(value: Any) -> int:
    """Epoch milliseconds, UTC, of what an event says.

    Raises: ValueError in words that go on behind the field's name.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = _written_otherwise(value)
        if moment.tzinfo is None:
            raise ValueError(_without_zone(value, moment))
        at = to_ms(moment)
        if not EARLIEST_MS <= at < LATEST_MS:
            raise ValueError(_out_of_range(moment.year))
        return at
    if type(value) is not int:
        raise ValueError(f"should be a time such as {SAMPLE_TIME}")
    if not EARLIEST_MS <= value < LATEST_MS:
        raise ValueError(_no_milliseconds(value))
    return value


def _written_otherwise(text: str) -> datetime:
    """RFC 3339 allows small letters and a leap second, which counts as the last instant of its
    minute.
    """
    text = text.strip().upper()
    leap = _SECOND_60.sub(r"\g<1>59.999", text)
    try:
        return datetime.fromisoformat(leap)
    except ValueError:
        raise ValueError(_how_to_write(text)) from None


def _how_to_write(text: str) -> str:
    day = _day_in(text[:_LONGEST])
    if day is None:
        return f"should be a time such as {SAMPLE_TIME}"
    clock = _CLOCK.search(text[:_LONGEST])
    if clock is None:
        return (
            f"is no time as events write it: write {day}, with its time of day and zone, such as"
            f" {day}T09:00:00+07:00"
        )
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return f"has a time of day that does not exist: write a time such as {SAMPLE_TIME}"
    return f"is no time as events write it: write {day}T{hour:02}:{minute:02}:{second:02}+07:00"


def _day_in(text: str) -> date | None:
    """The day that a text begins with, whichever way it is written.

    Raises: ValueError for one that no month has.
    """
    found = _YEAR_FIRST.match(text)
    if found:
        year, month, day = map(int, found.groups())
    else:
        found = _DAY_FIRST.match(text)
        if not found:
            return None
        day, month, year = map(int, found.groups())
        if month > 12 >= day:
            day, month = month, day
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"names a day that does not exist: {found.group()}") from None


def _without_zone(text: str, moment: datetime) -> str:
    if ":" not in text and moment.time() == time():
        day = moment.date()
        return (
            f"needs its time of day and zone: write {day} as {day}T09:00:00+07:00, with the right"
            " time"
        )
    return f"needs its time zone, such as {moment.isoformat(timespec='seconds')}+07:00 in Viet Nam"


def _out_of_range(year: int) -> str:
    common = year - BUDDHIST_YEARS
    hint = f"; is it a Buddhist-calendar year? {year} is {common}" if 1980 <= common < 2100 else ""
    return f"is in the year {year} and {RANGE}{hint}"


def _no_milliseconds(value: int) -> str:
    for unit, factor in (("seconds", 1_000.0), ("microseconds", 0.001)):
        if EARLIEST_MS <= value * factor < LATEST_MS if abs(value) < 10**18 else False:
            return f"looks like {unit} since 1970: send milliseconds, or text such as {SAMPLE_TIME}"
    return f"{RANGE}: send milliseconds since 1970, or text such as {SAMPLE_TIME}"
