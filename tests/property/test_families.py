"""What makes figures exact: any order and any duplication of the same facts give the same states
and the same cells.

Cells kept batch by batch equal cells counted from the states alone, and both equal what a naive
reading of the definitions (oracle.py, oracles.py) gives.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from facts import Heard, Record, named, record
from hypothesis import given
from hypothesis import strategies as st
from oracle_facts import Fact, Figures
from oracles import figures
from strategies import IDS, distinct, examples, stories

from schemas.cells.codec import decode_page
from schemas.cells.kinds import CELL_KINDS
from schemas.cells.pages import cells_of_page, parse_key
from schemas.wire import Decoder, encode
from streams.families import ALL, FAMILIES
from streams.family_state import FamilyState

NAMES = sorted(FAMILIES)
WEIGHT = {
    "dossiers": 8,
    "documents": 3,
    "tasks": 3,
    "activities": 2,
    "inventory": 5,
    "heartbeats": 1,
}
JUNK = [None, b"", b"\0\0\0\0\1", b"no contract", b"\0\0\0\0\5" + b"\xff" * 40]


def states_of(family: str, records: Iterable[Record]) -> dict[bytes, Any]:
    """States by the merges alone, one record after the other."""
    decode, states = Decoder(family), {}
    for one in records:
        kind, fields = decode(one.value)
        assert one.key is not None
        state = states.setdefault(one.key, FAMILIES[family].state())
        FAMILIES[family].merges[kind](state, fields, one.timestamp)
    return states


def counted(family: str, states: Iterable[Any]) -> Figures:
    """Cells counted from scratch by adding up what each state contributes."""
    found: Figures = {}
    for state in states:
        for key, ones, sums in FAMILIES[family].counts(state, ALL):
            _, kind, agency, category, at = parse_key(key)
            cell, names = (
                found.setdefault((kind, agency, category, at), {}),
                CELL_KINDS[family][kind].measures,
            )
            for place, amount in [*((place, 1) for place in ones), *sums]:
                cell[names[place]] = cell.get(names[place], 0) + amount
    return {
        key: measures
        for key, cell in found.items()
        if (measures := {name: amount for name, amount in cell.items() if amount})
    }


def fold(family_state: FamilyState, batches: Iterable[Sequence[Record]]) -> None:
    """Fold batches into books, checking what each of them would publish."""
    for batch in batches:
        changes = family_state.fold(batch)
        assert len(dict(changes.pages)) == len(changes.pages), "a page twice in one transaction"
        assert len(dict(changes.states)) == len(changes.states), "a state twice in one transaction"
        for key, value in changes.pages:
            assert value != family_state.pages.get(key), "a page that did not change was published"
            check_page(key, value)
        family_state.keep(changes)


def check_page(key: bytes, value: bytes | None) -> None:
    """No zeros, nothing negative where nothing can be, no cell without counts, and a tombstone
    exactly when there is none.
    """
    for cell, sums in cells_of_page(key, value):
        assert sums
        assert all(sums.values())
        assert CELL_KINDS[cell.family][cell.kind].signed or min(sums.values()) > 0
    assert value is None or decode_page(value)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run to its end what only lets the event loop run in between; a loop of its own for each
    example would take longer.
    """
    with suppress(StopIteration):
        while True:
            coroutine.send(None)


@st.composite
def shuffled(draw: st.DrawFn, family: str) -> tuple[list[Record], list[Record]]:
    """Records, and the same ones in another order, some of them several times."""
    records = [record(*one) for one in draw(stories(family))]
    again = draw(st.lists(st.sampled_from(records), max_size=6))
    return records, draw(st.permutations(records + again))


@st.composite
def batches(draw: st.DrawFn, family: str) -> list[list[Record]]:
    """Records with bytes that no contract decodes among them, cut into batches anywhere."""
    records: list[Record] = [record(*one) for one in draw(stories(family))]
    for value in draw(st.lists(st.sampled_from(JUNK), max_size=3)):
        records.insert(
            draw(st.integers(0, len(records))),
            Record(draw(st.sampled_from([b"thing-0", b"x", None])), value),
        )
    cuts = sorted(draw(st.lists(st.integers(0, len(records)), max_size=6)))
    return [
        records[start:end] for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True)
    ]


