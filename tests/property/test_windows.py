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

from schemas.cells.kinds import CELL_KINDS
from schemas.clock import yyyymmdd

DAY = timedelta(days=1)
DAYS = st.dates(date(2024, 11, 25), date(2025, 3, 5))
NO_RECEPTION = CELL_KINDS["dossiers"]["flagged"].measures.index("no_reception")
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
    with questions_about(found, NOW) as questions:
        before = answer(
            questions, "dossiers_carried_over", from_=str(first), to=str(last)
        ).numerator
        after = answer(
            questions, "dossiers_carried_over", from_=str(last + DAY), to=str(last + DAY)
        ).numerator
        received = answer(questions, "data_quality", from_=str(first), to=str(last))
        flagged_alone = sum(
            cell.counts.get(NO_RECEPTION, 0)
            for cell in found
            if "|flagged|" in cell.key and _within(cell.key, first, last)
        )
        ended = answer(
            questions, "dossiers_on_time_share", from_=str(first), to=str(last)
        ).denominator
        assert before is not None
        assert after == before + (received.denominator or 0) - flagged_alone - (ended or 0)


def _within(key: str, first: date, last: date) -> bool:
    return yyyymmdd(first) <= int(key.split("|")[-1]) <= yyyymmdd(last)
