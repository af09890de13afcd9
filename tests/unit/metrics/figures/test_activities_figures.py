"""What meetings, inspections and work records count for, by examples worked out by hand."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from facts import Heard, answer, told

from streams.families import FAMILIES

MEETING = told("activity.meeting_held", "11-03 09:00")


def cancelled(at: str) -> Heard:
    return told("activity.cancelled", at)


@pytest.mark.parametrize("level", ["province", "district", "commune"])
@pytest.mark.parametrize("in_system", [True, False])
def test_a_meeting_counts_at_its_level(level: str, in_system: bool) -> None:
    measures = {"meetings": 1, f"meetings_{level}": 1}
    if in_system:
        measures |= {"meetings_in_system": 1, f"meetings_in_system_{level}": 1}
    fact = told("activity.meeting_held", "11-03 09:00", level=level, in_system=in_system)
    assert answer(fact) == {("meetings", "A", "-", 20251103): measures}


@pytest.mark.parametrize(
    ("digital", "measures"),
    [(True, {"inspections": 1, "inspections_digital": 1}), (False, {"inspections": 1})],
)
def test_an_inspection_is_digital_or_not(digital: bool, measures: dict[str, int]) -> None:
    assert answer(told("activity.inspection_done", "11-03 09:00", digital=digital)) == {
        ("inspections", "A", "-", 20251103): measures
    }


@pytest.mark.parametrize(
    ("fields", "measures"),
    [
        (
            {"online": True, "level": "commune"},
            [
                "work_records",
                "work_records_online",
                "work_records_commune",
                "work_records_online_commune",
            ],
        ),
        ({"online": False, "level": "province"}, ["work_records", "work_records_province"]),
        ({"online": True, "secret": True}, ["work_records_secret"]),
        ({"online": False, "secret": True}, ["work_records_secret"]),
    ],
)
def test_secret_work_records_are_counted_apart(fields: dict[str, Any], measures: list[str]) -> None:
    fact = told("activity.work_record_handled", "11-03 09:00", **fields)
    assert answer(fact) == {("work_records", "A", "-", 20251103): dict.fromkeys(measures, 1)}


def test_an_activity_counts_on_the_day_it_was_held() -> None:
    assert list(answer(told("activity.meeting_held", "11-03 09:00", held_at="10-31 23:59"))) == [
        ("meetings", "A", "-", 20251031)
    ]
    assert list(answer(told("activity.meeting_held", "11-03 09:00", held_at="11-01 00:00"))) == [
        ("meetings", "A", "-", 20251101)
    ]


def test_the_newest_statement_stands() -> None:
    corrected = told(
        "activity.meeting_held", "11-04 09:00", agency="B", in_system=False, held_at="11-03 09:00"
    )
    expected = {("meetings", "B", "-", 20251103): {"meetings": 1, "meetings_province": 1}}
    assert answer(MEETING, corrected) == answer(corrected, MEETING) == expected


def test_what_was_called_a_meeting_may_turn_out_an_inspection() -> None:
    assert [
        cell[0] for cell in answer(MEETING, told("activity.inspection_done", "11-04 09:00"))
    ] == ["inspections"]


@pytest.mark.parametrize(
    ("at", "counts"), [("11-03 08:59", 1), ("11-03 09:00", 0), ("11-05 09:00", 0)]
)
def test_a_cancellation_takes_out_what_was_stated_before_it(at: str, counts: int) -> None:
    assert len(answer(MEETING, cancelled(at))) == len(answer(cancelled(at), MEETING)) == counts


def test_stated_again_after_its_cancellation_it_counts_again() -> None:
    facts = [
        MEETING,
        cancelled("11-04 09:00"),
        told("activity.meeting_held", "11-05 09:00", held_at="11-03 09:00"),
    ]
    assert all(
        list(answer(*order)) == [("meetings", "A", "-", 20251103)] for order in permutations(facts)
    )


def test_a_cancellation_alone_counts_nowhere() -> None:
    assert answer(cancelled("11-04 09:00")) == {}


@pytest.mark.parametrize("level", ["region", "", "online", "secret", "in_system", "a|b"])
def test_an_unknown_level_counts_among_all_levels(level: str) -> None:
    """The gateway refuses it; a system that writes to the topic by itself must not stop a worker,
    nor count as something else.
    """
    family = FAMILIES["activities"]
    event, at = told("activity.work_record_handled", "11-03 09:00")
    state = family.state()
    family.merges[event.type](state, event.model_dump() | {"level": level}, at)
    assert family.counts(state, -1) == [(b"activities|work_records|A|-|20251103", (0, 1), ())]
