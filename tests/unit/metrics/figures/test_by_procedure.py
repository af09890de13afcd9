"""Figures worked out procedure by procedure, with numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cubes import INDICATORS, answer, at, counted, questions_about

from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.catalogue.indicators import Indicator
from metrics.figures.view import Views
from schemas.states import InventoryItem
from serving.directory.directory import Directory

NOW = at("2025-03-20T10:00")
DAY = 8 * 3600  # of working time
CELLS = [
    # L: 10 finished, in 3 days each; 5 were allowed: 20 of 50 days saved. C: 2 in 6 days, 4 were
    # allowed: 4 of 8 days too many
    counted(
        "dossiers|closed|A|L|20250310", closed=7, finished=6, processing_working_seconds=18 * DAY
    ),
    counted(
        "dossiers|closed|B|L|20250311", closed=4, finished=4, processing_working_seconds=12 * DAY
    ),
    counted(
        "dossiers|closed|B|C|20250311", closed=2, finished=2, processing_working_seconds=12 * DAY
    ),
    # never reviewed
    counted(
        "dossiers|closed|B|N|20250311", closed=9, finished=9, processing_working_seconds=90 * DAY
    ),
    # not registered
    counted(
        "dossiers|closed|B|X|20250311", closed=9, finished=9, processing_working_seconds=90 * DAY
    ),
    # of another month
    counted(
        "dossiers|closed|A|L|20250228", closed=9, finished=9, processing_working_seconds=90 * DAY
    ),
    counted("dossiers|paid|A|L|20250310", transactions=3, transactions_online=2),
    counted("dossiers|paid|A|C|20250310", transactions=3),
    counted("dossiers|closed|A|I|20250310", closed=1, finished=1, processing_working_seconds=DAY),
    counted("dossiers|paid|A|I|20250310", transactions=3, transactions_online=2),
    # no fee procedure, whatever was paid
    counted("dossiers|paid|A|N|20250310", transactions=3, transactions_online=3),
    counted("dossiers|paid|A|F|20250228", transactions=3, transactions_online=3),
]
PROCEDURES: dict[str, dict[str, Any]] = {
    "L": {"days_before": 5, "days_now": 4, "with_fee": True},
    "C": {"days_before": 4, "days_now": 4, "with_fee": True},
    "I": {"internal": True, "with_fee": True, "days_before": 5, "days_now": 5},  # between agencies
    "N": {},
    "F": {"with_fee": True},
    "G": {"days_before": 9, "days_now": 9},
}


def registered() -> Directory:
    since = at("2020-01-01")
    return Directory(
        {
            f"procedure/{code}": InventoryItem(
                statements={
                    since: (
                        since,
                        b"1",
                        "procedure.registered",
                        "A",
                        None,
                        {
                            "procedure": code,
                            "field": "land" if code == "C" else "other",
                            **said,
                        },
                    )
                }
            )
            for code, said in PROCEDURES.items()
        }
    )


@contextmanager
def asking(directory: Directory | None = None) -> Iterator[Views]:
    with questions_about(CELLS, NOW, registered() if directory is None else directory) as questions:
        yield questions


def march(id_: str, directory: Directory | None = None, **asked: str) -> IndicatorAnswer:
    with asking(directory) as questions:
        return answer(questions, id_, from_="2025-03-01", to="2025-03-31", **asked)


def test_the_days_that_were_not_taken() -> None:
    found = march("processing_time_cut_actual")
    assert (found.numerator, found.denominator, found.value) == ((20 - 4) * DAY, 58 * DAY, 16 / 58)
    assert found.target == 0.3


@pytest.mark.parametrize(
    "filters",
    [
        {"fields": ["land"]},
        {"fields": ["land", "sea"]},
        {"categories": ["C", "X"]},
        {"fields": ["sea"]},
    ],
)
def test_filters_limit_what_is_worked_out(
    monkeypatch: pytest.MonkeyPatch, filters: dict[str, list[str]]
) -> None:
    """Procedure C alone: its 2 dossiers took 12 days where 8 were allowed; where no procedure is of
    the fields there is no figure.
    """
    declared = INDICATORS["processing_time_cut_actual"].model_dump(by_alias=True) | {
        "id": "of_land",
        "filters": filters,
    }
    indicator = Indicator.model_validate(declared)
    monkeypatch.setitem(INDICATORS, indicator.id, indicator)
    with asking() as questions:
        found = answer(questions, indicator.id, window="month")
    if filters == {"fields": ["sea"]}:
        assert found.numerator is None
        assert found.missing is not None
    else:
        assert (found.numerator, found.denominator) == (-4 * DAY, 8 * DAY)


def test_of_one_agency_and_one_field() -> None:
    assert march("processing_time_cut_actual", agency="A").value == 12 / 30
    assert march("processing_time_cut_actual", field="land").value == -4 / 8
    paid = march("score_766_3_5b", field="land")
    assert (paid.numerator, paid.denominator) == (0, 1)


def test_procedures_with_any_payment_online_of_those_with_a_fee() -> None:
    found = march("score_766_3_5b")
    assert (found.numerator, found.denominator, found.value) == (1, 3, 1 / 3)
    assert march("score_766_3_5b", agency="A").value is None


def test_each_procedure_is_told() -> None:
    groups = {
        group.group: (group.numerator, group.denominator)
        for group in march("processing_time_cut_actual", by="category").groups
    }
    assert groups == {"L": (20 * DAY, 50 * DAY), "C": (-4 * DAY, 8 * DAY)}
    assert {
        group.group: group.value for group in march("score_766_3_5b", by="category").groups
    } == {"L": 1, "C": 0, "F": 0}


@pytest.mark.parametrize("by", ["agency", "day"])
def test_other_groups_are_absent_with_the_reason(by: str) -> None:
    found = march("processing_time_cut_actual", by=by)
    assert found.groups == []
    assert found.missing is not None


@pytest.mark.parametrize("id_", ["processing_time_cut_actual", "score_766_3_5b"])
def test_without_such_procedures_there_is_no_value(id_: str) -> None:
    found = march(id_, Directory())
    assert (found.value, found.denominator) == (None, 0)
    assert found.missing is not None
    assert "procedure" in found.missing.en


def test_every_such_indicator_has_been_tried() -> None:
    assert {one.id for one in INDICATORS.values() if one.source == "procedures"} == {
        "processing_time_cut_actual",
        "score_766_3_5b",
    }
