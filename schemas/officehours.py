"""How office hours and days are written in the settings."""

from __future__ import annotations

import re
from datetime import date, time
from itertools import pairwise

Span = tuple[time, time]
WRITE_HOURS, WRITE_DAYS = (
    "write hours such as 07:00-11:30,13:30-17:00",
    "write days such as 2026-01-02,2026-02-13",
)


def parse_hours(text: str) -> tuple[Span, ...]:
    """The opening spans of a working day, in order.

    Raises: ValueError saying what is wrong and how to write it.
    """
    spans = tuple(_span(part) for part in text.split(","))
    flat = [moment for span in spans for moment in span]
    if any(later <= earlier for earlier, later in pairwise(flat)):
        raise ValueError(f"the hours are not in order: {WRITE_HOURS}")
    return spans


def _span(text: str) -> Span:
    found = re.fullmatch(r"\s*(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)\s*", text)
    try:
        if found is not None:
            from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
            return time(from_hour, from_minute), time(to_hour, to_minute)
    except ValueError:
        pass
    raise ValueError(f"{text.strip()!r} is no span of hours: {WRITE_HOURS}")


def parse_days(text: str) -> frozenset[date]:
    """The days of a list.

    Raises: ValueError naming the first part that is no day, and how to write it.
    """
    return frozenset(_day(part.strip()) for part in text.split(",") if part.strip())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day: {WRITE_DAYS}") from None
