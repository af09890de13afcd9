"""Levels, fields, agencies and their history, comparisons: what is told, and what is absent and
why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from agencies import merged_communes
from cubes import INDICATORS, answer, at, counted, groups, questions_about, share

from metrics.api.csv import csv_text
from metrics.api.indicator_shapes import indicators_sheet
from metrics.catalogue.indicators import Name
from metrics.figures import absence
from metrics.figures.view import Views
from schemas.states import InventoryItem
from serving.directory.directory import Directory

DIGITISED = "results_digitised_share"
NOW = at("2025-12-10T10:00")
YEAR = {"from_": "2025-01-01", "to": "2025-12-31"}
FIRST_HALF = {"from_": "2025-01-01", "to": "2025-06-30"}


def results(agency: str, day: int, results: int, digitised: int) -> Any:
    return counted(
        f"dossiers|closed|{agency}|P1|{day}",
        closed=results,
        results=results,
        results_digitised=digitised,
    )


# A department under its two code forms, a district and a commune in it until the merger, the
# commune after it, and a stranger.
CELLS = [
    results("P.D", 20250303, 10, 6),
    results("000.01.P", 20250304, 2, 1),
    results("T", 20250305, 4, 3),
    results("T.1", 20250306, 5, 1),
    results("N.1", 20250804, 8, 7),
    results("X", 20250805, 3, 3),
    results("T.1", 20240305, 2, 1),
]


@pytest.fixture(scope="module")
def merged() -> Iterator[Views]:
    with questions_about(CELLS, NOW, Directory(merged_communes())) as questions:
        yield questions


@pytest.fixture(scope="module")
def unregistered() -> Iterator[Views]:
    with questions_about(CELLS, NOW) as questions:
        yield questions


def test_each_level_has_its_agencies_and_its_target(merged: Views) -> None:
    found = answer(merged, DIGITISED, by="level", **YEAR)
    assert share(found) == (21, 32)  # the stranger is counted, in no level
    assert groups(found) == {
        "province": (7, 12),
        "district": (3, 4),
        "commune": (8, 13),
        "none": (3, 3),
    }
    assert {group.group: group.target for group in found.groups} == {
        "province": 1.0,
        "district": None,
        "commune": 0.95,
        "none": None,
    }
    assert (found.target, found.missing) == (None, None)
    assert {
        group.target for group in answer(merged, DIGITISED, by="level", **FIRST_HALF).groups
    } == {1.0, 0.95}


def test_one_level(merged: Views) -> None:
    found = answer(merged, DIGITISED, level="commune", by="agency", **YEAR)
    assert (share(found), found.target, found.gap, found.level) == (
        (8, 13),
        0.95,
        round(8 / 13 - 0.95, 12),
        "commune",
    )
    assert groups(found) == {"N.1": (7, 8), "T.1": (1, 5)}


def test_an_agency_has_what_stands_below_it_on_each_day(merged: Views) -> None:
    assert share(answer(merged, DIGITISED, agency="T", **FIRST_HALF)) == (4, 9)
    assert share(answer(merged, DIGITISED, agency="T", own="true", **FIRST_HALF)) == (3, 4)
    assert share(answer(merged, DIGITISED, agency="P", **YEAR)) == (18, 29)
    assert share(answer(merged, DIGITISED, agency="N.1", **YEAR)) == (7, 8)
    assert share(answer(merged, DIGITISED, agency="N.1", history="true", **YEAR)) == (8, 13)


def test_groups_by_agency_join_code_forms_and_roll_up(merged: Views) -> None:
    assert groups(answer(merged, DIGITISED, by="agency", **YEAR)) == {
        "N.1": (7, 8),
        "P.D": (7, 12),
        "T": (3, 4),
        "T.1": (1, 5),
        "X": (3, 3),
    }
    assert groups(answer(merged, DIGITISED, by="agency", roll_up="district", **FIRST_HALF))[
        "T"
    ] == (4, 9)


def test_without_registered_agencies_a_level_is_absent_and_says_so(unregistered: Views) -> None:
    found = answer(unregistered, DIGITISED, level="province", **YEAR)
    assert (found.numerator, found.denominator, found.value, found.missing) == (
        None,
        None,
        None,
        absence.NO_LEVEL,
    )
    found = answer(unregistered, DIGITISED, by="level", **YEAR)
    assert (share(found), found.groups, found.missing) == ((21, 32), [], absence.NO_LEVEL)


def test_levels_that_are_counted_by_themselves_need_no_registered_agencies() -> None:
    cells = [
        counted(
            "activities|meetings|A|meeting|20250310",
            meetings=5,
            meetings_in_system=4,
            meetings_province=2,
            meetings_in_system_province=2,
            meetings_district=3,
            meetings_in_system_district=2,
        ),
    ]
    with questions_about(cells, NOW) as questions:
        found = answer(questions, "meetings_in_system_share", by="level", **FIRST_HALF)
        assert groups(found) == {"province": (2, 2), "district": (2, 3), "commune": (0, 0)}
        assert {group.group: group.target for group in found.groups} == {
            "province": 1.0,
            "district": 0.8,
            "commune": None,
        }
        assert share(
            answer(questions, "meetings_in_system_share", level="district", **FIRST_HALF)
        ) == (2, 3)
        assert share(answer(questions, "meetings_in_system_share", **FIRST_HALF)) == (4, 5)


def test_one_field_of_procedures() -> None:
    item = InventoryItem(
        statements={
            1: (1, b"1", "procedure.registered", "A", None, {"procedure": "P1", "field": "land"})
        }
    )
    cells = [
        counted(f"dossiers|rated|A|{code}|20250310", ratings=4, satisfied=number)
        for number, code in enumerate(("P1", "P2"), 1)
    ]
    with questions_about(cells, NOW, Directory({"procedure/P1": item})) as questions:
        assert share(answer(questions, "satisfaction", **YEAR)) == (3, 8)
        assert share(answer(questions, "satisfaction", field="land", **YEAR)) == (1, 4)
        assert share(answer(questions, "satisfaction_land_construction_investment", **YEAR)) == (
            1,
            4,
        )
        assert (
            answer(questions, "satisfaction", field="forestry", **YEAR).missing == absence.NO_FIELD
        )
        assert (
            answer(questions, "documents_electronic_share", field="land", **YEAR).missing
            == absence.NOT_ONE_FIELD
        )
        found = answer(
            questions, "satisfaction_land_construction_investment", field="forestry", **YEAR
        )
        assert (found.numerator, found.missing) == (None, absence.NO_FIELD)


def test_without_registered_procedures_the_three_fields_are_absent(unregistered: Views) -> None:
    found = answer(unregistered, "satisfaction_land_construction_investment", **YEAR)
    assert (found.numerator, found.denominator, found.value, found.missing) == (
        None,
        None,
        None,
        absence.NO_FIELD,
    )


@pytest.mark.parametrize(
    "id_, asked, why",
    [
        ("data_quality", {"by": "agency"}, absence.NOT_BY_AGENCY),
        ("data_quality", {"agency": "P.D"}, absence.NOT_BY_AGENCY),
        ("dossiers_carried_over", {"by": "day"}, absence.NOT_BY_DAY),
        ("score_766_2_1", {"by": "day"}, absence.NOT_BY_DAY),
        ("score_766_1_4", {}, INDICATORS["score_766_1_4"].missing),
        ("coverage", {"level": "province"}, absence.NOT_BY_THIS),
        ("score_766", {"by": "agency"}, absence.NOT_BY_THIS),
        ("regulations_cut", {}, absence.NOTHING_REPORTED),
    ],
)
def test_what_is_absent_says_why(merged: Views, id_: str, asked: dict[str, str], why: Name) -> None:
    assert answer(merged, id_, **{**YEAR, **asked}).missing == why


def test_what_is_divided_at_different_agencies_is_told_of_the_province(merged: Views) -> None:
    found = answer(merged, "data_quality", by="agency", **YEAR)
    assert (share(found), found.groups) == ((0, 0), [])


def test_what_stood_before_the_window_is_told_by_procedure() -> None:
    cells = [
        counted("dossiers|flow|A|P1|20250228", taken_online=2, taken_other=3),
        counted("dossiers|flow|A|P2|20250228", taken_other=2),
        counted("dossiers|flow|A|P1|20250227", left=3, left_late=3),
        counted("dossiers|flow|A|P2|20250301", left=9, left_late=9),
    ]
    with questions_about(cells, NOW) as questions:
        found = answer(
            questions, "dossiers_carried_over", by="category", from_="2025-03-01", to="2025-03-31"
        )
        assert (share(found), groups(found)) == ((4, None), {"P1": (2, None), "P2": (2, None)})
        # nothing is before
        assert share(answer(questions, "dossiers_carried_over", to="2025-03-31")) == (0, None)
        assert answer(questions, "dossiers_carried_over", by="day", from_="2025-03-01").groups == []


def test_comparisons(unregistered: Views) -> None:
    march = {"from_": "2025-03-01", "to": "2025-03-31", "by": "agency"}
    found = answer(unregistered, DIGITISED, compare="last_year", **march)
    assert found.compared is not None
    assert (found.compared.window.first, found.compared.window.last) == (
        date.fromisoformat("2024-03-01"),
        date.fromisoformat("2024-03-31"),
    )
    assert (found.compared.numerator, found.compared.denominator, found.compared.value) == (
        1,
        2,
        0.5,
    )
    assert found.compared.change == round(11 / 21 - 0.5, 12)
    then = {
        group.group: group.compared and (group.compared.numerator, group.compared.change)
        for group in found.groups
    }
    assert then == {
        "000.01.P": (None, None),
        "P.D": (None, None),
        "T": (None, None),
        "T.1": (1, -0.3),
    }
    found = answer(unregistered, DIGITISED, compare="previous", **march)
    assert found.compared is not None
    assert (found.compared.window.first, found.compared.denominator, found.compared.change) == (
        date.fromisoformat("2025-02-01"),
        0,
        None,
    )
    assert answer(unregistered, DIGITISED, **march).compared is None


def test_comparisons_as_csv(unregistered: Views) -> None:
    found = answer(
        unregistered, DIGITISED, compare="last_year", from_="2025-03-01", to="2025-03-31"
    )
    head, row = csv_text(indicators_sheet("sample", [found])).splitlines()
    told = dict(zip(head.split(","), row.split(","), strict=False))
    assert [
        told[name]
        for name in (
            "compared_from",
            "compared_to",
            "compared_numerator",
            "compared_denominator",
            "compared_value",
        )
    ] == [
        "2024-03-01",
        "2024-03-31",
        "1",
        "2",
        "0.5",
    ]
