"""The directory: a sample province whose communes merged on 1 July 2025, and every way in which
statements can be wrong.
"""

from __future__ import annotations

from datetime import date

import pytest
from agencies import MERGER, Items, agency, instant, merged_communes, state
from pydantic import ValidationError

from ops.simulate.run import START
from ops.simulate.truth import Truth
from ops.simulate.whole import whole_province
from schemas.errors import ContractError
from schemas.events.inventory import AgencyRegistered
from schemas.states import InventoryItem
from schemas.windows import EVER, Window
from schemas.wire import Decoder, encode
from serving.directory.directory import Directory
from serving.directory.items import decode_item
from streams.families import FAMILIES

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
YEAR = Window(date(2025, 1, 1), date(2025, 12, 31))
FIRST_HALF, SECOND_HALF = Window(YEAR.first, BEFORE), Window(AFTER, YEAR.last)
PROVINCE = Directory(merged_communes())


def kinds(directory: Directory) -> list[tuple[str, str]]:
    return [(mistake.kind, mistake.place) for mistake in directory.mistakes]


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


# What cannot hold


def test_a_circle_is_broken_at_the_link_that_closed_it() -> None:
    items = agency({}, "A", "commune", "B", said=1)
    agency(items, "B", "district", "C", said=3)
    agency(items, "C", "province", "A", said=2)
    agency(items, "D", "commune", "B")
    directory = Directory(items)
    assert kinds(directory) == [("cycle", "agency/B, valid from 2015-01-01, parent")]
    assert "A, B, C" in directory.mistakes[0].en
    assert directory.roll_up("D", AFTER) == ("D", "B")
    assert directory.roll_up("C", AFTER) == ("C", "A", "B")


def test_a_circle_of_some_days_only_is_one_too() -> None:
    items = agency({}, "A", "district", until=MERGER)
    agency(items, "A", "district", "B", first=MERGER, said=5)
    agency(items, "B", "district", "A")
    directory = Directory(items)
    assert kinds(directory) == [("cycle", "agency/A, valid from 2025-07-01, parent")]
    assert [directory.parent("B", day) for day in (BEFORE, AFTER)] == ["A", "A"]


def test_two_that_take_over_from_one_another() -> None:
    items = agency({}, "A", "commune", "P", until=MERGER, successor="B")
    agency(items, "B", "commune", "P", until=MERGER, successor="A", said=1)
    agency(items, "P", "province")
    directory = Directory(items)
    assert kinds(directory) == [("cycle", "agency/B, valid from 2015-01-01, successor")]
    assert directory.roll_up("A", AFTER) == ("B", "P")


def test_an_agency_under_itself() -> None:
    directory = Directory(agency({}, "A", "commune", "A"))
    assert kinds(directory) == [("cycle", "agency/A, valid from 2015-01-01, parent")]
    assert directory.roll_up("A", AFTER) == ("A",)


def test_one_that_goes_on_under_its_own_code_is_its_own_successor() -> None:
    items = agency({}, "A", "commune", until=MERGER, successor="A")
    agency(items, "A", "commune", first=MERGER)
    directory = Directory(items)
    assert directory.mistakes == []
    assert directory.predecessors("A") == {}


def test_a_successor_or_parent_that_does_not_exist_is_left_out() -> None:
    items = agency({}, "A", "commune", "P", until=MERGER, successor="NOBODY")
    agency(items, "P", "province", "NOBODY.EITHER")
    directory = Directory(items)
    assert kinds(directory) == [
        ("unknown_successor", "agency/A, valid from 2015-01-01, successor"),
        ("unknown_parent", "agency/P, valid from 2015-01-01, parent"),
    ]
    assert directory.roll_up("A", AFTER) == ("A", "P")
    agency(items, "NOBODY", "commune", "P", first=MERGER)
    # registered since: the link holds
    assert [kind for kind, _ in kinds(Directory(items))] == ["unknown_parent"]


def test_of_two_items_for_one_code_the_one_said_first_stays() -> None:
    items = agency({}, "A", "commune", "P")
    agency(items, "A", "district", item="agency/second", first=MERGER, said=1)
    agency(items, "P", "province")
    directory = Directory(items)
    assert kinds(directory) == [("overlap", "agency/second, valid from 2025-07-01")]
    assert directory.roll_up("A", AFTER) == ("A", "P")


