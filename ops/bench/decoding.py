"""The ceiling: a plain aiokafka consumer that only decodes, without Faust, states, cells or
transactions.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.bench.machine import usage
from ops.bench.offsets import PartitionOffsets
from schemas.kafka.clients import consumer
from schemas.settings import Settings
from schemas.wire import Decoder

_FETCH = 1 << 20  # per partition, as a consumer does by default; more is no quicker here


@dataclass(frozen=True, slots=True)
class Rate:
    """Events, and the seconds that they took, on the clock and of the CPU."""

    events: int
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0

    def per_million(self, seconds: float) -> float:
        """Seconds a million of these events."""
        return seconds / self.events * 1e6 if self.events else 0.0


def decode_only(settings: Settings, ends: PartitionOffsets) -> Rate:
    """Decode everything up to these ends; measured from the first batch decoded, since starting is
    no decoding.
    """
    return asyncio.run(_decode(settings, ends))


async def _decode(settings: Settings, ends: PartitionOffsets) -> Rate:
    total = sum(ends.values())
    async with consumer(settings, max_partition_fetch_bytes=_FETCH) as reader:
        places = [TopicPartition(*place) for place in ends]
        reader.assign(places)
        await reader.seek_to_beginning(*places)
        decoders = {place.topic: Decoder(place.topic.rpartition(".")[2]) for place in places}
        first = await _batch(reader, decoders)
        began, cpu, done = time.monotonic(), usage(os.getpid()).cpu, first
        while done < total:
            done += await _batch(reader, decoders)
        return Rate(done - first, time.monotonic() - began, usage(os.getpid()).cpu - cpu)


async def _batch(reader: AIOKafkaConsumer, decoders: dict[str, Decoder]) -> int:
    done = 0
    for place, records in (await reader.getmany(timeout_ms=500)).items():
        decode = decoders[place.topic]
        for record in records:
            decode(record.value)
        done += len(records)
    return done
