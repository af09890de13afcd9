"""How a task is put right: each row of docs/corrections.md with what counts before and after, and
what happens to corrections that come at odd times. Assigned by A to B on 3 November at 09:00, due
on 10 November at 17:00.
"""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, ms, told
from oracle_facts import Figures
from putright import Case, check, rows

DUE = "11-10 17:00"
ASSIGNED = told("task.assigned", "11-03 09:00", due_at=DUE)
TO_C = {"to_agency": "C", "effective_at": "11-02 09:00"}
DONE = told("task.completed", "11-06 09:00", agency="B")
LATE = told("task.completed", "11-12 09:00", agency="B")
EXTENDED = told("task.extended", "11-08 09:00", due_at="11-20 17:00")
RETURNED = told("task.returned", "11-07 09:00")
CANCELLED = told("task.cancelled", "11-07 09:00")


def assigned(at: str, **fields: Any) -> Heard:
    return told("task.assigned", at, **({"due_at": DUE} | fields))


def extended(at: str, due_at: str, **fields: Any) -> Heard:
    return told("task.extended", at, due_at=due_at, **fields)


def completed(at: str, **fields: Any) -> Heard:
    return told("task.completed", at, agency="B", **fields)


def days(text: str) -> int:
    """Days since 1 January 1970."""
    month, day = int(text[:2]), int(text[3:5])
    return (date(2025, month, day) - date(1970, 1, 1)).days


def given(agency: str = "B", day: int = 3, deadline: str = "with_deadline") -> Figures:
    return {("assigned", agency, "c", 20251100 + day): {"assigned": 1, deadline: 1}}


def open_until(due: str = DUE, agency: str = "B", status: str = "not_started") -> Figures:
    counts = {"open": 1, status: 1, "deadline_days": days(due)}
    return {("open", agency, "c", ms(due)): counts}


def done(day: int, timing: str = "on_time", **more: int) -> Figures:
    return {("completed", "B", "c", 20251100 + day): {"completed": 1, timing: 1, **more}}


def flagged(*flags: str) -> Figures:
    return {("flagged", "B", "c", 20251103): dict.fromkeys(("flagged", *flags), 1)}


GIVEN = given()
OPEN = GIVEN | open_until()
BOUNDLESS = GIVEN | {("open", "B", "c", 0): {"open": 1, "not_started": 1}}
VOIDED: Figures = {("voided", "B", "c", 20251109): {"voided": 1}}
CASES = {
    "to whom, for what or when it was assigned": Case(
        [ASSIGNED, EXTENDED],
        [assigned("11-09 09:00", **TO_C)],
        GIVEN | open_until("11-20 17:00"),
        given("C", 2) | open_until("11-20 17:00", "C"),
    ),
    "it was never assigned": Case(
        [ASSIGNED, DONE],
        [assigned("11-09 09:00", holds=False)],
        GIVEN | done(6),
        {("flagged", "A", "-", 20251109): {"flagged": 1, "no_assignment": 1}},
    ),
    "the deadline": Case(
        [ASSIGNED, EXTENDED, LATE],
        [extended("11-13 09:00", "11-11 17:00", effective_at="11-03 09:00")],
        GIVEN | done(12, extended=1),
        GIVEN | done(12, "late", late_days=1),
    ),
    "the deadline of an extension, which it stays": Case(
        [ASSIGNED, EXTENDED, LATE],
        [
            extended("11-13 09:00", DUE, effective_at="11-03 09:00", event_id="1"),
            extended("11-13 09:00", "11-11 17:00", effective_at="11-08 09:00", event_id="2"),
        ],
        GIVEN | done(12, extended=1),
        GIVEN | done(12, "late", extended=1, late_days=1),
    ),
    "it has no deadline": Case(
        [ASSIGNED],
        [extended("11-05 09:00", DUE, holds=False)],
        OPEN,
        given(deadline="without_deadline") | {("open", "B", "c", 0): {"open": 1, "not_started": 1}},
    ),
    "when it was completed": Case(
        [ASSIGNED, LATE],
        [completed("11-13 09:00", effective_at="11-09 09:00")],
        GIVEN | done(12, "late", late_days=2),
        GIVEN | done(9),
    ),
    "it is not completed": Case(
        [ASSIGNED, DONE],
        [completed("11-07 09:00", holds=False)],
        GIVEN | done(6),
        OPEN,
    ),
    "when it was sent back": Case(
        [ASSIGNED, RETURNED, completed("11-08 09:00")],
        [told("task.returned", "11-10 09:00", effective_at="11-08 10:00")],
        GIVEN | done(8),
        GIVEN | open_until(status="returned"),
    ),
    "it was never sent back": Case(
        [ASSIGNED, DONE, RETURNED],
        [told("task.returned", "11-08 09:00", holds=False)],
        GIVEN | open_until(status="returned"),
        GIVEN | done(6),
    ),
    "when it was cancelled": Case(
        [ASSIGNED, CANCELLED],
        [told("task.cancelled", "11-09 09:00", effective_at="11-05 09:00")],
        GIVEN | {("cancelled", "B", "c", 20251107): {"cancelled": 1}},
        GIVEN | {("cancelled", "B", "c", 20251105): {"cancelled": 1}},
    ),
    "it is not cancelled": Case(
        [ASSIGNED, CANCELLED],
        [told("task.cancelled", "11-09 09:00", holds=False)],
        GIVEN | {("cancelled", "B", "c", 20251107): {"cancelled": 1}},
        OPEN,
    ),
    "how far it is": Case(
        [ASSIGNED, told("task.progressed", "11-04 09:00", progress="waiting_confirmation")],
        [told("task.progressed", "11-05 09:00")],
        GIVEN | open_until(status="waiting_confirmation"),
        GIVEN | open_until(status="running"),
    ),
    "the whole task, entered by mistake": Case(
        [ASSIGNED, DONE], [told("task.voided", "11-09 09:00")], GIVEN | done(6), VOIDED
    ),
    "it was voided by mistake": Case(
        [ASSIGNED, told("task.voided", "11-09 09:00")],
        [told("task.restored", "11-10 09:00")],
        VOIDED,
        OPEN,
    ),
}


