"""A partition's books: what a batch changes, and that nothing is changed until it is kept."""

from __future__ import annotations

import asyncio

import pytest
from facts import Heard, Record, answer, books_of, ms, named, record, told

from schemas.wire import encode
from streams.books import Books, Changes, without
from streams.families import FAMILIES

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30")
OPEN_KEY = f"dossiers|open|A|p|{ms('11-10 17:00')}".encode()
JUNK = Record(b"thing", b"no contract")


def received(thing: str, at: str = "11-03 09:00") -> Heard:
    return told("dossier.received", at, dossier_id=thing)


def fold(books: Books, *facts: Heard) -> Changes:
    changes = books.fold([record(*fact) for fact in facts])
    books.keep(changes)
    return changes


@pytest.fixture
def books() -> Books:
    return Books(FAMILIES["dossiers"])


def test_books_stay_as_they_are_until_changes_are_kept(books: Books) -> None:
    changes = books.fold([record(*RECEIVED), JUNK])
    assert (books.states, books.cells, books.refused_run) == ({}, {}, 0)
    assert books.fold([record(*RECEIVED), JUNK]).cells == changes.cells
    books.keep(changes)
    assert books.states.keys() == {b"thing"}
    assert books.cells == dict(changes.cells)
    assert books.refused_run == 1


def test_a_batch_gives_each_state_and_cell_once_and_as_a_whole(books: Books) -> None:
    changes = fold(books, received("d1"), received("d2"), received("d2"), received("d3"))
    assert [key for key, _ in changes.states] == [b"d1", b"d2", b"d3"]
    assert named(changes.cells) == {
        ("received", "A", "p", 20251103): {"received": 3, "received_counter": 3, "reception_reports": 3, "reception_lag_le_1": 3},
        ("open", "A", "p", 0): {"open": 3},
    }  # fmt: skip
    assert changes.events == 4


def test_a_cell_that_has_become_zero_is_a_tombstone_and_gone(books: Books) -> None:
    fold(books, RECEIVED)
    changes = fold(books, FINISHED)
    assert dict(changes.cells)[OPEN_KEY] is None
    assert OPEN_KEY not in books.cells
    assert dict(fold(books, told("dossier.reopened", "11-11 09:00")).cells)[OPEN_KEY] == b"[1]"


def test_what_says_nothing_new_writes_nothing(books: Books) -> None:
    fold(books, RECEIVED, FINISHED)
    again = fold(books, FINISHED, RECEIVED)
    assert (again.states, again.cells, again.events) == ([], [], 2)


def test_a_state_may_change_without_any_cell(books: Books) -> None:
    fold(books, RECEIVED)
    changes = fold(books, told("dossier.step_taken", "11-04 09:00"))
    assert len(changes.states) == 1
    assert changes.cells == []


def test_two_payments_alike_are_two(books: Books) -> None:
    first, second = (told("dossier.paid", "11-05 09:00", reference=name, event_id=name) for name in ("r1", "r2"))
    cell = ("paid", "A", "p", 20251105)
    fold(books, RECEIVED, first, second)
    assert named(books.cells.items())[cell]["transactions"] == 2
    fold(books, told("dossier.paid", "11-06 09:00", reference="r2", state="refunded"))
    assert named(books.cells.items())[cell] == {"transactions": 1, "transactions_online": 1, "amount": 50_000, "amount_online": 50_000}
    fold(books, told("dossier.paid", "11-05 09:00", reference="r3"))
    assert named(books.cells.items())[cell]["transactions"] == 2


def test_trailing_zeros_are_left_out_of_a_cell_from_its_first_writing_on(books: Books) -> None:
    fold(books, RECEIVED, told("dossier.paid", "11-05 09:00", amount=0))
    assert books.cells[b"dossiers|paid|A|p|20251105"] == b"[1,1]"


def test_what_does_not_decode_is_refused_with_its_reason_and_the_rest_goes_on(books: Books) -> None:
    bad = [JUNK, Record(b"thing", None), Record(b"thing", encode(RECEIVED[0])[:-1]), Record(None, encode(RECEIVED[0])),
           Record(b"", encode(RECEIVED[0]))]  # fmt: skip
    changes = books.fold([*bad, record(*RECEIVED)])
    assert [refused.record for refused in changes.refused] == bad
    expected = ["no contract", "no value", "do not decode", "no key", "no key"]
    assert all(word in refused.reason for word, refused in zip(expected, changes.refused, strict=True))
    assert [key for key, _ in changes.states] == [b"thing"]


def test_runs_of_refused_records_are_counted_across_batches(books: Books) -> None:
    good = record(*RECEIVED)
    books.keep(books.fold([good, JUNK, JUNK]))
    changes = books.fold([JUNK, good, JUNK])
    assert (changes.longest_run, changes.refused_run) == (3, 1)
    books.keep(changes)
    assert books.fold([good]).refused_run == 0
    assert books.fold([JUNK, JUNK]).longest_run == 3


def test_books_loaded_from_what_kafka_holds_go_on_as_if_never_closed(books: Books) -> None:
    fold(books, RECEIVED, told("dossier.paid", "11-05 09:00"))
    reopened = Books(FAMILIES["dossiers"])
    for key, row in books.states.items():
        reopened.set_state(key, row)
    asyncio.run(reopened.rebuild_cells())
    assert reopened.cells == books.cells
    assert fold(reopened, FINISHED).cells == fold(books, FINISHED).cells


def test_tombstones_take_states_and_cells_out(books: Books) -> None:
    books.set_state(b"a", b"row")
    books.set_cell(b"b", b"[1]")
    books.set_state(b"a", None)
    books.set_cell(b"b", None)
    books.set_state(b"never", None)
    books.set_cell(b"never", b"")
    assert (books.states, books.cells) == ({}, {})


def test_equal_small_cells_share_their_bytes(books: Books) -> None:
    for key in (b"a", b"b"):
        books.set_cell(key, b"[%d]" % 1)
        books.set_cell(key + b"long", b"[%s]" % b",".join([b"1"] * 20))
    assert books.cells[b"a"] is books.cells[b"b"]
    assert books.cells[b"along"] == books.cells[b"blong"]


async def test_counting_anew_lets_the_event_loop_run(books: Books) -> None:
    for number in range(10):
        fold(books, received(f"d{number}"))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    before = dict(books.cells)
    await books.rebuild_cells(chunk=2)
    task.cancel()
    assert turns >= 5
    assert books.cells == before


def test_counting_anew_forgets_cells_that_no_state_supports(books: Books) -> None:
    fold(books, RECEIVED)
    books.set_cell(b"dossiers|refused|A|p|20251103", b"[7]")
    asyncio.run(books.rebuild_cells())
    assert books.cells.keys() == books_of([RECEIVED]).cells.keys()


def test_less_those_takes_each_away_as_often_as_it_stands() -> None:
    x, y = (b"x", (0,), ()), (b"y", (0,), ())
    assert without([x, x, y], [x]) == [x, y]
    assert without([x], [x, x]) == []
    assert without([x, x], [y]) == [x, x]


def test_every_event_type_of_a_family_has_its_merge() -> None:
    from schemas.events import FAMILIES as EVENTS

    for name, family in FAMILIES.items():
        assert family.merges.keys() == {model.type for model in EVENTS[name]}
    assert answer(RECEIVED)
