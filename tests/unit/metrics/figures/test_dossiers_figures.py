"""What dossiers count for, by examples worked out by hand; each rule of docs/figures.md has its
case, those of reporting, payments and ratings in files beside this one.
"""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, ms, told
from oracle_facts import Figures

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30")
OPEN = ("open", "A", "p", ms("11-10 17:00"))
CLOSED = ("closed", "A", "p", 20251110)
FLAGGED = ("flagged", "A", "p", 20251103)

# a reception that was heard of at once
AT_ONCE = {"reception_reports": 1, "reception_lag_le_1": 1, "reception_working_lag_le_3600": 1}

EXAMPLE = [
    told("dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00"),
    told("dossier.transferred", "11-04 10:00"),
    told("dossier.paid", "11-05 11:00", agency="B"),
    told("dossier.finished", "11-10 16:30", heard="11-12 08:00", agency="B"),
    told("dossier.rated", "11-13 09:00", agency="B"),
]


def overdue(figures: Figures, agency: str, asked: str) -> int:
    """Open and not waiting, past due at the asked time."""
    return sum(
        measures.get("open", 0) - measures.get("waiting", 0)
        for (kind, who, _, at), measures in figures.items()
        if kind == "open" and who == agency and 0 < at < ms(asked)
    )


def orders() -> list[list[Heard]]:
    """Every order of the example's facts up to a dozen, some with every fact five times."""
    shuffled = random.Random(1).sample(list(permutations(EXAMPLE)), 12)
    return [
        EXAMPLE,
        EXAMPLE[::-1],
        EXAMPLE * 5,
        random.Random(2).sample(EXAMPLE * 5, 25),
        *map(list, shuffled),
    ]


@pytest.mark.parametrize("order", orders())
def test_the_worked_example_at_each_time(order: list[Heard]) -> None:
    def at(asked: str) -> Figures:
        heard = [(event, time) for event, time in order if time < ms(asked)]
        return answer(*heard)

    first = at("11-11 00:00")
    assert first["open", "B", "p", ms("11-10 17:00")] == {"open": 1}
    assert overdue(first, "B", "11-11 00:00") == 1
    assert not any(kind == "closed" for kind, *_ in first)

    second = at("11-12 08:00:01")
    assert second["closed", "B", "p", 20251110] == {
        "closed": 1,
        "finished": 1,
        "finished_online": 1,
        "on_time": 1,
        "results": 1,
        "moved": 1,
        "moved_electronically": 1,
        "reported_late": 1,
        "looked_overdue": 1,
        "processing_seconds": 7 * 86_400 + 27_000,
        "days_le_7": 1,
        "reports": 1,
        "lag_seconds": 86_400 + 55_800,
        "lag_le_172800": 1,
        "finished_without_step": 1,
        # Monday from 9:00, four days, Monday until 16:30; the report half an hour, a day and an
        # hour of office time later
        "processing_working_seconds": 45 * 3600 + 1800,
        "working_lag_seconds": 9 * 3600 + 1800,
        "working_lag_le_57600": 1,
    }
    assert not any(kind == "open" for kind, *_ in second)
    assert overdue(second, "B", "11-12 08:00:01") == 0
    assert second["received", "A", "p", 20251103] == {"received": 1, "received_online": 1} | AT_ONCE
    assert second["paid", "B", "p", 20251105] == {
        "transactions": 1,
        "transactions_online": 1,
        "amount": 50_000,
        "amount_online": 50_000,
    }

    third = at("11-14 00:00")
    assert third == second | {("rated", "B", "p", 20251113): {"ratings": 1, "satisfied": 1}}


