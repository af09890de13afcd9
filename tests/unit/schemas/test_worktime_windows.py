"""Office hours and named windows."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.clock import ZONE, to_datetime, to_ms
from schemas.errors import SettingsError
from schemas.settings import Settings
from schemas.windows import EVER, WINDOW_NAMES, Window, WindowName, compared, named_window
from schemas.worktime import USUAL_OFFICE, Office, after, office


def window(first: str, last: str) -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last))


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


def test_days_off_make_up_days_and_other_hours() -> None:
    saturday = date(2025, 11, 29)
    office = Office(
        spans=((time(8), time(12)),),
        days_off=frozenset({date(2025, 11, 25)}),
        make_up_days=frozenset({saturday}),
    )
    assert after(local("2025-11-24T08:00"), timedelta(hours=4), office) == local("2025-11-24T12:00")
    assert after(local("2025-11-24T08:00"), timedelta(hours=5), office) == local("2025-11-26T09:00")
    assert after(local("2025-11-28T10:00"), timedelta(hours=4), office) == local("2025-11-29T10:00")


@pytest.mark.parametrize(
    "now, then",
    [
        ("2025-01-24T15:00", "2025-02-03T15:00"),  # Friday; Tết from Monday 27 to Friday 31 January
        # 30 April, 1 May, and 2 May off in the stead of a Saturday
        ("2025-04-29T17:00", "2025-05-05T17:00"),
        ("2025-04-25T17:00", "2025-04-26T17:00"),  # … that Saturday is worked
        ("2025-08-29T17:00", "2025-09-03T17:00"),  # National Day, two days
        ("2026-11-23T17:00", "2026-11-25T17:00"),  # Culture Day, since 2026
    ],
)
def test_public_holidays_are_no_working_days(now: str, then: str) -> None:
    assert to_datetime(after(local(now))) == to_datetime(local(then))


def test_the_settings_go_before_the_public_calendar() -> None:
    made = office(
        Settings(
            office_hours="08:00-12:00, 13:00-17:00",
            days_off="2025-04-26",
            make_up_days="2025-05-02, 2025-05-03",
        )
    )
    assert made.spans == ((time(8), time(12)), (time(13), time(17)))
    days = [
        date(2025, 4, 26),
        date(2025, 5, 1),
        date(2025, 5, 2),
        date(2025, 5, 3),
        date(2025, 5, 4),
        date(2025, 5, 5),
    ]
    assert [made.opens(day) for day in days] == [False, False, True, True, False, True]
    assert office(Settings()) == USUAL_OFFICE


@pytest.mark.parametrize(
    "given, said",
    [
        ({"office_hours": "7 to 5"}, "'7 to 5' is no span of hours"),
        ({"office_hours": "07:00-25:00"}, "'07:00-25:00' is no span of hours"),
        ({"office_hours": "13:30-17:00,07:00-11:30"}, "not in order"),
        ({"office_hours": "09:00-09:00"}, "not in order"),
        ({"office_hours": ""}, "is no span of hours"),
        ({"days_off": "2026-02-30"}, "'2026-02-30' is no day"),
        ({"make_up_days": "tomorrow"}, "'tomorrow' is no day"),
        (
            {"days_off": "2026-01-02", "make_up_days": "2026-01-02"},
            "2026-01-02 is in LGSP_DAYS_OFF too",
        ),
    ],
)
def test_settings_that_are_no_hours_or_days(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_an_office_that_never_opens_is_said() -> None:
    with pytest.raises(SettingsError, match="no working day within a year"):
        after(local("2022-11-24T08:00"), office=Office(weekdays=frozenset()))


@pytest.mark.parametrize(
    "name, today, first",
    [
        ("today", "2025-11-23", "2025-11-23"),
        ("week", "2025-11-23", "2025-11-17"),
        ("month", "2025-11-23", "2025-11-01"),
        ("quarter", "2025-11-23", "2025-10-01"),
        ("year", "2025-11-23", "2025-01-01"),
        ("period", "2025-11-23", "2025-11-15"),
        ("period", "2025-11-15", "2025-11-15"),
        ("period", "2025-11-14", "2025-10-15"),
        ("period", "2025-01-03", "2024-12-15"),
        ("period", "2025-03-31", "2025-03-15"),
    ],
)
def test_windows_end_today(name: WindowName, today: str, first: str) -> None:
    assert named_window(name, date.fromisoformat(today)) == window(first, today)


def test_all_has_no_bounds() -> None:
    assert "all" in WINDOW_NAMES
    assert named_window("all", date(2025, 11, 23)) == EVER


@pytest.mark.parametrize(
    "name, first, last, before, same_last_year",
    [
        (
            "today",
            "2025-03-01",
            "2025-03-01",
            ("2025-02-28", "2025-02-28"),
            ("2024-03-01", "2024-03-01"),
        ),
        (
            "week",
            "2025-11-17",
            "2025-11-19",
            ("2025-11-10", "2025-11-12"),
            ("2024-11-17", "2024-11-19"),
        ),
        (
            "month",
            "2025-11-01",
            "2025-11-23",
            ("2025-10-01", "2025-10-23"),
            ("2024-11-01", "2024-11-23"),
        ),
        (
            "month",
            "2025-03-01",
            "2025-03-30",
            ("2025-02-01", "2025-02-28"),
            ("2024-03-01", "2024-03-30"),
        ),
        # whole months stay whole
        (
            "month",
            "2025-02-01",
            "2025-02-28",
            ("2025-01-01", "2025-01-31"),
            ("2024-02-01", "2024-02-29"),
        ),
        (
            "quarter",
            "2025-10-01",
            "2025-11-23",
            ("2025-07-01", "2025-08-23"),
            ("2024-10-01", "2024-11-23"),
        ),
        (
            "year",
            "2025-01-01",
            "2025-11-23",
            ("2024-01-01", "2024-11-23"),
            ("2024-01-01", "2024-11-23"),
        ),
        (
            "period",
            "2025-10-15",
            "2025-11-12",
            ("2025-09-15", "2025-10-12"),
            ("2024-10-15", "2024-11-12"),
        ),
        (
            None,
            "2025-10-15",
            "2025-11-14",
            ("2025-09-15", "2025-10-14"),
            ("2024-10-15", "2024-11-14"),
        ),
        (
            None,
            "2025-01-01",
            "2025-03-31",
            ("2024-10-01", "2024-12-31"),
            ("2024-01-01", "2024-03-31"),
        ),
        (
            None,
            "2025-11-10",
            "2025-11-12",
            ("2025-11-07", "2025-11-09"),
            ("2024-11-10", "2024-11-12"),
        ),
        (
            None,
            "2024-02-29",
            "2024-02-29",
            ("2024-02-28", "2024-02-28"),
            ("2023-02-28", "2023-02-28"),
        ),
    ],
)
def test_what_a_window_is_compared_with(
    name: WindowName | None,
    first: str,
    last: str,
    before: tuple[str, str],
    same_last_year: tuple[str, str],
) -> None:
    assert compared(window(first, last), "previous", name) == window(*before)
    assert compared(window(first, last), "last_year", name) == window(*same_last_year)


@given(
    st.dates(date(2020, 1, 1), date(2027, 12, 31)),
    st.sampled_from([name for name in WINDOW_NAMES if name != "all"]),
)
def test_the_window_before_ends_before_this_one_begins(today: date, name: WindowName) -> None:
    this = named_window(name, today)
    before = compared(this, "previous", name)
    assert before is not None
    assert this.first is not None
    assert before.first is not None
    assert before.last is not None
    assert before.first <= before.last < this.first
    assert named_window(name, before.last).first == before.first


def test_a_window_that_is_open_cannot_be_compared() -> None:
    for open_ in (EVER, Window(date(2025, 1, 1), None), Window(None, date(2025, 1, 1))):
        assert compared(open_, "previous") is None


@pytest.mark.parametrize("name", WINDOW_NAMES)
def test_no_window_begins_before_the_calendar(name: WindowName) -> None:
    assert named_window(name, date.min).first in (None, date.min)
