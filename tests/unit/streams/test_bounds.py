"""What one thing may gather: what counts beyond the bound, and that the worker says so."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from facts import Heard, answer, family_state_of, ms, named, record, told
from prometheus_client import REGISTRY

from ops.recount.compare import differing
from ops.recount.published import States
from schemas.states import (
    MOST,
)
from streams import health
from streams.families import FAMILIES
from streams.family_state import FamilyState

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30")
SENT = told("document.sent", "11-03 09:00")
ASSIGNED = told("task.assigned", "11-03 09:00")
CLOSED = ("closed", "A", "p", 20251110)
FLAGGED = ("flagged", "A", "p", 20251103)


def paid(number: int, **fields: Any) -> Heard:
    return told("dossier.paid", "11-05 09:00", reference=f"SAMPLE-{number}", **fields)


def many_paid(count: int) -> list[Heard]:
    event, at = paid(0)
    return [
        (event.model_copy(update={"reference": f"SAMPLE-{number}", "occurred_at": at + number}), at)
        for number in range(count)
    ]


def test_a_flood_of_payments_of_one_dossier_counts_nothing_and_its_state_stays_small(
    caplog: pytest.LogCaptureFixture,
) -> None:
    family_state, payments = (
        FamilyState(FAMILIES["dossiers"]),
        [record(*one) for one in many_paid(MOST["payments"] + 4_000)],
    )
    family_state.keep(family_state.fold([record(*RECEIVED), *payments[: MOST["payments"]]]))
    cells = named(family_state.pages.items())
    assert cells["paid", "A", "p", 20251105]["transactions"] == MOST["payments"] == 8_000
    assert FLAGGED not in cells
    for start in range(MOST["payments"], len(payments), 1_000):
        family_state.keep(family_state.fold(payments[start : start + 1_000]))
    cells = named(family_state.pages.items())
    assert cells[FLAGGED] == {"flagged": 1, "too_many": 1}
    assert not any(kind == "paid" for kind, *_ in cells)
    assert cells["received", "A", "p", 20251103]["received"] == 1
    (state,) = (family_state.family.decoder()(row) for _, row in family_state.states.items())
    assert list(state.payments) == [f"SAMPLE-{number}" for number in range(3_999, 12_000)], (
        "the newest"
    )
    assert [
        message
        for message in caplog.messages
        if "'thing'" in message and "8,000 payments" in message
    ] == caplog.messages
    assert len(caplog.messages) == 1, "said once"


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of everything count."""
    for group in MOST:
        monkeypatch.setitem(MOST, group, 2)


