"""Reading what is there: where groups stand, and records up to an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NodeNotReadyError,
    NotCoordinatorForGroupError,
)

from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import admin
from schemas.settings import Settings

COORDINATOR_TRIES = 100
# The broker makes its offsets topic at the first question; another one takes over what a dead one
# coordinated.
COORDINATOR_MOVES = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NodeNotReadyError,
    NotCoordinatorForGroupError,
)
READ_AT_ONCE = 10_000  # records; what is read at once is memory that a process keeps
# How soon the end is seen: behind a transaction's last record stands its marker, which is passed
# over while more is waited for.
_LOOK_MS = 20


class ConsumedRecord(Protocol):
    """A record as it is read; `timestamp` in epoch ms, of events the broker's."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


async def committed_offsets(
    settings: Settings, group: str, partitions: list[TopicPartition]
) -> dict[TopicPartition, int | None]:
    """Where a consumer group stands on each of these partitions; None where it has no offset: it
    never committed, or it expired.

    Raises: KafkaUnavailable when no broker coordinates the group within some seconds.
    """
    async with admin(settings) as client:
        for _ in range(COORDINATOR_TRIES):
            try:
                found = await client.list_consumer_group_offsets(group, partitions=partitions)
            except COORDINATOR_MOVES:
                found = {}
            # aiokafka passes over an error of the whole group, and answers for no partition
            if found.keys() >= set(partitions):
                return {
                    partition: found[partition].offset if found[partition].offset >= 0 else None
                    for partition in partitions
                }
            await asyncio.sleep(0.1)
    raise KafkaUnavailable(
        f"No broker at {settings.bootstrap} coordinates group {group}: is the cluster healthy?"
    )


async def read_to_end(
    reader: AIOKafkaConsumer, *partitions: TopicPartition
) -> AsyncIterator[tuple[TopicPartition, list[Any]]]:
    """Records of assigned partitions, a partition at a time in its order, from their beginnings up
    to the ends as they are now.
    """
    left = await reader.end_offsets(partitions)
    await reader.seek_to_beginning(*partitions)
    while left := {
        partition: end for partition, end in left.items() if await reader.position(partition) < end
    }:
        for partition, records in (
            await reader.getmany(*left, timeout_ms=_LOOK_MS, max_records=READ_AT_ONCE)
        ).items():
            yield partition, records


async def read_between(
    reader: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int
) -> AsyncIterator[list[Any]]:
    """Records of one partition from one offset up to another, as they come; the reader is then that
    partition's.
    """
    reader.assign([partition])
    reader.seek(partition, start)
    while await reader.position(partition) < end:
        for records in (
            await reader.getmany(partition, timeout_ms=_LOOK_MS, max_records=READ_AT_ONCE)
        ).values():
            yield [record for record in records if record.offset < end]
