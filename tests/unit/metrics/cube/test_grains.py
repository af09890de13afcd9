"""A window taken apart into roll-up rows holds each of its days (or instants) exactly once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.cube.rollups import (
    ALL,
    FINE,
    INSTANT_DAY,
    MONTH,
    YEAR,
    Range,
    cover_days,
    cover_instants,
)
from schemas.clock import DAY_MS, EARLIEST_MS, OFFSET_MS, day_number, yyyymmdd
from schemas.windows import EVER, Window

DAYS = st.dates(date(2019, 11, 1), date(2027, 3, 31))


def holds(ranges: list[Range], day_: date) -> int:
    """How often a day's count is read by the ranges."""
    at = {FINE: yyyymmdd(day_), MONTH: day_.year * 100 + day_.month, YEAR: day_.year, ALL: 0}
    return sum(low <= at[grain] <= high for grain, low, high in ranges)


@given(DAYS, DAYS, DAYS)
def test_each_day_of_a_window_is_read_once_and_no_other(
    first: date, last: date, asked: date
) -> None:
    ranges = cover_days(Window(first, last))
    assert holds(ranges, asked) == (first <= asked <= last)
    if first <= last:
        assert holds(ranges, first) == holds(ranges, last) == 1
        assert (
            holds(ranges, first - timedelta(days=1)) == holds(ranges, last + timedelta(days=1)) == 0
        )


@given(DAYS, DAYS)
def test_an_open_side_has_no_bound(bound: date, asked: date) -> None:
    assert holds(cover_days(Window(bound, None)), asked) == (asked >= bound)
    assert holds(cover_days(Window(None, bound)), asked) == (asked <= bound)
    assert holds(cover_days(EVER), asked) == 1


@pytest.mark.parametrize(
    "first, last, ranges",
    [
        ((2025, 1, 1), (2025, 12, 31), [Range(YEAR, 2025, 2025)]),
        (
            (2025, 1, 1),
            (2025, 11, 23),
            [Range(MONTH, 202501, 202510), Range(FINE, 20251101, 20251123)],
        ),
        (
            (2024, 12, 15),
            (2025, 1, 14),
            [Range(FINE, 20241215, 20241231), Range(FINE, 20250101, 20250114)],
        ),
        (
            (2023, 11, 30),
            (2026, 2, 28),
            [
                Range(FINE, 20231130, 20231131),
                Range(MONTH, 202312, 202312),
                Range(YEAR, 2024, 2025),
                Range(MONTH, 202601, 202602),
            ],
        ),
        ((2025, 2, 3), (2025, 2, 2), []),
    ],
)
def test_whole_months_and_years_are_read_as_such(
    first: tuple[int, int, int], last: tuple[int, int, int], ranges: list[Range]
) -> None:
    assert cover_days(Window(date(*first), date(*last))) == ranges


NOON = 1_763_000_000_000
INSTANTS = st.integers(NOON - 3 * DAY_MS, NOON + 3 * DAY_MS)


@given(INSTANTS, INSTANTS, INSTANTS)
def test_each_instant_is_read_once_and_no_other(low: int, high: int, asked: int) -> None:
    for instant in (asked, low, high, low - 1, high + 1):
        at = {FINE: instant, INSTANT_DAY: day_number(instant), ALL: 0}
        read = sum(first <= at[grain] <= last for grain, first, last in cover_instants(low, high))
        assert read == (low <= instant <= high)


def test_no_due_time_is_in_no_range_of_instants() -> None:
    assert all(
        not low <= at <= high for grain, low, high in cover_instants(high=NOON) for at in [0]
    )
    assert (
        cover_instants(EARLIEST_MS, EARLIEST_MS + 2 * DAY_MS)[-1].high == EARLIEST_MS + 2 * DAY_MS
    )


def test_a_whole_day_of_the_province_is_one_row() -> None:
    midnight = day_number(NOON) * DAY_MS - OFFSET_MS
    assert cover_instants(midnight, midnight + DAY_MS - 1) == [
        Range(INSTANT_DAY, day_number(NOON), day_number(NOON))
    ]