@pytest.mark.parametrize(
    ("fields", "measures"),
    [
        ({"channel": "online"}, ["received_online"]),
        ({"channel": "post"}, ["received_post"]),
        ({"channel": "email"}, ["received_email"]),
        ({"channel": "internal"}, ["received_internal"]),
        ({"channel": "other"}, ["received_other"]),
        ({}, ["received_counter"]),
        ({"level": 2}, ["received_counter"]),
        ({"level": 3}, ["received_counter", "received_partial"]),
        ({"level": 4}, ["received_counter", "received_full"]),
        ({"with_fee": True}, ["received_counter", "with_fee"]),
        ({"authenticated": True}, ["received_counter", "authenticated", "identified"]),
        ({"population_data": True}, ["received_counter", "identified"]),
        ({"from_personal_store": True}, ["received_counter", "from_personal_store", "identified"]),
        ({"papers_digitised": True}, ["received_counter", "papers_digitised"]),
        ({"reused_data": True}, ["received_counter", "reused_data"]),
        (
            {"channel": "other", "channel_unknown": True},
            ["received_other", "channel_unknown"],
        ),
        ({"backfill": True}, ["received_counter", "backfilled"]),
    ],
)
def test_a_reception_counts_where_and_how_it_was_received(
    fields: dict[str, Any], measures: list[str]
) -> None:
    figures = answer(told("dossier.received", "11-03 09:00", handling_agency="B", **fields))
    heard = {} if "backfill" in fields else AT_ONCE
    assert (
        figures["received", "A", "p", 20251103] == dict.fromkeys(["received", *measures], 1) | heard
    )
    assert figures["open", "B", "p", 0] == {"open": 1}


def test_the_day_is_the_provinces() -> None:
    assert ("received", "A", "p", 20251103) in answer(told("dossier.received", "11-03 00:00"))
    assert ("received", "A", "p", 20251102) in answer(told("dossier.received", "11-02 23:59:59"))


def test_a_correction_states_the_reception_anew_whenever_it_comes() -> None:
    correction = told(
        "dossier.corrected",
        "11-05 08:00",
        received_at="11-02 10:00",
        agency="C",
        procedure="q",
        channel="post",
        due_at="11-12 17:00",
    )
    for facts in ([RECEIVED, correction], [correction, RECEIVED]):
        figures = answer(*facts)
        assert (
            figures["received", "C", "q", 20251102] == {"received": 1, "received_post": 1} | AT_ONCE
        )
        assert ("received", "A", "p", 20251103) not in figures
        assert ("open", "C", "q", ms("11-12 17:00")) in figures, "its handler and due time too"


def test_a_corrected_reception_may_name_the_first_handler() -> None:
    correction = told("dossier.corrected", "11-05 08:00", handling_agency="B")
    assert ("open", "B", "p", 0) in answer(RECEIVED, correction)


def test_what_was_said_since_the_reception_outlives_its_correction() -> None:
    """An extension and a move are facts of their own."""
    correction = told("dossier.corrected", "11-25 08:00", due_at="11-10 17:00")
    extended = told("dossier.due_changed", "11-09 08:00", due_at="11-20 17:00")
    moved = told("dossier.transferred", "11-04 08:00")
    finished = told("dossier.finished", "11-18 08:00")
    figures = answer(RECEIVED, extended, moved, finished, correction)
    assert figures["closed", "B", "p", 20251118]["early"] == 1
    assert not any(kind == "flagged" for kind, *_ in figures)


def test_without_any_other_word_the_receiving_agency_handles() -> None:
    assert answer(told("dossier.corrected", "11-05 08:00", agency="C"))["open", "C", "p", 0] == {
        "open": 1
    }


@pytest.mark.parametrize(
    ("finished", "measures"),
    [
        ("11-10 16:30", ["on_time"]),
        ("11-10 17:00", ["on_time"]),
        ("11-10 17:00:01", ["late"]),
        ("11-09 23:59", ["on_time", "early"]),
        ("11-11 00:00", ["late", "late_766"]),
    ],
)
def test_the_end_is_compared_with_the_due_time_by_the_instant_and_for_766_by_date(
    finished: str, measures: list[str]
) -> None:
    figures = answer(RECEIVED, told("dossier.finished", finished))
    [closed] = [cell for (kind, *_), cell in figures.items() if kind == "closed"]
    assert {
        name
        for name in ("on_time", "early", "late", "late_766", "late_06a", "no_due")
        if name in closed
    } == set(measures)


def test_06a_goes_by_when_the_result_was_handed_over() -> None:
    late = answer(RECEIVED, FINISHED, told("dossier.result_returned", "11-10 17:30"))[CLOSED]
    assert (late["on_time"], late["late_06a"], "late" in late) == (1, 1, False)
    assert (
        "late_06a"
        not in answer(RECEIVED, FINISHED, told("dossier.result_returned", "11-10 17:00"))[CLOSED]
    )


