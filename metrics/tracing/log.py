"""Reads single facts out of Kafka's log: a thread with consumers of its own, so that neither feeds
nor figures wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from metrics.tracing.index import Fact
from schemas.kafka import Record, consumer, read_between, unavailable
from schemas.settings import Settings
from serving.store.background import Background
from serving.store.progress import Progress

READERS = 2
PATIENCE = 3.0  # seconds for everything that one question reads
PAUSE = 2.0  # seconds after a failure in which nobody waits for another one
# records behind the index that are looked through; with more of them it is said how many are left
TAIL = 1_000
NEAR = 100  # records that are passed over rather than asked for anew


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read of a topic: these facts, and what came to `partition` from `behind` on (None:
    nothing of that).
    """

    topic: str
    facts: Sequence[Fact]
    partition: int
    behind: int | None


@dataclass(slots=True)
class Read:
    """What was found. `end` is the partition's next offset; `left`: records behind the index that
    were not looked through.
    """

    records: list[Record] = field(default_factory=list)
    gone: int = 0  # facts that the log holds no more
    end: int = 0
    left: int = 0


class Log(Protocol):
    """Where facts are read."""

    def read(self, wanted: Wanted) -> Read:
        """Raises: KafkaUnavailable."""


class KafkaLog(Background):
    """Reads in the background's loop, for callers in other threads."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "reader of facts", vital=False)
        self._free: asyncio.Queue[AIOKafkaConsumer] | None = None
        self._again_at = 0.0

    async def _follow(self) -> None:
        async with AsyncExitStack() as stack:
            free: asyncio.Queue[AIOKafkaConsumer] = asyncio.Queue()
            for _ in range(READERS):
                # Next to nothing is fetched at once, since one fact of many is asked for; at the
                # end of the log nobody waits.
                reader = consumer(
                    self._settings,
                    auto_offset_reset="none",
                    fetch_max_wait_ms=5,
                    max_partition_fetch_bytes=64 << 10,
                )
                stack.push_async_callback(reader.stop)
                await reader.start()
                free.put_nowait(reader)
            self._free = free
            self.progress = Progress(ready=True, percent=100.0, lag=0, doing="following")
            try:
                # until it is stopped: the consumers look for brokers by themselves
                await asyncio.Event().wait()
            finally:
                self._free = None

    def read(self, wanted: Wanted) -> Read:
        """Read, from any other thread.

        Raises: KafkaUnavailable where Kafka does not answer, or not in time.
        """
        if self._free is None or monotonic() < self._again_at:
            raise unavailable(self._settings)
        reading = asyncio.run_coroutine_threadsafe(self._read(self._free, wanted), self._loop)
        try:
            return reading.result(PATIENCE)
        except (KafkaError, OSError, TimeoutError, CancelledError) as error:
            self._again_at = monotonic() + PAUSE
            raise unavailable(self._settings) from error
        finally:
            reading.cancel()

    async def _read(self, free: asyncio.Queue[AIOKafkaConsumer], wanted: Wanted) -> Read:
        reader = await free.get()
        try:
            return await read(reader, wanted)
        finally:
            reader.unsubscribe()
            free.put_nowait(reader)


async def read(reader: AIOKafkaConsumer, wanted: Wanted) -> Read:
    """Read with a consumer that nobody else uses meanwhile.

    Raises: KafkaError
    """
    found, home = Read(), TopicPartition(wanted.topic, wanted.partition)
    found.end = (await reader.end_offsets([home]))[home]
    for partition, facts in _by_partition(wanted.facts):
        await _read_facts(
            reader, TopicPartition(wanted.topic, partition), [fact.offset for fact in facts], found
        )
    found.records.sort(key=attrgetter("offset", "partition"))
    if wanted.behind is not None and wanted.behind < found.end:
        if found.end - wanted.behind > TAIL:
            found.left = found.end - wanted.behind
        else:
            async for records in read_between(reader, home, wanted.behind, found.end):
                found.records += records
    return found


def _by_partition(facts: Sequence[Fact]) -> Iterator[tuple[int, list[Fact]]]:
    for partition, group in groupby(sorted(facts), key=attrgetter("partition")):
        yield partition, list(group)


async def _read_facts(
    reader: AIOKafkaConsumer, partition: TopicPartition, offsets: Sequence[int], found: Read
) -> None:
    reader.assign([partition])
    position: int | None = None
    for offset in offsets:
        if position is None or not position <= offset <= position + NEAR:
            reader.seek(partition, offset)
        try:
            record = await _next(reader, partition, offset)
        except OffsetOutOfRangeError:
            found.gone, position = found.gone + 1, None
            continue
        if record.offset == offset:
            found.records.append(record)
            position = offset + 1
        else:
            found.gone, position = found.gone + 1, None


async def _next(reader: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> Any:
    """The first record from an offset on."""
    while (record := await reader.getone(partition)).offset < offset:
        pass
    return record
