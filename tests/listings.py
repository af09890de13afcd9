"""A listing fed with the states of books, for tests of what is behind figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from cubes import Record
from facts import Heard, family_state_of, record

from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.lists.listing import Listing
from metrics.lists.pace import PATIENCE, Pace
from metrics.lists.reader import ListedRow, Selection, page
from metrics.lists.tables import TABLES
from ops.meanings import meanings
from schemas.topics import state_topic
from serving.store.disposable import Snapshots
from streams.families import FAMILIES
from streams.family_partition import FamilyPartition
from streams.family_state import Changes, FamilyState

NOW = 1_763_870_400_000
TOPIC = state_topic("dossiers")
DAYS = (20250101, 20251231)


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


def states(family_state: FamilyState) -> Iterator[State]:
    """What the worker of these books has published."""
    topic = state_topic(family_state.family.name)
    for offset, (key, value) in enumerate(family_state.states.items()):
        yield State(topic, key, value, offset=offset)


def published(changes: Changes) -> list[Record]:
    """The pages that a worker publishes with these changes."""
    return [Record(key, value) for key, value in changes.pages]


def pages(family_state: FamilyState) -> list[Record]:
    """All pages that the worker of these books has published."""
    return [Record(key, value) for key, value in family_state.pages.items()]


class Worker:
    """One partition of dossiers: what each of its transactions writes, as two logs."""

    def __init__(self, partition: int = 0) -> None:
        self.part = FamilyPartition(FAMILIES["dossiers"], partition)
        self.states: list[State] = []
        self.cells: list[Record] = []

    def commit(self, *facts: Heard) -> None:
        """A transaction."""
        part, changes = self.part, self.part.family_state.fold([record(*fact) for fact in facts])
        part.family_state.keep(changes)
        part.next += len(facts)
        topic, partition = state_topic(part.family.name), part.source.partition
        for key, value in part.states(changes, part.next):
            self.states.append(State(topic, key, value, partition, len(self.states)))
        for key, value in part.pages(changes, part.next):
            self.cells.append(Record(key, value, partition, len(self.cells)))


def paced(cube: Cube, listing: Listing, patience: float = PATIENCE) -> Pace:
    """The listing in pace with this cube."""
    return Pace(listing, Readers(cube), Snapshots(listing, "The list is being made anew"), patience)


def only_state(facts: Iterable[Heard]) -> bytes:
    """The state of the one thing that facts are about, as it is stored."""
    [(_, row)] = family_state_of(facts).states.items()
    return row


def feed(listing: Listing, records: Iterable[State]) -> None:
    """Apply records as one batch."""
    found = list(records)
    positions = {
        TopicPartition(record.topic, record.partition): record.offset + 1 for record in found
    }
    listing.apply(found, positions)


def everything(
    listing: Listing, selections: list[Selection], limit: int = 1_000
) -> list[ListedRow]:
    """Every row, page by page."""
    found: list[ListedRow] = []
    while more := page(listing._db, selections, found[-1].cursor if found else None, limit):
        found += more
    return found


def lives(count: int, *facts: Heard) -> list[Heard]:
    """The same facts about so many dossiers, at agencies A, B and C in turn."""
    return [
        (event.model_copy(update={"dossier_id": f"d{number}", "agency": "ABC"[number % 3]}), at)
        for number in range(count)
        for event, at in facts
    ]


def of(kind: str, *measures: str, family: str = "dossiers", **limits: Any) -> list[Selection]:
    """Rows of a kind that count for some measures."""
    low, high = (0, 1 << 60) if kind == "open" else DAYS
    return [Selection(TABLES[family, kind], low, high, measures, **limits)]


def exported(listing: Listing, selections: list[Selection]) -> list[tuple[int, str, str]]:
    return [found.cursor[1:4] for found in everything(listing, selections)]
