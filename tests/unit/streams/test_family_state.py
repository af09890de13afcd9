"""A partition's books: what a batch changes, and that nothing is changed until it is kept."""

from __future__ import annotations

import asyncio

import pytest
from facts import Heard, Record, answer, family_state_of, ms, named, record, told

from schemas.cells.codec import decode_page, encode_page
from schemas.wire import encode
from streams.families import FAMILIES
from streams.family_state import Changes, FamilyState, without_common

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30")
DUE, DUE_PAGE = ms("11-10 17:00"), b"dossiers|A|20251110"
JUNK = Record(b"thing", b"no contract")


def received(thing: str, at: str = "11-03 09:00") -> Heard:
    return told("dossier.received", at, dossier_id=thing)


def fold(family_state: FamilyState, *facts: Heard) -> Changes:
    changes = family_state.fold([record(*fact) for fact in facts])
    family_state.keep(changes)
    return changes


@pytest.fixture
def family_state() -> FamilyState:
    return FamilyState(FAMILIES["dossiers"])


def test_books_stay_as_they_are_until_changes_are_kept(family_state: FamilyState) -> None:
    changes = family_state.fold([record(*RECEIVED), JUNK])
    assert (len(family_state.states), len(family_state.pages), family_state.refused_run) == (
        0,
        0,
        0,
    )
    assert family_state.fold([record(*RECEIVED), JUNK]).pages == changes.pages
    family_state.keep(changes)
    assert [key for key, _ in family_state.states.items()] == [b"thing"]
    assert dict(family_state.pages.items()) == dict(changes.pages)
    assert family_state.refused_run == 1


def test_a_batch_gives_each_state_and_page_once_and_as_a_whole(family_state: FamilyState) -> None:
    changes = fold(family_state, received("d1"), received("d2"), received("d2"), received("d3"))
    assert [key for key, _ in changes.states] == [b"d1", b"d2", b"d3"]
    assert named(changes.pages) == {
        ("received", "A", "p", 20251103): {
            "received": 3,
            "received_counter": 3,
            "reception_reports": 3,
            "reception_lag_le_1": 3,
            "reception_working_lag_le_3600": 3,
        },
        ("flow", "A", "p", 20251103): {"taken_other": 3, "taken_undated": 3},
        ("open", "A", "p", 0): {"open": 3},
    }
    assert changes.events == 4


def test_a_cell_that_has_become_zero_is_gone_and_an_empty_page_is_a_tombstone(
    family_state: FamilyState,
) -> None:
    fold(family_state, RECEIVED, received("other", "11-04 09:00"))
    changes = fold(family_state, FINISHED)
    assert dict(changes.pages)[DUE_PAGE] is not None, (
        "the day that it was due is the day of its end as well"
    )
    assert ("open", "A", "p", DUE) not in named(family_state.pages.items())
    fold(family_state, told("dossier.finished", "11-11 09:00", holds=False))
    assert named(family_state.pages.items())["open", "A", "p", DUE] == {"open": 1}
    changes = fold(family_state, told("dossier.due_changed", "11-12 09:00", due_at="11-20 17:00"))
    assert dict(changes.pages)[DUE_PAGE] is None
    assert family_state.pages.get(DUE_PAGE) is None


def test_what_says_nothing_new_writes_nothing(family_state: FamilyState) -> None:
    fold(family_state, RECEIVED, FINISHED)
    again = fold(family_state, FINISHED, RECEIVED)
    assert (again.states, again.pages, again.events) == ([], [], 2)


def test_a_state_may_change_without_any_page(family_state: FamilyState) -> None:
    fold(family_state, RECEIVED)
    changes = fold(family_state, told("dossier.step_taken", "11-04 09:00"))
    assert len(changes.states) == 1
    assert changes.pages == []


def test_two_payments_alike_are_two(family_state: FamilyState) -> None:
    first, second = (
        told("dossier.paid", "11-05 09:00", reference=name, event_id=name) for name in ("r1", "r2")
    )
    cell = ("paid", "A", "p", 20251105)
    fold(family_state, RECEIVED, first, second)
    assert named(family_state.pages.items())[cell]["transactions"] == 2
    fold(family_state, told("dossier.paid", "11-06 09:00", reference="r2", state="refunded"))
    assert named(family_state.pages.items())[cell] == {
        "transactions": 1,
        "transactions_online": 1,
        "amount": 50_000,
        "amount_online": 50_000,
    }
    fold(family_state, told("dossier.paid", "11-05 09:00", reference="r3"))
    assert named(family_state.pages.items())[cell]["transactions"] == 2