def test_a_finish_wins_over_a_return_and_a_return_over_the_others() -> None:
    returned, withdrawn = (
        told("dossier.result_returned", "11-12 09:00"),
        told("dossier.withdrawn", "11-13 09:00"),
    )
    assert CLOSED in answer(withdrawn, returned, FINISHED, RECEIVED)
    figures = answer(withdrawn, returned, RECEIVED)
    assert figures["closed", "A", "p", 20251112]["finished"] == 1
    assert figures[FLAGGED]["finished_without_end"] == 1


@pytest.mark.parametrize(
    ("name", "outcome"), [("dossier.withdrawn", "withdrawn"), ("dossier.suspended", "stopped")]
)
def test_a_dossier_may_end_without_a_result(name: str, outcome: str) -> None:
    closed = answer(RECEIVED, told(name, "11-10 16:30"))[CLOSED]
    assert (closed["closed"], closed[outcome], closed["on_time"]) == (1, 1, 1)
    assert not {"finished", "results", "finished_online"} & closed.keys()


def test_of_withdrawal_and_stop_the_later_one_stands() -> None:
    figures = answer(
        RECEIVED, told("dossier.withdrawn", "11-05 09:00"), told("dossier.suspended", "11-06 09:00")
    )
    assert figures["closed", "A", "p", 20251106]["stopped"] == 1


@pytest.mark.parametrize(
    "name",
    ["dossier.finished", "dossier.result_returned", "dossier.withdrawn", "dossier.suspended"],
)
def test_a_reopening_undoes_what_ended_before_it(name: str) -> None:
    end, reopening = told(name, "11-10 16:30"), told("dossier.reopened", "11-10 16:31")
    for facts in ([RECEIVED, end, reopening], [reopening, end, RECEIVED]):
        assert answer(*facts)[OPEN] == {"open": 1}
    assert CLOSED in answer(RECEIVED, end, told("dossier.reopened", "11-10 16:29"))
    assert CLOSED in answer(RECEIVED, end, told("dossier.reopened", "11-10 16:30")), (
        "of one instant, the end stands"
    )
    again = answer(RECEIVED, end, reopening, told("dossier.finished", "11-12 09:00"))
    assert ("closed", "A", "p", 20251112) in again
    assert CLOSED not in again


def test_a_refused_dossier_was_never_accepted() -> None:
    refusal = told("dossier.refused", "11-04 09:00", agency="C", procedure="q")
    assert answer(refusal) == {("refused", "C", "q", 20251104): {"refused": 1}}
    assert answer(RECEIVED, refusal) == {("refused", "C", "q", 20251104): {"refused": 1}}
    assert answer(RECEIVED, refusal, FINISHED) == {("refused", "C", "q", 20251104): {"refused": 1}}


def test_a_refusal_falls_with_a_reopening_or_a_later_reception() -> None:
    assert OPEN in answer(
        RECEIVED, told("dossier.refused", "11-04 09:00"), told("dossier.reopened", "11-04 10:00")
    )
    figures = answer(RECEIVED, told("dossier.refused", "11-02 09:00"))
    assert OPEN in figures
    assert not any(kind == "refused" for kind, *_ in figures)


@pytest.mark.parametrize(
    ("waits", "ends"),
    [
        ("dossier.supplement_requested", told("dossier.supplement_completed", "11-06 09:00")),
        ("dossier.fee_requested", told("dossier.paid", "11-06 09:00")),
    ],
)
def test_a_dossier_waits_until_the_later_fact_says_otherwise(waits: str, ends: Heard) -> None:
    asked = told(waits, "11-05 09:00")
    assert answer(RECEIVED, asked)[OPEN] == {"open": 1, "waiting": 1}
    assert answer(ends, asked, RECEIVED)[OPEN] == {"open": 1}
    assert answer(RECEIVED, ends, told(waits, "11-07 09:00"))[OPEN] == {"open": 1, "waiting": 1}


