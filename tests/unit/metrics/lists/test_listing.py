"""The listing's file: what it holds of states, and in which order it tells it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from facts import family_state_of, ms, told
from listings import State, empty, everything, exported, feed, lives, of, states

from metrics.lists.listing import Listing, rows_of
from metrics.lists.reader import Total, dates, page, total
from metrics.lists.tables import HALF, TABLES

TOPIC = "lgsp.dossiers.state"


RECEIVED = told("dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30", heard="11-12 08:00")


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[Listing]:
    made = empty(tmp_path)
    yield made
    made.close()


def test_a_thing_is_listed_in_every_cell_that_it_counts_in(listing: Listing) -> None:
    feed(
        listing, states(family_state_of([RECEIVED, FINISHED, told("dossier.paid", "11-05 09:00")]))
    )
    [closed] = everything(listing, of("closed", "closed"))
    assert closed.cursor[1:] == (20251110, "A", "thing", 0)
    assert closed.category == "p"
    assert closed.counts == {
        "closed": 1,
        "finished": 1,
        "finished_online": 1,
        "on_time": 1,
        "results": 1,
        "reported_late": 1,
        "looked_overdue": 1,
        "processing_seconds": 631_800,
        "reports": 1,
        "lag_seconds": 142_200,
        "lag_le_172800": 1,
        "days_le_7": 1,
        "finished_without_step": 1,
        "processing_working_seconds": 163_800,
        "working_lag_seconds": 34_200,
        "working_lag_le_57600": 1,
    }
    assert exported(listing, of("received", "received_online")) == [(20251103, "A", "thing")]
    assert exported(listing, of("paid", "transactions")) == [(20251105, "A", "thing")]
    assert exported(listing, of("open", "open")) == []


def test_its_dates_go_with_it(listing: Listing) -> None:
    feed(listing, states(family_state_of([RECEIVED, FINISHED])))
    assert dates(listing._db, "dossiers", ["thing", "other"]) == {
        "thing": [
            ms("11-03 09:00"),
            ms("11-03 09:00"),
            ms("11-10 17:00"),
            ms("11-10 16:30"),
            ms("11-12 08:00"),
            None,
            None,
            None,
            None,
            None,
        ],
    }


def test_a_changed_state_takes_its_old_rows_away(listing: Listing) -> None:
    feed(listing, states(family_state_of([RECEIVED])))
    assert exported(listing, of("open", "open")) == [(ms("11-10 17:00"), "A", "thing")]
    feed(listing, states(family_state_of([RECEIVED, FINISHED])))
    assert exported(listing, of("open", "open")) == []
    moved = told("dossier.transferred", "11-04 09:00")
    feed(listing, states(family_state_of([RECEIVED, FINISHED, moved])))
    assert exported(listing, of("closed", "closed")) == [(20251110, "B", "thing")]
    assert exported(listing, of("received", "received")) == [(20251103, "A", "thing")]


def test_a_tombstone_takes_all_its_rows_away(listing: Listing) -> None:
    feed(listing, states(family_state_of([RECEIVED])))
    feed(listing, [State(TOPIC, b"thing", None, offset=1)])
    assert exported(listing, of("received", "received")) == []
    assert dates(listing._db, "dossiers", ["thing"]) == {}


def test_of_a_batch_the_newest_state_counts(listing: Listing) -> None:
    first, last = (
        next(states(family_state_of([RECEIVED]))),
        next(states(family_state_of([RECEIVED, FINISHED]))),
    )
    last.offset = 1
    feed(listing, [first, last])
    assert exported(listing, of("open", "open")) == []


def test_a_state_that_cannot_be_read_is_left_out_and_told(
    listing: Listing, caplog: pytest.LogCaptureFixture
) -> None:
    feed(
        listing,
        [
            *states(family_state_of([RECEIVED])),
            State(TOPIC, b"bad", b"\xff", offset=1),
            State(TOPIC, None, b"\xc0", offset=2),
        ],
    )
    assert exported(listing, of("received", "received")) == [(20251103, "A", "thing")]
    assert listing.stats.unreadable == 2
    assert "b'bad'" in caplog.text or "'bad'" in caplog.text


def test_two_payments_of_one_day_are_two_rows(listing: Listing) -> None:
    payments = [
        told("dossier.paid", "11-05 09:00", amount=100),
        told("dossier.paid", "11-05 10:00", amount=30, reference="r2", online=False),
    ]
    feed(listing, states(family_state_of([RECEIVED, *payments])))
    assert [found.adds for found in everything(listing, of("paid", "amount"))] == [100, 30]
    assert [found.cursor.number for found in everything(listing, of("paid", "transactions"))] == [
        0,
        1,
    ]
    assert total(listing._db, of("paid", "amount")) == Total(rows=2, adds=130)
    assert total(listing._db, of("paid", "transactions_online")) == Total(rows=1, adds=1)


def test_rows_are_told_by_at_then_agency_then_thing(listing: Listing) -> None:
    feed(listing, states(family_state_of(lives(7, RECEIVED))))
    everyone = [
        (20251103, agency, thing)
        for agency, things in (("A", "036"), ("B", "14"), ("C", "25"))
        for thing in [f"d{n}" for n in things]
    ]
    assert exported(listing, of("received", "received")) == everyone
    for limit in (1, 2, 3, 7, 8):
        assert [
            found.cursor[1:4] for found in everything(listing, of("received", "received"), limit)
        ] == everyone


@pytest.mark.parametrize("agencies", [("B",), ("A", "C"), ("A", "B", "C"), ("C", "Z"), ()])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_of_some_agencies_the_same_rows_in_the_same_order(
    listing: Listing, agencies: tuple[str, ...], limit: int
) -> None:
    later = told("dossier.received", "11-04 09:00", event_id="later")
    feed(
        listing,
        states(
            family_state_of(
                [
                    *lives(8, RECEIVED),
                    *(
                        (e.model_copy(update={"dossier_id": f"x{e.thing}"}), at)
                        for e, at in lives(5, later)
                    ),
                ]
            )
        ),
    )
    chosen = of("received", "received", agencies=agencies)
    whole = [
        found.cursor
        for found in everything(listing, of("received", "received"))
        if found.cursor.agency in agencies
    ]
    assert [found.cursor for found in everything(listing, chosen, limit)] == whole
    assert total(listing._db, chosen).rows == len(whole)


def test_a_page_goes_on_where_the_last_one_ended_though_that_row_is_gone(listing: Listing) -> None:
    feed(listing, states(family_state_of(lives(6, RECEIVED))))
    first = page(listing._db, of("received", "received"), None, 2)
    feed(listing, [State(TOPIC, first[-1].cursor.thing.encode(), None, offset=9)])
    rest = page(listing._db, of("received", "received"), first[-1].cursor, 9)
    assert [found.cursor.thing for found in [*first, *rest]] == ["d0", "d3", "d1", "d4", "d2", "d5"]


def test_what_is_taken_away_is_not_listed_and_only_some_categories_are(listing: Listing) -> None:
    other = told(
        "dossier.received", "11-03 09:00", dossier_id="other", procedure="q", due_at="11-10 17:00"
    )
    feed(
        listing,
        states(
            family_state_of([RECEIVED, told("dossier.supplement_requested", "11-04 09:00"), other])
        ),
    )
    assert exported(listing, of("open", "open", less=("waiting",))) == [
        (ms("11-10 17:00"), "A", "other")
    ]
    assert exported(listing, of("open", "open", categories=("p",))) == [
        (ms("11-10 17:00"), "A", "thing")
    ]
    assert [
        found.adds for found in everything(listing, of("open", "waiting", less=("open", "open")))
    ] == [-2, -1]


def test_selections_are_told_one_after_the_other(listing: Listing) -> None:
    feed(listing, states(family_state_of([*lives(3, RECEIVED, FINISHED)])))
    both = [*of("received", "received", agencies=("C",)), *of("closed", "finished")]
    for limit in (1, 2, 9):
        assert [
            (found.cursor.selection, found.cursor.thing)
            for found in everything(listing, both, limit)
        ] == [
            (0, "d2"),
            *((1, f"d{n}") for n in range(3)),
        ]
    assert total(listing._db, both) == Total(rows=4, adds=4)


def test_documents_are_listed_at_each_receiver(listing: Listing) -> None:
    sent = told("document.sent", "11-03 09:00", to=["B", "C"])
    answers = [
        told("document.status_changed", "11-03 10:00", agency=agency, status="03")
        for agency in "BC"
    ]
    feed(listing, states(family_state_of([sent, *answers])))
    chosen = of("accepted", "accepted_seconds", family="documents")
    assert [(found.cursor.agency, found.adds) for found in everything(listing, chosen)] == [
        ("B", 3_600),
        ("C", 3_600),
    ]
    assert dates(listing._db, "documents", ["thing"]) == {"thing": [ms("11-03 09:00"), None]}


def test_tasks_are_listed_with_their_dates(listing: Listing) -> None:
    facts = [
        told("task.assigned", "11-03 09:00", due_at="11-10 17:00"),
        told("task.completed", "11-09 09:00"),
    ]
    feed(listing, states(family_state_of(facts)))
    [done] = everything(listing, of("completed", "on_time", family="tasks"))
    assert done.counts == {"completed": 1, "on_time": 1}
    assert dates(listing._db, "tasks", ["thing"])["thing"] == [
        ms("11-03 09:00"),
        ms("11-10 17:00"),
        ms("11-09 09:00"),
        *[None] * 4,
    ]


def test_every_measure_has_its_bit_or_its_column() -> None:
    for table in TABLES.values():
        assert len(table.declared.measures) <= 2 * HALF
        low, high = (1 << HALF) - 1, (1 << HALF) - 1
        counts = table.counts(low, high, range(5, 5 + len(table.sums)))
        assert list(counts) == list(table.declared.measures)
        assert {name: counts[name] for name in table.sums} == {
            name: 5 + place for place, name in enumerate(table.sums)
        }


@pytest.mark.parametrize(
    ("measures", "less"),
    [
        (("closed",), ()),
        (("late_766",), ()),
        (("closed",), ("no_due", "late_766")),
        (("on_time", "late", "no_due"), ()),
        (("closed", "closed"), ("no_due",)),
        (("closed",), ("closed",)),
        (("days_le_7",), ()),
        (("days_le_7", "days_le_8"), ("days_le_9",)),
        (("closed",), ("days_le_7",)),
        (("closed", "finished", "on_time", "early", "late"), ()),
        (("lag_seconds",), ("closed",)),
    ],
)
def test_rows_weigh_what_their_measures_add_up_to(
    measures: tuple[str, ...], less: tuple[str, ...]
) -> None:
    """However they are asked for: for any bits of the measures, in either half, and amounts."""
    table, db = TABLES["dossiers", "closed"], sqlite3.connect(":memory:")
    names = sorted({*measures, *less})
    columns = ", ".join(f'"{name}"' for name in table.sums)
    db.execute(f"CREATE TABLE rows (low, high, {columns})")
    expected = []
    for chosen in product((0, 1), repeat=len(names)):
        counts = dict(zip(names, chosen, strict=True)) | {"moved": 1}
        bits = sum(
            1 << table.declared.measures.index(name)
            for name, count in counts.items()
            if count and name not in table.sums
        )
        row = (
            bits & (1 << HALF) - 1,
            bits >> HALF,
            *(40 * counts.get(name, 0) for name in table.sums),
        )
        db.execute(f"INSERT INTO rows VALUES ({', '.join('?' * len(row))})", row)
        worth = {name: count * (40 if name in table.sums else 1) for name, count in counts.items()}
        expected.append(sum(worth[name] for name in measures) - sum(worth[name] for name in less))
    found = table.weighing(measures, less)
    weights = db.execute(
        f"SELECT {found.weight} FROM rows WHERE {found.condition} ORDER BY rowid"
    ).fetchall()
    assert [weight for (weight,) in weights] == [weight for weight in expected if weight]
    assert found.each is None or {weight for (weight,) in weights} <= {found.each}


def test_an_amount_for_a_measure_that_counts_ones_is_refused() -> None:
    with pytest.raises(KeyError):
        rows_of([(b"dossiers|received|A|p|20251103", (0,), ((1, 5),))])
