"""What dossiers tell about lateness and order, by examples worked out by hand; the rules are those
of docs/figures.md.
"""

from __future__ import annotations

from itertools import permutations

import pytest
from facts import Heard, answer, told
from oracle_facts import Figures

from schemas.cells.kinds import CELL_KINDS

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30")
RECEPTION = ("received", "A", "p", 20251103)
CLOSED = ("closed", "A", "p", 20251110)
FLAGGED = ("flagged", "A", "p", 20251103)


def of(figures: Figures, kind: str) -> dict[str, int]:
    """The measures of the only cell of a kind; none is no measures."""
    cells = [cell for (found, *_), cell in figures.items() if found == kind]
    assert len(cells) <= 1
    return cells[0] if cells else {}


def lag_of(cell: dict[str, int], step: str) -> dict[str, int]:
    """The measures of one step's report lag, without the step's name."""
    names = {f"{step}reports", f"{step}lag_seconds"}
    return {
        name.removeprefix(step): cell[name]
        for name in cell
        if name in names or name.startswith(f"{step}lag_")
    }


@pytest.mark.parametrize(
    ("heard", "lag"),
    [
        ("11-03 09:00", {"reports": 1, "lag_le_1": 1}),
        ("11-03 08:59", {"reports": 1, "lag_le_1": 1}),
        ("11-03 09:00:02", {"reports": 1, "lag_seconds": 2, "lag_le_5": 1}),
        ("11-04 09:00", {"reports": 1, "lag_seconds": 86_400, "lag_le_86400": 1}),
        ("11-04 09:00:01", {"reports": 1, "lag_seconds": 86_401, "lag_le_172800": 1}),
        ("12-31 09:00", {"reports": 1, "lag_seconds": 58 * 86_400, "lag_le_7776000": 1}),
    ],
)
def test_the_lag_of_a_reception_is_counted_where_it_was_received(
    heard: str, lag: dict[str, int]
) -> None:
    received = told("dossier.received", "11-03 09:00", heard=heard, handling_agency="B")
    again = (received[0], received[1] + 1_000_000)
    for facts in ([received], [received, again], [again, received]):
        assert lag_of(answer(*facts)[RECEPTION], "reception_") == lag


def test_a_reception_of_imported_history_has_no_lag() -> None:
    assert (
        lag_of(
            answer(told("dossier.received", "11-03 09:00", heard="12-31 09:00", backfill=True))[
                RECEPTION
            ],
            "reception_",
        )
        == {}
    )


def test_the_lag_of_a_corrected_reception_is_that_of_the_correction() -> None:
    correction = told(
        "dossier.corrected", "11-20 09:00", heard="11-20 09:10", received_at="11-03 09:00"
    )
    for facts in ([RECEIVED, correction], [correction, RECEIVED]):
        assert lag_of(answer(*facts)[RECEPTION], "reception_") == {
            "reports": 1,
            "lag_seconds": 600,
            "lag_le_900": 1,
        }


def test_end_and_return_have_each_their_own_lag() -> None:
    finished = told("dossier.finished", "11-10 16:30", heard="11-10 16:31")
    returned = told("dossier.result_returned", "11-12 08:00", heard="11-15 08:00")
    for facts in permutations([RECEIVED, finished, returned]):
        closed = answer(*facts)[CLOSED]
        assert lag_of(closed, "") == {"reports": 1, "lag_seconds": 60, "lag_le_60": 1}
        assert lag_of(closed, "return_") == {
            "reports": 1,
            "lag_seconds": 3 * 86_400,
            "lag_le_432000": 1,
        }


def test_where_no_finish_is_known_the_return_is_both() -> None:
    closed = of(
        answer(RECEIVED, told("dossier.result_returned", "11-12 08:00", heard="11-12 08:01")),
        "closed",
    )
    assert (
        lag_of(closed, "")
        == lag_of(closed, "return_")
        == {"reports": 1, "lag_seconds": 60, "lag_le_60": 1}
    )


@pytest.mark.parametrize(
    "facts",
    [
        [FINISHED],
        [FINISHED, told("dossier.result_returned", "11-12 08:00", backfill=True)],
        [
            FINISHED,
            told("dossier.result_returned", "11-09 08:00"),
            told("dossier.reopened", "11-09 09:00"),
        ],
        [told("dossier.withdrawn", "11-10 09:00")],
    ],
)
def test_a_return_that_is_not_known_is_history_or_was_undone_has_no_lag(facts: list[Heard]) -> None:
    assert lag_of(answer(RECEIVED, *facts)[CLOSED], "return_") == {}