def test_every_row_of_the_page_has_its_case() -> None:
    assert list(CASES) == list(rows("Tasks"))


@pytest.mark.parametrize("wrong", CASES)
def test_it_is_put_right(wrong: str) -> None:
    check(CASES[wrong], rows("Tasks")[wrong])


def test_a_completion_corrected_after_the_return_stands_at_its_own_time() -> None:
    corrected = completed("11-08 09:00", effective_at="11-05 09:00")
    for order in permutations([ASSIGNED, DONE, RETURNED, corrected]):
        assert answer(*order) == GIVEN | done(5)
    returned_later = told("task.returned", "11-09 09:00")
    assert answer(ASSIGNED, corrected, returned_later) == GIVEN | open_until(status="returned")


def test_of_a_completion_and_a_cancellation_the_one_said_last_stands() -> None:
    corrected = told("task.cancelled", "11-13 09:00", effective_at="11-05 09:00")
    assert answer(ASSIGNED, LATE, corrected) == GIVEN | {
        ("cancelled", "B", "c", 20251105): {"cancelled": 1}
    }
    later = completed("11-14 09:00", effective_at="11-04 09:00")
    assert answer(ASSIGNED, LATE, corrected, later) == GIVEN | done(4)


def test_a_corrected_deadline_is_neither_an_extension_nor_moved_after_it_had_passed() -> None:
    corrected = extended("11-11 09:00", "11-12 17:00", effective_at="11-03 09:00")
    for order in permutations([ASSIGNED, corrected, LATE]):
        assert answer(*order) == GIVEN | done(12)
    moved = extended("11-13 09:00", "11-30 17:00")
    assert answer(ASSIGNED, corrected, moved) == GIVEN | open_until("11-30 17:00") | flagged(
        "due_moved_after_passed"
    )


def test_a_deadline_holds_at_the_latest_from_its_correction_on() -> None:
    corrected = extended("11-05 09:00", "11-15 17:00", effective_at="12-01 09:00")
    assert answer(ASSIGNED, corrected, EXTENDED) == GIVEN | open_until("11-20 17:00")


def test_the_deadline_of_a_corrected_assignment_replaces_the_assignments() -> None:
    corrected = assigned("11-05 09:00", due_at="11-12 17:00", effective_at="11-03 09:00")
    assert answer(ASSIGNED, corrected, LATE) == GIVEN | done(12)
    boundless = assigned("11-05 09:00", due_at=None, effective_at="11-03 09:00")
    without = given(deadline="without_deadline")
    assert answer(ASSIGNED, boundless) == without | {
        ("open", "B", "c", 0): {"open": 1, "not_started": 1}
    }


def test_of_a_corrected_deadline_and_a_corrected_assignment_the_one_said_last_holds() -> None:
    deadline = extended("11-05 09:00", "11-15 17:00", effective_at="11-03 09:00")
    assignment = assigned("11-06 09:00", due_at="11-12 17:00", effective_at="11-03 09:00")
    for order in permutations([ASSIGNED, deadline, assignment]):
        assert answer(*order) == GIVEN | open_until("11-12 17:00")
    earlier = assigned("11-04 09:00", due_at="11-12 17:00", effective_at="11-03 09:00")
    for order in permutations([ASSIGNED, deadline, earlier]):
        assert answer(*order) == GIVEN | open_until("11-15 17:00")


