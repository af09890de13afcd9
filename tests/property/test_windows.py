"""Windows add up: whatever was counted, two windows side by side make one, and what one leaves open
the next one carries over.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from cubes import NOW, answer, counted, questions_about
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from metrics.api.answers import answer_counts
from metrics.api.parameters import CountParameters
from schemas.clock import yyyymmdd

DAY = timedelta(days=1)
DAYS = st.dates(date(2024, 11, 25), date(2025, 3, 5))
SHARES = ("dossiers_on_time_share", "data_quality", "score_766_5_4", "sync_lag")


@st.composite
def cells(draw: st.DrawFn) -> list[Any]:
    """Counts of some days, at most one cell of a key."""
    found = {}
    for kind, measures in (
        ("received", ("received",)),
        ("closed", ("closed", "on_time", "late_766", "reports", "lag_seconds", "lag_le_5")),
        ("flagged", ("flagged", "no_reception")),
        ("rated", ("ratings", "satisfied")),
        ("flow", ("taken_online", "taken_other", "left", "left_stopped")),
    ):
        for day, code in draw(st.lists(st.tuples(DAYS, st.sampled_from("AB")), max_size=6)):
            counts = {measure: draw(st.integers(0, 9)) for measure in measures}
            found[kind, code, day] = counted(f"dossiers|{kind}|{code}|P|{yyyymmdd(day)}", **counts)
    return list(found.values())


@examples(40)
@given(cells(), DAYS, DAYS, DAYS)
def test_two_windows_side_by_side_make_one(
    found: list[Any], one: date, other: date, third: date
) -> None:
    first, middle, last = sorted((one, other, third))
    with questions_about(found, NOW) as questions:
        for id_ in SHARES:
            left, right, whole = (
                answer(questions, id_, from_=str(begin), to=str(end))
                for begin, end in ((first, middle), (middle + DAY, last + DAY), (first, last + DAY))
            )
            assert (left.numerator or 0) + (right.numerator or 0) == whole.numerator
            assert (left.denominator or 0) + (right.denominator or 0) == whole.denominator


@examples(40)
@given(cells(), DAYS, st.integers(0, 60))
def test_what_is_left_open_is_carried_over(found: list[Any], first: date, length: int) -> None:
    last = first + timedelta(days=length)
    window = {"from": str(first), "to": str(last)}
    with questions_about(found, NOW) as questions:
        before = answer(questions, "dossiers_carried_over", from_=str(first), to=str(last)).value
        after = answer(questions, "dossiers_carried_over", from_=str(last + DAY)).value
        asked = CountParameters.model_validate({"family": "dossiers", "kind": "flow", **window})
        (flow,) = (kind.counts for kind in answer_counts(questions, asked).kinds)
        taken = (flow["taken_online"] or 0) + (flow["taken_other"] or 0)
        assert after == (before or 0) + taken - (flow["left"] or 0)
        assert after == answer(questions, "dossiers_open", as_of=str(last)).value