@pytest.mark.parametrize(
    ("end", "heard", "looked"),
    [
        ("11-10 16:30", "11-10 17:00:01", True),
        ("11-10 16:30", "11-10 17:00", False),  # heard of in time
        ("11-10 17:00", "11-12 09:00", True),  # ended at the due instant
        ("11-10 17:01", "11-12 09:00", False),  # really late, whenever it was reported
    ],
)
def test_only_what_ended_in_time_and_was_reported_after_the_due_time_looked_overdue(
    end: str, heard: str, looked: bool
) -> None:
    assert (
        "looked_overdue" in answer(RECEIVED, told("dossier.finished", end, heard=heard))[CLOSED]
    ) is looked


@pytest.mark.parametrize("waits", ["dossier.supplement_requested", "dossier.fee_requested"])
def test_what_waited_did_not_look_overdue(waits: str) -> None:
    finished = told("dossier.finished", "11-10 16:30", heard="11-12 09:00")
    assert "looked_overdue" not in answer(RECEIVED, told(waits, "11-05 09:00"), finished)[CLOSED]


@pytest.mark.parametrize(
    "name", ["dossier.withdrawn", "dossier.suspended", "dossier.result_returned"]
)
def test_every_kind_of_end_that_is_reported_late_may_have_looked_overdue(name: str) -> None:
    assert (
        answer(RECEIVED, told(name, "11-10 16:30", heard="11-12 09:00"))[CLOSED]["looked_overdue"]
        == 1
    )


def test_a_due_time_moved_after_the_end_was_in_time_is_compared_as_it_stands() -> None:
    moved = told("dossier.due_changed", "11-05 09:00", due_at="11-12 17:00")
    assert (
        "looked_overdue"
        not in answer(
            RECEIVED, moved, told("dossier.finished", "11-10 16:30", heard="11-11 09:00")
        )[CLOSED]
    )


@pytest.mark.parametrize(
    ("flag", "facts"),
    [
        ("due_before_reception", [told("dossier.received", "11-03 09:00", due_at="11-03 08:59")]),
        (
            "due_before_reception",
            [RECEIVED, told("dossier.due_changed", "11-04 09:00", due_at="11-02 09:00")],
        ),
        ("step_before_reception", [RECEIVED, told("dossier.step_taken", "11-03 08:59")]),
        (
            "step_before_reception",
            [
                RECEIVED,
                told("dossier.step_taken", "11-03 08:59"),
                told("dossier.step_taken", "11-05 09:00"),
            ],
        ),
        (
            "returned_before_end",
            [RECEIVED, FINISHED, told("dossier.result_returned", "11-10 16:29")],
        ),
        (
            "due_moved_after_passed",
            [RECEIVED, told("dossier.due_changed", "11-12 09:00", due_at="11-20 17:00"), FINISHED],
        ),
    ],
)
def test_what_is_out_of_order_is_flagged(flag: str, facts: list[Heard]) -> None:
    for order in permutations(facts):
        assert answer(*order)[FLAGGED] == {"flagged": 1, flag: 1}


@pytest.mark.parametrize(
    "facts",
    [
        [told("dossier.received", "11-03 09:00", due_at="11-03 09:00")],
        [told("dossier.received", "11-03 09:00")],
        [
            told("dossier.received", "11-03 09:00", due_at="11-03 08:00"),
            told("dossier.due_changed", "11-03 07:00", due_at="11-02 09:00"),
            told(
                "dossier.corrected",
                "11-04 09:00",
                received_at="11-03 09:00",
                due_at="11-10 17:00",
                event_id="c",
            ),
        ],
        [RECEIVED, told("dossier.step_taken", "11-03 09:00")],
        [RECEIVED, FINISHED, told("dossier.result_returned", "11-10 16:30")],
        [
            RECEIVED,
            told("dossier.result_returned", "11-05 09:00"),
            told("dossier.reopened", "11-06 09:00"),
            FINISHED,
        ],
    ],
)
def test_what_is_in_order_is_not_flagged(facts: list[Heard]) -> None:
    broken = of(answer(*facts), "flagged").keys() & {
        "due_before_reception",
        "step_before_reception",
        "returned_before_end",
    }
    assert not broken


