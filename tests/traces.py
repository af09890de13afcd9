"""Facts as they lie in Kafka's log, kept in memory, for tests of what is known of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from aiokafka import TopicPartition
from cubes import INDICATORS
from facts import Heard
from listings import NOW, empty, feed, paced, pages, states

from metrics.api.access import ReadingAccess
from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.lists import listing_routes
from metrics.api.traces import trace_routes
from metrics.catalogue.indicators import Agency, Filters
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import NO_DIRECTORY, Views
from metrics.lists.questions import Lists
from metrics.prometheus.exporter import Exporter
from metrics.tracing.index import FactIndex
from metrics.tracing.log import TAIL, Read, Wanted
from metrics.tracing.questions import Traces
from ops.meanings import meanings
from schemas.errors import KafkaUnavailable
from schemas.families import LISTED_FAMILIES
from schemas.partitioner import partition_of
from schemas.states import applied_state
from schemas.topics import events_topic, state_topic
from schemas.wire import encode
from serving.store.disposable import Snapshots
from serving.store.progress import Progress
from streams.families import FAMILIES
from streams.family_state import FamilyState

# Beside the shipped indicators two that are limited to one procedure each, as a catalogue of one's
# own may have them.
_SHARE = INDICATORS["dossiers_on_time_share"]
LIMITED = {
    f"only_{code}": _SHARE.model_copy(
        update={"id": f"only_{code}", "filters": Filters(categories=(code,))}
    )
    for code in ("p", "q")
}


@dataclass(frozen=True)
class Logged:
    """A record of an events topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass
class MemoryLog:
    """What stands in Kafka. `away`: no broker answers."""

    partitions: int = 1
    records: list[Logged] = field(default_factory=list)
    away: bool = False

    def add(self, facts: Iterable[Heard]) -> list[Logged]:
        """Facts as connectors write them."""
        return [
            self.put(
                event.family,
                event.thing.encode(),
                encode(event),
                heard,
                partition_of(event.thing.encode(), self.partitions),
            )
            for event, heard in facts
        ]

    def put(
        self, family: str, key: bytes | None, value: bytes, heard: int, partition: int = 0
    ) -> Logged:
        """Any record."""
        topic = events_topic(family)
        record = Logged(topic, partition, self.end(topic, partition), heard, key, value)
        self.records.append(record)
        return record

    def end(self, topic: str, partition: int) -> int:
        """The next offset."""
        return max(
            (
                one.offset + 1
                for one in self.records
                if (one.topic, one.partition) == (topic, partition)
            ),
            default=0,
        )

    def read(self, wanted: Wanted) -> Read:
        """As the reader of Kafka's log does."""
        if self.away:
            raise KafkaUnavailable("No Kafka answers.")
        there = [one for one in self.records if one.topic == wanted.topic]
        found = Read(end=self.end(wanted.topic, wanted.partition))
        found.records += [one for one in there if (one.partition, one.offset) in wanted.facts]
        found.gone = len(wanted.facts) - len(found.records)
        if wanted.behind is not None and found.end - wanted.behind > TAIL:
            found.left = found.end - wanted.behind
        elif wanted.behind is not None:
            found.records += [
                one
                for one in there
                if one.partition == wanted.partition and one.offset >= wanted.behind
            ]
        return found


def empty_index(folder: Path, partitions: int = 1) -> FactIndex:
    """An index without facts."""
    index = FactIndex(folder / "facts.sqlite", LISTED_FAMILIES, partitions)
    index.open("one", NOW)
    return index


def indexed(index: FactIndex, records: Sequence[Logged]) -> None:
    """Take records in as one batch."""
    index.apply(
        records, {TopicPartition(one.topic, one.partition): one.offset + 1 for one in records}
    )


class Hub:
    """A log with its index, and books of dossiers, documents and tasks that counted as much of it
    as was said.
    """

    def __init__(self, folder: Path, now_ms: int) -> None:
        self.now_ms, self.indicators = now_ms, INDICATORS | LIMITED
        self.directory, self.declared = NO_DIRECTORY, dict[str, Agency]()
        self.cube, self.listing, self.index, self.log = (
            Cube(folder / "cube.sqlite"),
            empty(folder),
            empty_index(folder),
            MemoryLog(),
        )
        self.cube.open("one", now_ms)
        self.families = {family: FamilyState(FAMILIES[family]) for family in LISTED_FAMILIES}

    def count(self, facts: list[Heard], *, index: bool = True) -> None:
        """Facts that are in the index and counted."""
        self.counted(self.log.add(facts), index=index)

    def counted(self, records: list[Logged], *, index: bool = True) -> None:
        """Records that are in the index, and that workers have passed."""
        if index:
            indexed(self.index, records)
        for family, family_state in self.families.items():
            mine = [record for record in records if record.topic == f"lgsp.{family}"]
            if mine:
                family_state.keep(family_state.fold(mine))
                marks = applied_state(mine[-1].offset + 1)
                last = len(family_state.states) + self.log.end(mine[0].topic, 0)
                feed(self.listing, [*states(family_state), next(mark(family, *marks, last))])
        for family_state in self.families.values():
            self.cube.apply(pages(family_state), {0: 9})

    def client(self, access: ReadingAccess | None = None) -> httpx.AsyncClient:
        """Asks the API that answers from all this, to whom it may; without `access` to all."""
        ready, clock = Progress(ready=True, percent=100.0, partitions=1), (lambda: self.now_ms)
        views = Views(
            Readers(self.cube),
            self.indicators,
            self.declared,
            progress=lambda: ready,
            clock=clock,
            directory=lambda: self.directory,
        )
        lists = Lists(views, paced(self.cube, self.listing), meanings(), progress=lambda: ready)
        traces = Traces(
            views,
            Snapshots(self.listing, "The list"),
            self.index,
            Snapshots(self.index, "The index"),
            self.log,
            meanings(),
            listed=lambda: ready,
        )
        exporter = Exporter(self.cube, views)
        routes = [listing_routes(lists), trace_routes(traces), directory_routes(views)]
        app = create_app(views, exporter, routes, access)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://hub"
        )

    def close(self) -> None:
        """Let go of its files."""
        for file in (self.cube, self.listing, self.index):
            file.close()


def mark(family: str, key: bytes, value: bytes, offset: int) -> Iterator[Any]:
    """How far the states have come, as workers write it."""
    yield SimpleNamespace(
        topic=state_topic(family), partition=0, offset=offset, timestamp=NOW, key=key, value=value
    )
