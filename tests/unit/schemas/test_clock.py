"""Instants and the province's days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from schemas.clock import (
    DAY_MS,
    EARLIEST_MS,
    LATEST_MS,
    ZONE,
    as_date,
    day,
    day_number,
    day_start,
    iso,
    iso_milliseconds,
    now_ms,
    to_datetime,
    to_ms,
    yyyymmdd,
)

INSTANTS = st.integers(EARLIEST_MS, LATEST_MS - 1)


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-10T00:00:00.000+07:00", 20251110),
        ("2025-11-09T23:59:59.999+07:00", 20251109),
        ("2025-11-09T17:00:00.000+00:00", 20251110),
        ("2025-11-09T16:59:59.999+00:00", 20251109),
        ("2025-12-31T23:59:59.999+07:00", 20251231),
        ("2026-01-01T00:00:00.000+07:00", 20260101),
        ("2028-02-29T12:00:00.000+07:00", 20280229),
        ("1969-12-31T23:59:59.999+07:00", 19691231),
    ],
)
def test_a_day_begins_at_the_provinces_midnight(text: str, expected: int) -> None:
    assert day(at(text)) == expected


@pytest.mark.parametrize("ms", [2**63 - 1, -(2**63), 10**15, -(10**15), 0])
def test_an_absurd_instant_still_has_a_day(ms: int) -> None:
    assert 10101 <= day(ms) <= 99991231


@examples(200)
@given(INSTANTS)
def test_days_are_those_of_the_zone_database(ms: int) -> None:
    local = datetime.fromtimestamp(ms // 1000, ZoneInfo("Asia/Ho_Chi_Minh"))
    assert as_date(day(ms)) == local.date()
    assert yyyymmdd(local.date()) == day(ms)


@examples(100)
@given(INSTANTS)
def test_a_day_starts_at_its_first_instant(ms: int) -> None:
    start = day_start(ms)
    assert start <= ms < start + DAY_MS
    assert day(start) == day(ms) != day(start - 1)


@examples(100)
@given(INSTANTS)
def test_instants_and_datetimes_are_each_others_inverse(ms: int) -> None:
    assert to_ms(to_datetime(ms)) == ms
    assert to_datetime(ms).utcoffset() == timedelta(hours=7) == ZONE.utcoffset(None)


@examples(200)
@given(INSTANTS, st.sampled_from([1, 1_000, 86_400_000]))
def test_the_text_of_an_instant_is_its_datetimes(ms: int, whole: int) -> None:
    moment = to_datetime(ms // whole * whole)
    assert iso(ms // whole * whole) == moment.isoformat()
    assert iso_milliseconds(ms // whole * whole) == moment.isoformat(timespec="milliseconds")


@examples(100)
@given(INSTANTS, INSTANTS)
def test_day_numbers_give_differences_between_days(one: int, other: int) -> None:
    assert day_number(other) - day_number(one) == (as_date(day(other)) - as_date(day(one))).days
    assert (day(one) == day(other)) == (day_number(one) == day_number(other))


def test_bounds_are_the_years_they_say() -> None:
    assert to_ms(datetime(1980, 1, 1, tzinfo=UTC)) == EARLIEST_MS
    assert to_ms(datetime(2100, 1, 1, tzinfo=UTC)) == LATEST_MS
    assert as_date(20250228) + timedelta(days=1) == date(2025, 3, 1)
    assert EARLIEST_MS < now_ms() < LATEST_MS
    assert timedelta(days=1) // timedelta(milliseconds=1) == DAY_MS
