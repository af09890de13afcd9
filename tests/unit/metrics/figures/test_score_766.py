"""QĐ 766: points of each item by hand, groups and totals that say out of how much, and what is
missing.
"""

from __future__ import annotations

import pytest
from cubes import INDICATORS, answer, at, counted, questions_about, table

from metrics.api.answers import answer_score
from metrics.api.csv import csv_text
from metrics.api.parameters import FigureParameters
from metrics.api.score_shapes import SCORE_COLUMNS, ScoreAnswer, score_sheet
from metrics.catalogue.indicators import load_indicators
from metrics.errors import UnknownIndicator
from metrics.figures.figure import Figure
from metrics.figures.score import GROUPS_766, points
from metrics.figures.view import Views

NOW = at("2025-11-12T10:00")
CELLS = [
    # 20 closed with a due time, of which 3 late by date: 17 of 20; 2 of 5 ratings not satisfied: 15
    # of 20
    counted(
        "dossiers|closed|A|P|20251105",
        closed=20,
        late_766=3,
        finished=8,
        results=8,
        results_digitised=6,
        digitised_throughout=4,
    ),
    counted("dossiers|rated|A|P|20251105", ratings=5, satisfied=3),
    # of 50 received 12 reused data, 45 were identified, 5 took papers from the personal store, and
    # 4 of 10 with a fee were paid online
    counted(
        "dossiers|received|A|P|20251104",
        received=50,
        reused_data=12,
        identified=45,
        from_personal_store=5,
        with_fee=10,
        paid_online=4,
    ),
    # 3 of 4 fee procedures payable online, 5 of 9 procedures offered online
    counted(
        "inventory|procedures|A|land|20240101",
        procedures=9,
        offered_online=5,
        with_fee=4,
        payable_online=3,
    ),
]
# rate ÷ full × most: 17/20 × 20; 0.75/0.8 × 2; 0.4 × 6; 6/8 × 6; 0.5/0.8 × 4; 0.24/0.8 × 2; 0.1 ×
# 4; 0.9 × 2; 0.75/0.9 × 6
WANTED = {
    "2.1": 17.0,
    "3.5a": 1.88,
    "3.6": 2.4,
    "4.1": 4.5,
    "4.2": 2.5,
    "4.3": 0.6,
    "4.4": 0.4,
    "4.5b": 1.8,
    "5.4": 5.0,
}


def score(**asked: str) -> ScoreAnswer:
    with questions_about(CELLS, NOW) as questions:
        return answer_score(questions, FigureParameters.model_validate(asked))


def test_items_groups_and_the_total() -> None:
    found = score(window="month")
    items = {item.item: item for group in found.groups for item in group.items}
    assert {
        number: item.points for number, item in items.items() if item.points is not None
    } == WANTED
    sums = {group.group: (group.points, group.possible, group.of) for group in found.groups}
    assert sums == {
        "transparency": (None, 0, 18),
        "progress": (17.0, 20, 20),
        "online": (None, 0, 12),
        "payment": (4.28, 8, 10),
        "digitisation": (9.8, 18, 22),
        "satisfaction": (5.0, 6, 18),
    }
    assert (found.points, found.possible, found.of) == (36.08, 52, 100)
    # how many points is not settled
    assert (items["3.1"].value, items["3.1"].points, items["3.1"].of) == (5 / 9, None, None)
    assert found.missing is not None


def test_every_item_without_points_says_what_is_missing() -> None:
    for group in score().groups:
        for item in group.items:
            assert item.points is not None or item.missing is not None, item.id
            assert item.version >= 1


def test_all_points_are_told_by_name_or_as_undivided() -> None:
    """Of 100: 54 from events, 34 of items that say what they need, 12 undivided."""
    groups = score(window="month").groups
    items = [item for group in groups for item in group.items]
    undivided = {group.group: group.undivided for group in groups if group.undivided}
    assert undivided == {"online": 12}
    assert sum(item.of or 0 for item in items) + 12 == 100
    lacking = {item.item: item.of for item in items if item.numerator is None and item.of}
    assert lacking == {
        "1.1": 6,
        "1.2": 4,
        "1.3": 2,
        "1.4": 6,
        "4.5a": 2,
        "4 (copies)": 2,
        "5.2": 6,
        "5.3": 6,
    }


def test_the_items_of_a_group_give_no_more_than_the_group() -> None:
    given = {
        group: sum(
            one.score.points or 0
            for one in INDICATORS.values()
            if one.score and one.score.group == group
        )
        for group in GROUPS_766
    }
    assert given == {
        "transparency": 18,
        "progress": 20,
        "online": 0,
        "payment": 10,
        "digitisation": 22,
        "satisfaction": 18,
    }
    assert sum(most for _, most in GROUPS_766.values()) == 100


def test_a_window_that_ended_has_the_points_of_its_end() -> None:
    """20 ended, 3 of them late; of 10 open on the 11th 5 have no due time, and 4 were late."""
    flow = [
        counted("dossiers|flow|A|P|20251020", taken_other=30, taken_undated=5, fell_due=3, left=20),
        counted("dossiers|flow|A|P|20251111", fell_due=1),
        counted("dossiers|flow|A|P|20251112", fell_due=1),  # not by then
        counted("dossiers|flow|A|P|20251113", fell_due=9),  # to come
    ]
    asked = {"from": "2025-11-01", "to": "2025-11-11"}
    with questions_about(CELLS + flow, NOW) as questions:
        then = answer_score(questions, FigureParameters.model_validate(asked))
        now = answer_score(questions, FigureParameters(window="month"))
    shares = []
    for found in (then, now):
        (item,) = next(group for group in found.groups if group.group == "progress").items
        shares.append((item.numerator, item.denominator, item.points))
    assert shares == [(18, 25, 14.4), (17, 25, 13.6)]
    assert then.possible == 52


@pytest.mark.parametrize(
    "item, value, wanted",
    [
        ("score_766_4_3", 0.4, 1.0),  # half of 80 %
        ("score_766_4_3", 0.8, 2.0),
        ("score_766_4_3", 1.0, 2.0),  # never more than all
        ("score_766_5_4", -0.5, 0.0),  # never less than none
        ("score_766_4_1", 1 / 3, 2.0),
        ("score_766_4_1", None, None),
        ("score_766_3_1", 0.5, None),
        ("satisfaction", 0.5, None),
    ],
)
def test_points(item: str, value: float | None, wanted: float | None) -> None:
    assert points(INDICATORS[item], Figure(1, 1, value)) == wanted


def test_the_total_is_an_indicator_too() -> None:
    with questions_about(CELLS, NOW) as questions:
        found = answer(questions, "score_766", window="month")
    assert (found.value, found.numerator, found.denominator, found.unit) == (
        36.08,
        None,
        None,
        "points",
    )


def test_as_csv() -> None:
    rows = table(csv_text(score_sheet(score(window="month"))))
    assert tuple(rows[0]) == SCORE_COLUMNS
    assert {row["item"]: float(row["points"]) for row in rows if row["points"]} == WANTED


def test_a_catalogue_without_it_says_so() -> None:
    with questions_about(CELLS, NOW) as whole:
        indicators = {id_: one for id_, one in load_indicators().items() if id_ != "score_766"}
        questions = Views(whole.readers, indicators, {}, progress=whole.progress, clock=lambda: NOW)
        with pytest.raises(UnknownIndicator, match="has no score_766"):
            answer_score(questions, FigureParameters())
