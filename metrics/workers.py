"""How far the workers are behind: what they have counted against the ends of the events topics, and
what stood there at first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from metrics.cube.tables import FAMILIES
from schemas.errors import KafkaUnavailable
from schemas.families import DECLARED_FAMILIES, OWN_FAMILY
from schemas.kafka.clients import admin, consumer
from schemas.pauses import Pauses
from schemas.settings import Settings
from schemas.topics import events_topic
from serving.store.partitions import partitions_of

log = logging.getLogger(__name__)

_EVERY_SECONDS = 2.0
_PATIENCE_SECONDS = 10.0
_FETCH_BYTES = 16 << 10  # one event of a partition is looked at


@dataclass(frozen=True, slots=True)
class Backlog:
    """Accepted and not yet counted: how many events, and when the oldest of them was accepted
    (epoch ms; None: there is none).
    """

    events: int
    oldest_ms: int | None


# By (family, partition) the offsets of the first event and behind the last one.
Standing = Mapping[tuple[str, int], tuple[int, int]]
# of partitions of events, the offset of the first one that is not counted
CountedOffsets = Mapping[TopicPartition, int]


class WorkerLag:
    """`records`: accepted and not yet counted events of each (topic, partition) of `topics`,
    `backlog`: all but heartbeats together.

    Empty and None while Kafka can't be asked. `standing` is what had been accepted when Kafka was
    first asked, all but heartbeats; it stays, so that whoever waits until that is counted does not
    wait for what comes later.
    """

    def __init__(self, settings: Settings, counted: Callable[[], CountedOffsets]) -> None:
        """`counted`: how far the figures have come, as published with them. The group's offset may
        be missing, or moved by hand.
        """
        self._counted = counted
        self.records: dict[tuple[str, int], int] = {}
        self.backlog: Backlog | None = None
        self.standing: Standing | None = None
        self._settings = settings
        self.topics = tuple(
            events_topic(family.name, settings.space) for family in DECLARED_FAMILIES
        )
        self._heartbeats = events_topic(OWN_FAMILY, settings.space)
        self._pauses = Pauses(_EVERY_SECONDS)

    async def watch(self) -> None:
        """Ask every two seconds, for ever; less often the longer Kafka is away."""
        while True:
            try:
                await self._ask()
            except (KafkaUnavailable, KafkaError, OSError) as error:
                log.debug("The workers' lag is not known: %s", error)
            except Exception:  # else it would be told as it was last known, for ever
                log.exception(
                    "The workers' lag could not be asked in an unforeseen way; asking again"
                )
            self.records, self.backlog = {}, None
            await asyncio.sleep(self._pauses.next())

    async def _ask(self) -> None:
        reader = consumer(
            self._settings,
            isolation_level="read_uncommitted",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        try:
            await reader.start()
            async with admin(self._settings) as client:
                while True:
                    if self.standing is None:
                        self.standing = await self._stand(client)
                    self.records, self.backlog = await self._behind(client, reader)
                    self._pauses.succeeded()
                    await asyncio.sleep(_EVERY_SECONDS)
        finally:
            await reader.stop()

    async def _stand(self, client: AIOKafkaAdminClient) -> Standing | None:
        """None while a topic is being made."""
        space = self._settings.space
        families = {events_topic(family, space): family for family in FAMILIES}
        found = await partitions_of(client, families)
        if not all(found.values()):
            return None
        partitions = [*chain.from_iterable(found.values())]
        async with consumer(self._settings) as reader:  # of committed records only
            first, end = (
                await reader.beginning_offsets(partitions),
                await reader.end_offsets(partitions),
            )
        return {(families[one.topic], one.partition): (first[one], end[one]) for one in partitions}

    async def _behind(
        self, client: AIOKafkaAdminClient, reader: AIOKafkaConsumer
    ) -> tuple[dict[tuple[str, int], int], Backlog | None]:
        partitions = [*chain.from_iterable((await partitions_of(client, self.topics)).values())]
        if not partitions:
            return {}, None
        committed = await client.list_consumer_group_offsets(
            self._settings.books, partitions=partitions
        )
        first, end = (
            await reader.beginning_offsets(partitions),
            await reader.end_offsets(partitions),
        )
        counted = await asyncio.to_thread(self._counted)
        # -1: nothing committed yet; retention may have taken what was never counted
        offsets = {
            partition: committed[partition].offset if partition in committed else -1
            for partition in partitions
        }
        done = {
            partition: max(offset, counted.get(partition, 0), first[partition])
            for partition, offset in offsets.items()
        }
        left = {partition: max(0, end[partition] - done[partition]) for partition in partitions}
        waiting = {
            partition: done[partition]
            for partition in partitions
            if left[partition] and partition.topic != self._heartbeats
        }
        backlog = Backlog(
            sum(left[partition] for partition in waiting), await _oldest(reader, waiting)
        )
        return {
            (partition.topic, partition.partition): count for partition, count in left.items()
        }, backlog


async def _oldest(reader: AIOKafkaConsumer, waiting: Mapping[TopicPartition, int]) -> int | None:
    """When the first record from these offsets on was stored: Kafka's time of the events topics is
    the broker's own.
    """
    if not waiting:
        return None
    reader.assign([*waiting])
    for partition, offset in waiting.items():
        reader.seek(partition, offset)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        return min([(await reader.getone(partition)).timestamp for partition in waiting])
