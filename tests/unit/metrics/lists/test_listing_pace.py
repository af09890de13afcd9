"""Figure and list of one moment: how the listing follows the cube, stops for a reader, and says
when it can't.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from cubes import INDICATORS
from facts import Heard, told
from listings import NOW, TOPIC, State, Worker, empty, feed, only_state, paced

from metrics.api.questions import Questions
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.lists import pace
from metrics.lists.listing import Listing
from metrics.lists.pace import Pace
from metrics.lists.questions import Lists
from metrics.lists.reader import applied
from metrics.lists.subjects import ListAsked
from ops.meanings import meanings
from serving.store.progress import Progress

READY = Progress(ready=True, percent=100.0, partitions=1)
RECEIVED = ListAsked.model_validate({"kind": "received", "measure": "received", "window": "all"})


def received(number: int) -> Heard:
    return told("dossier.received", "11-03 09:00", dossier_id=f"d{number}")


class Hub(SimpleNamespace):
    """A worker, what it has published of which the cube and the listing have taken some, and the
    lists.
    """

    worker: Worker
    cube: Cube
    listing: Listing
    pace: Pace

    def commit(self, *numbers: int) -> None:
        self.worker.commit(*(received(number) for number in numbers))

    def figures(self, records: int | None = None) -> None:
        """The cube takes all that is published, or so many pages."""
        found = self.worker.cells[: records or len(self.worker.cells)]
        self.cube.apply(found, {0: len(found)})

    def list_(self, start: int = 0, end: int | None = None) -> None:
        """The listing is fed what is published, or some of it."""
        found = self.worker.states[start:end]
        self.pace.apply(found, {TopicPartition(TOPIC, 0): found[-1].offset + 1})

    def at(self) -> dict[int, int] | None:
        return applied(self.listing._db, TOPIC)

    def completed(self) -> int:
        """When the listing last said that everything is in it."""
        return int(
            self.listing._db.execute(
                "SELECT value FROM facts WHERE name = 'complete_ms'"
            ).fetchone()[0]
        )

    def ask(self, pace: Pace | None = None) -> tuple[int | None, int | None, bool | None]:
        """Figure, what the list adds up to, and whether they are of one moment."""
        questions = Questions(
            Readers(self.cube), INDICATORS, {}, progress=lambda: READY, clock=lambda: NOW
        )
        answer = Lists(questions, pace or self.pace, meanings(), progress=lambda: READY).things(
            "dossiers", RECEIVED
        )
        return answer.figure, answer.adds, answer.same_moment


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    cube, listing = Cube(tmp_path / "cube.sqlite"), empty(tmp_path)
    cube.open("one", NOW)
    made = Hub(worker=Worker(), cube=cube, listing=listing, pace=paced(cube, listing, patience=0.0))
    made.pace.open("one", NOW)
    yield made
    cube.close()
    listing.close()


def test_the_listing_never_goes_beyond_the_figures(hub: Hub) -> None:
    hub.commit(1)
    hub.figures()
    hub.commit(2, 3)
    hub.commit(4)
    hub.list_()
    assert hub.at() == {0: 1}
    assert hub.ask() == (1, 1, True)
    hub.figures()
    hub.pace.check()
    assert hub.at() == {0: 4}
    assert hub.ask() == (4, 4, True)


def test_what_is_held_is_read_again_after_a_restart(hub: Hub) -> None:
    hub.commit(1)
    hub.figures()
    hub.commit(2)
    hub.list_()
    hub.pace.complete(NOW + 5)
    place = hub.pace.open("one", NOW)[TopicPartition(TOPIC, 0)]
    assert (place.next, place.last) == (2, 1), "behind the first transaction's state and its offset"
    assert hub.completed() == NOW
    hub.figures()
    hub.list_(place.last)
    assert hub.ask() == (2, 2, True)
    hub.pace.complete(NOW + 5)
    assert hub.completed() == NOW + 5


def test_the_record_that_is_read_once_more_after_a_restart_is_not_held(hub: Hub) -> None:
    """Or the file would look incomplete for as long as nothing else comes."""
    hub.commit(1)
    hub.figures()
    hub.list_()
    place = hub.pace.open("one", NOW)[TopicPartition(TOPIC, 0)]
    hub.list_(place.last)
    hub.pace.complete(NOW + 5)
    assert hub.completed() == NOW + 5


def test_it_stops_where_a_reader_read_the_figures(hub: Hub) -> None:
    """However far the figures go on meanwhile; and goes on once the reader has its snapshot."""
    hub.commit(1)
    hub.figures()
    hub.list_()
    with hub.pace.stopping("dossiers") as stop:
        hub.commit(2)
        hub.figures()
        hub.list_(2)
        assert hub.at() == {0: 1}, "it is held where it was"
        with Readers(hub.cube).snapshot() as figures:
            hub.pace.go_on_to(stop, figures)
        hub.commit(3)
        hub.figures()
        assert hub.pace.awaited()
        hub.list_(4)
        assert hub.at() == {0: 2}
        assert not hub.pace.awaited()
        with hub.pace.listed(stop) as (_, aligned):
            assert aligned
            hub.pace.check()
            assert hub.at() == {0: 3}


def test_of_several_readers_the_earliest_comes_first(hub: Hub) -> None:
    hub.commit(1)
    hub.figures()
    hub.list_()
    with hub.pace.stopping("dossiers") as late, hub.pace.stopping("dossiers") as early:
        for stop in (early, late):
            hub.commit(2 if stop is early else 3)
            hub.figures()
            with Readers(hub.cube).snapshot() as figures:
                hub.pace.go_on_to(stop, figures)
        hub.list_(2)
        assert hub.at() == {0: 2}
        with hub.pace.listed(early) as (_, aligned):
            assert aligned
        hub.pace.check()
        with hub.pace.listed(late) as (_, aligned):
            assert aligned
        assert hub.at() == {0: 3}


def test_a_reader_waits_for_a_listing_that_is_behind(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listing is fed by another thread, which begins once the reader waits."""
    hub.commit(1)
    hub.figures()
    hub.list_()
    hub.commit(2)
    hub.figures()
    assert hub.ask() == (2, 1, False), "no patience"
    patient = hub.pace = paced(hub.cube, hub.listing, patience=60.0)
    patient.open("one", NOW)
    feeding = threading.Thread(target=lambda: hub.list_(2))
    wait_for = patient._moved.wait_for

    def waiting(*arguments: object) -> object:
        feeding.start()
        return wait_for(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(patient._moved, "wait_for", waiting)
    assert hub.ask() == (2, 2, True)
    feeding.join()


def test_a_listing_that_is_ahead_is_not_waited_for(hub: Hub) -> None:
    """As after the cube was made anew. Though both count one dossier, they do not stand for the
    same events.
    """
    hub.commit(1)
    hub.worker.commit(told("dossier.step_taken", "11-04 09:00", dossier_id="d1"))
    feed(hub.listing, hub.worker.states)
    hub.figures(len(hub.worker.cells) - 1)
    patient = paced(hub.cube, hub.listing, patience=60.0)
    patient.open("one", NOW)
    assert hub.ask(patient) == (1, 1, False)


def test_half_a_transaction_is_of_no_moment(hub: Hub) -> None:
    """Neither in the listing nor in the cube; lengths are then compared, which may differ."""
    hub.commit(1)
    hub.figures()
    hub.list_()
    hub.commit(2, 3)
    hub.figures()
    hub.list_(2, 3)
    assert (hub.at(), hub.ask()) == (None, (3, 2, False))
    hub.list_(3)
    assert (hub.at(), hub.ask()) == ({0: 3}, (3, 3, True))
    hub.worker.commit(received(4), told("dossier.finished", "11-10 16:30", dossier_id="d1"))
    hub.figures(len(hub.worker.cells) - 1)
    with Readers(hub.cube).snapshot() as figures:
        assert figures.applied("dossiers") is None
    hub.figures()
    with Readers(hub.cube).snapshot() as figures:
        assert figures.applied("dossiers") == {0: (5, hub.worker.account.family.rules)}


def test_states_of_a_worker_that_did_not_say_how_far_are_compared_by_length(hub: Hub) -> None:
    """And nobody waits for them, neither now nor after a restart: they may never say it."""
    hub.pace = paced(hub.cube, hub.listing, patience=60.0)
    hub.commit(1)
    hub.figures()
    hub.pace.apply(hub.worker.states[:1], {TopicPartition(TOPIC, 0): 1})
    assert (hub.at(), hub.ask()) == (None, (1, 1, True))
    hub.pace.apply(
        [State(TOPIC, b"d2", only_state([received(2)]), offset=1)], {TopicPartition(TOPIC, 0): 2}
    )
    assert hub.ask() == (1, 2, False)
    hub.pace.open("one", NOW)
    assert hub.ask() == (1, 2, False)


def test_figures_counted_by_other_rules_have_no_list(hub: Hub) -> None:
    account = hub.worker.account
    account.family = replace(account.family, version=account.family.version + 1)
    hub.commit(1)
    hub.figures()
    hub.list_()
    with hub.pace.stopping("dossiers") as stop, Readers(hub.cube).snapshot() as figures:
        hub.pace.go_on_to(stop, figures)
        with hub.pace.listed(stop) as (_, aligned):
            assert aligned is None
    assert hub.ask() == (None, 0, None)


def test_too_many_states_do_not_wait_for_the_figures(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MOST_HELD", 4)
    hub.commit(1)
    hub.figures()
    hub.commit(2)
    hub.list_()
    assert hub.at() == {0: 1}
    hub.commit(3)
    hub.commit(4)
    hub.list_(4)
    assert hub.at() == {0: 4}


def test_while_the_cube_is_made_anew_nothing_waits_for_it(hub: Hub) -> None:
    hub.commit(1)
    hub.cube.close()
    hub.list_()
    assert hub.at() == {0: 1}


def test_a_listing_made_anew_forgets_what_it_held(hub: Hub) -> None:
    hub.commit(1)
    hub.figures()
    hub.commit(2)
    hub.list_()
    assert hub.pace.rebuild("one", NOW, "a test") == {}
    hub.figures()
    hub.list_(0, 2)
    assert hub.ask() == (2, 1, False)
    hub.list_(2)
    assert hub.ask() == (2, 2, True)


def test_a_list_that_contradicts_its_figure_is_shouted_about(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.commit(1)
    hub.figures()
    hub.list_()
    hub.listing._db.execute("DELETE FROM dossiers_received")
    with caplog.at_level(logging.ERROR):
        assert hub.ask() == (1, 0, False)
    assert "is 1 and its list adds up to 0 at the same moment: run `lgsp recount`" in caplog.text
