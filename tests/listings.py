"""A listing fed with the states of books, for tests of what is behind figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition
from cubes import Record
from facts import Heard, books_of

from metrics.listing import Listing
from metrics.listing_reader import Found, Selection, page
from ops.listing import meanings
from schemas.topics import state_topic
from streams.books import Books, Changes

NOW = 1_763_870_400_000


@dataclass
class State:
    """A record of a state topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int = 0
    offset: int = 0
    timestamp: int = NOW


def empty(folder: Path, cluster: str = "one") -> Listing:
    """An empty listing of every family that can be listed."""
    listing = Listing(folder / "listing.sqlite", meanings())
    listing.open(cluster, NOW)
    return listing


def states(books: Books) -> Iterator[State]:
    """What the worker of these books has published."""
    topic = state_topic(books.family.name)
    for offset, (key, value) in enumerate(books.states.items()):
        yield State(topic, key, value, offset=offset)


def published(changes: Changes) -> list[Record]:
    """The pages that a worker publishes with these changes."""
    return [Record(key, value) for key, value in changes.pages]


def pages(books: Books) -> list[Record]:
    """All pages that the worker of these books has published."""
    return [Record(key, value) for key, value in books.pages.items()]


def only_state(facts: Iterable[Heard]) -> bytes:
    """The state of the one thing that facts are about, as it is stored."""
    [(_, row)] = books_of(facts).states.items()
    return row


def feed(listing: Listing, records: Iterable[State]) -> None:
    """Apply records as one batch."""
    found = list(records)
    positions = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in found}
    listing.apply(found, positions)


def everything(listing: Listing, selections: list[Selection], limit: int = 1_000) -> list[Found]:
    """Every row, page by page."""
    found: list[Found] = []
    while more := page(listing._db, selections, found[-1].place if found else None, limit):
        found += more
    return found
