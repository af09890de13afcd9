"""What documents and heartbeats count for, by examples worked out by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, ms, told

SENT = told("document.sent", "11-03 09:00")


def status(code: str, at: str, agency: str = "B") -> Heard:
    return told(
        "document.status_changed", at, status=code, agency=agency, event_id=f"{code}{agency}{at}"
    )


@pytest.mark.parametrize(
    ("fields", "measures"),
    [
        ({}, ["electronic", "signed", "electronic_signed"]),
        ({"signed": False}, ["electronic"]),
        ({"electronic": False}, ["signed"]),
        ({"electronic": False, "signed": False}, []),
    ],
)
def test_a_document_counts_at_its_sender(fields: dict[str, Any], measures: list[str]) -> None:
    assert answer(told("document.sent", "11-03 09:00", **fields)) == {
        ("sent", "A", "18", 20251103): dict.fromkeys(["documents", *measures], 1)
    }


def test_each_receiver_counts_for_itself() -> None:
    figures = answer(SENT, status("01", "11-03 10:00"), status("01", "11-04 10:00", "C"))
    assert figures["received", "B", "18", 20251103] == {"arrived": 1}
    assert figures["received", "C", "18", 20251104] == {"arrived": 1}


def test_acceptance_is_timed_from_the_sending() -> None:
    figures = answer(SENT, status("03", "11-03 11:00:01"))
    assert figures["received", "B", "18", 20251103] == {"accepted": 1}
    assert figures["accepted", "B", "18", 20251103] == {
        "accepted_timed": 1,
        "accepted_seconds": 7_201,
        "accepted_h_le_4": 1,
    }


def test_completion_is_timed_from_the_sending() -> None:
    assert answer(SENT, status("06", "11-05 09:00"))["handled", "B", "18", 20251105] == {
        "completed": 1,
        "completed_timed": 1,
        "completed_seconds": 172_800,
        "completed_h_le_48": 1,
    }


@pytest.mark.parametrize(
    ("at", "measure"),
    [
        ("11-03 09:00", "h_le_1"),
        ("11-03 10:00", "h_le_1"),
        ("11-03 10:00:01", "h_le_2"),
        ("12-31 09:00", "h_more"),
        ("11-02 09:00", "h_le_1"),
    ],
)
def test_hours_are_counted_in_classes_that_end_at_their_bound(at: str, measure: str) -> None:
    [handled] = [
        cell for (kind, *_), cell in answer(SENT, status("06", at)).items() if kind == "handled"
    ]
    assert [name for name in handled if "_h_" in name] == [f"completed_{measure}"]


def test_of_acceptance_and_refusal_the_later_one_stands() -> None:
    accepted, refused = status("03", "11-04 09:00"), status("02", "11-05 09:00")
    figures = answer(refused, accepted, SENT)
    assert figures["received", "B", "18", 20251105] == {"refused": 1}
    assert not any(kind == "accepted" for kind, *_ in figures)
    later = answer(status("03", "11-06 09:00"), refused, SENT)
    assert later["received", "B", "18", 20251106] == {"accepted": 1}
    assert answer(SENT, refused, status("03", "11-05 09:00"))["received", "B", "18", 20251105] == {
        "accepted": 1
    }


def test_an_answer_given_twice_counts_once_at_its_later_time() -> None:
    figures = answer(SENT, status("01", "11-05 09:00"), status("01", "11-04 09:00"))
    assert [cell for cell in figures if cell[0] == "received"] == [
        ("received", "B", "18", 20251105)
    ]


@pytest.mark.parametrize("code", ["04", "05"])
def test_steps_inside_the_receiver_count_nowhere(code: str) -> None:
    assert answer(SENT, status(code, "11-04 09:00")) == answer(SENT)


@pytest.mark.parametrize(
    ("word", "measure"), [("asked", "asked"), ("agreed", "agreed"), ("refused", "refused_recall")]
)
def test_recalls_count_at_the_sender_on_the_day_of_the_answer(word: str, measure: str) -> None:
    recalled = told("document.recalled", "11-06 09:00", agency="B", answer=word)
    assert answer(SENT, recalled)["recalled", "A", "18", 20251106] == {measure: 1}


def test_until_its_sending_is_known_a_document_counts_only_as_flagged() -> None:
    arrived = status("01", "11-04 09:00")
    assert answer(arrived) == {("flagged", "B", "-", 20251104): {"no_sending": 1}}
    assert not any(kind == "flagged" for kind, *_ in answer(arrived, SENT))


def test_a_document_sent_anew_counts_as_last_sent() -> None:
    assert list(answer(told("document.sent", "11-04 09:00", document_type="20"), SENT)) == [
        ("sent", "A", "20", 20251104)
    ]


def test_any_order_gives_the_same() -> None:
    answers = [
        status("01", "11-03 10:00"),
        status("03", "11-03 11:00"),
        status("06", "11-05 09:00"),
    ]
    facts = [SENT, *answers, told("document.recalled", "11-06 09:00")]
    assert all(answer(*order) == answer(*facts) for order in permutations(facts))


def test_the_newest_heartbeat_stays() -> None:
    beats = [
        told("hub.heartbeat", at) for at in ("11-03 09:00:02", "11-03 09:00:04", "11-03 09:00:00")
    ]
    assert answer(*beats) == {("beat", "hub", "-", 0): {"occurred_at": ms("11-03 09:00:04")}}