@pytest.mark.parametrize("family", NAMES)
def test_any_order_and_any_duplication_give_the_same_states_and_cells(family: str) -> None:
    @examples(30 * WEIGHT[family])
    @given(shuffled(family))
    def check(case: tuple[list[Record], list[Record]]) -> None:
        records, others = case
        states, others_states = states_of(family, records), states_of(family, others)
        assert states == others_states
        assert counted(family, states.values()) == counted(family, others_states.values())

    check()


@pytest.mark.parametrize("family", NAMES)
def test_a_state_that_was_stored_in_between_is_the_same(family: str) -> None:
    """A worker reads states back from their bytes; nothing may be lost or change its type."""

    @examples(15 * WEIGHT[family])
    @given(stories(family, things=1))
    def check(facts: list[Heard]) -> None:
        decode, load = Decoder(family), FAMILIES[family].decoder()
        stored = FAMILIES[family].state()
        for event, at in facts:
            kind, fields = decode(encode(event))
            FAMILIES[family].merges[kind](stored, fields, at)
            stored = load(msgspec.msgpack.encode(stored))
        records = [Record(b"thing-0", encode(event), at) for event, at in facts]
        assert {b"thing-0": stored} == states_of(family, records)

    check()


@pytest.mark.parametrize("family", NAMES)
def test_cells_kept_batch_by_batch_are_those_of_the_final_states(family: str) -> None:
    @examples(30 * WEIGHT[family])
    @given(batches(family))
    def check(cut: list[list[Record]]) -> None:
        family_state = FamilyState(FAMILIES[family])
        fold(family_state, cut)
        load = FAMILIES[family].decoder()
        states = {key: load(row) for key, row in family_state.states.items()}
        good = [one for batch in cut for one in batch if one.value not in JUNK]
        assert states == states_of(family, good)
        assert named(family_state.pages.items()) == counted(family, states.values())
        rebuilt = FamilyState(FAMILIES[family])
        rebuilt.states = family_state.states
        run(rebuilt.recount_pages(chunk=1))
        assert named(rebuilt.pages.items()) == named(family_state.pages.items())

    check()


@pytest.mark.parametrize("family", NAMES)
def test_cells_are_what_the_definitions_say(family: str) -> None:
    @examples(30 * WEIGHT[family])
    @given(stories(family, things=1).map(distinct))
    def check(facts: list[Heard]) -> None:
        family_state = FamilyState(FAMILIES[family])
        fold(family_state, [[record(*fact)] for fact in facts])
        things: dict[str, list[Fact]] = {}
        for event, at in facts:
            things.setdefault(event.thing, []).append(Fact(event.type, event.model_dump(), at))
        assert named(family_state.pages.items()) == figures(family, things.values())

    check()


@pytest.mark.parametrize("family", NAMES)
def test_parts_that_are_not_touched_do_not_differ(family: str) -> None:
    """`touched` spares work: what it leaves out must really count the same before and after,
    however many facts a batch has.
    """
    counts, touched = FAMILIES[family].counts, FAMILIES[family].touched

    @examples(30 * WEIGHT[family])
    @given(stories(family, things=1), st.integers(1, 4))
    def check(facts: list[Heard], together: int) -> None:
        decode, load = Decoder(family), FAMILIES[family].decoder()
        old = FAMILIES[family].state()
        for start in range(0, len(facts), together):
            new = load(msgspec.msgpack.encode(old))
            for event, at in facts[start : start + together]:
                kind, fields = decode(encode(event))
                FAMILIES[family].merges[kind](new, fields, at)
            if spared := ALL & ~touched(old, new):
                assert sorted(counts(old, spared)) == sorted(counts(new, spared)), facts[
                    start : start + together
                ]
            old = new

    check()


@pytest.mark.parametrize("family", NAMES)
def test_events_told_twice_change_nothing_at_all(family: str) -> None:
    @examples(15 * WEIGHT[family])
    @given(batches(family))
    def check(cut: list[list[Record]]) -> None:
        family_state = FamilyState(FAMILIES[family])
        fold(family_state, cut)
        for told in [*cut, [one for batch in cut for one in batch]]:
            changes = family_state.fold(told)
            assert (changes.states, changes.pages) == ([], [])
            family_state.keep(changes)

    check()


def test_the_pools_hold_ids_that_sort_differently_as_text_and_as_bytes() -> None:
    """The two kinds of stored ids must be compared as their text: the properties above rely on
    meeting both.
    """
    assert sorted(IDS) != IDS
    assert any(len(one) == 36 for one in IDS)
    assert any(len(one) < 36 for one in IDS)
