"""Ready is when every fact that stood in Kafka at the start is counted; until then it is said how
far that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cubes import NOW, FedCube, Record

from metrics.api.problems import Problem
from metrics.api.questions import Questions
from metrics.cube.snapshot import Readers
from schemas.cells import Rules, Standing, applied_row
from serving.store.progress import Progress

# 5,000 and 2,000 facts of dossiers, 1,883 of tasks; what was before offset 10 is no longer kept
STANDING = {
    ("dossiers", 0): (0, 5_000),
    ("dossiers", 1): (10, 2_010),
    ("tasks", 0): (0, 1_883),
    ("tasks", 1): (7, 7),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimpleNamespace]:
    cube, progress = (
        FedCube(tmp_path / "cube.sqlite"),
        Progress(ready=True, percent=100.0, partitions=2),
    )
    cube.open("one", NOW)
    made = SimpleNamespace(cube=cube, standing=STANDING)
    made.questions = Questions(
        Readers(cube),
        {},
        {},
        progress=lambda: progress,
        clock=lambda: NOW,
        standing=lambda: made.standing,
    )
    yield made
    cube.close()


def counted(world: SimpleNamespace, family: str, offset: int, partition: int = 0) -> None:
    """Workers have come so far."""
    world.cube.apply(
        [Record(*applied_row(family, Standing(offset, Rules(1))), partition=partition)],
        {partition: 1},
    )


def told(world: SimpleNamespace) -> str:
    with pytest.raises(Problem) as refused:
        world.questions.caught_up()
    assert refused.value.name == "not-ready"
    return refused.value.detail


def test_without_a_worker_it_says_that_none_has_counted(world: SimpleNamespace) -> None:
    assert told(world).startswith("No worker has counted anything for the books lgsp yet: ")


def test_a_quarter_of_the_facts_is_not_ready(world: SimpleNamespace) -> None:
    counted(world, "dossiers", 2_219)
    assert told(world).startswith("2,219 of 8,883 facts are counted: ")
    counted(world, "dossiers", 9_999)  # facts that came later stand for no other partition's
    assert told(world).startswith("5,000 of 8,883 facts are counted: ")
    counted(world, "dossiers", 2_010, partition=1)
    assert told(world).startswith("7,000 of 8,883 facts are counted: ")
    counted(world, "tasks", 1_883)
    assert world.questions.caught_up().ready


def test_what_comes_later_makes_nothing_unready(world: SimpleNamespace) -> None:
    world.standing = {("dossiers", 0): (0, 5)}
    counted(world, "dossiers", 5)
    assert world.questions.caught_up().ready
    world.standing = {("dossiers", 0): (0, 9_000_000)}
    assert world.questions.caught_up().ready


def test_until_kafka_said_what_it_holds_nobody_knows(world: SimpleNamespace) -> None:
    world.standing = None
    counted(world, "dossiers", 5)
    assert told(world).startswith("It is not known yet how many facts there are to count")
    world.standing = {}
    assert world.questions.caught_up().ready
