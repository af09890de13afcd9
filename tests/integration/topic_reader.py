"""For tests: what was written to a topic since a moment, however much stood there before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.kafka.clients import consumer
from schemas.settings import Settings

Ends = dict[TopicPartition, int]


async def ends_of(settings: Settings, topic: str) -> Ends:
    """Where each partition of the topic ends now."""
    async with _reader(settings, topic) as reader:
        return await reader.end_offsets(reader.assignment())


async def records_since(settings: Settings, topic: str, ends: Ends | None = None) -> list[Any]:
    """The records behind those ends, or all of them."""
    async with _reader(settings, topic) as reader:
        records: list[Any] = []
        for partition in reader.assignment():
            reader.seek(partition, (ends or {}).get(partition, 0))
        now = await reader.end_offsets(reader.assignment())
        while [
            partition for partition, end in now.items() if await reader.position(partition) < end
        ]:
            for found in (await reader.getmany(timeout_ms=200)).values():
                records.extend(found)
        return records


@asynccontextmanager
async def _reader(settings: Settings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    reader = consumer(settings, topic)  # without a group: all partitions are its own
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()
