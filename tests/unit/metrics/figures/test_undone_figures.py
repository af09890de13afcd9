"""Ends that reopenings undid, by hand: on which days dossiers count for them, in whatever order it
was told.
"""

from __future__ import annotations

from itertools import islice, permutations
from typing import Any

import pytest
from facts import Heard, answer, told

AGENCY = "A"
RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")


def dossier(name: str, at: str, **fields: Any) -> Heard:
    return told(f"dossier.{name}", at, **fields)


FINISHED = dossier("finished", "11-10 16:30")
REOPENED = dossier("reopened", "11-13 09:00")


def days(*facts: Heard) -> dict[str, list[int]]:
    """By agency, the days on which it counts in `undone`."""
    found: dict[str, list[int]] = {}
    for (kind, agency, category, at), sums in sorted(answer(*facts).items()):
        if kind == "undone":
            assert (category, sums) == ("p", {"undone": 1})
            found.setdefault(agency, []).append(at)
    return found


CASES: dict[str, tuple[list[int], tuple[Heard, ...]]] = {
    "it was not reopened": ([], (FINISHED,)),
    "it had not ended": ([], (REOPENED,)),
    "it was finished": ([20251110], (FINISHED, REOPENED)),
    "it was withdrawn": ([20251107], (dossier("withdrawn", "11-07 09:00"), REOPENED)),
    "it was stopped": ([20251107], (dossier("suspended", "11-07 09:00"), REOPENED)),
    "a return alone is an end": (
        [20251111],
        (dossier("result_returned", "11-11 09:00"), REOPENED),
    ),
    "a return after the finish is none": (
        [20251110],
        (FINISHED, dossier("result_returned", "11-11 09:00"), REOPENED),
    ),
    "of several finishes the last one": (
        [20251110],
        (
            dossier("finished", "11-06 09:00"),
            dossier("finished", "11-07 09:00"),
            FINISHED,
            REOPENED,
        ),
    ),
    "of several sources the last one": (
        [20251110],
        (dossier("finished", "11-06 09:00", source="ministry"), FINISHED, REOPENED),
    ),
    "a finish goes before what was said after it": (
        [20251110],
        (FINISHED, dossier("withdrawn", "11-12 09:00"), REOPENED),
    ),
    "it has ended again": (
        [20251110],
        (FINISHED, REOPENED, dossier("finished", "11-17 09:00")),
    ),
    "it was reopened twice": (
        [20251110, 20251117],
        (
            FINISHED,
            REOPENED,
            dossier("withdrawn", "11-17 09:00"),
            dossier("reopened", "11-18 09:00"),
        ),
    ),
    "it was reopened twice, and had not ended in between": (
        [20251110],
        (FINISHED, REOPENED, dossier("reopened", "11-18 09:00")),
    ),
    "twice on one day": (
        [20251113],
        (
            dossier("finished", "11-13 08:00"),
            REOPENED,
            dossier("finished", "11-13 10:00"),
            dossier("reopened", "11-13 11:00"),
        ),
    ),
    "what ended it at the very instant stands": (
        [],
        (dossier("finished", "11-13 09:00"), REOPENED),
    ),
    "the end was put right before": (
        [20251106],
        (
            FINISHED,
            dossier("finished", "11-12 09:00", effective_at="11-06 15:00"),
            REOPENED,
        ),
    ),
    "the end was put right before, and the one after it again": (
        [20251106],
        (
            FINISHED,
            dossier("finished", "11-12 09:00", effective_at="11-06 15:00"),
            REOPENED,
            dossier("finished", "11-19 09:00", effective_at="11-18 15:00"),
        ),
    ),
    "a return was put right before, and another one after it": (
        [20251106],
        (
            dossier("result_returned", "11-11 09:00"),
            dossier("result_returned", "11-12 09:00", effective_at="11-06 15:00"),
            REOPENED,
            dossier("result_returned", "11-19 09:00", effective_at="11-18 15:00"),
        ),
    ),
    "it had not ended, as was said before": (
        [],
        (FINISHED, dossier("finished", "11-12 09:00", holds=False), REOPENED),
    ),
    "what is said after it is no word on the end before it": (
        [20251110],
        (FINISHED, REOPENED, dossier("finished", "11-14 09:00", holds=False)),
    ),
    "it was reopened earlier, before the end": (
        [],
        (FINISHED, REOPENED, dossier("reopened", "11-14 09:00", effective_at="11-09 09:00")),
    ),
    "it was reopened later": (
        [20251110],
        (FINISHED, REOPENED, dossier("reopened", "11-20 09:00", effective_at="11-14 09:00")),
    ),
    "it was reopened at another time, and once more": (
        [20251110, 20251117],
        (
            FINISHED,
            dossier("reopened", "11-14 09:00", effective_at="11-12 09:00"),
            dossier("withdrawn", "11-17 09:00"),
            dossier("reopened", "11-18 09:00"),
        ),
    ),
    "it was never reopened": (
        [],
        (FINISHED, REOPENED, dossier("reopened", "11-14 09:00", holds=False)),
    ),
    "a refusal plays no part": (
        [20251110],
        (FINISHED, dossier("refused", "11-12 09:00"), REOPENED),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_counts_on_the_day_of_the_end_that_was_undone(case: str) -> None:
    expected, facts = CASES[case]
    for order in islice(permutations([RECEIVED, *facts]), 120):
        assert days(*order, *facts) == ({AGENCY: expected} if expected else {})


def test_it_moves_with_its_handler() -> None:
    moved = dossier("transferred", "11-14 09:00")
    assert days(RECEIVED, FINISHED, REOPENED, moved) == {"B": [20251110]}


def test_what_never_was_or_is_not_accepted_counts_nowhere() -> None:
    assert days(FINISHED, REOPENED) == {}, "its reception is not known"
    assert days(RECEIVED, FINISHED, REOPENED, dossier("refused", "11-14 09:00")) == {}
    assert days(RECEIVED, FINISHED, REOPENED, dossier("voided", "11-14 09:00")) == {}
