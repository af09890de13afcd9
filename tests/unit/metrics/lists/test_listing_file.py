"""The listing's file: how far it was read, and when it is made anew."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from facts import family_state_of, told
from listings import NOW, State, empty, exported, feed, lives, of, states

from metrics.lists.listing import Listing
from metrics.lists.reader import offsets, total
from metrics.lists.tables import fingerprint
from ops.meanings import meanings
from serving.store.disposable import LONGEST_AWAY_MS, Position, Snapshots, Unreadable, Untrusted

TOPIC = "lgsp.dossiers.state"


RECEIVED = told("dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00")
FINISHED = told("dossier.finished", "11-10 16:30", heard="11-12 08:00")


def test_it_remembers_how_far_each_topic_was_read(tmp_path: Path) -> None:
    listing = empty(tmp_path)
    feed(
        listing,
        [
            *states(family_state_of([RECEIVED])),
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
    assert exported(again, of("received", "received")) == [(20251103, "A", "thing")]
    assert again.rebuilds == 0


def rebuilt(tmp_path: Path, cluster: str = "one", now: int = NOW) -> Listing:
    listing = Listing(tmp_path / "listing.sqlite", meanings())
    assert listing.open(cluster, now) == {}
    assert listing.rebuilds == 1
    assert exported(listing, of("received", "received")) == []
    return listing


def filled(tmp_path: Path) -> Path:
    listing = empty(tmp_path)
    feed(listing, states(family_state_of(lives(200, RECEIVED))))
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
        rules = {
            meaning.family: (meaning.rules, (*meaning.date_names, *meaning.text_names))
            for meaning in meanings()
        }
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
        feed(listing, states(family_state_of([RECEIVED])))


def test_readers_see_one_moment_and_say_when_the_file_is_made_anew(tmp_path: Path) -> None:
    listing = empty(tmp_path)
    readers = Snapshots(listing, "The list is being made anew")
    feed(listing, states(family_state_of([RECEIVED])))
    with readers.snapshot() as db:
        assert total(db, of("open", "open")).rows == 1
        feed(listing, states(family_state_of([RECEIVED, FINISHED])))
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
