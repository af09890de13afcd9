"""What corrected dossiers count for, beside the rows of the page (test_corrections_page.py)."""

from __future__ import annotations

from itertools import permutations

import pytest
from facts import Heard, answer, ms, told

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
OPEN = ("open", "A", "p", ms("11-10 17:00"))


@pytest.mark.parametrize(
    ("asked", "came"),
    [
        (
            told("dossier.supplement_requested", "11-05 09:00"),
            told("dossier.supplement_completed", "11-04 09:00", effective_at="11-05 09:00"),
        ),
        (
            told("dossier.supplement_requested", "11-04 09:00", effective_at="11-05 09:00"),
            told("dossier.supplement_completed", "11-05 09:00"),
        ),
    ],
)
def test_papers_asked_for_and_brought_at_an_instant_that_a_correction_foretold_are_no_wait(
    asked: Heard, came: Heard
) -> None:
    for facts in permutations([RECEIVED, asked, came]):
        assert answer(*facts)[OPEN] == {"open": 1}


FINISHED = (
    told("dossier.finished", "11-10 16:30", digitised=True),
    told("dossier.finished", "11-10 16:30", digitised=False),
)
REFUSED = (
    told("dossier.refused", "11-02 09:00", agency="A"),
    told("dossier.refused", "11-02 09:00", agency="B"),
)
LATER = told("dossier.step_taken", "11-14 09:00")
CORRECTED = told(
    "dossier.due_changed", "11-15 09:00", effective_at="11-03 09:00", due_at="11-12 17:00"
)


@pytest.mark.parametrize("also", [LATER, CORRECTED])
def test_what_is_undone_or_outdone_is_not_restated_whatever_else_was_corrected(also: Heard) -> None:
    reopened = told("dossier.reopened", "11-13 09:00")
    flagged = ("flagged", "A", "p", 20251103)
    assert answer(RECEIVED, *FINISHED, also)[flagged]["restated"] == 1
    for facts in permutations([RECEIVED, *FINISHED, reopened, also]):
        assert flagged not in answer(*facts)
    assert flagged not in answer(RECEIVED, *REFUSED, also), "it was received after the refusal"
