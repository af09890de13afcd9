"""Whatever is fed to cube and listing, in whichever pieces and order: a list of the figure's moment
adds up to the figure.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import TopicPartition
from facts import Heard, told
from hypothesis import given
from hypothesis import strategies as st
from listings import NOW, TOPIC, Worker, empty, paced
from strategies import examples

from metrics.cube.cube import Cube
from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import Readers
from metrics.cube.tables import TABLES
from metrics.lists.listing import Listing
from metrics.lists.pace import Pace
from metrics.lists.reader import Selection, total
from metrics.lists.tables import TABLES as LISTED
from schemas.windows import EVER

PARTITIONS = (0, 1)
STEP = st.tuples(
    st.sampled_from(["commit", "figures", "list", "ask"]),
    st.sampled_from(PARTITIONS),
    st.integers(1, 5),
)
SELECTED = [Selection(LISTED["dossiers", "received"], 0, 99_999_999, ("received",))]


class Hub:
    """Two workers, a cube and a listing that take what they publish piece by piece."""

    def __init__(self, cube: Cube, listing: Listing) -> None:
        self.cube, self.pace = cube, paced(cube, listing, patience=0.0)
        self.workers = [Worker(partition) for partition in PARTITIONS]
        self.taken = {
            (what, partition): 0 for what in ("figures", "list") for partition in PARTITIONS
        }
        cube.rebuild("one", NOW, "a new story")
        self.pace.rebuild("one", NOW, "a new story")

    def do(self, what: str, partition: int, count: int) -> None:
        if what == "commit":
            self.workers[partition].commit(*self.facts(partition, count))
        elif what == "ask":
            self.ask()
        else:
            self.take(what, partition, count)

    def facts(self, partition: int, count: int) -> list[Heard]:
        """Some new dossiers; every second time one that is known already, which changes no
        figure.
        """
        done = self.workers[partition].part.next
        first = done if count % 2 else max(0, done - 1)
        return [
            told("dossier.received", "11-03 09:00", dossier_id=f"{partition}-{first + number}")
            for number in range(count)
        ]

    def take(self, what: str, partition: int, count: int) -> None:
        """The next so many records."""
        worker, start = self.workers[partition], self.taken[what, partition]
        if what == "figures" and (cells := worker.cells[start : start + count]):
            self.cube.apply(cells, {partition: start + len(cells)})
        if what == "list":
            states = worker.states[start : start + count]
            self.pace.apply(
                states, {TopicPartition(TOPIC, partition): start + len(states)} if states else {}
            )
        self.taken[what, partition] = min(
            start + count, len(worker.cells if what == "figures" else worker.states)
        )

    def ask(self) -> bool | None:
        """Whether they were of one moment; then they are equal, however much is fed between the two
        readings.
        """
        with self.pace.stopping("dossiers") as stop, Readers(self.cube).snapshot() as figures:
            self.pace.go_on_to(stop, figures)
            for partition in PARTITIONS:
                self.take("figures", partition, 2)
                self.take("list", partition, 3)
            with self.pace.listed(stop) as (db, aligned):
                [figure] = figures.total(
                    TABLES["dossiers", "received"], cover_days(EVER), ["received"]
                )
                assert not aligned or total(db, SELECTED).adds == figure
        return aligned


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cube, Listing]:
    folder: Path = tmp_path_factory.mktemp("pace")
    return Cube(folder / "cube.sqlite"), empty(folder)


def test_a_list_of_the_same_moment_is_the_figure(files: tuple[Cube, Listing]) -> None:
    asked: list[bool | None] = []

    @examples(60)
    @given(st.lists(STEP, max_size=40))
    def check(steps: list[tuple[str, int, int]]) -> None:
        hub = Hub(*files)
        for step in steps:
            hub.do(*step)
        asked.append(hub.ask())
        for partition in PARTITIONS:
            hub.take("figures", partition, 1_000)
            hub.take("list", partition, 1_000)
        assert hub.ask() is True, "once everything is fed"

    check()
    assert {True, False} <= set(asked)


def test_pace_is_what_feeds(files: tuple[Cube, Listing]) -> None:
    """Everything that is published is in the list in the end, though some of it was held."""
    hub = Hub(*files)
    hub.do("commit", 0, 3)
    hub.take("figures", 0, 100)
    hub.do("commit", 0, 5)
    hub.take("list", 0, 100)
    assert isinstance(hub.pace, Pace)
    assert total(files[1]._db, SELECTED).adds == 3
    hub.take("figures", 0, 100)
    hub.pace.check()
    assert total(files[1]._db, SELECTED).adds == 8
