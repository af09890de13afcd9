"""How far the workers are: the group's offsets, which every transaction commits together with its
states and cells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

from ops.bench.stage import deadline
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.kafka.clients import admin, consumer
from schemas.settings import Settings

POLL_SECONDS = 0.05
_COORDINATOR_COMES = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
PartitionOffsets = dict[tuple[str, int], int]


class AppliedOffsets:
    """Asks for the events applied, of each (topic, partition)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = admin(settings)
        self._client: AIOKafkaAdminClient

    async def __aenter__(self) -> Self:
        self._client = await self._admin.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.__aexit__(None, None, None)

    async def offsets(self) -> PartitionOffsets:
        """The next offset of every partition that the group has committed; nothing while Kafka
        still makes the group's coordinator.
        """
        try:
            found = await self._client.list_consumer_group_offsets(self._settings.books)
        except _COORDINATOR_COMES:
            return {}
        return {
            (place.topic, place.partition): max(0, state.offset) for place, state in found.items()
        }

    async def total(self, places: Mapping[tuple[str, int], int]) -> int:
        """Events applied in these places."""
        found = await self.offsets()
        return sum(found.get(place, 0) for place in places)

    async def reach(
        self, ends: Mapping[tuple[str, int], int], *services: Service, seconds: float = 120.0
    ) -> None:
        """Wait until everything up to these ends is applied; services that end meanwhile are
        started again, as they always are.

        Raises: EnvironmentBroken if it takes too long.
        """
        in_time = deadline("Applying all events", seconds)
        while await self.total(ends) < sum(ends.values()):
            for service in services:
                service.keep()
            in_time()
            await asyncio.sleep(POLL_SECONDS)


async def ends_of(settings: Settings, places: Mapping[tuple[str, int], int]) -> PartitionOffsets:
    """Where these partitions end now."""
    async with consumer(settings) as reader:
        found = await reader.end_offsets([TopicPartition(*place) for place in places])
    return {(place.topic, place.partition): end for place, end in found.items()}


async def require_written(settings: Settings, ends: Mapping[tuple[str, int], int]) -> None:
    """Raises: EnvironmentBroken unless Kafka holds exactly so many events: otherwise nothing
    measured on them would be true.
    """
    found = await ends_of(settings, ends)
    if found != dict(ends):
        raise EnvironmentBroken(
            f"Kafka holds {sum(found.values()):,} of {sum(ends.values()):,} events written: measure"
            " again."
        )
