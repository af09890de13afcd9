"""What dossiers count for by how they were reported: when the hub first knew, and which rules of
data quality they break.
"""

from __future__ import annotations

import pytest
from facts import Heard, answer, ms, told

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30")
CLOSED = ("closed", "A", "p", 20251110)
FLAGGED = ("flagged", "A", "p", 20251103)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("11-10 16:30", {"reports": 1, "lag_le_1": 1}),
        ("11-10 16:30:05", {"reports": 1, "lag_seconds": 5, "lag_le_5": 1}),
        ("11-10 16:00", {"reports": 1, "lag_le_1": 1, "ended_in_future": 1}),
        ("11-10 17:00", {"reports": 1, "lag_seconds": 1_800, "lag_le_3600": 1}),
        (
            "11-10 17:00:01",
            {"reports": 1, "lag_seconds": 1_801, "lag_le_3600": 1, "looked_overdue": 1},
        ),
        (
            "11-11 00:00",
            {
                "reports": 1,
                "lag_seconds": 27_000,
                "lag_le_28800": 1,
                "looked_overdue": 1,
                "reported_late": 1,
            },
        ),
    ],
)
def test_the_lag_is_from_the_end_to_when_the_hub_first_knew(
    heard: str, expected: dict[str, int]
) -> None:
    finish = told("dossier.finished", "11-10 16:30", heard=heard)
    for facts in ([RECEIVED, finish], [RECEIVED, (finish[0], ms("11-30 00:00")), finish]):
        figures = answer(*facts)
        seen = figures[CLOSED] | figures.get(FLAGGED, {})
        names = ("reports", "lag_seconds", "looked_overdue", "reported_late", "ended_in_future")
        assert {
            name: seen[name] for name in seen if name in names or name.startswith("lag_le")
        } == expected


def test_a_finish_at_the_due_instant_that_is_heard_of_later_looked_overdue() -> None:
    closed = answer(RECEIVED, told("dossier.finished", "11-10 17:00", heard="11-10 17:01"))[CLOSED]
    assert (closed["on_time"], closed["looked_overdue"]) == (1, 1)


def test_two_systems_that_report_one_end_are_heard_from_the_first_on() -> None:
    early, late = (
        told("dossier.finished", "11-10 16:30"),
        told("dossier.finished", "11-10 16:30", "11-12 08:00", source="ministry"),
    )
    for facts in ([early, late], [late, early]):
        figures = answer(RECEIVED, *facts)
        assert "reported_late" not in figures[CLOSED]
        assert FLAGGED not in figures


def test_imported_history_counts_everywhere_except_in_lag() -> None:
    closed = answer(
        RECEIVED, told("dossier.finished", "11-10 16:30", heard="12-30 08:00", backfill=True)
    )[CLOSED]
    assert closed == {
        "closed": 1,
        "finished": 1,
        "on_time": 1,
        "results": 1,
        "processing_seconds": 631_800,
        "days_le_7": 1,
        "finished_without_step": 1,
        "processing_working_seconds": 163_800,
    }


@pytest.mark.parametrize(
    ("flag", "facts"),
    [
        (
            "offline_procedure_online",
            [told("dossier.received", "11-03 09:00", channel="online", level=2)],
        ),
        ("received_in_future", [told("dossier.received", "11-03 09:00", heard="11-03 08:54")]),
        ("finished_without_end", [RECEIVED, told("dossier.result_returned", "11-10 16:30")]),
        (
            "ended_in_future",
            [RECEIVED, told("dossier.finished", "11-10 16:30", heard="11-10 16:24")],
        ),
        (
            "received_after_end",
            [RECEIVED, told("dossier.finished", "11-03 08:59", heard="11-03 09:00")],
        ),
        ("step_after_end", [RECEIVED, FINISHED, told("dossier.step_taken", "11-10 16:31")]),
        (
            "due_moved_after_passed",
            [RECEIVED, told("dossier.due_changed", "11-10 17:00:01", due_at="11-20 17:00")],
        ),
        (
            "sources_disagree",
            [RECEIVED, FINISHED, told("dossier.finished", "11-10 16:31", source="ministry")],
        ),
    ],
)
def test_each_rule_of_data_quality_flags_its_case(flag: str, facts: list[Heard]) -> None:
    for order in (facts, facts[::-1]):
        assert answer(*order)[FLAGGED] == {"flagged": 1, flag: 1}


@pytest.mark.parametrize(
    "facts",
    [
        [told("dossier.received", "11-03 09:00", channel="online", level=3)],
        [told("dossier.received", "11-03 09:00", heard="11-03 08:55")],
        [RECEIVED, told("dossier.finished", "11-10 16:30", heard="11-10 16:25")],
        [RECEIVED, told("dossier.result_returned", "11-10 16:30"), FINISHED],
        [RECEIVED, FINISHED, told("dossier.step_taken", "11-10 16:30")],
        [RECEIVED, told("dossier.due_changed", "11-10 17:00", due_at="11-20 17:00")],
        [RECEIVED, told("dossier.due_changed", "11-15 17:00", due_at="11-10 17:00")],
        [RECEIVED, FINISHED, told("dossier.finished", "11-10 16:30", source="ministry")],
        [
            RECEIVED,
            FINISHED,
            told("dossier.reopened", "11-11 09:00"),
            told("dossier.finished", "11-12 09:00", source="ministry"),
        ],
    ],
)
def test_what_breaks_no_rule_is_not_flagged(facts: list[Heard]) -> None:
    assert not any(kind == "flagged" for kind, *_ in answer(*facts))


def test_a_dossier_that_breaks_two_rules_is_flagged_once() -> None:
    late_step = told("dossier.step_taken", "11-12 09:00")
    assert answer(RECEIVED, told("dossier.result_returned", "11-10 16:30"), late_step)[FLAGGED] == {
        "flagged": 1,
        "finished_without_end": 1,
        "step_after_end": 1,
    }


def test_until_its_reception_is_known_a_dossier_counts_only_as_flagged() -> None:
    facts = [
        told("dossier.paid", "11-05 09:00"),
        told("dossier.finished", "11-10 16:30", agency="B"),
        told("dossier.rated", "11-09 09:00"),
    ]
    assert answer(*facts) == {
        ("flagged", "B", "-", 20251110): {
            "flagged": 1,
            "no_reception": 1,
            "end_without_reception": 1,
        }
    }
    figures = answer(*facts, RECEIVED)
    assert {kind for kind, *_ in figures} == {"received", "closed", "paid", "rated", "flow"}