def test_a_failed_payment_does_not_end_the_wait() -> None:
    assert answer(
        RECEIVED,
        told("dossier.fee_requested", "11-05 09:00"),
        told("dossier.paid", "11-06 09:00", state="failed"),
    )[OPEN] == {
        "open": 1,
        "waiting": 1,
    }


def test_waiting_is_not_overdue() -> None:
    assert (
        overdue(
            answer(RECEIVED, told("dossier.supplement_requested", "11-05 09:00")),
            "A",
            "12-01 00:00",
        )
        == 0
    )


def test_the_newest_due_time_counts() -> None:
    changed = told("dossier.due_changed", "11-05 09:00", due_at="11-20 17:00")
    completed = told("dossier.supplement_completed", "11-06 09:00", due_at="11-25 17:00")
    assert ("open", "A", "p", ms("11-20 17:00")) in answer(changed, RECEIVED)
    assert ("open", "A", "p", ms("11-25 17:00")) in answer(completed, changed, RECEIVED)


def test_without_a_due_time_a_dossier_is_never_overdue_and_counted_as_such() -> None:
    received = told("dossier.received", "11-03 09:00")
    assert overdue(answer(received), "A", "12-31 00:00") == 0
    closed = answer(received, FINISHED, told("dossier.result_returned", "11-12 09:00"))[CLOSED]
    assert closed["no_due"] == 1
    assert (
        not {"on_time", "early", "late", "late_766", "late_06a", "looked_overdue"} & closed.keys()
    )


def test_every_move_must_be_electronic() -> None:
    moves = [
        told("dossier.transferred", "11-04 09:00"),
        told("dossier.transferred", "11-05 09:00", from_agency="B", to_agency="A"),
    ]
    assert (
        answer(RECEIVED, *moves, FINISHED)[CLOSED].items()
        >= {"moved": 1, "moved_electronically": 1}.items()
    )
    moves[0] = told("dossier.transferred", "11-04 09:00", electronic=False)
    closed = answer(RECEIVED, *moves, FINISHED)[CLOSED]
    assert closed["moved"] == 1
    assert "moved_electronically" not in closed


def test_sources_that_disagree_on_one_move_make_it_not_surely_electronic() -> None:
    one, other = (
        told("dossier.transferred", "11-04 09:00", to_agency="A"),
        told("dossier.transferred", "11-04 09:00", to_agency="A", electronic=False, event_id="x"),
    )
    for moves in ((one, other), (other, one)):
        assert "moved_electronically" not in answer(RECEIVED, *moves, FINISHED)[CLOSED]


def test_a_step_hands_the_dossier_to_who_took_it() -> None:
    figures = answer(RECEIVED, told("dossier.step_taken", "11-04 09:00", agency="C"))
    assert ("open", "C", "p", ms("11-10 17:00")) in figures
    assert ("received", "A", "p", 20251103) in figures


@pytest.mark.parametrize("name", ["dossier.finished", "dossier.result_returned"])
def test_a_result_is_digitised_if_either_fact_says_so(name: str) -> None:
    facts = {
        one: told(one, "11-10 16:30", digitised=one == name)
        for one in ("dossier.finished", "dossier.result_returned")
    }
    assert (
        answer(RECEIVED, *facts.values())[CLOSED].items()
        >= {"results": 1, "results_digitised": 1}.items()
    )
    assert "results_digitised" not in answer(RECEIVED, FINISHED)[CLOSED]


@pytest.mark.parametrize(
    ("finished", "measure"),
    [
        ("11-03 17:00", "days_le_0"),
        ("11-04 08:00", "days_le_1"),
        ("11-13 08:00", "days_le_10"),
        ("11-14 08:00", "days_le_12"),
        ("12-03 08:00", "days_le_30"),
        ("12-31 08:00", "days_le_60"),
    ],
)
def test_processing_days_are_calendar_days(finished: str, measure: str) -> None:
    [closed] = [
        cell
        for (kind, *_), cell in answer(RECEIVED, told("dossier.finished", finished)).items()
        if kind == "closed"
    ]
    assert [name for name in closed if name.startswith("days_")] == [measure]
    assert closed["processing_seconds"] == (ms(finished) - ms("11-03 09:00")) // 1000
