"""Facts as they lie in Kafka's log, kept in memory, for tests of what is known of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import TopicPartition
from facts import Heard
from listings import NOW

from metrics.tracing.index import FactIndex
from metrics.tracing.log import TAIL, Read, Wanted
from schemas.errors import KafkaUnavailable
from schemas.partitioner import partition_of
from schemas.topics import events_topic
from schemas.wire import encode

FAMILIES = ("dossiers", "documents", "tasks")


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
    asked: list[Wanted] = field(default_factory=list)

    def add(self, facts: Iterable[Heard]) -> list[Logged]:
        """Facts as connectors write them."""
        return [
            self.put(event.family, event.thing.encode(), encode(event), heard, partition_of(event.thing.encode(), self.partitions))
            for event, heard in facts
        ]

    def put(self, family: str, key: bytes | None, value: bytes, heard: int, partition: int = 0) -> Logged:
        """Any record."""
        topic = events_topic(family)
        record = Logged(topic, partition, self.end(topic, partition), heard, key, value)
        self.records.append(record)
        return record

    def end(self, topic: str, partition: int) -> int:
        """The next offset."""
        return max((one.offset + 1 for one in self.records if (one.topic, one.partition) == (topic, partition)), default=0)

    def read(self, wanted: Wanted) -> Read:
        """As the reader of Kafka's log does."""
        self.asked.append(wanted)
        if self.away:
            raise KafkaUnavailable("No Kafka answers.")
        there = [one for one in self.records if one.topic == wanted.topic]
        found = Read(end=self.end(wanted.topic, wanted.partition))
        found.records += [one for one in there if (one.partition, one.offset) in wanted.facts]
        found.gone = len(wanted.facts) - len(found.records)
        if wanted.behind is not None and found.end - wanted.behind > TAIL:
            found.left = found.end - wanted.behind
        elif wanted.behind is not None:
            found.records += [one for one in there if one.partition == wanted.partition and one.offset >= wanted.behind]
        return found


def empty_index(folder: Path, partitions: int = 1) -> FactIndex:
    """An index without facts."""
    index = FactIndex(folder / "facts.sqlite", FAMILIES, partitions)
    index.open("one", NOW)
    return index


def indexed(index: FactIndex, records: Sequence[Logged]) -> None:
    """Take records in as one batch."""
    index.apply(records, {TopicPartition(one.topic, one.partition): one.offset + 1 for one in records})
