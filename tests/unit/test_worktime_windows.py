"""Office hours and named windows."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from metrics.grains import EVER, Window
from metrics.windows import NAMES, WindowName, named
from metrics.worktime import Office, after
from schemas.clock import ZONE, to_datetime, to_ms


def local(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.parametrize(
    "now, then",
    [
        ("2025-11-24T07:00", "2025-11-24T17:00"),  # Monday, a whole day
        ("2025-11-24T09:00", "2025-11-25T09:00"),
        ("2025-11-24T12:00", "2025-11-25T11:30"),  # at lunch: the afternoon, then the morning
        ("2025-11-24T16:59:59.999", "2025-11-25T16:59:59.999"),
        ("2025-11-24T17:00", "2025-11-25T17:00"),
        ("2025-11-21T18:00", "2025-11-24T17:00"),  # Friday evening: all of Monday
        ("2025-11-22T10:00", "2025-11-24T17:00"),
        ("2025-11-21T15:00", "2025-11-24T15:00"),
    ],
)
def test_eight_office_hours_from_now(now: str, then: str) -> None:
    assert to_datetime(after(local(now))) == to_datetime(local(then))


def test_days_off_and_other_hours() -> None:
    office = Office(spans=((time(8), time(12)),), days_off=frozenset({date(2025, 11, 25)}))
    assert after(local("2025-11-24T08:00"), timedelta(hours=4), office) == local("2025-11-24T12:00")
    assert after(local("2025-11-24T08:00"), timedelta(hours=5), office) == local("2025-11-26T09:00")


@pytest.mark.parametrize(
    "name, first",
    [("today", (2025, 11, 23)), ("week", (2025, 11, 17)), ("month", (2025, 11, 1)), ("quarter", (2025, 10, 1)), ("year", (2025, 1, 1))],
)
def test_windows_end_today(name: WindowName, first: tuple[int, int, int]) -> None:
    assert named(name, date(2025, 11, 23)) == Window(date(*first), date(2025, 11, 23))


def test_all_has_no_bounds() -> None:
    assert "all" in NAMES
    assert named("all", date(2025, 11, 23)) == EVER
