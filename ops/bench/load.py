"""The believable province as records waiting in Kafka: made on every core, merged into the order of
report, written in batches.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import islice, product
from multiprocessing.connection import Connection
from operator import itemgetter
from typing import Any

from aiokafka import AIOKafkaProducer

from connectors.publishing.publisher import record_of
from ops.simulate.run import START
from ops.simulate.stream import events
from schemas.clock import DAY_MS
from schemas.events import Event
from schemas.kafka.clients import producer
from schemas.partitioner import partition_of
from schemas.settings import Settings
from schemas.spaces import OFFICIAL
from schemas.topics import events_topic
from schemas.wire import Headers

MAKERS = 2
_CHUNK = 2_000
DAYS = 365
# the year before the simulation's: the gateway takes in nothing of the future
YEAR = START - DAYS * DAY_MS
EVENTS_A_DOSSIER = 5.58  # documents and duplicates included; only how much is made depends on it
# report time, topic, partition, key, value, headers: a plain tuple crosses between processes
# quickest
_Waiting = tuple[int, str, int, bytes, bytes | None, Headers]
_Row = tuple[bytes, bytes | None, Headers]


def dossiers_for(count: int) -> int:
    """How many dossiers make about so many events."""
    return max(1, round(count / EVENTS_A_DOSSIER))


def waiting_record(event: Event, at: int, partitions: int) -> _Waiting:
    """The event as it will wait in Kafka."""
    record = record_of(event, OFFICIAL)
    return (
        at,
        record.topic,
        partition_of(record.key, partitions),
        record.key,
        record.value,
        record.headers,
    )


def _make(send: Connection, seed: int, dossiers: int, partitions: int) -> None:
    made = (
        waiting_record(event, at, partitions) for at, event in events(seed, dossiers, YEAR, DAYS)
    )
    while chunk := list(islice(made, _CHUNK)):
        send.send(chunk)
    send.send(None)


def _received(receive: Connection) -> Iterator[_Waiting]:
    while (chunk := receive.recv()) is not None:
        yield from chunk


def province(dossiers: int, partitions: int) -> Iterator[_Waiting]:
    """A year of the province in the order of report; two halves of its dossiers come from two
    processes.
    """
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        halves = []
        for maker in range(MAKERS):
            receive, send = context.Pipe(duplex=False)
            share = dossiers * (maker + 1) // MAKERS - dossiers * maker // MAKERS
            process = context.Process(
                target=_make, args=(send, 1 + maker, share, partitions), daemon=True
            )
            process.start()
            send.close()
            stack.callback(process.join)
            stack.callback(process.terminate)
            halves.append(_received(receive))
        yield from merge(*halves, key=itemgetter(0))


def no_events(settings: Settings) -> dict[tuple[str, int], int]:
    """Every (topic, partition) that the province's events go to, with none yet."""
    topics = (events_topic("dossiers"), events_topic("documents"))
    return dict.fromkeys(product(topics, range(settings.partitions)), 0)


class Writer:
    """Whole record batches straight to their partitions; on leaving, all of them are in Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._producer: AIOKafkaProducer = producer(settings)
        self._filling: dict[tuple[str, int], Any] = {}
        self._deliveries: list[asyncio.Future[Any]] = []

    async def __aenter__(self) -> Writer:
        await self._producer.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            for (topic, partition), builder in self._filling.items():
                if builder.record_count():
                    await self._send(builder, topic, partition)
            await asyncio.gather(*self._deliveries)
        finally:
            await self._producer.stop()

    async def write(self, topic: str, partition: int, rows: Iterable[_Row]) -> None:
        """Add rows; a full batch is on its way when this returns."""
        place = topic, partition
        builder = self._filling.get(place) or self._producer.create_batch()
        for key, value, headers in rows:
            if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                await self._send(builder, topic, partition)
                builder = self._producer.create_batch()
                builder.append(key=key, value=value, timestamp=None, headers=headers)
        self._filling[place] = builder

    async def _send(self, builder: Any, topic: str, partition: int) -> None:
        self._deliveries.append(
            await self._producer.send_batch(builder, topic, partition=partition)
        )


async def write_province(
    settings: Settings, count: int, advance: Callable[[int], None]
) -> dict[tuple[str, int], int]:
    """Write about so many events; how many wait in each (topic, partition)."""
    return await write(settings, province(dossiers_for(count), settings.partitions), advance)


async def write(
    settings: Settings, made: Iterator[_Waiting], advance: Callable[[int], None]
) -> dict[tuple[str, int], int]:
    """Write these events; how many wait in each (topic, partition)."""
    ends = no_events(settings)
    async with Writer(settings) as writer:
        while chunk := list(islice(made, _CHUNK)):
            for place, rows in _by_place(chunk).items():
                await writer.write(*place, rows)
                ends[place] = ends.get(place, 0) + len(rows)
            advance(sum(ends.values()))
            await asyncio.sleep(0)
    return ends


def _by_place(chunk: Iterable[_Waiting]) -> dict[tuple[str, int], list[_Row]]:
    found: dict[tuple[str, int], list[_Row]] = {}
    for _, topic, partition, key, value, headers in chunk:
        found.setdefault((topic, partition), []).append((key, value, headers))
    return found
