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

from metrics.api.parameters import IndicatorsAsked
from metrics.api.questions import Questions
from metrics.api.shapes import IndicatorAnswer
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from schemas.events import Event
from schemas.states import Item
from serving.directory.directory import Directory
from serving.store.progress import Progress
from streams.books import Books
from streams.families import FAMILIES

Told = tuple[int, Event]  # the broker's time (epoch ms), and what it heard then


def books_that_heard(told: Iterable[Told]) -> dict[str, Books]:
    """The books of each family, of one partition."""
    heard: dict[str, list[Told]] = {}
    for when, event in told:
        heard.setdefault(event.family, []).append((when, event))
    books = {family: Books(FAMILIES[family]) for family in heard}
    for family, ones in heard.items():
        books[family].keep(books[family].fold([record(event, when) for when, event in ones]))
    return books


def directory_of(books: dict[str, Books]) -> Directory:
    """What the inventory's states say."""
    load = msgspec.msgpack.Decoder(Item).decode
    return Directory(
        {key.decode(): load(row) for key, row in books["inventory"].states.items()}
        if "inventory" in books
        else {}
    )


@contextmanager
def hub_that_heard(told: Iterable[Told], now: int) -> Iterator[Questions]:
    """What can be asked at an instant (epoch ms)."""
    books = books_that_heard(told)
    directory, progress = directory_of(books), Progress(ready=True, percent=100.0, partitions=1)
    with TemporaryDirectory() as folder:
        cube = Cube(Path(folder) / "cube.sqlite")
        cube.open("one", now)
        cube.apply([one for book in books.values() for one in pages(book)], {0: 1})
        yield Questions(
            Readers(cube),
            INDICATORS,
            {},
            progress=lambda: progress,
            clock=lambda: now,
            directory=lambda: directory,
        )
        cube.close()


def answers(questions: Questions, **asked: str) -> dict[str, IndicatorAnswer]:
    """Every indicator by id, asked with parameters as in the address."""
    return {one.id: one for one in questions.indicators(IndicatorsAsked.model_validate(asked))}
