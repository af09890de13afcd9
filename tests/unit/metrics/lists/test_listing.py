"""The listing's file: what it holds of states, in which order it tells it, and when it is made
anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from facts import Heard, books_of, ms, told
from listings import NOW, State, empty, everything, feed, states

from metrics.lists.listing import Listing, rows_of
from metrics.lists.reader import Selection, Total, dates, offsets, page, total
from metrics.lists.tables import HALF, TABLES, fingerprint
from ops.meanings import meanings
from serving.store.disposable import LONGEST_AWAY_MS, Position, Snapshots, Unreadable, Untrusted

TOPIC = "lgsp.dossiers.state"
DAYS = (20250101, 20251231)


def lives(count: int, *facts: Heard) -> list[Heard]:
    """The same facts about so many dossiers, at agencies A, B and C in turn."""
    return [
        (event.model_copy(update={"dossier_id": f"d{number}", "agency": "ABC"[number % 3]}), at)
        for number in range(count)
        for event, at in facts
    ]


RECEIVED = told("dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30", heard="11-12 08:00")


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[Listing]:
    made = empty(tmp_path)
    yield made
    made.close()


def of(kind: str, *measures: str, family: str = "dossiers", **limits: Any) -> list[Selection]:
    """Rows of a kind that count for some measures."""
    low, high = (0, 1 << 60) if kind == "open" else DAYS
    return [Selection(TABLES[family, kind], low, high, measures, **limits)]


def told_of(listing: Listing, selections: list[Selection]) -> list[tuple[int, str, str]]:
    return [found.place[1:4] for found in everything(listing, selections)]


def test_a_thing_is_listed_in_every_cell_that_it_counts_in(listing: Listing) -> None:
    feed(listing, states(books_of([RECEIVED, FINISHED, told("dossier.paid", "11-05 09:00")])))
    [closed] = everything(listing, of("closed", "closed"))
    assert closed.place[1:] == (20251110, "A", "thing", 0)
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
    assert told_of(listing, of("received", "received_online")) == [(20251103, "A", "thing")]
    assert told_of(listing, of("paid", "transactions")) == [(20251105, "A", "thing")]
    assert told_of(listing, of("open", "open")) == []


def test_its_dates_go_with_it(listing: Listing) -> None:
    feed(listing, states(books_of([RECEIVED, FINISHED])))
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
        ],
    }


def test_a_changed_state_takes_its_old_rows_away(listing: Listing) -> None:
    feed(listing, states(books_of([RECEIVED])))
    assert told_of(listing, of("open", "open")) == [(ms("11-10 17:00"), "A", "thing")]
    feed(listing, states(books_of([RECEIVED, FINISHED])))
    assert told_of(listing, of("open", "open")) == []
    moved = told("dossier.transferred", "11-04 09:00")
    feed(listing, states(books_of([RECEIVED, FINISHED, moved])))
    assert told_of(listing, of("closed", "closed")) == [(20251110, "B", "thing")]
    assert told_of(listing, of("received", "received")) == [(20251103, "A", "thing")]


def test_a_tombstone_takes_all_its_rows_away(listing: Listing) -> None:
    feed(listing, states(books_of([RECEIVED])))
    feed(listing, [State(TOPIC, b"thing", None, offset=1)])
    assert told_of(listing, of("received", "received")) == []
    assert dates(listing._db, "dossiers", ["thing"]) == {}


def test_of_a_batch_the_newest_state_counts(listing: Listing) -> None:
    first, last = next(states(books_of([RECEIVED]))), next(states(books_of([RECEIVED, FINISHED])))
    last.offset = 1
    feed(listing, [first, last])
    assert told_of(listing, of("open", "open")) == []


def test_a_state_that_cannot_be_read_is_left_out_and_told(
    listing: Listing, caplog: pytest.LogCaptureFixture
) -> None:
    feed(
        listing,
        [
            *states(books_of([RECEIVED])),
            State(TOPIC, b"bad", b"\xff", offset=1),
            State(TOPIC, None, b"\xc0", offset=2),
        ],
    )
    assert told_of(listing, of("received", "received")) == [(20251103, "A", "thing")]
    assert listing.stats.unreadable == 2
    assert "b'bad'" in caplog.text or "'bad'" in caplog.text


def test_two_payments_of_one_day_are_two_rows(listing: Listing) -> None:
    payments = [
        told("dossier.paid", "11-05 09:00", amount=100),
        told("dossier.paid", "11-05 10:00", amount=30, reference="r2", online=False),
    ]
    feed(listing, states(books_of([RECEIVED, *payments])))
    assert [found.adds for found in everything(listing, of("paid", "amount"))] == [100, 30]
    assert [found.place.number for found in everything(listing, of("paid", "transactions"))] == [
        0,
        1,
    ]
    assert total(listing._db, of("paid", "amount")) == Total(rows=2, adds=130)
    assert total(listing._db, of("paid", "transactions_online")) == Total(rows=1, adds=1)


def test_rows_are_told_by_at_then_agency_then_thing(listing: Listing) -> None:
    feed(listing, states(books_of(lives(7, RECEIVED))))
    everyone = [
        (20251103, agency, thing)
        for agency, things in (("A", "036"), ("B", "14"), ("C", "25"))
        for thing in [f"d{n}" for n in things]
    ]
    assert told_of(listing, of("received", "received")) == everyone
    for limit in (1, 2, 3, 7, 8):
        assert [
            found.place[1:4] for found in everything(listing, of("received", "received"), limit)
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
            books_of(
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
        found.place
        for found in everything(listing, of("received", "received"))
        if found.place.agency in agencies
    ]
    assert [found.place for found in everything(listing, chosen, limit)] == whole
    assert total(listing._db, chosen).rows == len(whole)


def test_a_page_goes_on_where_the_last_one_ended_though_that_row_is_gone(listing: Listing) -> None:
    feed(listing, states(books_of(lives(6, RECEIVED))))
    first = page(listing._db, of("received", "received"), None, 2)
    feed(listing, [State(TOPIC, first[-1].place.thing.encode(), None, offset=9)])
    rest = page(listing._db, of("received", "received"), first[-1].place, 9)
    assert [found.place.thing for found in [*first, *rest]] == ["d0", "d3", "d1", "d4", "d2", "d5"]


def test_what_is_taken_away_is_not_listed_and_only_some_categories_are(listing: Listing) -> None:
    other = told(
        "dossier.received", "11-03 09:00", dossier_id="other", procedure="q", due_at="11-10 17:00"
    )
    feed(
        listing,
        states(books_of([RECEIVED, told("dossier.supplement_requested", "11-04 09:00"), other])),
    )
    assert told_of(listing, of("open", "open", less=("waiting",))) == [
        (ms("11-10 17:00"), "A", "other")
    ]
    assert told_of(listing, of("open", "open", categories=("p",))) == [
        (ms("11-10 17:00"), "A", "thing")
    ]
    assert [
        found.adds for found in everything(listing, of("open", "waiting", less=("open", "open")))
    ] == [-2, -1]


def test_selections_are_told_one_after_the_other(listing: Listing) -> None:
    feed(listing, states(books_of([*lives(3, RECEIVED, FINISHED)])))
    both = [*of("received", "received", agencies=("C",)), *of("closed", "finished")]
    for limit in (1, 2, 9):
        assert [
            (found.place.selection, found.place.thing) for found in everything(listing, both, limit)
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
    feed(listing, states(books_of([sent, *answers])))
    chosen = of("accepted", "accepted_seconds", family="documents")
    assert [(found.place.agency, found.adds) for found in everything(listing, chosen)] == [
        ("B", 3_600),
        ("C", 3_600),
    ]
    assert dates(listing._db, "documents", ["thing"]) == {"thing": [ms("11-03 09:00")]}


def test_tasks_are_listed_with_their_dates(listing: Listing) -> None:
    facts = [
        told("task.assigned", "11-03 09:00", due_at="11-10 17:00"),
        told("task.completed", "11-09 09:00"),
    ]
    feed(listing, states(books_of(facts)))
    [done] = everything(listing, of("completed", "on_time", family="tasks"))
    assert done.counts == {"completed": 1, "on_time": 1}
    assert dates(listing._db, "tasks", ["thing"])["thing"] == [
        ms("11-03 09:00"),
        ms("11-10 17:00"),
        ms("11-09 09:00"),
        None,
        None,
    ]


def test_it_remembers_how_far_each_topic_was_read(tmp_path: Path) -> None:
    listing = empty(tmp_path)
    feed(
        listing,
        [
            *states(books_of([RECEIVED])),
            State("lgsp.tasks.state", b"t", None, partition=3, offset=7, timestamp=5),
        ],
    )
    assert offsets(listing._db) == {TOPIC: {"0": 1}, "lgsp.tasks.state": {"3": 8}}
    listing.close()
    again = Listing(listing.path, meanings())
    assert again.open("one", NOW) == {
        TopicPartition(TOPIC, 0): Position(1, 0, NOW),
        TopicPartition("lgsp.tasks.state", 3): Position(8, 7, 5),
    }
    assert told_of(again, of("received", "received")) == [(20251103, "A", "thing")]
    assert again.rebuilds == 0


def rebuilt(tmp_path: Path, cluster: str = "one", now: int = NOW) -> Listing:
    listing = Listing(tmp_path / "listing.sqlite", meanings())
    assert listing.open(cluster, now) == {}
    assert listing.rebuilds == 1
    assert told_of(listing, of("received", "received")) == []
    return listing


def filled(tmp_path: Path) -> Path:
    listing = empty(tmp_path)
    feed(listing, states(books_of(lives(200, RECEIVED))))
    listing.close()
    return listing.path


def test_a_file_of_another_cluster_is_made_anew(tmp_path: Path) -> None:
    filled(tmp_path)
    rebuilt(tmp_path, cluster="two")


def test_a_file_that_was_not_fed_for_long_is_made_anew(tmp_path: Path) -> None:
    filled(tmp_path)
    rebuilt(tmp_path, now=NOW + LONGEST_AWAY_MS + 1)


def test_a_half_written_file_is_made_anew(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes()[:9_000])
    rebuilt(tmp_path)


def test_a_file_that_is_no_database_is_made_anew(tmp_path: Path) -> None:
    filled(tmp_path).write_bytes(b"nothing of the kind" * 1_000)
    rebuilt(tmp_path)


def test_a_file_of_other_rules_is_made_anew(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with sqlite3.connect(path) as raw:
        rules = {meaning.family: (meaning.rules, meaning.date_names) for meaning in meanings()}
        assert (
            fingerprint(rules)
            == raw.execute("SELECT value FROM facts WHERE name = 'layout'").fetchone()[0]
        )
        raw.execute(
            "UPDATE facts SET value = ? WHERE name = 'layout'",
            (fingerprint(rules | {"dossiers": (0, ())}),),
        )
    rebuilt(tmp_path)


def test_a_deleted_file_and_one_that_readers_met_damage_in_are_doubted(tmp_path: Path) -> None:
    listing = empty(tmp_path)
    listing.check()
    listing.suspect("a page is torn", listing.generation)
    with pytest.raises(Untrusted, match="a page is torn"):
        listing.check()
    listing.rebuild("one", NOW, "torn")
    listing.check()
    listing.path.unlink()
    with pytest.raises(Untrusted, match="deleted"):
        feed(listing, states(books_of([RECEIVED])))


def test_readers_see_one_moment_and_say_when_the_file_is_made_anew(tmp_path: Path) -> None:
    listing = empty(tmp_path)
    readers = Snapshots(listing, "The list is being made anew")
    feed(listing, states(books_of([RECEIVED])))
    with readers.snapshot() as db:
        assert total(db, of("open", "open")).rows == 1
        feed(listing, states(books_of([RECEIVED, FINISHED])))
        assert total(db, of("open", "open")).rows == 1
    with readers.snapshot() as db:
        assert total(db, of("open", "open")).rows == 0
    listing.close()
    with pytest.raises(Unreadable, match="The list is being made anew"), readers.snapshot():
        pass
    listing.open("two", NOW)
    with readers.snapshot() as db:
        assert total(db, of("closed", "closed")).rows == 0


def test_damage_that_a_reader_meets_makes_the_file_anew(tmp_path: Path) -> None:
    listing = empty(tmp_path)
    readers = Snapshots(listing, "The list is being made anew")
    with (
        pytest.raises(Unreadable, match="The list is being made anew: ask again"),
        readers.snapshot() as db,
    ):
        db.execute("SELECT * FROM missing")
    with pytest.raises(Untrusted, match="no such table"):
        listing.check()


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
