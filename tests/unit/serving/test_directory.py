"""The directory: a sample province whose communes merged on 1 July 2025, and what is asked of
it.
"""

from __future__ import annotations

from datetime import date

from agencies import MERGER, agency, instant, merged_communes, state

from ops.simulate.run import START
from ops.simulate.truth import Truth
from ops.simulate.whole import whole_province
from schemas.states import InventoryItem
from schemas.windows import EVER, Window
from schemas.wire import Decoder, encode
from serving.directory.directory import Directory
from streams.families import FAMILIES

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
YEAR = Window(date(2025, 1, 1), date(2025, 12, 31))
FIRST_HALF, SECOND_HALF = Window(YEAR.first, BEFORE), Window(AFTER, YEAR.last)
PROVINCE = Directory(merged_communes())


def spans(code: str, window: Window = YEAR, **how: bool) -> list[tuple[Window, set[str]]]:
    return [(part, set(codes)) for part, codes in PROVINCE.spans(code, window, **how)]


# The hierarchy of the day


def test_the_sample_province_holds() -> None:
    assert PROVINCE.mistakes == []
    assert not PROVINCE.empty
    assert Directory().empty


def test_an_agency_stands_where_it_stood_on_that_day() -> None:
    assert [PROVINCE.parent("U.2", day) for day in (BEFORE, AFTER)] == ["U", "P"]
    assert PROVINCE.roll_up("U.2", BEFORE) == ("U.2", "U", "P")
    assert PROVINCE.roll_up("U.2", AFTER) == ("U.2", "P")
    assert PROVINCE.parent("P", AFTER) is None
    assert PROVINCE.children("P", BEFORE) == ["P.D", "T", "U"]
    assert PROVINCE.children("P", AFTER) == ["N.1", "N.2", "P.D", "U.2"]


def test_levels_are_those_of_the_day() -> None:
    assert PROVINCE.agencies_of_level("commune", BEFORE) == ["T.1", "T.2", "T.3", "U.1", "U.2"]
    assert PROVINCE.agencies_of_level("commune", AFTER) == ["N.1", "N.2", "U.2"]
    assert PROVINCE.agencies_of_level("district", AFTER) == []
    assert PROVINCE.agencies(BEFORE) == ["P", "P.D", "T", "T.1", "T.2", "T.3", "U", "U.1", "U.2"]


def test_what_comes_after_the_end_counts_under_the_successor() -> None:
    assert PROVINCE.parent("T.3", BEFORE) == "T"
    assert PROVINCE.parent("T.3", AFTER) == "N.2"
    # it is no agency any more, but its late counts are somebody's
    assert PROVINCE.roll_up("T.3", AFTER) == ("N.2", "P")
    assert PROVINCE.descendants("N.2", AFTER) == {"T.3", "U.1"}
    assert PROVINCE.descendants("N.2", BEFORE) == set()


def test_what_comes_after_an_end_without_successor_stays_where_it_was() -> None:
    assert PROVINCE.roll_up("T", AFTER) == ("T", "P")
    assert "T" in PROVINCE.descendants("P", AFTER)


def test_what_comes_before_the_beginning_stands_where_the_beginning_puts_it() -> None:
    assert PROVINCE.roll_up("N.1", BEFORE) == ("N.1", "P")
    assert PROVINCE.roll_up("T.1", date(1999, 1, 1)) == ("T.1", "T", "P")


def test_two_code_forms_are_one_agency() -> None:
    assert PROVINCE.canonical("000.01.P", BEFORE) == "P.D"
    assert PROVINCE.canonical("000.N1.P", AFTER) == "N.1"
    assert PROVINCE.canonical("N.1", AFTER) == "N.1"
    assert PROVINCE.forms("P.D", AFTER) == ["000.01.P"]
    assert spans("000.01.P") == spans("P.D") == [(YEAR, {"P.D", "000.01.P"})]


def test_a_code_form_that_went_to_another_agency() -> None:
    items = agency({}, "A", "commune", until=MERGER, alias=["OLD"])
    agency(items, "B", "commune", first=MERGER, alias=["OLD"])
    directory = Directory(items)
    assert [directory.canonical("OLD", day) for day in (date(1999, 1, 1), BEFORE, AFTER)] == [
        "A",
        "A",
        "B",
    ]
    assert [set(codes) for _, codes in directory.spans("OLD", YEAR)] == [{"A", "OLD"}, {"B", "OLD"}]
    assert directory.mistakes == []


