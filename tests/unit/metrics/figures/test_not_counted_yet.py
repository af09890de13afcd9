"""A measure that came with later rules than the books stand at: whatever needs it is absent and
says why, all else is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cubes import INDICATORS, NOW, FedCube, by_rules, counted, table
from listings import empty, paced
from prometheus_client.parser import text_string_to_metric_families

from metrics.api.answers import answer_counts, answer_indicators, answer_score
from metrics.api.count_shapes import counts_sheet
from metrics.api.csv import csv_text
from metrics.api.lists import answer_list
from metrics.api.parameters import (
    CountParameters,
    FigureParameters,
    IndicatorParameters,
    ListParameters,
)
from metrics.api.score_shapes import ScoreAnswer
from metrics.cube.snapshot import Readers
from metrics.figures.uncounted import needs, uncounted
from metrics.figures.view import Views
from metrics.lists.questions import Lists
from metrics.prometheus.exporter import Exporter
from ops.meanings import meanings
from schemas.cells.kinds import CELL_KINDS
from schemas.cells.since import SINCE
from serving.directory.directory import Directory
from serving.store.progress import Progress
from streams.families import FAMILIES

NEW = ("dossiers", "closed", "late_766")  # as if the next version brought it
VERSION = FAMILIES["dossiers"].version + 1
READY = Progress(ready=True, percent=100.0, partitions=1)
WITHOUT = [
    id_
    for id_, indicator in INDICATORS.items()
    if indicator.source == "events" and NEW not in needs(indicator)
]
WITH = [id_ for id_, indicator in INDICATORS.items() if NEW in needs(indicator)]


@pytest.fixture
def came_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SINCE, NEW, VERSION)


@pytest.fixture
def cube(tmp_path: Path, came_later: None) -> Iterator[FedCube]:
    """One partition counted by the next rules, another still by the present ones."""
    made = FedCube(tmp_path / "cube.sqlite")
    made.open("one", NOW)
    made.say(
        [
            counted(
                "dossiers|closed|A|P1|20251103", closed=4, finished=4, on_time=3, late=1, late_766=1
            )
        ],
        {0: 1},
    )
    made.apply(
        [by_rules("dossiers", VERSION), by_rules("dossiers", VERSION - 1, partition=1)],
        {0: 2, 1: 1},
    )
    yield made
    made.close()


def counted_anew(cube: FedCube) -> None:
    cube.apply([by_rules("dossiers", VERSION, partition=1)], {1: 2})


@pytest.fixture
def questions(cube: FedCube) -> Views:
    return Views(
        Readers(cube),
        INDICATORS,
        {},
        progress=lambda: READY,
        clock=lambda: NOW,
        directory=Directory,
    )


def told(questions: Views, **asked: str) -> dict[str, Any]:
    return {
        one.id: one
        for one in answer_indicators(questions, IndicatorParameters.model_validate(asked))
    }


def test_it_is_about_some_indicators_and_not_about_others() -> None:
    assert "dossiers_on_time_share" in WITHOUT
    assert WITH
    assert all(
        INDICATORS[id_].families == ("dossiers",)
        for id_ in WITH
        if INDICATORS[id_].source == "events"
    )


@pytest.mark.parametrize(
    "asked",
    [{}, {"compare": "previous"}, {"by": "agency"}, {"by": "day"}, {"by": "category"}],
    ids=str,
)
def test_an_indicator_that_needs_it_is_absent_with_the_reason(
    questions: Views, cube: FedCube, asked: dict[str, str]
) -> None:
    found = told(questions, **asked)
    for id_ in WITH:
        one = found[id_]
        assert (one.numerator, one.denominator, one.value, one.groups, one.gap) == (
            None,
            None,
            None,
            [],
            None,
        ), id_
        assert f"dossiers {VERSION}" in one.missing.en
        assert f"dossiers {VERSION}" in one.missing.vi
        assert one.compared is None or one.compared.value is None
    assert found["dossiers_on_time_share"].value == 0.75
    counted_anew(cube)
    for id_ in WITH:
        missing = told(questions, **asked)[id_].missing
        assert missing is None or "newer rules" not in missing.en


def test_the_score_leaves_the_item_out_and_the_sum_of_all_is_absent(
    questions: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    [item, *_] = [one for one in INDICATORS.values() if one.score is not None and needs(one)]
    monkeypatch.setitem(SINCE, min(needs(item)), VERSION)
    answer: ScoreAnswer = answer_score(questions, FigureParameters())
    [scored] = [one for group in answer.groups for one in group.items if one.id == item.id]
    assert (scored.value, scored.points) == (None, None)
    assert scored.missing is not None
    assert "newer rules" in scored.missing.en
    whole = told(questions)["score_766"]
    assert whole.value is None
    assert "newer rules" in whole.missing.en


def test_a_raw_count_is_null_and_its_neighbours_are_told(questions: Views, cube: FedCube) -> None:
    asked = CountParameters(family="dossiers", kind="closed", by="agency")
    answer = answer_counts(questions, asked)
    [kind] = answer.kinds
    for counts in (kind.counts, kind.groups[0].counts):
        assert (counts["late"], counts["late_766"], counts["late_06a"]) == (1, None, 0)
    assert kind.missing is not None
    rows = {
        row["measure"]: row for row in table(csv_text(counts_sheet(answer))) if not row["group"]
    }
    assert (rows["late_766"]["count"], rows["late_766"]["missing_en"]) == ("", kind.missing.en)
    assert (rows["late"]["count"], rows["late"]["missing_en"]) == ("1", "")
    counted_anew(cube)
    [kind] = answer_counts(questions, asked).kinds
    assert (kind.counts["late_766"], kind.missing) == (1, None)


LATE = ListParameters(kind="closed", measure="late")


def test_a_list_is_absent_too(questions: Views, cube: FedCube, tmp_path: Path) -> None:
    class Silent(Lists):
        """Without the check whether the list's own rules are the figure's."""

        def _by_these_rules(self, family: str, behind: Any, theirs: Any) -> Any:
            return behind

    listing = empty(tmp_path)
    lists = Silent(questions, paced(cube, listing), meanings(), progress=lambda: READY)
    behind = [id_ for id_ in WITH if INDICATORS[id_].source == "events"]
    for asked in (
        ListParameters(indicator=behind[0]),
        ListParameters(kind="closed", measure="late_766"),
    ):
        answer = answer_list(lists, "dossiers", asked)
        assert (answer.figure, answer.things) == (None, [])
        assert answer.missing is not None
        assert "newer rules" in answer.missing.en
    assert answer_list(lists, "dossiers", LATE).figure == 1
    listing.close()


def test_prometheus_gets_no_sample(questions: Views, cube: FedCube) -> None:
    exporter = Exporter(cube, questions)

    def samples() -> tuple[set[str], set[str]]:
        found = [
            one
            for family in text_string_to_metric_families(exporter.render())
            for one in family.samples
        ]
        indicators = {
            one.labels["indicator"] for one in found if one.name == "lgsp_indicator_numerator"
        }
        return indicators, {
            one.labels["measure"]
            for one in found
            if one.name == "lgsp_counts" and one.labels["kind"] == "closed"
        }

    counted_anew(cube)
    indicators, measures = samples()
    exported = indicators & set(WITH)
    assert exported
    assert "late_766" in measures
    cube.apply([by_rules("dossiers", VERSION - 1, partition=1)], {1: 3})
    assert samples() == (indicators - exported, measures - {"late_766"})


def test_what_is_declared_can_be() -> None:
    for (family, kind, measure), version in SINCE.items():
        assert measure in CELL_KINDS[family][kind].measures
        assert 1 < version <= FAMILIES[family].version


def test_books_that_nobody_counted_lack_nothing(came_later: None) -> None:
    assert uncounted({}) == frozenset()
    assert uncounted({"dossiers": [VERSION]}) == frozenset()
    assert NEW in uncounted({"dossiers": [VERSION - 1, VERSION]})
    newest = FAMILIES["inventory"].version
    assert uncounted({"inventory": [newest]}) == frozenset()
