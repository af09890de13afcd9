"""Periods by name: which days they are, which names there are, when their report is due."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.periods import is_period, period, report_due
from schemas.windows import Window
from schemas.worktime import USUAL_OFFICE, Office

PARTS = {
    "report": [*(f"-{month:02}" for month in range(1, 13)), "-Q1", "-Q2", "-Q3", "-Q4", ""],
    "calendar": [*(f"-{month:02}" for month in range(1, 13)), "-Q1", "-Q2", "-Q3", "-Q4", ""],
}


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("report:2026-10", "2026-09-15", "2026-10-14"),
        ("report:2026-01", "2025-12-15", "2026-01-14"),
        ("report:2026-03", "2026-02-15", "2026-03-14"),
        ("report:2026-Q1", "2025-12-15", "2026-03-14"),
        ("report:2026-Q3", "2026-06-15", "2026-09-14"),
        ("report:2026-6M", "2025-12-15", "2026-06-14"),
        ("report:2026-9M", "2025-12-15", "2026-09-14"),
        ("report:2026", "2025-12-15", "2026-12-14"),
        ("calendar:2026-10", "2026-10-01", "2026-10-31"),
        ("calendar:2028-02", "2028-02-01", "2028-02-29"),
        ("calendar:2026-Q3", "2026-07-01", "2026-09-30"),
        ("calendar:2026", "2026-01-01", "2026-12-31"),
        ("calendar:9999", "9999-01-01", "9999-12-31"),
    ],
)
def test_the_days_of_a_period(name: str, first: str, last: str) -> None:
    assert period(name) == Window(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "name",
    [
        "report:2026-Q5",
        "report:2026-13",
        "report:2026-3M",
        "report:26-10",
        "report:2026-1",
        "report:",
        "report:0999",
        "report:2026-10\n",
        "report:２０２６",
    ],
)
def test_a_name_of_no_period_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"no such period; there are .*-10, .*-6M, .* report:2026$"
    ):
        period(name)


def test_half_years_are_reported_and_in_no_calendar() -> None:
    with pytest.raises(ValueError, match=r"there are calendar:2026-10, calendar:2026-Q3 and"):
        period("calendar:2026-6M")
    assert is_period("calendar:2026-6M")
    assert not is_period("month")
    assert not is_period("reports:2026")


@given(st.sampled_from(sorted(PARTS)), st.integers(1_000, 9_998), st.data())
def test_months_quarters_and_years_follow_one_another(
    calendar: str, year: int, data: st.DataObject
) -> None:
    """The twelve months of a year are its days, each once, as are its four quarters."""
    of = {part: period(f"{calendar}:{year:04}{part}") for part in PARTS[calendar]}
    whole = of[""]
    for parts in ([f"-{month:02}" for month in range(1, 13)], ["-Q1", "-Q2", "-Q3", "-Q4"]):
        day = whole.first
        for part in parts:
            assert of[part].first == day
            last = of[part].last
            assert last is not None
            day = last + timedelta(days=1)
        assert whole.last is not None
        assert day == whole.last + timedelta(days=1)
    month = data.draw(st.integers(1, 12))
    quarter = of[f"-Q{(month + 2) // 3}"]
    assert quarter.overlap(of[f"-{month:02}"]) == of[f"-{month:02}"]


@pytest.mark.parametrize(
    ("name", "today", "due"),
    [
        ("report:2026-10", "2026-10-14", None),  # its last day is not over
        ("report:2026-10", "2026-10-15", "2026-10-16"),  # Thursday and Friday
        ("report:2026-08", "2026-12-01", "2026-08-18"),  # closed on a Friday: Monday and Tuesday
        ("report:2026-02", "2026-12-01", "2026-02-24"),  # Tết
        ("calendar:2026-10", "2026-12-01", None),
    ],
)
def test_a_report_is_due_two_working_days_after_the_close(
    name: str, today: str, due: str | None
) -> None:
    found = report_due(name, date.fromisoformat(today), USUAL_OFFICE)
    assert found == (due and date.fromisoformat(due))


def test_the_office_says_which_days_are_worked() -> None:
    saturday = Office(make_up_days=frozenset({date(2026, 8, 15)}))
    assert report_due("report:2026-08", date(2026, 9, 1), saturday) == date(2026, 8, 17)
