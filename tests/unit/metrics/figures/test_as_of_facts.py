"""From facts to figures as of a day: what is known now of that day, under the agency that handles
the dossier now.
"""

from __future__ import annotations

import pytest
from cubes import at
from facts import Heard, told
from heard import answers, hub_that_heard

from metrics.api.answers import answer_report_06a
from metrics.api.parameters import ReportParameters

NOW = at("2025-11-20T10:00")
RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-06 17:00", procedure="p")
FINISHED = told("dossier.finished", "11-10 16:30", heard="11-12 08:00")
DAYS = ("11-02", "11-03", "11-06", "11-07", "11-09", "11-10", "11-19")


def curve(facts: list[Heard], id_: str, **asked: str) -> list[float | None]:
    """The figure as of each of the days."""
    with hub_that_heard([(when, event) for event, when in facts], NOW) as views:
        days = [answers(views, as_of=f"2025-{day}", **asked)[id_] for day in DAYS]
    return [one.value for one in days]


@pytest.mark.parametrize(
    ("facts", "open_", "overdue"),
    [
        ([RECEIVED], [0, 1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1]),
        # heard two days later, and known now of its own day
        ([RECEIVED, FINISHED], [0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0, 0]),
        # an end that a reopening undid counts nowhere: it was open throughout
        (
            [RECEIVED, FINISHED, told("dossier.reopened", "11-13 09:00")],
            [0, 1, 1, 1, 1, 1, 1],
            [0, 0, 0, 1, 1, 1, 1],
        ),
        # entered by mistake: it never was
        (
            [RECEIVED, FINISHED, told("dossier.voided", "11-14 09:00")],
            [0] * 7,
            [0] * 7,
        ),
        # while it waits for papers or a fee it is not overdue
        (
            [
                RECEIVED,
                told("dossier.supplement_requested", "11-05 09:00"),
                told("dossier.fee_requested", "11-07 09:00"),
                told("dossier.supplement_completed", "11-08 09:00"),
                told("dossier.paid", "11-09 09:00", amount=1000),
            ],
            [0, 1, 1, 1, 1, 1, 1],
            [0, 0, 0, 0, 1, 1, 1],
        ),
        # due on a later day after all
        (
            [RECEIVED, told("dossier.due_changed", "11-06 16:00", due_at="11-10 17:00")],
            [0, 1, 1, 1, 1, 1, 1],
            [0, 0, 0, 0, 0, 0, 1],
        ),
    ],
)
def test_what_is_known_now_of_a_day(
    facts: list[Heard], open_: list[int], overdue: list[int]
) -> None:
    assert curve(facts, "dossiers_open") == open_
    assert curve(facts, "dossiers_overdue") == overdue


def test_it_stands_at_the_agency_that_handles_it_now() -> None:
    moved = told("dossier.transferred", "11-08 09:00", to_agency="B")
    assert curve([RECEIVED, moved], "dossiers_open", agency="B") == [0, 1, 1, 1, 1, 1, 1]
    assert curve([RECEIVED, moved], "dossiers_open", agency="A") == [0] * 7


def test_form_06a_has_a_stopped_one_open_and_a_late_report_on_its_own_day() -> None:
    stopped = [
        (event.model_copy(update={"dossier_id": "other"}), when)
        for event, when in (RECEIVED, told("dossier.suspended", "11-05 09:00"))
    ]
    facts = [(when, event) for event, when in [RECEIVED, FINISHED, *stopped]]
    with hub_that_heard(facts, NOW) as views:
        asked = {"from": "2025-11-04", "to": "2025-11-11", "by": "agency"}
        total = answer_report_06a(views, ReportParameters.model_validate(asked)).total
    # both carried over; one handled, late; the stopped one is open and in time
    columns = [2, 0, 0, 2, 1, 0, 0, 1, 1, 1, 0]
    assert total == {str(number): count for number, count in enumerate(columns, start=3)}
