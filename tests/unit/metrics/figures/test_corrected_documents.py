"""How a document is put right: each row of docs/corrections.md with what counts before and after,
and what happens to corrections that come at odd times. Sent by A to B on 3 November at 09:00.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, told
from oracle_facts import Figures
from putright import Case, check, rows

SENT = told("document.sent", "11-03 09:00")
ON_SENDING = ("sent", "A", "18", 20251103)
ALL_WAYS = {"documents": 1, "electronic": 1, "signed": 1, "electronic_signed": 1}
COUNTED: Figures = {ON_SENDING: ALL_WAYS}


def sent(at: str, **fields: Any) -> Heard:
    return told("document.sent", at, **fields)


def status(at: str, code: str, **fields: Any) -> Heard:
    fields = {"event_id": f"{code}@{at}"} | fields
    return told("document.status_changed", at, status=code, **fields)


def recall(at: str, **fields: Any) -> Heard:
    return told("document.recalled", at, **fields)


def arrived(day: int, agency: str = "B") -> Figures:
    return {("received", agency, "18", 20251100 + day): {"arrived": 1}}


def accepted(day: int, agency: str, seconds: int, within: str) -> Figures:
    timed = {"accepted_timed": 1, "accepted_seconds": seconds, f"accepted_h_{within}": 1}
    return {
        ("received", agency, "18", 20251100 + day): {"accepted": 1},
        ("accepted", agency, "18", 20251100 + day): timed,
    }


ARRIVED = status("11-03 10:00", "01")
REFUSED = status("11-04 09:00", "02")
CASES = {
    "how, by whom or when it was sent": Case(
        [SENT],
        [sent("11-05 09:00", effective_at="11-02 09:00", agency="C", signed=False)],
        COUNTED,
        {("sent", "C", "18", 20251102): {"documents": 1, "electronic": 1}},
    ),
    "it was never sent": Case(
        [SENT, ARRIVED],
        [sent("11-05 09:00", holds=False)],
        COUNTED | arrived(3),
        {("flagged", "A", "-", 20251105): {"no_sending": 1}},
    ),
    "when a receiver gave an answer": Case(
        [SENT, ARRIVED],
        [status("11-05 09:00", "01", effective_at="11-04 08:00")],
        COUNTED | arrived(3),
        COUNTED | arrived(4),
    ),
    "a receiver never gave that answer": Case(
        [SENT, ARRIVED],
        [status("11-05 09:00", "01", holds=False)],
        COUNTED | arrived(3),
        COUNTED,
    ),
    "it was another answer, or another receiver's": Case(
        [SENT, REFUSED],
        [
            status("11-05 09:00", "02", holds=False),
            status("11-05 09:00", "03", agency="C", effective_at="11-04 09:00"),
        ],
        COUNTED | {("received", "B", "18", 20251104): {"refused": 1}},
        COUNTED | accepted(4, "C", 86_400, "le_24"),
    ),
    "when a recall was asked for, agreed to or refused": Case(
        [SENT, recall("11-04 09:00")],
        [recall("11-06 09:00", effective_at="11-05 09:00")],
        COUNTED | {("recalled", "A", "18", 20251104): {"asked": 1}},
        COUNTED | {("recalled", "A", "18", 20251105): {"asked": 1}},
    ),
    "it was never recalled": Case(
        [SENT, recall("11-04 09:00")],
        [recall("11-06 09:00", holds=False)],
        COUNTED | {("recalled", "A", "18", 20251104): {"asked": 1}},
        COUNTED,
    ),
    "the whole document, entered by mistake": Case(
        [SENT, ARRIVED],
        [told("document.voided", "11-06 09:00")],
        COUNTED | arrived(3),
        {("voided", "A", "18", 20251106): {"voided": 1}},
    ),
    "it was voided by mistake": Case(
        [SENT, told("document.voided", "11-06 09:00")],
        [told("document.restored", "11-07 09:00")],
        {("voided", "A", "18", 20251106): {"voided": 1}},
        COUNTED,
    ),
}


def test_every_row_of_the_page_has_its_case() -> None:
    assert list(CASES) == list(rows("Documents"))


@pytest.mark.parametrize("wrong", CASES)
def test_it_is_put_right(wrong: str) -> None:
    check(CASES[wrong], rows("Documents")[wrong])


def test_what_is_said_after_a_correction_outdoes_it() -> None:
    corrected = sent("11-05 09:00", effective_at="11-02 09:00", agency="C")
    later = sent("11-06 09:00", agency="D")
    assert answer(later, corrected, SENT) == {("sent", "D", "18", 20251106): ALL_WAYS}
    away = status("11-05 09:00", "01", holds=False)
    again = status("11-05 09:01", "01")
    assert answer(SENT, ARRIVED, away, again) == COUNTED | arrived(5)


def test_of_one_instant_the_correction_outdoes_the_fact() -> None:
    at_once = status("11-03 10:00", "01", holds=False, event_id="a")
    assert answer(SENT, ARRIVED, at_once) == answer(at_once, ARRIVED, SENT) == COUNTED


def test_a_correction_of_what_never_comes_is_a_statement() -> None:
    assert answer(sent("11-05 09:00", effective_at="11-02 09:00")) == {
        ("sent", "A", "18", 20251102): ALL_WAYS
    }
    assert answer(sent("11-05 09:00", holds=False)) == {}
    assert answer(SENT, status("11-05 09:00", "01", holds=False)) == COUNTED


def test_two_corrections_of_one_instant_are_decided_by_their_ids() -> None:
    first = sent("11-05 09:00", effective_at="11-02 09:00", event_id="1")
    second = sent("11-05 09:00", effective_at="11-01 09:00", event_id="2")
    for order in permutations([SENT, first, second]):
        assert list(answer(*order)) == [("sent", "A", "18", 20251101)]


def test_a_correction_into_another_month_leaves_nothing_behind() -> None:
    corrected = sent("11-05 09:00", effective_at="10-31 23:59:59", agency="B")
    assert answer(SENT, corrected) == {("sent", "B", "18", 20251031): ALL_WAYS}


def test_a_voided_document_stays_voided_whatever_is_said_of_it() -> None:
    void = told("document.voided", "11-02 09:00", agency="D")
    facts = [void, SENT, ARRIVED, sent("11-05 09:00", effective_at="11-04 09:00")]
    for order in permutations(facts):
        assert answer(*order) == {("voided", "A", "18", 20251102): {"voided": 1}}


def test_a_void_of_an_unknown_document_stands_at_who_voided_it() -> None:
    void = told("document.voided", "11-02 09:00", agency="D")
    assert answer(void) == {("voided", "D", "-", 20251102): {"voided": 1}}
    assert answer(void, ARRIVED) == answer(void)


@pytest.mark.parametrize("times", [1, 2])
def test_restored_twice_is_restored_once(times: int) -> None:
    undone = [told("document.restored", f"11-07 09:0{number}") for number in range(times)]
    assert answer(SENT, told("document.voided", "11-06 09:00"), *undone) == COUNTED
    assert answer(SENT, *undone) == COUNTED
    assert answer(*undone) == {}


def test_voided_again_after_it_was_restored() -> None:
    facts = [
        SENT,
        told("document.voided", "11-06 09:00"),
        told("document.restored", "11-07 09:00"),
        told("document.voided", "11-08 09:00"),
    ]
    assert answer(*facts) == {("voided", "A", "18", 20251108): {"voided": 1}}


RESTATED = COUNTED | {("flagged", "A", "18", 20251103): {"restated": 1}}


def test_the_same_id_with_other_content_is_flagged_while_it_stands() -> None:
    other = sent("11-03 09:00", signed=False)
    for order in permutations([SENT, other, other]):
        assert answer(*order)["flagged", "A", "18", 20251103] == {"restated": 1}
    other_id = sent("11-03 09:00", signed=False, event_id="another")
    for order in permutations([SENT, other_id]):
        assert ("flagged", "A", "18", 20251103) not in answer(*order)
    later = sent("11-03 10:00")
    assert answer(SENT, other, later) == COUNTED
    corrected = sent("11-05 09:00", effective_at="11-03 09:00")
    assert answer(corrected, SENT, other) == COUNTED


def test_a_correction_that_was_stated_twice_differently_is_flagged_while_it_stands() -> None:
    first = status("11-05 09:00", "01", effective_at="11-04 09:00")
    other = status("11-05 09:00", "01", effective_at="11-03 11:00")
    for order in permutations([SENT, ARRIVED, first, other]):
        assert answer(*order)["flagged", "A", "18", 20251103] == {"restated": 1}
    assert answer(SENT, first, other, status("11-06 09:00", "01")) == COUNTED | arrived(6)


def test_a_document_that_was_never_sent_and_of_which_nothing_else_is_known_counts_nowhere() -> None:
    assert answer(SENT, sent("11-05 09:00", holds=False)) == {}