def test_a_procedure_that_two_items_state_for_the_same_days_is_told() -> None:
    items = state(
        {},
        "procedure/1",
        "procedure.registered",
        "P.D",
        "2024-01-01",
        "2025-01-01",
        procedure="1",
        field="land",
    )
    state(
        items,
        "procedure/1",
        "procedure.registered",
        "P.D",
        "2024-06-01",
        "2025-01-01",
        procedure="1",
        field="other",
    )
    state(
        items,
        "procedure/2",
        "procedure.registered",
        "P.D",
        "2025-01-01",
        procedure="1",
        field="land",
    )
    state(
        items,
        "procedure/3",
        "procedure.registered",
        "P.D",
        "2024-01-01",
        procedure="2",
        field="land",
    )
    assert kinds(Directory(items)) == []
    state(
        items,
        "procedure/4",
        "procedure.registered",
        "P.D",
        "2024-12-31",
        "2024-12-31",
        procedure="1",
        field="land",
        said=1,
    )
    state(
        items,
        "procedure/5",
        "procedure.registered",
        "P.D",
        "2025-06-01",
        procedure="1",
        field="land",
        said=1,
    )
    directory = Directory(items)
    assert kinds(directory) == [("procedure_twice", "procedure/5, valid from 2025-06-01")]
    assert "procedure/2, valid from 2025-01-01" in directory.mistakes[0].en


def test_a_statement_ends_where_the_next_one_begins() -> None:
    items = agency({}, "A", "commune", "P", until="2026-01-01")
    agency(items, "A", "district", "P", first=MERGER)
    agency(items, "P", "province")
    directory = Directory(items)
    assert kinds(directory) == [("overlap", "agency/A, valid from 2015-01-01, valid_to")]
    assert (
        directory.agencies_of_level("commune", AFTER),
        directory.agencies_of_level("district", AFTER),
    ) == ([], ["A"])


@pytest.mark.parametrize("until", [None, "2030-01-01"])
def test_what_is_stated_again_every_night_is_no_overlap(until: str | None) -> None:
    items = agency({}, "P", "province")
    for day in range(1, 29):
        agency(items, "A", "commune", "P", first=f"2025-06-{day:02}", until=until, said=day)
    directory = Directory(items)
    assert directory.mistakes == []
    assert directory.roll_up("A", date(2025, 6, 15)) == ("A", "P")
    assert directory.groupings(YEAR) == [(YEAR, {})]  # nothing changed
    # as if it had been said once
    assert [one.first for one in directory.history("A")] == [date(2025, 6, 1)]


def test_an_agency_above_itself_is_refused_at_the_door() -> None:
    fields = {
        "event_id": "1",
        "source": "sample",
        "item_id": "agency/A",
        "agency": "A",
        "occurred_at": instant(MERGER),
        "level": "commune",
    }
    with pytest.raises(ValidationError, match="is the agency itself"):
        AgencyRegistered.model_validate(fields | {"parent": "A"})
    # it may go on as itself
    assert AgencyRegistered.model_validate(fields | {"parent": "B", "successor": "A"}).parent == "B"


def test_what_never_was_is_none() -> None:
    items = agency({}, "A", "commune", first=MERGER, until=MERGER)
    assert (Directory(items).empty, Directory(items).mistakes) == (True, [])


@pytest.mark.parametrize("other", [{"alias": ["OLD"]}, {}])
def test_a_code_form_belongs_to_one_agency(other: dict[str, list[str]]) -> None:
    items = agency({}, "A", "commune", alias=["OLD"], said=1)
    agency(items, "B" if other else "OLD", "commune", **other)
    directory = Directory(items)
    assert kinds(directory) == [("alias_taken", "agency/A, valid from 2015-01-01, alias OLD")]
    assert directory.canonical("OLD", AFTER) == ("B" if other else "OLD")


def test_below_one_that_ended_without_a_successor() -> None:
    items = agency({}, "A", "commune", "T")
    agency(items, "T", "district", "P", until=MERGER)
    agency(items, "P", "province")
    directory = Directory(items)
    assert kinds(directory) == [("parent_ended", "agency/A, valid from 2015-01-01, parent")]
    assert directory.roll_up("A", AFTER) == ("A", "T", "P")


def test_what_cannot_be_read_is_left_out() -> None:
    items = agency({}, "A", "commune", expected="yes")
    agency(items, "B", "commune")
    items["agency/C"] = InventoryItem(
        statements={10**18: (0, b"1", "agency.registered", "C", None, {"level": "commune"})}
    )
    directory = Directory(items)
    assert kinds(directory) == [
        ("unreadable", "agency/A, valid from 2015-01-01, expected"),
        ("unreadable", "agency/C, valid_from, valid_to"),
    ]
    assert directory.agencies(AFTER) == ["B"]
    with pytest.raises(ContractError, match="no item's state"):
        decode_item(b"\xc1")


def test_every_mistake_is_told_in_both_languages() -> None:
    items: Items = agency({}, "A", "commune", "NOBODY", alias=["A", "A"])
    for mistake in Directory(items).mistakes:
        assert mistake.vi.endswith("liên kết này")
        assert mistake.en.endswith("left out")
        assert mistake.agency == "A"


def test_the_order_in_which_items_are_read_changes_nothing() -> None:
    items = merged_communes()
    agency(items, "P", "province", "N.1", first="2025-09-01", said=9)
    backwards: dict[str, InventoryItem] = dict(reversed(items.items()))
    one, other = Directory(items), Directory(backwards)
    assert kinds(one) == kinds(other) != []
    assert one.spans("N.1", YEAR) == other.spans("N.1", YEAR)


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
