"""An item that was stated in two ways at one instant: told as a problem until a later statement
settles it, in whatever order the facts arrive.
"""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest
from agencies import kinds
from facts import Heard, told
from registered import JULY

from schemas.states import InventoryItem
from schemas.wire import Decoder, encode
from serving.directory.directory import Directory
from serving.directory.feed import Items
from streams.families import FAMILIES

FAMILY = FAMILIES["inventory"]
LATER = "06-20 10:00"


def unit(id_: str, at: str = "06-20 09:00", **fields: object) -> Heard:
    return told("agency.registered", at, event_id=id_, **{"valid_from": JULY, **fields})


def item(*facts: Heard) -> InventoryItem:
    """What is known of it after these facts, as it is kept."""
    decode, state = Decoder("inventory"), InventoryItem(statements={})
    for event, at in facts:
        kind, fields = decode(encode(event))
        FAMILY.merges[kind](state, fields, at)
    return FAMILY.decoder()(msgspec.msgpack.encode(state))


def problems(*facts: Heard) -> list[tuple[str, str]]:
    return kinds(Directory({"agency/A": item(*facts)}))


CONTESTED = [("restated", "agency/A, valid from 2025-07-01")]


@pytest.mark.parametrize("other", ["e2", "e1"])
def test_two_contents_of_one_instant_are_told_whatever_their_ids(other: str) -> None:
    one, another = unit("e1", level="unit"), unit(other, level="commune")
    for order in permutations((one, another, one)):
        assert problems(*order) == CONTESTED


def test_which_one_stands_is_said() -> None:
    found = item(unit("e1", level="unit"), unit("e2", level="commune"))
    (mistake,) = Directory({"agency/A": found}).mistakes
    assert "'e2' stands" in mistake.en
    assert "'e2'" in mistake.vi
    assert mistake.agency == "A"


def test_the_same_content_under_two_ids_contests_nothing() -> None:
    assert problems(unit("e1"), unit("e2"), unit("e1")) == []


def test_a_later_statement_settles_it_in_every_order() -> None:
    facts = (unit("e1", level="unit"), unit("e2"), unit("e3", LATER))
    states = [item(*order) for order in permutations(facts)]
    assert all(state == states[0] for state in states)
    assert states[0].restated is None


def test_what_was_outdone_is_not_told_and_what_stands_is() -> None:
    settled = (unit("e1", level="unit"), unit("e2"), unit("e3", LATER, level="unit"))
    again = (*settled, unit("e4", LATER, level="district"))
    assert {tuple(problems(*order)) for order in permutations(again)} == {tuple(CONTESTED)}


def test_one_id_for_two_beginnings() -> None:
    facts = unit("e1"), unit("e1", valid_from="2025-09-01 00:00", level="unit")
    for order in permutations(facts):
        assert problems(*order) == [("restated", "agency/A, valid from 2025-09-01")]
    assert problems(facts[0], unit("e2", valid_from="2025-09-01 00:00", level="unit")) == []


def test_of_reported_figures_the_revision_decides_first() -> None:
    period = {"period_from": "2025-01-01 00:00", "period_to": "2025-12-31 00:00"}
    first = told("figure.reported", "11-20 09:00", event_id="e1", numerator=1, **period)
    other = told("figure.reported", "11-20 09:00", event_id="e2", numerator=2, **period)
    revised = told(
        "figure.reported", "11-20 09:00", event_id="e3", numerator=2, revision=2, **period
    )
    for order in permutations((first, other)):
        assert item(*order).restated == [*item(first).statements]
    for order in permutations((first, other, revised)):
        assert item(*order).restated is None


def test_a_state_of_before_a_field_was_known_is_not_contested_by_its_own_fact() -> None:
    fact = told("procedure.registered", "06-20 09:00", event_id="e1", valid_from=JULY)
    state = item(fact)
    for *_, details in state.statements.values():
        del details["one_stop"]
    kind, fields = Decoder("inventory")(encode(fact[0]))
    FAMILY.merges[kind](state, fields, fact[1])
    assert state.restated is None


def test_it_makes_another_directory() -> None:
    """Nothing but the contest is new: the statement that stands stood before."""
    feed = Items()
    for facts in ((unit("e2"),), (unit("e2"), unit("e1", level="unit"))):
        record = _Record(msgspec.msgpack.encode(item(*facts)))
        assert feed.apply([record])  # type: ignore[list-item]


class _Record(msgspec.Struct):
    value: bytes
    key: bytes = b"agency/A"
    topic: str = "lgsp.inventory.state"
    partition: int = 0
    offset: int = 0


def test_told_again_contested_statements_change_no_byte() -> None:
    """Of many beginnings, so that an order by arrival would show."""
    months = [f"2025-{month:02}-01 00:00" for month in range(1, 13)]
    facts = [
        unit(f"{month} {level}", valid_from=month, level=level)
        for month in months
        for level in ("unit", "commune")
    ]
    once = msgspec.msgpack.encode(item(*facts))
    assert msgspec.msgpack.encode(item(*facts, *reversed(facts))) == once
    assert len(item(*facts).restated or ()) == len(months)
