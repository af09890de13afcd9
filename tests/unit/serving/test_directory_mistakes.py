"""What cannot hold in the directory: circles, overlaps, codes of two agencies and items that cannot
be read are told, and left out.
"""

from __future__ import annotations

from datetime import date

import pytest
from agencies import MERGER, Items, agency, instant, kinds, merged_communes, state
from pydantic import ValidationError

from schemas.errors import ContractError
from schemas.events.inventory import AgencyRegistered
from schemas.states import InventoryItem
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.directory.items import decode_item

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
YEAR = Window(date(2025, 1, 1), date(2025, 12, 31))


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
