"""How far the workers are behind: their group's committed offsets against the ends of the events topics."""

from __future__ import annotations

import asyncio
import logging

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from schemas.errors import KafkaUnavailable
from schemas.kafka import admin, consumer
from schemas.settings import Settings
from schemas.topics import TOPICS, events_topic

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
HEARTBEATS = events_topic("heartbeats")
EVENTS = tuple(topic.name for topic in TOPICS if topic.owner == "connectors")


class WorkerLag:
    """`records`: accepted and not yet counted events of each (topic, partition); empty while Kafka can't be asked."""

    def __init__(self, settings: Settings) -> None:
        self.records: dict[tuple[str, int], int] = {}
        self._settings = settings

    @property
    def behind(self) -> int | None:
        """All of them but heartbeats; None while Kafka can't be asked."""
        return sum(count for (topic, _), count in self.records.items() if topic != HEARTBEATS) if self.records else None

    async def watch(self) -> None:
        """Ask every two seconds, for ever."""
        while True:
            try:
                await self._ask()
            except (KafkaUnavailable, KafkaError, OSError) as error:
                log.debug("The workers' lag is not known: %s", error)
            self.records = {}
            await asyncio.sleep(EVERY_SECONDS)

    async def _ask(self) -> None:
        reader = consumer(self._settings, isolation_level="read_uncommitted")
        await reader.start()
        try:
            async with admin(self._settings) as client:
                while True:
                    self.records = await self._behind(client, reader)
                    await asyncio.sleep(EVERY_SECONDS)
        finally:
            await reader.stop()

    async def _behind(self, client: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> dict[tuple[str, int], int]:
        found = await client.describe_topics(list(EVENTS))
        partitions = [TopicPartition(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]
        if not partitions:
            return {}
        committed = await client.list_consumer_group_offsets(self._settings.app_id, partitions=partitions)
        first, end = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
        # -1: nothing committed yet; retention may have taken what was never counted
        done = {partition: max(committed[partition].offset if partition in committed else -1, first[partition]) for partition in partitions}
        return {(partition.topic, partition.partition): max(0, end[partition] - done[partition]) for partition in partitions}