def test_what_is_said_after_a_correction_outdoes_it() -> None:
    later = assigned("11-10 09:00", to_agency="D")
    found = answer(ASSIGNED, assigned("11-09 09:00", **TO_C), later)
    assert found == given("D", 10) | open_until(agency="D")
    again = completed("11-08 09:00")
    assert answer(DONE, ASSIGNED, completed("11-07 09:00", holds=False), again) == GIVEN | done(8)


def test_a_correction_of_what_never_comes_is_a_statement() -> None:
    assert answer(assigned("11-09 09:00", **TO_C)) == given("C", 2) | open_until(agency="C")
    assert answer(ASSIGNED, completed("11-07 09:00", holds=False)) == OPEN
    assert answer(ASSIGNED, completed("11-07 09:00", effective_at="11-06 09:00")) == (
        GIVEN | done(6)
    )
    assert answer(assigned("11-09 09:00", holds=False)) == {}


def test_two_corrections_of_one_instant_are_decided_by_their_ids() -> None:
    first = completed("11-13 09:00", effective_at="11-09 09:00", event_id="1")
    second = completed("11-13 09:00", effective_at="11-08 09:00", event_id="2")
    for order in permutations([ASSIGNED, LATE, first, second]):
        assert answer(*order) == GIVEN | done(8)


def test_a_correction_into_another_month_leaves_nothing_behind() -> None:
    corrected = completed("11-13 09:00", effective_at="10-31 09:00")
    assert answer(ASSIGNED, LATE, corrected) == GIVEN | {
        ("completed", "B", "c", 20251031): {"completed": 1, "on_time": 1}
    } | flagged("completed_before_assignment")


def test_a_void_between_an_assignment_and_its_completion() -> None:
    void = told("task.voided", "11-04 09:00", agency="D")
    for order in permutations([ASSIGNED, void, DONE]):
        assert answer(*order) == {("voided", "B", "c", 20251104): {"voided": 1}}


def test_a_void_of_an_unknown_task_stands_at_who_voided_it() -> None:
    void = told("task.voided", "11-04 09:00", agency="D")
    assert answer(void, DONE) == answer(void) == {("voided", "D", "-", 20251104): {"voided": 1}}


def test_restored_twice_is_restored_once() -> None:
    undone = [told("task.restored", "11-10 09:00"), told("task.restored", "11-11 09:00")]
    for order in permutations([ASSIGNED, told("task.voided", "11-09 09:00"), *undone]):
        assert answer(*order) == OPEN


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ASSIGNED, assigned("11-03 09:00", category="c", follower="Unit 1")),
        (
            told("task.progressed", "11-04 09:00"),
            told("task.progressed", "11-04 09:00", progress="waiting_confirmation"),
        ),
        (EXTENDED, extended("11-08 09:00", "11-19 17:00", event_id="another")),
        (ASSIGNED, assigned("11-03 09:00", due_at="11-09 17:00", event_id="another")),
        (extended("11-03 09:00", "11-09 17:00"), ASSIGNED),
        (
            extended("11-09 09:00", DUE, effective_at="11-03 09:00"),
            extended("11-09 09:00", "11-09 17:00", effective_at="11-03 09:00"),
        ),
        (
            told("task.returned", "11-09 09:00", holds=False),
            told("task.returned", "11-09 09:00", effective_at="11-08 09:00"),
        ),
    ],
)
def test_what_was_said_otherwise_at_one_instant_is_flagged(first: Heard, second: Heard) -> None:
    for order in permutations([ASSIGNED, first, second]):
        (flags,) = (cell for key, cell in answer(*order).items() if key[0] == "flagged")
        assert flags == {"flagged": 1, "restated": 1}


@pytest.mark.parametrize(
    "later",
    [
        extended("11-09 09:00", "11-25 17:00"),
        extended("11-09 09:00", "11-25 17:00", effective_at="11-03 09:00"),
    ],
)
def test_what_was_said_later_is_not_in_doubt(later: Heard) -> None:
    twice = [EXTENDED, extended("11-08 09:00", "11-19 17:00", event_id="another")]
    for order in permutations([ASSIGNED, *twice, later]):
        assert not any(cell[0] == "flagged" for cell in answer(*order))


def test_days_late_are_days_of_the_calendar() -> None:
    same_day = completed("11-10 23:59")
    assert answer(ASSIGNED, same_day) == GIVEN | done(10, "late")
    assert answer(ASSIGNED, completed("11-11 00:01")) == GIVEN | done(11, "late", late_days=1)
