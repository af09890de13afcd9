"""Working time: of the office between two instants, in the waits for papers, and in the lags of
reports.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
from facts import Heard, answer, ms, told
from hypothesis import given
from hypothesis import strategies as st
from office_hours import working_seconds

from schemas.clock import EARLIEST_MS, LATEST_MS
from schemas.worktime import USUAL_OFFICE, WorkTime, work_time
from streams.families import FAMILIES

HOUR = 3600
DUE = "11-28 17:00"
RECEIVED = told("dossier.received", "11-03 09:00", due_at=DUE)
FINISHED = told("dossier.finished", "11-10 16:30")
USUAL = work_time()


def asked(at: str) -> Heard:
    return told("dossier.supplement_requested", at)


def came(at: str, **fields: str) -> Heard:
    return told("dossier.supplement_completed", at, **fields)


def durations(*facts: Heard) -> tuple[int, int, int, bool]:
    """Hours worked on it, hours paused, dossiers asked for papers, whether asked again in time."""
    [closed] = [cell for (kind, *_), cell in answer(*facts).items() if kind == "closed"]
    working, paused = (
        closed.get(f"{name}_working_seconds", 0) for name in ("processing", "paused")
    )
    return (
        working // HOUR,
        paused // HOUR,
        closed.get("asked_for_papers", 0),
        "asked_again_in_time" in closed,
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # Monday from 9:00: 6 hours, 4 days, and 7.5 hours of the next Monday
        ([], (45, 0, 0, False)),
        ([asked("11-04 07:00"), came("11-05 07:00")], (37, 8, 1, False)),
        # in whatever order they are told
        ([came("11-05 07:00"), asked("11-04 07:00")], (37, 8, 1, False)),
        # over the weekend: no working time
        ([asked("11-07 17:00"), came("11-10 07:00")], (45, 0, 1, False)),
        ([asked("11-07 16:00"), came("11-10 08:00")], (43, 2, 1, False)),
        # asked again during the wait
        ([asked("11-04 07:00"), asked("11-04 13:30"), came("11-05 07:00")], (37, 8, 1, True)),
        (
            [asked("11-04 07:00"), came("11-05 07:00"), asked("11-06 07:00"), came("11-07 07:00")],
            (29, 16, 1, True),
        ),
        ([asked("11-04 07:00"), came("11-04 07:00")], (45, 0, 1, False)),  # brought at once
        ([asked("11-10 13:30")], (42, 3, 1, False)),  # still waiting at the end
        ([asked("11-11 07:00"), came("11-12 07:00")], (45, 0, 0, False)),  # asked behind the end
        ([came("11-04 07:00")], (45, 0, 0, False)),
        # from before the reception
        ([asked("11-01 07:00"), came("11-04 07:00")], (39, 6, 1, False)),
    ],
)
def test_waits_for_papers_are_no_time_of_the_agency(
    facts: list[Heard], expected: tuple[int, int, int, bool]
) -> None:
    assert durations(*facts, RECEIVED, FINISHED) == expected
    assert durations(RECEIVED, FINISHED, *facts, *facts) == expected, "told twice, at the end"


def test_only_a_finished_dossier_was_worked_on_to_its_end() -> None:
    ended = told("dossier.withdrawn", "11-10 16:30")
    assert durations(RECEIVED, ended, asked("11-04 07:00"), came("11-05 07:00")) == (0, 8, 1, False)


def test_asked_again_and_late_is_only_late() -> None:
    requests = [
        asked("11-04 07:00"),
        came("11-05 07:00", due_at="11-07 17:00"),
        asked("11-06 07:00"),
    ]
    assert durations(RECEIVED, FINISHED, *requests)[3] is False
    without_due = told("dossier.received", "11-03 09:00")
    assert durations(without_due, FINISHED, asked("11-04 07:00"), asked("11-05 07:00"))[3] is False


@pytest.mark.parametrize(
    ("heard", "clock", "working"),
    [
        (
            "11-10 16:30:30",
            {"lag_seconds": 30, "lag_le_60": 1},
            {"working_lag_seconds": 30, "working_lag_le_3600": 1},
        ),
        (
            "11-10 20:30",
            {"lag_seconds": 14_400, "lag_le_14400": 1},
            {"working_lag_seconds": 1_800, "working_lag_le_3600": 1},
        ),
        (
            "11-11 07:00",
            {"lag_seconds": 52_200, "lag_le_86400": 1},
            {"working_lag_seconds": 1_800, "working_lag_le_3600": 1},
        ),
        (
            "11-17 16:30",
            {"lag_seconds": 604_800, "lag_le_864000": 1},
            {"working_lag_seconds": 5 * 28_800, "working_lag_le_144000": 1},
        ),
        (
            "12-30 08:00",
            {"lag_seconds": 4_289_400, "lag_le_7776000": 1},
            {"working_lag_seconds": 1_013_400, "working_lag_more": 1},
        ),
    ],
)
def test_a_report_after_hours_is_late_by_the_clock_only(
    heard: str, clock: dict[str, int], working: dict[str, int]
) -> None:
    finished = told("dossier.finished", "11-10 16:30", heard=heard)
    [closed] = [cell for (kind, *_), cell in answer(RECEIVED, finished).items() if kind == "closed"]
    lags = {
        name: amount for name, amount in closed.items() if name.startswith(("lag_", "working_lag_"))
    }
    assert lags == clock | working


def test_returns_and_receptions_have_lags_in_working_time_too() -> None:
    received = told("dossier.received", "11-07 16:59", heard="11-10 07:01")
    figures = answer(
        received, FINISHED, told("dossier.result_returned", "11-10 16:30", heard="11-11 08:00")
    )
    assert figures["received", "A", "p", 20251107]["reception_working_lag_seconds"] == 120
    closed = figures["closed", "A", "p", 20251110]
    assert (closed["return_working_lag_seconds"], closed["return_working_lag_le_14400"]) == (
        5400,
        1,
    )


def test_counts_go_by_the_offices_own_hours() -> None:
    office = replace(
        USUAL_OFFICE, spans=((time(8), time(10)),), days_off=frozenset({date(2025, 11, 4)})
    )
    work = WorkTime(office)
    assert work.seconds(ms("11-03 09:00"), ms("11-05 09:00")) == 2 * HOUR
    family = FAMILIES["dossiers"].at(work)
    assert family.rules.calendar == work.fingerprint
    assert FAMILIES["documents"].at(work) is FAMILIES["documents"], "it asks for no working time"
    state = family.state()
    for event, heard in (RECEIVED, FINISHED):
        fields = event.model_dump(mode="python")
        family.merges[event.type](state, fields, heard)
    [(_, _, amounts)] = [one for one in family.counts(state, -1) if b"|closed|" in one[0]]
    # 1 hour, Wednesday to Friday 2 each, Monday 2
    assert 9 * HOUR in [amount for _, amount in amounts]


def test_other_hours_or_days_have_another_fingerprint() -> None:
    others = [
        replace(USUAL_OFFICE, spans=((time(7), time(11, 30)), (time(13), time(16, 30)))),
        replace(USUAL_OFFICE, days_off=frozenset({date(2025, 11, 4)})),
        replace(USUAL_OFFICE, make_up_days=frozenset({date(2025, 11, 8)})),
    ]
    assert len({WorkTime(office).fingerprint for office in (USUAL_OFFICE, *others)}) == 4
    assert WorkTime(USUAL_OFFICE).fingerprint == USUAL.fingerprint


INSTANTS = st.integers(ms("2020-01-01 00:00"), ms("2030-12-31 00:00"))


@given(INSTANTS, st.integers(0, 40 * 86_400_000))
def test_working_time_is_what_a_walk_through_the_calendar_says(start: int, length: int) -> None:
    assert USUAL.seconds(start, start + length) == working_seconds(start, start + length)


@given(
    st.lists(st.integers(EARLIEST_MS - 10**12, LATEST_MS + 10**12), min_size=3, max_size=3).map(
        sorted
    )
)
def test_working_time_adds_up_and_never_runs_backwards(instants: list[int]) -> None:
    one, two, three = map(USUAL.until, instants)
    assert one <= two <= three
    assert USUAL.seconds(instants[2], instants[0]) == 0