@pytest.mark.usefixtures("two")
class TestBeyondTwo:
    """The third of anything."""

    def test_payments(self) -> None:
        fee = told("dossier.received", "11-03 09:00", with_fee=True)
        assert answer(fee, paid(1), paid(2))["paid", "A", "p", 20251105]["transactions"] == 2
        cells = answer(fee, paid(1), paid(2), paid(3))
        assert not any(kind == "paid" for kind, *_ in cells)
        assert "paid_online" not in cells["received", "A", "p", 20251103]
        assert cells[FLAGGED] == {"flagged": 1, "too_many": 1}

    def test_a_correction_of_what_is_known_brings_no_further_payment(self) -> None:
        refunded = told("dossier.paid", "11-06 09:00", reference="SAMPLE-2", state="refunded")
        assert FLAGGED not in answer(RECEIVED, paid(1), paid(2), refunded)

    def test_an_old_payment_comes_back_by_what_is_said_of_it_later(self) -> None:
        """Its first statement was cut; the state is the one that has heard only the last one of
        each.
        """
        first, *others = many_paid(5)
        again = told("dossier.paid", "11-06 09:00", reference="SAMPLE-0", state="refunded")
        (late,), (plain,) = (
            dict(family_state_of(facts).states.items()).values()
            for facts in ([first, *others, again], [again, *others[-2:]])
        )
        assert (load := FAMILIES["dossiers"].decoder())(late).payments == load(plain).payments

    def test_ratings(self) -> None:
        rated = [
            told("dossier.rated", "11-13 09:00", rating_id=f"q{number}") for number in range(3)
        ]
        assert answer(RECEIVED, *rated[:2])["rated", "A", "p", 20251113] == {
            "ratings": 2,
            "satisfied": 2,
        }
        cells = answer(RECEIVED, *rated)
        assert not any(kind == "rated" for kind, *_ in cells)
        assert cells[FLAGGED]["too_many"] == 1

    def test_moves(self) -> None:
        moves = [
            told("dossier.transferred", f"11-0{day} 09:00", to_agency="A") for day in (4, 5, 6)
        ]
        assert answer(RECEIVED, *moves[:2], FINISHED)[CLOSED]["moved"] == 1
        closed = answer(RECEIVED, *moves, FINISHED)[CLOSED]
        assert closed.keys() & {"moved", "moved_electronically"} == set()
        assert closed["on_time"] == 1

    def test_waits_for_papers(self) -> None:
        asked = [told("dossier.supplement_requested", f"11-0{day} 09:00") for day in (4, 5, 6)]
        assert answer(RECEIVED, *asked[:2], FINISHED)[CLOSED]["asked_again_in_time"] == 1
        closed = answer(RECEIVED, *asked, FINISHED)[CLOSED]
        assert (
            closed.keys() & {"asked_for_papers", "asked_again_in_time", "paused_working_seconds"}
            == set()
        )
        assert (
            closed["processing_working_seconds"]
            == answer(RECEIVED, FINISHED)[CLOSED]["processing_working_seconds"]
        )

    def test_the_due_time_in_force_is_the_one_said_last(self) -> None:
        moved = [
            told("dossier.due_changed", f"11-1{day} 09:00", due_at=f"11-1{day} 17:00")
            for day in (1, 2, 3)
        ]
        cells = answer(RECEIVED, *moved)
        assert cells["open", "A", "p", ms("11-13 17:00")] == {"open": 1}
        assert cells[FLAGGED] == {"flagged": 1, "too_many": 1}, "and not due_moved_after_passed"

    def test_it_is_finished_whatever_the_number_of_sources(self) -> None:
        finished = [
            told("dossier.finished", f"11-10 16:3{number}", source=f"s{number}")
            for number in range(5)
        ]
        cells = answer(RECEIVED, *finished)
        assert cells[CLOSED]["finished"] == 1
        assert (
            cells[CLOSED]["processing_seconds"]
            == answer(RECEIVED, finished[-1])[CLOSED]["processing_seconds"]
        )
        assert cells[FLAGGED].keys() == {"flagged", "too_many"}, "and not sources_disagree"

    def test_without_a_reception(self) -> None:
        unknown = ("flagged", "A", "-", 20251105)
        assert answer(paid(1), paid(2), paid(3))[unknown] == {
            "flagged": 1,
            "no_reception": 1,
            "too_many": 1,
        }
        waits = told("dossier.supplement_requested", "11-05 09:00")
        assert answer(waits, paid(1), paid(2), paid(3))[unknown] == {
            "flagged": 1,
            "no_reception": 1,
            "too_many": 1,
        }

    def test_answers_to_a_document(self) -> None:
        answers = [
            told("document.status_changed", "11-04 09:00", agency=agency, status="01")
            for agency in "BCD"
        ]
        asked = told("document.recalled", "11-05 09:00")
        assert ("received", "C", "18", 20251104) in answer(SENT, *answers[:2])
        cells = answer(SENT, *answers, asked)
        assert {kind for kind, *_ in cells} == {"sent", "flagged", "recalled"}
        assert cells["flagged", "A", "18", 20251103] == {"too_many": 1}
        assert answer(*answers) == {
            ("flagged", "D", "-", 20251104): {"no_sending": 1, "too_many": 1}
        }

    def test_corrected_answers_to_a_document(self) -> None:
        answers = [
            told(
                "document.status_changed",
                f"11-0{4 + number} 09:00",
                agency=agency,
                status="01",
                effective_at="11-04 09:00",
            )
            for number, agency in enumerate("BCD")
        ]
        assert ("received", "C", "18", 20251104) in answer(SENT, *answers[:2])
        cells = answer(SENT, *answers)
        assert {kind for kind, *_ in cells} == {"sent", "flagged"}
        assert cells["flagged", "A", "18", 20251103] == {"too_many": 1}

    def test_recalls_of_a_document(self) -> None:
        recalls = [
            told("document.recalled", "11-05 09:00", answer=answer)
            for answer in ("asked", "agreed", "refused")
        ]
        cells = answer(SENT, *recalls)
        assert {kind for kind, *_ in cells} == {"sent", "flagged"}

    def test_deadlines_of_a_task(self) -> None:
        later = [
            told("task.extended", f"11-1{day} 09:00", due_at=f"11-1{day} 17:00")
            for day in (1, 2, 3)
        ]
        done = told("task.completed", "11-13 16:00")
        assert "extended" in answer(ASSIGNED, *later[:2], done)["completed", "B", "c", 20251113]
        cells = answer(ASSIGNED, *later, done)
        assert cells["completed", "B", "c", 20251113] == {"completed": 1, "on_time": 1}
        assert cells["flagged", "B", "c", 20251103] == {"flagged": 1, "too_many": 1}
        assert answer(*later)["flagged", "A", "-", 20251113] == {
            "flagged": 1,
            "no_assignment": 1,
            "too_many": 1,
        }

    def test_deadlines_of_assignments_and_of_one_correction(self) -> None:
        again = [
            told("task.assigned", f"11-0{day} 09:00", due_at=f"11-1{day} 17:00")
            for day in (4, 5, 6)
        ]
        anew = [
            told(
                "task.extended",
                "11-09 09:00",
                due_at=f"11-1{day} 17:00",
                effective_at=f"11-0{day} 09:00",
                event_id=f"{day}",
            )
            for day in (4, 5, 6)
        ]
        for told_, kind in ((again, "assigned"), (anew, "extended")):
            found = answer(ASSIGNED, *told_)
            (flags,) = (cell for key, cell in found.items() if key[0] == "flagged")
            assert flags == {"flagged": 1, "too_many": 1}, kind
            assert ("open", "B", "c", ms("11-16 17:00")) in found

    def test_a_recount_takes_what_workers_of_before_kept_for_what_is_kept(self) -> None:
        (row,) = (row for _, row in family_state_of([RECEIVED, *many_paid(9)]).states.items())
        family, states = FAMILIES["dossiers"], {b"thing": FAMILIES["dossiers"].decoder()(row)}
        before = FAMILIES["dossiers"].decoder()(row)
        before.payments["SAMPLE-0"] = (ms("11-05 09:00"), 2, 50_000, True)
        assert differing(family, states, States({b"thing": msgspec.msgpack.encode(before)})) == []
        before.payments["SAMPLE-9"] = (ms("11-06 09:00"), 2, 50_000, True)
        assert differing(family, states, States({b"thing": msgspec.msgpack.encode(before)})) == [
            b"thing"
        ]

    def test_it_is_said_once_of_each_thing_and_group(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        family_state, before = FamilyState(FAMILIES["dossiers"]), _counted("payments")
        for facts in (
            [RECEIVED, *many_paid(3)],
            many_paid(6),
            [told("dossier.rated", "11-13 09:00", rating_id=one) for one in "abc"],
        ):
            changes = family_state.fold([record(*fact) for fact in facts])
            family_state.keep(changes)
            health.batch_applied("dossiers", changes)
        assert [message.partition(".")[0] for message in caplog.messages] == [
            "dossiers: 'thing' has more than 2 payments",
            "dossiers: 'thing' has more than 2 ratings",
        ]
        assert _counted("payments") - before == 1


def _counted(group: str) -> float:
    return (
        REGISTRY.get_sample_value(
            "lgsp_worker_too_many_total", {"family": "dossiers", "group": group}
        )
        or 0
    )
