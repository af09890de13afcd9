"""What one thing may gather: with bounds so low that every story meets them, order, duplication and
cutting into batches change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest
from facts import Heard, Record, named, record
from hypothesis import given
from hypothesis import strategies as st
from oracle_facts import Fact
from oracles import figures
from strategies import DAY, INSTANTS, NOON, distinct, examples, heard

from schemas.cells.kinds import CELL_KINDS
from schemas.events import EVENTS_BY_FAMILY as EVENTS
from schemas.events import Event
from schemas.states import MOST
from streams.families import FAMILIES
from streams.family_state import FamilyState

# By group of a family: the types of events that add to it, one that makes the thing known, and
# another that its figures hang on.
TOLD = {
    ("dossiers", "payments"): ("paid", "received", "fee_requested"),
    ("dossiers", "ratings"): ("rated", "received", "step_taken"),
    ("dossiers", "finish"): ("finished", "received", "reopened"),
    ("dossiers", "transfers"): ("transferred", "received", "finished"),
    ("dossiers", "papers"): (
        "supplement_requested",
        "supplement_completed",
        "received",
        "finished",
    ),
    ("dossiers", "dues"): ("due_changed", "received", "finished"),
    ("dossiers", "fees"): ("fee_requested", "paid", "received", "finished"),
    ("dossiers", "earlier"): ("reopened", "received", "finished", "withdrawn"),
    ("dossiers", "amended_earlier_ends"): ("finished", "withdrawn", "received", "reopened"),
    ("dossiers", "amended_earlier_returns"): ("result_returned", "received", "reopened"),
    ("dossiers", "amended_payments"): ("paid", "received", "fee_requested"),
    ("dossiers", "amended_ratings"): ("rated", "received", "step_taken"),
    ("dossiers", "amended_moves"): ("transferred", "received", "finished"),
    ("dossiers", "amended_papers"): (
        "supplement_requested",
        "supplement_completed",
        "received",
        "finished",
    ),
    ("dossiers", "amended_fees"): ("fee_requested", "paid", "received", "finished"),
    ("dossiers", "amended_dues"): ("due_changed", "received", "finished"),
    ("documents", "statuses"): ("status_changed", "sent"),
    ("documents", "recall"): ("recalled", "sent"),
    ("documents", "amended_statuses"): ("status_changed", "sent"),
    ("tasks", "dues"): ("extended", "assigned", "completed"),
    ("tasks", "assigned_dues"): ("assigned", "completed"),
    ("tasks", "amended_dues"): ("extended", "assigned", "completed"),
}
SPREAD = (*INSTANTS[-1], NOON + 2 * DAY, NOON + 3 * DAY)  # more than any bound here, twice
Change = Callable[[Heard, str, tuple[int, ...], st.DrawFn], Heard]
MANY = st.sampled_from(["1", "2", "3", "4", "5", "6"])  # keys of entries: more than any bound here


@pytest.fixture(autouse=True)
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of everything count, three are kept."""
    for group in MOST:
        monkeypatch.setitem(MOST, group, 2)


@st.composite
def stories(draw: st.DrawFn, family: str, types: tuple[str, ...], change: Change) -> list[Heard]:
    """Facts about one thing, most of one type, told of many payments, sources, receivers…;
    sometimes it never becomes known. `change` says which of these are corrections.
    """
    places = {model.type.partition(".")[2]: place for place, model in enumerate(EVENTS[family])}
    kind = st.sampled_from(
        [places[name] for name in (*types[:1] * 4, *types[draw(st.integers(0, 1)) :])]
    )
    instants = draw(st.sampled_from([INSTANTS[0], SPREAD]))
    told = kind.flatmap(lambda place: heard(family, place, 1, instants, ("A", "B", "C")))
    facts = draw(st.lists(told, min_size=8, max_size=16))
    facts = [change(fact, types[0], instants, draw) for fact in facts]
    if types[0] == "assigned":
        facts = [(with_deadline(event), at) for event, at in facts]
    return [
        (
            event.model_copy(
                update={
                    name: draw(MANY)
                    for name in ("reference", "rating_id", "source")
                    if hasattr(event, name)
                }
            ),
            at,
        )
        for event, at in facts
    ]