@pytest.mark.parametrize(
    "name",
    ["dossier.finished", "dossier.result_returned", "dossier.withdrawn", "dossier.suspended"],
)
def test_an_end_without_a_start_is_told_apart_until_the_reception_is_known(name: str) -> None:
    end = told(name, "11-10 16:30")
    assert of(answer(end), "flagged") == {
        "flagged": 1,
        "no_reception": 1,
        "end_without_reception": 1,
    }
    assert of(answer(end, told("dossier.reopened", "11-11 09:00")), "flagged") == {
        "flagged": 1,
        "no_reception": 1,
    }
    assert "end_without_reception" not in of(answer(end, RECEIVED), "flagged")


def test_to_wait_for_papers_before_the_reception_breaks_no_rule() -> None:
    asked = told("dossier.supplement_requested", "11-02 09:00")
    assert answer(asked) == {("flagged", "A", "-", 20251102): {"supplement_before_reception": 1}}
    completed = told("dossier.supplement_completed", "11-02 10:00")
    assert of(answer(asked, completed), "flagged") == {"flagged": 1, "no_reception": 1}
    assert "end_without_reception" in of(answer(asked, FINISHED), "flagged"), (
        "what ended waits no more"
    )
    assert not of(answer(asked, RECEIVED), "flagged")


def test_a_finish_without_a_step_counts_beside_the_finished() -> None:
    assert answer(RECEIVED, FINISHED)[CLOSED]["finished_without_step"] == 1
    step = told("dossier.step_taken", "11-04 09:00")
    for facts in permutations([RECEIVED, FINISHED, step]):
        assert "finished_without_step" not in answer(*facts)[CLOSED]
    assert (
        "finished_without_step"
        not in answer(RECEIVED, told("dossier.withdrawn", "11-10 16:30"))[CLOSED]
    )


def test_a_reopened_dossier_counts_on_the_day_of_its_last_reopening() -> None:
    first, last = told("dossier.reopened", "11-11 09:00"), told("dossier.reopened", "11-12 09:00")
    for facts in permutations([RECEIVED, FINISHED, first, last]):
        figures = answer(*facts)
        assert figures["reopened", "A", "p", 20251112] == {"reopened": 1}
        assert of(figures, "open") == {"open": 1}
    ended = answer(RECEIVED, last, told("dossier.finished", "11-13 09:00"))
    assert of(ended, "reopened") == {"reopened": 1}, "ended again, it was reopened all the same"


def test_a_reopened_dossier_that_is_refused_or_has_no_reception_counts_nowhere_as_reopened() -> (
    None
):
    reopened = told("dossier.reopened", "11-11 09:00")
    assert not of(answer(reopened), "reopened")
    assert not of(answer(RECEIVED, reopened, told("dossier.refused", "11-12 09:00")), "reopened")


def test_a_reopened_dossier_moves_with_its_handler() -> None:
    figures = answer(
        RECEIVED,
        told("dossier.reopened", "11-11 09:00"),
        told("dossier.transferred", "11-12 09:00"),
    )
    assert ("reopened", "B", "p", 20251111) in figures


def test_every_step_has_the_same_classes_of_lag() -> None:
    received, closed = (
        CELL_KINDS["dossiers"]["received"].measures,
        CELL_KINDS["dossiers"]["closed"].measures,
    )
    ends = [name for name in closed if name.startswith("lag_")]
    assert [
        name.removeprefix("reception_") for name in received if name.startswith("reception_lag_")
    ] == ends
    assert [
        name.removeprefix("return_") for name in closed if name.startswith("return_lag_")
    ] == ends


@pytest.mark.parametrize(
    ("name", "at", "late"),
    [
        ("finished", "11-10 17:00", False),
        ("finished", "11-10 17:00:01", True),
        ("result_returned", "11-10 17:00:01", True),
        ("withdrawn", "11-10 17:00:01", False),
        ("suspended", "11-10 17:00:01", False),
    ],
)
def test_opencps_reads_what_came_to_a_result_after_the_due_instant_as_late(
    name: str, at: str, late: bool
) -> None:
    closed = of(answer(RECEIVED, told(f"dossier.{name}", at)), "closed")
    assert closed.get("finished_late", 0) == late


def test_without_a_due_time_nothing_is_finished_late() -> None:
    closed = answer(told("dossier.received", "11-03 09:00"), FINISHED)[CLOSED]
    assert "finished_late" not in closed
