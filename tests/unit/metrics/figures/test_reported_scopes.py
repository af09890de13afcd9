"""Figures that agencies report: of which period, for whom, and when they are absent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agencies import agency, merged_communes
from cubes import answer, at, groups, questions_about, share

from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.figures import absence
from metrics.figures.view import Views
from schemas.states import InventoryItem
from serving.directory.directory import Directory

NOW = at("2025-12-10T10:00")
YEAR = {"from_": "2025-01-01", "to": "2025-12-31"}
FIRST_HALF = {"from_": "2025-01-01", "to": "2025-06-30"}


def figure(
    agency: str,
    first: str,
    last: str,
    numerator: int,
    denominator: int | None,
    kind: str = "",
    **more: Any,
) -> tuple[str, InventoryItem]:
    """The item that states a reported figure; `kind` tells further ones of the same agency and
    period apart.
    """
    fields = {
        "indicator": "regulations_cut",
        "period_from": at(first),
        "period_to": at(last),
        "numerator": numerator,
        "denominator": denominator,
        "document": None,
        "revision": 1,
        **more,
    }
    item = InventoryItem(
        statements={at(first): (at(last), b"1", "figure.reported", agency, None, fields)}
    )
    return f"figure/{agency}/{last}{kind}", item


@contextmanager
def asked_of(*made: tuple[str, InventoryItem], **agencies: InventoryItem) -> Iterator[Views]:
    with questions_about([], NOW, Directory(dict(made) | agencies)) as questions:
        yield questions


def covered(found: IndicatorAnswer) -> dict[str, str | None]:
    return {one.agency: one.covered_by for one in found.reports}


Q1, Q2 = ("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30")
CUT = "regulations_cut"


def test_reported_figures_are_those_of_the_newest_period_with_their_sources() -> None:
    made = (
        figure("A", *Q1, 1, 10),
        figure("A", *Q2, 2, 10, document="12/BC", revision=3),
        figure("B", *Q2, 3, 10),
    )
    with asked_of(*made, **agency(agency({}, "A", "department"), "B", "department")) as questions:
        found = answer(questions, CUT, by="agency", **YEAR)
        assert (share(found), found.value, found.target, found.source) == (
            (5, 20),
            0.25,
            0.2,
            "reported",
        )
        assert groups(found) == {"A": (2, 10), "B": (3, 10)}
        told = [
            (one.agency, str(one.period.last), one.numerator, one.document, one.revision)
            for one in found.reports
        ]
        assert told == [
            ("A", "2025-03-31", 1, None, 1),
            ("A", "2025-06-30", 2, "12/BC", 3),
            ("B", "2025-06-30", 3, None, 1),
        ]
        assert covered(found) == {"A": None, "B": None}
        assert found.reports[1].reported_at == "2025-06-30T00:00:00+07:00"
        assert share(answer(questions, CUT, from_="2025-01-01", to="2025-05-31")) == (1, 10)
        assert groups(answer(questions, CUT, by="day", **YEAR)) == {
            "2025-03-31": (1, 10),
            "2025-06-30": (5, 20),
        }
        assert [one.agency for one in answer(questions, CUT, agency="B", **YEAR).reports] == ["B"]


def test_a_report_without_a_denominator_is_told_and_makes_no_share() -> None:
    made = figure("A", *Q2, 25, None), figure("B", *Q2, 3, 10)
    with asked_of(made[0]) as questions:
        found = answer(questions, CUT, **YEAR)
        assert (found.numerator, found.denominator, found.value, found.missing) == (
            25,
            None,
            None,
            absence.NO_DENOMINATOR,
        )
    with asked_of(*made) as questions:
        found = answer(questions, CUT, **YEAR)
        assert (found.numerator, found.value, found.missing) == (None, None, absence.NO_DENOMINATOR)


def test_what_an_agency_reports_stands_for_those_below_it() -> None:
    """Department P.D and its unit P.D.U, communes T.1 and N.1, and a stranger; of the first quarter
    nobody above T.1 reported.
    """
    made = (
        figure("P.D.U", *Q2, 1, 10),
        figure("000.01.P", *Q2, 2, 10),
        figure("T.1", *Q2, 4, 10),
        figure("X", *Q2, 8, 10),
        figure("P.D.U", *Q1, 16, 100),
        figure("T.1", *Q1, 32, 100),
    )
    with asked_of(*made, **agency(merged_communes(), "P.D.U", "unit", "P.D")) as questions:
        found = answer(questions, CUT, by="agency", **YEAR)
        assert share(found) == (2 + 4 + 8, 30)
        assert groups(found) == {"P.D": (2, 10), "P.D.U": (1, 10), "T.1": (4, 10), "X": (8, 10)}
        assert [one.covered_by for one in found.reports if one.agency == "P.D.U"] == [
            None,
            "000.01.P",
        ]
        assert groups(answer(questions, CUT, by="day", **YEAR)) == {
            "2025-03-31": (48, 200),
            "2025-06-30": (14, 30),
        }
        assert groups(answer(questions, CUT, by="agency", roll_up="department", **YEAR))["P.D"] == (
            2,
            10,
        )
        # asked of the unit it is the unit's
        assert share(answer(questions, CUT, agency="P.D.U", **YEAR)) == (1, 10)
        assert covered(answer(questions, CUT, agency="P.D.U", **YEAR)) == {"P.D.U": None}
    with asked_of(
        *made, figure("P", *Q2, 64, 1000), **agency(merged_communes(), "P.D.U", "unit", "P.D")
    ) as questions:
        found = answer(questions, CUT, **YEAR)
        # the province's own, and a stranger who is in no province
        assert share(found) == (64 + 8, 1010)
        second = {
            one.agency: one.covered_by for one in found.reports if str(one.period.last) == Q2[1]
        }
        assert second == {"P.D.U": "000.01.P", "000.01.P": "P", "T.1": "P", "P": None, "X": None}


def test_above_is_who_was_above_on_the_periods_last_day() -> None:
    """The districts ended with June: T's figure of the second quarter stands for its commune, and
    U's of the third for no one.
    """
    third = ("2025-07-01", "2025-09-30")
    second = figure("T", *Q2, 1, 10), figure("T.1", *Q2, 2, 10), figure("U.2", *Q2, 4, 10)
    made = *second, figure("U", *third, 8, 10), figure("U.2", *third, 16, 10)
    with asked_of(*made, **merged_communes()) as questions:
        assert share(answer(questions, CUT, **FIRST_HALF)) == (1 + 4, 20)
        # U.2 stood under the province by then
        assert share(answer(questions, CUT, **YEAR)) == (8 + 16, 20)


def test_figures_of_different_periods_are_never_added() -> None:
    """A year and its last quarter end on one day: the year is told, and who reported the quarter
    only is listed beside.
    """
    year, quarter = ("2025-01-01", "2025-06-30"), Q2
    made = (
        figure("A", *year, 1, 10),
        figure("A", *quarter, 2, 10, kind="/quarter"),
        figure("B", *quarter, 4, 10),
    )
    with asked_of(*made) as questions:
        found = answer(questions, CUT, by="day", **YEAR)
        assert (share(found), groups(found)) == ((1, 10), {"2025-06-30": (1, 10)})
        assert [(one.numerator, one.covered_by) for one in found.reports] == [
            (1, None),
            (2, None),
            (4, None),
        ]


def test_of_several_items_for_one_period_the_last_revision_counts() -> None:
    """Under two forms of the agency's code."""
    made = (
        figure("P.D", *Q2, 4, 10, revision=3),
        figure("000.01.P", *Q2, 2, 10),
        figure("P.D", *Q2, 1, 10, kind="/again", revision=2),
    )
    with asked_of(*made, **merged_communes()) as questions:
        found = answer(questions, CUT, by="agency", **YEAR)
        assert share(found) == (4, 10)
        assert groups(found) == {"P.D": (4, 10)}
        assert {one.numerator: one.covered_by for one in found.reports} == {
            4: None,
            2: "P.D",
            1: "P.D",
        }