def test_an_agency_that_ended_may_live_on_as_another_ones_code_form() -> None:
    items = agency({}, "A", "commune", until=MERGER)
    agency(items, "B", "commune", first=MERGER, alias=["A"])
    directory = Directory(items)
    assert directory.mistakes == []
    assert [directory.canonical("A", day) for day in (BEFORE, AFTER)] == ["A", "B"]
    assert [(part, set(codes)) for part, codes in directory.spans("B", YEAR)] == [
        (FIRST_HALF, {"B"}),
        (SECOND_HALF, {"A", "B"}),
    ]


def test_an_unknown_code_is_its_own_agency() -> None:
    assert PROVINCE.unknown(["X.9", "P", "000.01.P"]) == ["X.9"]
    assert PROVINCE.canonical("X.9", AFTER) == "X.9"
    assert PROVINCE.roll_up("X.9", AFTER) == ("X.9",)
    assert PROVINCE.parent("X.9", AFTER) is None
    assert PROVINCE.piece("X.9", AFTER) is None
    assert spans("X.9") == [(YEAR, {"X.9"})]
    assert Directory().unknown(["X.9"]) == []  # where nobody registers, nobody is unknown


# Spans


def test_a_window_across_the_merger_takes_each_days_own_subtree() -> None:
    assert spans("T") == [(FIRST_HALF, {"T", "T.1", "T.2", "T.3"}), (SECOND_HALF, {"T"})]
    assert spans("N.2") == [(FIRST_HALF, {"N.2"}), (SECOND_HALF, {"N.2", "T.3", "U.1"})]
    everything = {
        "P",
        "P.D",
        "000.01.P",
        "T",
        "T.1",
        "T.2",
        "T.3",
        "U",
        "U.1",
        "U.2",
        "N.1",
        "000.N1.P",
        "N.2",
    }
    assert spans("P") == [(YEAR, everything)]  # nothing changes for it: one span


def test_open_sides_stay_open() -> None:
    assert spans("T", EVER) == [
        (Window(None, BEFORE), {"T", "T.1", "T.2", "T.3"}),
        (Window(AFTER, None), {"T"}),
    ]
    assert spans("T", Window(None, BEFORE)) == [(Window(None, BEFORE), {"T", "T.1", "T.2", "T.3"})]
    assert spans("T", Window(AFTER, None)) == [(Window(AFTER, None), {"T"})]


def test_a_successor_shows_its_predecessors_history_on_request() -> None:
    assert PROVINCE.predecessors("N.2") == {"T.3": AFTER, "U.1": AFTER}
    assert spans("N.2", history=True) == [(YEAR, {"N.2", "T.3", "U.1"})]
    assert spans("N.1", history=True) == [(YEAR, {"N.1", "000.N1.P", "T.1", "T.2"})]
    assert spans("U.2", history=True) == [(YEAR, {"U.2"})]


def test_history_ends_where_the_successor_begins_and_goes_back_over_several() -> None:
    items = agency({}, "A", "commune", until="2020-01-01", successor="B")
    agency(items, "B", "commune", first="2020-01-01", until=MERGER, successor="C")
    # the code came back as something else, below C
    agency(items, "A", "unit", "C", first="2023-01-01", said=1)
    agency(items, "C", "commune")
    directory = Directory(items)
    assert directory.predecessors("C") == {"B": AFTER, "A": date(2020, 1, 1)}
    found = directory.spans("C", Window(date(2019, 1, 1), date(2025, 12, 31)), history=True)
    assert [(part.first, set(codes)) for part, codes in found] == [
        (date(2019, 1, 1), {"A", "B", "C"})
    ]
    assert [
        set(codes)
        for _, codes in directory.spans("C", Window(date(2020, 1, 1), date(2022, 12, 31)))
    ] == [{"C"}]


def test_of_what_a_predecessor_held_the_successor_shows_what_came_to_it() -> None:
    items = merged_communes()
    # the district's own work went to one commune
    agency(items, "T", "district", "P", until=MERGER, successor="N.1", said=1)
    agency(items, "T.2.U", "unit", "T.2")  # and a unit of a commune that ended stays under it
    directory = Directory(items)
    assert {
        code: set(directory.spans(code, FIRST_HALF, history=True)[0][1]) for code in ("N.1", "N.2")
    } == {
        "N.1": {"N.1", "000.N1.P", "T", "T.1", "T.2", "T.2.U"},  # not T.3, which went elsewhere
        "N.2": {"N.2", "T.3", "U.1"},
    }


def test_only_the_agency_itself() -> None:
    assert spans("P", own=True) == [(YEAR, {"P"})]
    assert spans("P.D", own=True) == [(YEAR, {"P.D", "000.01.P"})]
    assert spans("N.2", own=True, history=True) == [
        (FIRST_HALF, {"N.2", "T.3", "U.1"}),
        (SECOND_HALF, {"N.2"}),
    ]


