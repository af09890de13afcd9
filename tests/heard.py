"""From events to answers without Kafka: books, cube and directory as a hub has them that heard
these events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from cubes import INDICATORS
from facts import record
from listings import pages

from metrics.api.answers import answer_indicators
from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.api.parameters import IndicatorParameters
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from schemas.events import Event
from schemas.states import InventoryItem
from serving.directory.directory import Directory
from serving.store.progress import Progress
from streams.families import FAMILIES
from streams.family_state import FamilyState

Told = tuple[int, Event]  # the broker's time (epoch ms), and what it heard then


def families_that_heard(told: Iterable[Told]) -> dict[str, FamilyState]:
    """The books of each family, of one partition."""
    heard: dict[str, list[Told]] = {}
    for when, event in told:
        heard.setdefault(event.family, []).append((when, event))
    families = {family: FamilyState(FAMILIES[family]) for family in heard}
    for family, ones in heard.items():
        families[family].keep(families[family].fold([record(event, when) for when, event in ones]))
    return families


def directory_of(families: dict[str, FamilyState]) -> Directory:
    """What the inventory's states say."""
    load = msgspec.msgpack.Decoder(InventoryItem).decode
    return Directory(
        {key.decode(): load(row) for key, row in families["inventory"].states.items()}
        if "inventory" in families
        else {}
    )


@contextmanager
def hub_that_heard(told: Iterable[Told], now: int) -> Iterator[Views]:
    """What can be asked at an instant (epoch ms)."""
    families = families_that_heard(told)
    directory, progress = directory_of(families), Progress(ready=True, percent=100.0, partitions=1)
    with TemporaryDirectory() as folder:
        cube = Cube(Path(folder) / "cube.sqlite")
        cube.open("one", now)
        cube.apply([one for state in families.values() for one in pages(state)], {0: 1})
        yield Views(
            Readers(cube),
            INDICATORS,
            {},
            progress=lambda: progress,
            clock=lambda: now,
            directory=lambda: directory,
        )
        cube.close()


def answers(views: Views, **asked: str) -> dict[str, IndicatorAnswer]:
    """Every indicator by id, asked with parameters as in the address."""
    return {
        one.id: one for one in answer_indicators(views, IndicatorParameters.model_validate(asked))
    }