def test_zeros_are_left_out_of_a_cell_from_its_first_writing_on(family_state: FamilyState) -> None:
    fold(family_state, RECEIVED, told("dossier.paid", "11-05 09:00", amount=0))
    assert decode_page(family_state.pages.get(b"dossiers|A|20251105")) == {"paid|p": {0: 1, 1: 1}}


def test_what_adds_up_to_nothing_touches_no_page(family_state: FamilyState) -> None:
    """A dossier that moves on as another comes to its place: the page stays as it is."""
    fold(family_state, received("d1"))
    changes = fold(
        family_state,
        told("dossier.step_taken", "11-04 09:00", dossier_id="d1", agency="B"),
        received("d2"),
    )
    assert {key for key, _ in changes.pages} == {
        b"dossiers|B|0",
        b"dossiers|B|20251103",
        b"dossiers|A|20251103",
    }


def test_what_does_not_decode_is_refused_with_its_reason_and_the_rest_goes_on(
    family_state: FamilyState,
) -> None:
    bad = [
        JUNK,
        Record(b"thing", None),
        Record(b"thing", encode(RECEIVED[0])[:-1]),
        Record(None, encode(RECEIVED[0])),
        Record(b"", encode(RECEIVED[0])),
    ]
    changes = family_state.fold([*bad, record(*RECEIVED)])
    assert [refused.record for refused in changes.refused] == bad
    expected = ["no contract", "no value", "do not decode", "no key", "no key"]
    assert all(
        word in refused.reason for word, refused in zip(expected, changes.refused, strict=True)
    )
    assert [key for key, _ in changes.states] == [b"thing"]


def test_runs_of_refused_records_are_counted_across_batches(family_state: FamilyState) -> None:
    good = record(*RECEIVED)
    family_state.keep(family_state.fold([good, JUNK, JUNK]))
    changes = family_state.fold([JUNK, good, JUNK])
    assert (changes.longest_run, changes.refused_run) == (3, 1)
    family_state.keep(changes)
    assert family_state.fold([good]).refused_run == 0
    assert family_state.fold([JUNK, JUNK]).longest_run == 3


def test_books_loaded_from_what_kafka_holds_go_on_as_if_never_closed(
    family_state: FamilyState,
) -> None:
    fold(family_state, RECEIVED, told("dossier.paid", "11-05 09:00"))
    reopened = FamilyState(FAMILIES["dossiers"])
    for key, row in family_state.states.items():
        reopened.states.put(key, row)
    asyncio.run(reopened.recount_pages())
    assert named(reopened.pages.items()) == named(family_state.pages.items())
    assert fold(reopened, FINISHED).pages == fold(family_state, FINISHED).pages


async def test_counting_anew_lets_the_event_loop_run(family_state: FamilyState) -> None:
    for number in range(10):
        fold(family_state, received(f"d{number}"))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    before = dict(family_state.pages.items())
    await family_state.recount_pages(chunk=2)
    task.cancel()
    assert turns >= 5
    assert dict(family_state.pages.items()) == before


def test_counting_anew_forgets_pages_that_no_state_supports(family_state: FamilyState) -> None:
    fold(family_state, RECEIVED)
    family_state.pages.put(b"dossiers|A|20251104", encode_page({"refused|p": {0: 7}}))
    asyncio.run(family_state.recount_pages())
    assert dict(family_state.pages.items()) == dict(family_state_of([RECEIVED]).pages.items())


def test_less_those_takes_each_away_as_often_as_it_stands() -> None:
    x, y = (b"x", (0,), ()), (b"y", (0,), ())
    assert without_common([x, x, y], [x]) == [x, y]
    assert without_common([x], [x, x]) == []
    assert without_common([x, x], [y]) == [x, x]


def test_every_event_type_of_a_family_has_its_merge() -> None:
    from schemas.events import EVENTS_BY_FAMILY as EVENTS

    for name, family in FAMILIES.items():
        assert family.merges.keys() == {model.type for model in EVENTS[name]}
    assert answer(RECEIVED)
