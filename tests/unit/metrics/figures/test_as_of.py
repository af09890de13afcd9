"""Open, waiting, overdue and carried over as of any past day: sums of what changed until then equal
a naive count of made-up dossiers, whole and by group, and nothing that can't be told is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from agencies import agency, state
from cubes import answer, at, by_rules, counted, groups, questions_about
from flows import BEGIN, DAY, DAYS, Made, flow_cells, made

from metrics.api.answers import answer_counts
from metrics.api.parameters import CountParameters
from metrics.cube.rollups import cover_days
from metrics.errors import QueryError
from metrics.figures import absence
from metrics.figures.view import Views
from schemas.windows import Window
from serving.directory.directory import Directory

NOW = at("2025-03-20T10:00")
TODAY = date(2025, 3, 20)
FOUND = made(1, 400)
LATEST = BEGIN + (DAYS + 30) * DAY
WHEN: dict[str, Callable[[Made, date], bool]] = {
    "dossiers_open": Made.open,
    "dossiers_waiting": Made.waiting,
    "dossiers_overdue": Made.overdue,
    "dossiers_in_time": lambda one, day: one.open(day) and not one.overdue(day),
}


def naive(id_: str, day: date, **chosen: str) -> int:
    return sum(
        WHEN[id_](one, day)
        for one in FOUND
        if all(getattr(one, name) == value for name, value in chosen.items())
    )


def registered() -> Directory:
    """B stands below A until 10 January; then below nobody."""
    items = agency({}, "A", "department")
    items = agency(items, "B", "unit", "A")
    items = agency(items, "B", "commune", first="2025-01-10")
    for code, field in (("P1", "land"), ("P2", "justice")):
        items = state(
            items,
            f"procedure/{code}",
            "procedure.registered",
            "A",
            "2020-01-01",
            procedure=code,
            field=field,
        )
    return Directory(items)


@pytest.fixture(scope="module")
def asked() -> Iterator[Views]:
    with questions_about(flow_cells(FOUND), NOW, registered()) as views:
        yield views


@pytest.mark.parametrize("id_", WHEN)
def test_every_day_is_as_a_naive_count_has_it(asked: Views, id_: str) -> None:
    for number in range(-1, DAYS + 30):
        day = BEGIN + number * DAY
        found = answer(asked, id_, as_of=f"{day}")
        assert found.value == naive(id_, day), day
        assert (found.rule, found.day) == ("by_date", day)


def test_what_is_carried_over_was_open_at_the_end_of_the_day_before(asked: Views) -> None:
    for day in (date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 14)):
        found = answer(asked, "dossiers_carried_over", from_=f"{day}", to="2025-03-01")
        assert found.value == naive("dossiers_open", day - DAY)


@pytest.mark.parametrize("id_", WHEN)
def test_groups_are_as_a_naive_count_has_them(asked: Views, id_: str) -> None:
    day = date(2025, 1, 31)
    for by, name in (("agency", "agency"), ("category", "procedure")):
        found = answer(asked, id_, as_of=f"{day}", by=by)
        expected = {
            group: naive(id_, day, **{name: group})
            for group in {getattr(one, name) for one in FOUND}
        }
        assert {group: whole for group, (whole, _) in groups(found).items()} == expected
    land = answer(asked, id_, as_of=f"{day}", field="land")
    assert land.value == naive(id_, day, procedure="P1")


@pytest.mark.parametrize("id_", WHEN)
def test_an_agency_has_what_was_below_it_on_that_day(asked: Views, id_: str) -> None:
    for day, below in ((date(2025, 1, 9), True), (date(2025, 1, 10), False)):
        own = naive(id_, day, agency="A")
        expected = own + (naive(id_, day, agency="B") if below else 0)
        assert answer(asked, id_, as_of=f"{day}", agency="A").value == expected
        assert answer(asked, id_, as_of=f"{day}", agency="A", own="true").value == own


@pytest.mark.parametrize("id_", WHEN)
def test_a_curve_has_the_end_of_each_day_that_is_over(asked: Views, id_: str) -> None:
    """Also where what is below the agency changes in the midst of it."""
    first, last = date(2025, 1, 3), date(2025, 1, 20)
    for limits in ({}, {"agency": "A"}, {"field": "justice"}):
        found = answer(asked, id_, by="day", from_=f"{first}", to=f"{last}", **limits)
        curve = {group.group: group.value for group in found.groups}
        days = [first + number * DAY for number in range(18)]
        assert list(curve) == [f"{day}" for day in days]
        for day in days:
            assert curve[f"{day}"] == answer(asked, id_, as_of=f"{day}", **limits).value
        assert found.value == curve[f"{last}"], "the whole is that of the window's last day"


def test_a_curve_ends_yesterday_and_begins_with_the_first_dossier(asked: Views) -> None:
    found = answer(asked, "dossiers_open", by="day", window="all")
    first = min(one.received for one in FOUND)
    assert (found.groups[0].group, found.groups[-1].group) == (f"{first}", "2025-03-19")
    assert (found.value, found.rule) == (0, "to_the_instant"), "no cell says what is open now"
    today = answer(asked, "dossiers_open", by="day", window="today")
    assert (today.groups, today.missing) == ([], absence.NO_DAY_OVER)


def test_a_comparison_is_with_the_end_of_the_other_window(asked: Views) -> None:
    found = answer(asked, "dossiers_open", as_of="2025-01-31", window="month", compare="previous")
    assert found.compared is not None
    assert found.compared.value == naive("dossiers_open", date(2024, 12, 31))


def test_a_window_is_as_if_asked_at_the_end_of_the_day() -> None:
    cells = [
        counted("dossiers|received|A|P1|20250131", received=1),
        counted("dossiers|received|A|P1|20250214", received=2),
        counted("dossiers|received|A|P1|20250215", received=4),
        counted("inventory|systems|A|portal|20250214", systems=8),
        counted("inventory|systems|A|portal|20250215", systems=16),
    ]
    with questions_about(cells, NOW) as views:
        for window, first, received in (
            ("month", date(2025, 2, 1), 2),
            ("today", date(2025, 2, 14), 2),
            ("all", None, 3),
            ("report:2025-02", date(2025, 1, 15), 3),
            ("calendar:2025-02", date(2025, 2, 1), 2),
        ):
            found = answer(views, "dossiers_received", window=window, as_of="2025-02-14")
            days = found.window.first, found.window.last
            assert (found.value, days) == (received, (first, date(2025, 2, 14))), window
        whole = answer(views, "dossiers_received", from_="2025-02-01", as_of="2025-02-14")
        assert whole.value == 2
        (kind,) = answer_counts(
            views, CountParameters.model_validate({"kind": "systems", "as_of": "2025-02-14"})
        ).kinds
        assert kind.counts["systems"] == 8, "what exists, too"


@pytest.mark.parametrize(
    ("id_", "parameters", "said"),
    [
        ("dossiers_open", {"as_of": "2025-03-20"}, "as_of: 2025-03-20 is not over yet"),
        ("dossiers_open", {"as_of": "2030-01-01"}, "or ask as_of=2025-03-19"),
        ("dossiers_received", {"as_of": "2025-03-20"}, "leave out as_of for this instant"),
        (
            "dossiers_overdue",
            {"from_": "2025-02-01", "to": "2025-02-28"},
            "leave out from and to; for the end of a day ask as_of=2025-02-28",
        ),
        ("dossiers_overdue", {"window": "report:2025-02"}, "ask as_of=2025-02-14"),
        ("dossiers_overdue", {"window": "month"}, "ask as_of=YYYY-MM-DD"),
        ("dossiers_overdue", {"window": "month", "as_of": "2025-02-14"}, "leave out window"),
        ("dossiers_overdue", {"compare": "previous"}, "or ask with as_of"),
        ("dossiers_due_soon", {"as_of": "2025-02-14"}, "told as of now, and of no other time"),
        ("tasks_overdue", {"as_of": "2025-02-14"}, "leave out as_of"),
        (
            "dossiers_received",
            {"from_": "2025-02-01", "as_of": "2025-01-31"},
            "2025-01-31 is before the window, which begins on 2025-02-01",
        ),
    ],
)
def test_what_cannot_be_told_says_what_to_ask_instead(
    asked: Views, id_: str, parameters: dict[str, str], said: str
) -> None:
    with pytest.raises(QueryError) as refused:
        answer(asked, id_, **parameters)
    assert said in str(refused.value)


def test_books_without_day_cells_say_that_they_have_none_yet() -> None:
    with questions_about(flow_cells(FOUND), NOW, rules=[by_rules("dossiers", 4)]) as views:
        found = answer(views, "dossiers_open", as_of="2025-01-31")
        assert found.value is None
        assert found.missing is not None
        assert "newer rules" in found.missing.en
        assert answer(views, "dossiers_open").value == 0


def test_a_year_ago_reads_no_more_rows_than_now() -> None:
    """Years and months before the day are rows of their own."""
    for day in (date(2015, 3, 19), date(2025, 3, 19)):
        ranges = cover_days(Window(None, day))
        assert sum(one.high - one.low for one in ranges if one.grain == 3) < 31
        assert len(ranges) == 3
