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
