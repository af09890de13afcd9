"""What tasks count for, by examples worked out by hand: assigned by A to B on 3 November, due on 10
November 17:00.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, ms, told
from oracle_facts import Figures

from streams.families import FAMILIES

DUE = ms("11-10 17:00")
ASSIGNED = told("task.assigned", "11-03 09:00", due_at="11-10 17:00")
BOUNDLESS = told("task.assigned", "11-03 09:00")
ON_ASSIGNMENT = ("assigned", "B", "c", 20251103)


def done(at: str) -> Heard:
    return told("task.completed", at, agency="B")


def returned(at: str) -> Heard:
    return told("task.returned", at)


def cancelled(at: str) -> Heard:
    return told("task.cancelled", at)


def extended(at: str, due_at: str) -> Heard:
    return told("task.extended", at, due_at=due_at)


def progress(at: str, how: str = "running") -> Heard:
    return told("task.progressed", at, agency="B", progress=how)


def open_until(due: int, status: str = "not_started") -> dict[str, int]:
    """What an open task counts for: the day of its deadline as days since 1 January 1970."""
    return {"open": 1, status: 1, "deadline_days": (due // 1000 + 7 * 3600) // 86_400}


def of(kind: str, figures: Figures) -> dict[int, dict[str, int]]:
    """What a task counts for in one kind, by `at`; all of it at the agency that has the task."""
    assert all(cell[1:3] == ("B", "c") for cell in figures)
    return {cell[3]: measures for cell, measures in figures.items() if cell[0] == kind}


def test_a_task_is_assigned_to_an_agency_and_open_until_its_deadline() -> None:
    assert answer(ASSIGNED) == {
        ON_ASSIGNMENT: {"assigned": 1, "with_deadline": 1},
        ("open", "B", "c", DUE): open_until(DUE),
    }


def test_without_a_deadline_it_is_open_at_none() -> None:
    assert answer(BOUNDLESS) == {
        ON_ASSIGNMENT: {"assigned": 1, "without_deadline": 1},
        ("open", "B", "c", 0): {"open": 1, "not_started": 1},
    }


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([progress("11-04 09:00")], "running"),
        (
            [progress("11-04 09:00"), progress("11-05 09:00", "waiting_confirmation")],
            "waiting_confirmation",
        ),
        ([progress("11-05 09:00"), progress("11-04 09:00", "waiting_confirmation")], "running"),
        ([done("11-05 09:00"), returned("11-06 09:00")], "returned"),
        ([done("11-05 09:00"), returned("11-06 09:00"), progress("11-06 09:00")], "returned"),
        ([done("11-05 09:00"), returned("11-06 09:00"), progress("11-07 09:00")], "running"),
        ([cancelled("11-05 09:00"), returned("11-06 09:00")], "returned"),
    ],
)
def test_an_open_task_has_one_status(facts: list[Heard], status: str) -> None:
    assert of("open", answer(ASSIGNED, *facts)) == {DUE: open_until(DUE, status)}


@pytest.mark.parametrize(
    ("at", "timing"),
    [
        ("11-10 16:59:59", "on_time"),
        ("11-10 17:00", "on_time"),
        ("11-10 17:00:01", "late"),
    ],
)
def test_a_task_is_done_on_time_up_to_the_instant_of_its_deadline(at: str, timing: str) -> None:
    figures = answer(ASSIGNED, done(at))
    assert of("completed", figures) == {int(f"2025{at[:2]}{at[3:5]}"): {"completed": 1, timing: 1}}
    assert of("open", figures) == {}
    assert ON_ASSIGNMENT in figures, "it stays assigned"


def test_done_without_a_deadline_it_is_neither_on_time_nor_late() -> None:
    assert of("completed", answer(BOUNDLESS, done("11-30 09:00"))) == {
        20251130: {"completed": 1, "no_deadline": 1}
    }


def test_an_extension_moves_the_deadline() -> None:
    figures = answer(ASSIGNED, extended("11-09 09:00", "11-20 17:00"))
    assert of("open", figures) == {ms("11-20 17:00"): open_until(ms("11-20 17:00"))}
    done_late = answer(ASSIGNED, extended("11-09 09:00", "11-20 17:00"), done("11-12 09:00"))
    assert of("completed", done_late) == {20251112: {"completed": 1, "on_time": 1, "extended": 1}}


def test_the_deadline_said_last_holds_and_of_one_instant_the_later_one() -> None:
    first, last = extended("11-08 09:00", "11-25 17:00"), extended("11-09 09:00", "11-15 17:00")
    assert list(of("open", answer(last, ASSIGNED, first))) == [ms("11-15 17:00")]
    same = told("task.extended", "11-09 09:00", due_at="11-16 17:00", event_id="another")
    assert list(of("open", answer(ASSIGNED, same, last))) == [ms("11-16 17:00")]


def test_a_deadline_said_again_is_no_extension() -> None:
    figures = answer(ASSIGNED, extended("11-11 09:00", "11-10 17:00"), done("11-10 09:00"))
    assert of("completed", figures) == {20251110: {"completed": 1, "on_time": 1}}
    assert of("flagged", figures) == {}


def test_a_deadline_moved_after_it_had_passed_is_flagged() -> None:
    figures = answer(ASSIGNED, extended("11-10 17:00:01", "11-20 17:00"))
    assert of("flagged", figures) == {20251103: {"flagged": 1, "due_moved_after_passed": 1}}
    assert of("flagged", answer(ASSIGNED, extended("11-10 17:00", "11-20 17:00"))) == {}


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ([done("11-05 09:00"), returned("11-05 08:59")], "completed"),
        ([done("11-05 09:00"), returned("11-05 09:00")], "completed"),
        ([done("11-05 09:00"), returned("11-05 09:01")], "open"),
        ([done("11-05 09:00"), returned("11-06 09:00"), done("11-07 09:00")], "completed"),
        ([cancelled("11-05 09:00")], "cancelled"),
        ([cancelled("11-05 09:00"), returned("11-05 09:00")], "cancelled"),
        ([cancelled("11-05 09:00"), returned("11-05 09:01")], "open"),
        ([cancelled("11-05 09:00"), done("11-05 09:00")], "completed"),
        ([cancelled("11-06 09:00"), done("11-05 09:00")], "cancelled"),
        ([cancelled("11-05 09:00"), done("11-06 09:00")], "completed"),
        ([cancelled("11-05 09:00"), returned("11-06 09:00"), done("11-07 09:00")], "completed"),
    ],
)
def test_a_task_is_open_or_done_or_cancelled_never_two_of_them(
    facts: list[Heard], kind: str
) -> None:
    for order in permutations([ASSIGNED, *facts]):
        figures = answer(*order)
        assert [cell[0] for cell in figures if cell[0] in ("open", "completed", "cancelled")] == [
            kind
        ]


def test_the_newest_of_several_completions_and_cancellations_counts() -> None:
    assert list(of("completed", answer(ASSIGNED, done("11-07 09:00"), done("11-05 09:00")))) == [
        20251107
    ]
    assert of(
        "cancelled", answer(ASSIGNED, cancelled("11-07 09:00"), cancelled("11-05 09:00"))
    ) == {20251107: {"cancelled": 1}}


@pytest.mark.parametrize(
    ("assignment", "facts", "flag"),
    [
        (told("task.assigned", "11-03 09:00", due_at="11-02 17:00"), [], "due_before_assignment"),
        (BOUNDLESS, [done("11-02 09:00")], "completed_before_assignment"),
    ],
)
def test_what_cannot_be_is_taken_in_and_flagged(
    assignment: Heard, facts: list[Heard], flag: str
) -> None:
    figures = answer(assignment, *facts)
    assert of("flagged", figures) == {20251103: {"flagged": 1, flag: 1}}
    assert of("assigned", figures)


def test_done_before_its_assignment_it_is_still_done() -> None:
    assert of("completed", answer(ASSIGNED, done("11-02 09:00"))) == {
        20251102: {"completed": 1, "on_time": 1}
    }


@pytest.mark.parametrize(
    "fact", [done("11-04 09:00"), progress("11-04 09:00"), extended("11-04 09:00", "11-09 09:00")]
)
def test_until_its_assignment_is_known_a_task_counts_only_as_flagged(fact: Heard) -> None:
    assert answer(fact) == {
        ("flagged", fact[0].agency, "-", 20251104): {"flagged": 1, "no_assignment": 1}
    }
    assert not any(cell[0] == "flagged" for cell in answer(fact, BOUNDLESS))


def test_a_task_assigned_anew_counts_where_it_went_last() -> None:
    moved = told("task.assigned", "11-05 09:00", to_agency="C", category="other")
    assert answer(moved, ASSIGNED) == {
        ("assigned", "C", "other", 20251105): {"assigned": 1, "with_deadline": 1},
        ("open", "C", "other", DUE): open_until(DUE),
    }


@pytest.mark.parametrize("word", ["blocked", "", "wa|ting"])
def test_progress_in_unknown_words_is_progress(word: str) -> None:
    """The gateway refuses them; a system that writes to the topic by itself must not stop a
    worker.
    """
    family = FAMILIES["tasks"]
    state = family.state()
    for event, at in (ASSIGNED, progress("11-04 09:00")):
        family.merges[event.type](
            state,
            event.model_dump() | ({"progress": word} if event.type.endswith("progressed") else {}),
            at,
        )
    assert [ones for key, ones, _ in family.counts(state, -1) if key.startswith(b"tasks|open")] == [
        (0, 2)
    ]


def test_any_order_gives_the_same() -> None:
    facts: list[Any] = [
        ASSIGNED,
        extended("11-09 09:00", "11-20 17:00"),
        done("11-12 09:00"),
        returned("11-13 09:00"),
        done("11-21 09:00"),
    ]
    assert of("completed", answer(*facts)) == {
        20251121: {"completed": 1, "late": 1, "extended": 1, "late_days": 1}
    }
    assert all(answer(*order) == answer(*facts) for order in permutations(facts))