def with_deadline(event: Event) -> Event:
    """The same, where it may have a deadline with one."""
    if getattr(event, "due_at", 0) is None:
        return event.model_copy(update={"due_at": NOON})
    return event


def corrected(fact: Heard, most: str, instants: tuple[int, ...], draw: st.DrawFn) -> Heard:
    """Mostly, all made at one instant."""
    event, at = fact
    if not event.type.endswith(most) or draw(st.integers(0, 3)) == 0:
        return fact
    made, effective = max(instants), draw(st.sampled_from(instants))
    return event.model_copy(update={"occurred_at": made, "effective_at": effective}), at


def corrected_again(fact: Heard, most: str, instants: tuple[int, ...], draw: st.DrawFn) -> Heard:
    """Mostly, each made when it was told."""
    event, at = fact
    if not event.type.endswith(most) or draw(st.integers(0, 3)) == 0:
        return fact
    return event.model_copy(update={"effective_at": draw(st.sampled_from(instants))}), at


def ordinary(fact: Heard, most: str, _: tuple[int, ...], draw: st.DrawFn) -> Heard:
    """Mostly: with too many corrections among them facts would be too few."""
    event, at = fact
    if not event.type.endswith(most) or draw(st.integers(0, 3)) == 0:
        return fact
    known = {"effective_at": None, "holds": True}
    return event.model_copy(update={n: v for n, v in known.items() if hasattr(event, n)}), at


@st.composite
def retold(draw: st.DrawFn, facts: list[Heard]) -> list[list[Record]]:
    """The records of facts in another order, some of them several times, cut into batches
    anywhere.
    """
    records = [record(*fact) for fact in facts]
    others = draw(st.permutations(records + draw(st.lists(st.sampled_from(records), max_size=8))))
    cuts = sorted(draw(st.lists(st.integers(0, len(others)), max_size=6)))
    return [others[start:end] for start, end in zip([0, *cuts], [*cuts, len(others)], strict=True)]


def folded(family: str, batches: Iterable[Sequence[Record]]) -> FamilyState:
    family_state = FamilyState(FAMILIES[family])
    for batch in batches:
        family_state.keep(family_state.fold(batch))
    return family_state


@pytest.mark.parametrize(("family", "name"), TOLD)
def test_whatever_the_order_states_are_the_same_and_cells_what_the_definitions_say(
    family: str, name: str
) -> None:
    load, (group,) = (
        FAMILIES[family].decoder(),
        (found for found in FAMILIES[family].groups if found.name == name),
    )
    sizes = set()

    change = ordinary
    if name.startswith("amended_"):
        change = corrected_again if "earlier" in name else corrected
    told = stories(family, TOLD[family, name], change)

    @examples(15)
    @given(told.map(distinct), st.data())
    def check(facts: list[Heard], data: st.DataObject) -> None:
        batches = data.draw(retold(facts))
        family_state, plain = (
            folded(family, batches),
            folded(family, [[record(*fact)] for fact in facts]),
        )
        (state,), others = (
            [load(row) for _, row in family_state.states.items()],
            [load(row) for _, row in plain.states.items()],
        )
        assert [state] == others
        naive = figures(family, [[Fact(event.type, event.model_dump(), at) for event, at in facts]])
        assert named(family_state.pages.items()) == named(plain.pages.items()) == naive
        again = family_state.fold([one for batch in batches for one in batch])
        assert (again.states, again.pages, again.too_many) == ([], [], [])
        sizes.add(group.size(state))

    check()
    assert max(sizes) == 3, "one more than count is kept"


def test_a_family_whose_things_can_have_too_much_has_a_flag_for_it() -> None:
    assert {
        (name, group.name) for name, family in FAMILIES.items() for group in family.groups
    } == TOLD.keys()
    assert {group for _, group in TOLD} == MOST.keys()
    flagged = {
        name
        for name, kinds in CELL_KINDS.items()
        if "flagged" in kinds and "too_many" in kinds["flagged"].measures
    }
    assert flagged == {family for family, _ in TOLD}
