"""docs/corrections.md: each row of its table of dossiers, with what is counted before and after, in
whatever order it is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import pytest
from facts import Heard, answer, told

PAGE = (Path(__file__).parents[3] / "docs" / "corrections.md").read_text("utf-8")
NOW = "11-20 08:00"  # when corrections are made
Counts = dict[str, str]  # by kind and measure "kind.measure": "agency at day", comma-separated


def dossier(name: str, at: str, **fields: Any) -> Heard:
    return told(f"dossier.{name}", at, **fields)


def corrected(name: str, **fields: Any) -> Heard:
    return dossier(name, NOW, **fields)


RECEIVED = dossier("received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = dossier("finished", "11-12 16:00")


@dataclass(frozen=True)
class Row:
    """What was told, what corrects it, and where measures stood before and stand then."""

    told: tuple[Heard, ...]
    corrections: tuple[Heard, ...]
    before: Counts
    after: Counts


def finish(*facts: Heard, before: Counts, after: Counts, also: tuple[Heard, ...] = ()) -> Row:
    return Row((RECEIVED, FINISHED, *also), facts, before, after)


DOSSIERS: dict[str, Row] = {
    "the reception": Row(
        (RECEIVED,),
        (
            corrected(
                "corrected", received_at="10-31 09:00", agency="B", channel="online", due_at=None
            ),
        ),
        {"received.received": "A 20251103", "flow.taken_other": "A 20251103"},
        {"received.received_online": "B 20251031", "flow.taken_online": "B 20251031"},
    ),
    "the finish was at another time": finish(
        corrected("finished", effective_at="11-06 15:00"),
        before={"closed.late": "A 20251112", "flow.left_late": "A 20251112"},
        after={"closed.early": "A 20251106", "flow.left_early": "A 20251106", "flow.fell_due": ""},
    ),
    "it was not finished but withdrawn": finish(
        corrected("withdrawn", effective_at="11-06 15:00"),
        before={"closed.finished": "A 20251112"},
        after={"closed.withdrawn": "A 20251106", "closed.finished": ""},
    ),
    "it was not finished but stopped": finish(
        corrected("suspended", effective_at="11-06 15:00"),
        before={"closed.finished": "A 20251112"},
        after={"closed.stopped": "A 20251106", "flow.left_stopped": "A 20251106"},
    ),
    "it was not withdrawn but finished": Row(
        (RECEIVED, dossier("withdrawn", "11-06 10:00")),
        (corrected("finished", effective_at="11-07 10:00", digitised=True),),
        {"closed.withdrawn": "A 20251106"},
        {
            "closed.finished": "A 20251107",
            "closed.results_digitised": "A 20251107",
            "closed.withdrawn": "",
        },
    ),
    "it has not ended": finish(
        corrected("finished", holds=False),
        also=(dossier("result_returned", "11-13 08:00"),),
        before={"closed.closed": "A 20251112", "open.open": ""},
        after={"closed.closed": "", "open.open": "A due", "flow.left": ""},
    ),
    "the result was returned at another time": finish(
        corrected("result_returned", effective_at="11-12 17:00"),
        also=(dossier("result_returned", "11-10 08:00"),),
        before={"flagged.returned_before_end": "A 20251103", "closed.late_06a": ""},
        after={"flagged.returned_before_end": "", "closed.late_06a": "A 20251112"},
    ),
    "no result was returned": Row(
        (RECEIVED, dossier("result_returned", "11-10 08:00")),
        (corrected("result_returned", holds=False),),
        {"closed.finished": "A 20251110"},
        {"closed.finished": "", "open.open": "A due"},
    ),
    "it was refused on another day": Row(
        (dossier("refused", "11-04 08:00"),),
        (corrected("refused", effective_at="11-05 08:00", agency="B"),),
        {"refused.refused": "A 20251104"},
        {"refused.refused": "B 20251105"},
    ),
    "it was not refused": Row(
        (RECEIVED, dossier("refused", "11-04 08:00")),
        (corrected("refused", holds=False),),
        {"refused.refused": "A 20251104", "received.received": ""},
        {"refused.refused": "", "received.received": "A 20251103"},
    ),
    "it was reopened at another time": finish(
        corrected("reopened", effective_at="11-14 08:00"),
        also=(dossier("reopened", "11-13 08:00"),),
        before={"reopened.reopened": "A 20251113", "undone.undone": "A 20251112"},
        after={"reopened.reopened": "A 20251114", "undone.undone": "A 20251112"},
    ),
    "it was never reopened": finish(
        corrected("reopened", holds=False),
        also=(dossier("reopened", "11-13 08:00"),),
        before={"undone.undone": "A 20251112", "closed.finished": ""},
        after={"undone.undone": "", "reopened.reopened": "", "closed.finished": "A 20251112"},
    ),
    "a payment was of another amount": Row(
        (RECEIVED, dossier("paid", "11-05 09:00")),
        (corrected("paid", effective_at="11-04 09:00", amount=20_000, online=False),),
        {"paid.amount": "A 20251105 50000", "paid.transactions_online": "A 20251105"},
        {"paid.amount": "A 20251104 20000", "paid.transactions_online": ""},
    ),
    "a payment was not paid but failed": Row(
        (RECEIVED, dossier("paid", "11-05 09:00")),
        (corrected("paid", effective_at="11-05 09:00", state="failed"),),
        {"paid.transactions": "A 20251105"},
        {"paid.transactions": ""},
    ),
    "a payment never was": Row(
        (RECEIVED, dossier("fee_requested", "11-04 09:00"), dossier("paid", "11-05 09:00")),
        (corrected("paid", holds=False),),
        {"paid.transactions": "A 20251105", "open.waiting": "", "flow.back": "A 20251105"},
        {"paid.transactions": "", "open.waiting": "A due", "flow.back": ""},
    ),
    "a rating was another": Row(
        (RECEIVED, dossier("rated", "11-05 09:00")),
        (corrected("rated", effective_at="11-05 09:00", satisfied=False),),
        {"rated.satisfied": "A 20251105"},
        {"rated.ratings": "A 20251105", "rated.satisfied": ""},
    ),
    "a rating never was": Row(
        (RECEIVED, dossier("rated", "11-05 09:00")),
        (corrected("rated", holds=False),),
        {"rated.ratings": "A 20251105"},
        {"rated.ratings": ""},
    ),
    "the due time was another from the beginning": finish(
        corrected("due_changed", effective_at="11-03 09:00", due_at="11-14 17:00"),
        before={"closed.late": "A 20251112"},
        after={"closed.early": "A 20251112", "flagged.due_moved_after_passed": ""},
    ),
    "there is no due time": finish(
        corrected("due_changed", due_at="11-10 17:00", holds=False),
        before={"closed.late": "A 20251112", "closed.no_due": ""},
        after={"closed.no_due": "A 20251112", "flow.left_on_time": "A 20251112"},
    ),
    "a move was not electronic": finish(
        corrected("transferred", effective_at="11-04 08:00", electronic=False),
        also=(dossier("transferred", "11-04 08:00"),),
        before={"closed.moved_electronically": "B 20251112"},
        after={"closed.moved": "B 20251112", "closed.moved_electronically": ""},
    ),
    "a move never was": finish(
        corrected("transferred", effective_at="11-04 08:00", holds=False),
        also=(dossier("transferred", "11-04 08:00"),),
        before={"closed.moved": "B 20251112"},
        after={"closed.finished": "A 20251112", "closed.moved": ""},
    ),
    "a move went to another agency": finish(
        corrected("transferred", effective_at="11-04 08:00", holds=False),
        corrected("transferred", effective_at="11-04 08:00", to_agency="C", event_id="right"),
        also=(dossier("transferred", "11-04 08:00"),),
        before={"closed.moved": "B 20251112"},
        after={"closed.moved": "C 20251112"},
    ),
    "papers were asked for at other times": finish(
        corrected("supplement_requested", effective_at="11-06 08:00"),
        corrected("supplement_completed", effective_at="11-07 08:00"),
        also=(
            dossier("supplement_requested", "11-04 08:00"),
            dossier("supplement_completed", "11-05 08:00"),
        ),
        before={"flow.asked": "A 20251104", "flow.back": "A 20251105"},
        after={"flow.asked": "A 20251106", "flow.back": "A 20251107"},
    ),
    "papers were never asked for": Row(
        (RECEIVED, dossier("supplement_requested", "11-04 08:00")),
        (corrected("supplement_requested", holds=False),),
        {"open.waiting": "A due", "flow.asked": "A 20251104"},
        {"open.waiting": "", "flow.asked": ""},
    ),
    "a fee was asked for at another time": Row(
        (RECEIVED, dossier("fee_requested", "11-04 08:00")),
        (corrected("fee_requested", effective_at="11-05 08:00"),),
        {"flow.asked": "A 20251104"},
        {"flow.asked": "A 20251105", "open.waiting": "A due"},
    ),
    "a fee was never asked for": Row(
        (RECEIVED, dossier("fee_requested", "11-04 08:00")),
        (corrected("fee_requested", holds=False),),
        {"open.waiting": "A due"},
        {"open.waiting": "", "flow.asked": ""},
    ),
    "the dossier was entered by mistake": finish(
        corrected("voided", agency="B"),
        before={"received.received": "A 20251103", "voided.voided": ""},
        after={"received.received": "", "closed.closed": "", "voided.voided": "A 20251120"},
    ),
    "it was voided by mistake": finish(
        dossier("restored", "11-21 08:00"),
        also=(corrected("voided"),),
        before={"voided.voided": "A 20251120", "closed.closed": ""},
        after={"voided.voided": "", "closed.closed": "A 20251112", "flagged.flagged": ""},
    ),
}


def rows_of(section: str) -> list[str]:
    """What the page's rows of a section say was wrong."""
    table = re.findall(rf"<!-- {section} -->(.*?)<!-- /{section} -->", PAGE, re.S)[0]
    return [line.split("|")[1].strip() for line in table.strip().splitlines()[2:]]


def stands(facts: Iterator[Heard] | tuple[Heard, ...], asked: Counts) -> Counts:
    """Where measures stand, written as rows write it."""
    cells = answer(*facts)
    found = {}
    for name in asked:
        kind, measure = name.split(".")
        places = [
            f"{agency} {'due' if kind == 'open' else at}"
            + (f" {sums[measure]}" if measure == "amount" else "")
            for (of, agency, _, at), sums in sorted(cells.items())
            if of == kind and measure in sums
        ]
        found[name] = ", ".join(places)
    return found


@pytest.mark.parametrize("name", DOSSIERS)
def test_a_correction_counts_as_its_row_says(name: str) -> None:
    row = DOSSIERS[name]
    assert stands(row.told, row.before) == row.before
    for facts in islice(permutations((*row.told, *row.corrections)), 24):
        assert stands((*facts, *row.corrections), row.after) == row.after


def test_each_row_of_the_page_is_tried() -> None:
    rows = rows_of("dossiers")
    assert [next((name for name in DOSSIERS if row.startswith(name)), row) for row in rows] == [
        *DOSSIERS
    ]
