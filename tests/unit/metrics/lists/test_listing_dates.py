"""The dates that go with what is behind a figure, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from facts import Heard, ms, told
from listings import only_state

from streams.families import FAMILIES
from streams.families.dates import DATES

RECEIVED = told("dossier.received", "11-03 09:00", heard="11-03 09:05", due_at="11-10 17:00")


def dates(family: str, *facts: Heard) -> dict[str, Any]:
    """What is known, by name."""
    names, of = DATES[family]
    found = of(FAMILIES[family].decoder()(only_state(facts)))
    assert found._fields == names
    return {name: at for name, at in zip(names, found, strict=True) if at is not None}


def test_before_its_reception_is_known_a_dossier_has_few() -> None:
    assert dates("dossiers", told("dossier.paid", "11-05 09:00")) == {}
    assert dates("dossiers", told("dossier.due_changed", "11-05 09:00", due_at="11-20 17:00")) == {
        "due_at": ms("11-20 17:00")
    }


def test_reception_due_time_and_end() -> None:
    facts = [
        RECEIVED,
        told("dossier.due_changed", "11-05 09:00", due_at="11-20 17:00"),
        told("dossier.finished", "11-10 16:30", heard="11-12 08:00"),
    ]
    assert dates("dossiers", *facts) == {
        "received_at": ms("11-03 09:00"),
        "reception_heard_at": ms("11-03 09:05"),
        "due_at": ms("11-20 17:00"),
        "ended_at": ms("11-10 16:30"),
        "end_heard_at": ms("11-12 08:00"),
    }


def test_a_corrected_reception_has_the_corrected_time() -> None:
    correction = told("dossier.corrected", "11-05 08:00", received_at="11-02 10:00")
    assert dates("dossiers", RECEIVED, correction)["received_at"] == ms("11-02 10:00")


def test_what_a_reopening_undid_is_not_told() -> None:
    ended = [
        RECEIVED,
        told("dossier.finished", "11-10 16:30"),
        told("dossier.result_returned", "11-10 16:40"),
    ]
    assert dates("dossiers", *ended)["returned_at"] == ms("11-10 16:40")
    reopened = dates("dossiers", *ended, told("dossier.reopened", "11-11 09:00"))
    assert reopened["reopened_at"] == ms("11-11 09:00")
    assert not {"ended_at", "end_heard_at", "returned_at"} & reopened.keys()


def test_imported_history_was_not_heard_of() -> None:
    found = dates(
        "dossiers",
        told("dossier.received", "11-03 09:00", backfill=True),
        told("dossier.withdrawn", "11-04 09:00", backfill=True),
    )
    assert found == {"received_at": ms("11-03 09:00"), "ended_at": ms("11-04 09:00")}


def test_a_refusal() -> None:
    assert dates("dossiers", told("dossier.refused", "11-04 09:00")) == {
        "refused_at": ms("11-04 09:00")
    }


def test_a_document_whose_sending_is_not_known_has_none() -> None:
    assert dates("documents", told("document.status_changed", "11-03 10:00", status="01")) == {}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], {"assigned_at": "11-03 09:00", "due_at": "11-10 17:00"}),
        (
            [told("task.extended", "11-05 09:00", due_at="11-20 17:00")],
            {"assigned_at": "11-03 09:00", "due_at": "11-20 17:00"},
        ),
        (
            [told("task.completed", "11-06 09:00"), told("task.returned", "11-07 09:00")],
            {"assigned_at": "11-03 09:00", "due_at": "11-10 17:00", "returned_at": "11-07 09:00"},
        ),
        (
            [told("task.cancelled", "11-08 09:00")],
            {"assigned_at": "11-03 09:00", "due_at": "11-10 17:00", "cancelled_at": "11-08 09:00"},
        ),
    ],
)
def test_tasks(facts: list[Heard], expected: dict[str, str]) -> None:
    found = dates("tasks", told("task.assigned", "11-03 09:00", due_at="11-10 17:00"), *facts)
    assert found == {name: ms(at) for name, at in expected.items()}
