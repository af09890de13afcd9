"""How an activity is put right: each row of docs/corrections.md with what counts before and after,
and what happens to corrections that come at odd times. A meeting of A on 3 November.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, told
from oracle_facts import Figures
from putright import Case, check, rows

MEETING = told("activity.meeting_held", "11-03 09:00", in_system=False)
CANCELLED = told("activity.cancelled", "11-06 09:00")
VOID = told("activity.voided", "11-08 09:00")


def meeting(at: str, **fields: Any) -> Heard:
    return told("activity.meeting_held", at, **({"in_system": False} | fields))


def held(day: int = 3, agency: str = "A") -> Figures:
    return {("meetings", agency, "-", 20251100 + day): {"meetings": 1, "meetings_province": 1}}


VOIDED: Figures = {("voided", "A", "-", 20251108): {"voided": 1}}
CASES = {
    "what it was, whose, when, or how it was done": Case(
        [MEETING],
        [told("activity.inspection_done", "11-05 09:00", effective_at="11-04 09:00", agency="B")],
        held(),
        {("inspections", "B", "-", 20251104): {"inspections": 1, "inspections_digital": 1}},
    ),
    "it never took place": Case([MEETING], [meeting("11-05 09:00", holds=False)], held(), {}),
    "it was not cancelled": Case(
        [MEETING, CANCELLED],
        [told("activity.cancelled", "11-07 09:00", holds=False)],
        {},
        held(),
    ),
    "it was cancelled before it was stated again": Case(
        [meeting("11-05 09:00", held_at="11-03 09:00"), CANCELLED],
        [told("activity.cancelled", "11-07 09:00", effective_at="11-04 09:00")],
        {},
        held(),
    ),
    "the whole activity, entered by mistake": Case([MEETING], [VOID], held(), VOIDED),
    "it was voided by mistake": Case(
        [MEETING, VOID], [told("activity.restored", "11-09 09:00")], VOIDED, held()
    ),
}


def test_every_row_of_the_page_has_its_case() -> None:
    assert list(CASES) == list(rows("Activities"))


@pytest.mark.parametrize("wrong", CASES)
def test_it_is_put_right(wrong: str) -> None:
    check(CASES[wrong], rows("Activities")[wrong])


def test_held_at_goes_before_effective_at() -> None:
    corrected = meeting("11-05 09:00", effective_at="11-04 09:00", held_at="10-31 09:00")
    assert list(answer(MEETING, corrected)) == [("meetings", "A", "-", 20251031)]


def test_what_is_said_after_a_correction_outdoes_it() -> None:
    facts = [MEETING, meeting("11-05 09:00", holds=False), meeting("11-06 09:00")]
    for order in permutations(facts):
        assert answer(*order) == held(6)


def test_a_correction_after_its_cancellation_counts() -> None:
    corrected = meeting("11-07 09:00", effective_at="11-04 09:00")
    for order in permutations([MEETING, CANCELLED, corrected]):
        assert answer(*order) == held(4)


def test_a_correction_of_what_never_comes_is_a_statement() -> None:
    assert answer(meeting("11-05 09:00", effective_at="11-04 09:00")) == held(4)
    assert answer(meeting("11-05 09:00", holds=False)) == {}
    assert answer(told("activity.cancelled", "11-07 09:00", holds=False)) == {}


def test_two_corrections_of_one_instant_are_decided_by_their_ids() -> None:
    first = meeting("11-05 09:00", effective_at="11-01 09:00", event_id="1")
    second = meeting("11-05 09:00", holds=False, event_id="2")
    for order in permutations([MEETING, first, second]):
        assert answer(*order) == {}


def test_a_void_of_an_unknown_activity_stands_at_who_voided_it() -> None:
    void = told("activity.voided", "11-08 09:00", agency="D")
    assert answer(void) == {("voided", "D", "-", 20251108): {"voided": 1}}
    assert answer(void, MEETING) == VOIDED


def test_restored_twice_is_restored_once() -> None:
    undone = [told("activity.restored", "11-09 09:00"), told("activity.restored", "11-10 09:00")]
    for order in permutations([MEETING, VOID, *undone]):
        assert answer(*order) == held()


def test_a_cancelled_activity_that_was_voided_is_only_voided() -> None:
    assert answer(MEETING, CANCELLED, VOID) == VOIDED


@pytest.mark.parametrize(
    ("first", "second", "day"),
    [
        (MEETING, meeting("11-03 09:00", level="province", held_at="11-03 08:00"), 3),
        (
            meeting("11-05 09:00", effective_at="11-04 09:00"),
            meeting("11-05 09:00", effective_at="11-04 08:00"),
            4,
        ),
        (
            told("activity.cancelled", "11-05 09:00", holds=False),
            told("activity.cancelled", "11-05 09:00", effective_at="11-02 09:00"),
            3,
        ),
    ],
)
def test_what_was_said_otherwise_under_one_id_is_flagged(
    first: Heard, second: Heard, day: int
) -> None:
    flagged = {("flagged", "A", "-", 20251100 + day): {"restated": 1}}
    for order in permutations([MEETING, first, second]):
        assert answer(*order) == held(day) | flagged


def test_what_was_said_later_is_not_in_doubt() -> None:
    twice = [MEETING, meeting("11-03 09:00", held_at="11-02 09:00")]
    for order in permutations([*twice, meeting("11-04 09:00")]):
        assert answer(*order) == held(4)