# Groups


def test_groups_are_agencies_whatever_the_code_form() -> None:
    assert PROVINCE.groupings(YEAR) == [(YEAR, {"000.01.P": "P.D", "000.N1.P": "N.1"})]


def test_groups_of_a_level_are_those_of_the_day() -> None:
    first, second = PROVINCE.groupings(YEAR, "district")
    communes = {"T.1": "T", "T.2": "T", "T.3": "T", "U.1": "U", "U.2": "U"}
    assert first == (FIRST_HALF, communes | {"000.01.P": "P.D", "000.N1.P": "N.1"})
    # no district any more: each agency by itself, the ended ones under what they became
    assert second == (
        SECOND_HALF,
        {
            "T.1": "N.1",
            "T.2": "N.1",
            "T.3": "N.2",
            "U.1": "N.2",
            "000.01.P": "P.D",
            "000.N1.P": "N.1",
        },
    )


# Who is expected


def test_expected_is_who_should_report_on_some_day_of_the_window() -> None:
    assert PROVINCE.expected(FIRST_HALF) == [
        "P",
        "P.D",
        "T",
        "T.1",
        "T.2",
        "T.3",
        "U",
        "U.1",
        "U.2",
    ]
    assert PROVINCE.expected(SECOND_HALF) == ["N.1", "N.2", "P", "P.D", "U.2"]
    assert len(PROVINCE.expected(YEAR)) == len(PROVINCE.expected(EVER)) == 11
    assert Directory(agency({}, "A", "unit", expected=False)).expected(EVER) == []


# Procedures, systems, reported figures


def test_procedures_are_asked_by_field_and_day() -> None:
    items = state(
        {},
        "procedure/1",
        "procedure.registered",
        "P.D",
        "2024-01-01",
        procedure="1",
        field="land",
        level=4,
    )
    state(
        items,
        "procedure/1",
        "procedure.registered",
        "P.D",
        "2025-01-01",
        procedure="1",
        field="construction",
        level=3,
    )
    state(
        items,
        "procedure/2",
        "procedure.registered",
        "P.D",
        "2024-01-01",
        "2025-01-01",
        procedure="2",
        field="land",
        with_fee=True,
    )
    directory = Directory(items)
    assert directory.procedures_of_field("land") == ["1", "2"]
    assert directory.procedures_of_field("construction") == ["1"]
    on = {
        day: [(one.fields.procedure, one.fields.field) for one in directory.procedures_on(day)]
        for day in (date(2024, 6, 1), BEFORE)
    }
    assert on == {date(2024, 6, 1): [("1", "land"), ("2", "land")], BEFORE: [("1", "construction")]}


def test_reported_figures_are_told_with_document_revision_and_who() -> None:
    items = merged_communes()
    for quarter, (first, last) in enumerate(
        (("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30")), 1
    ):
        state(
            items,
            f"figure/{quarter}",
            "figure.reported",
            "P.D",
            first,
            None,
            indicator="public_payroll_cut",
            document="12/BC-SAMPLE",
            period_from=instant(first),
            period_to=instant(last),
            numerator=quarter,
            denominator=100,
            revision=2,
        )
    found = Directory(items).reported(
        "public_payroll_cut", Window(date(2025, 3, 31), date(2025, 3, 31))
    )
    assert [
        (
            one.agency,
            one.first,
            one.last,
            one.numerator,
            one.denominator,
            one.document,
            one.revision,
        )
        for one in found
    ] == [("P.D", date(2025, 1, 1), date(2025, 3, 31), 1, 100, "12/BC-SAMPLE", 2)]
    assert [one.numerator for one in Directory(items).reported("public_payroll_cut", EVER)] == [
        1,
        2,
    ]
    assert Directory(items).reported("other", EVER) == []


def test_the_simulated_provinces_register_holds() -> None:
    family, decode, items = FAMILIES["inventory"], Decoder("inventory"), dict[str, InventoryItem]()
    for when, event in whole_province(1, 100, START, 5, truth=Truth()):
        if event.family == "inventory":
            kind, fields = decode(encode(event))
            family.merges[kind](
                items.setdefault(event.thing, InventoryItem(statements={})), fields, when
            )
    directory = Directory(items)
    assert directory.mistakes == []
    of_level = {
        day: [len(directory.agencies_of_level(level, day)) for level in ("district", "commune")]
        for day in (BEFORE, AFTER)
    }
    assert of_level == {BEFORE: [8, 106], AFTER: [0, 38]}
