"""The publisher: events into Kafka, acknowledged by every in-sync replica before a caller is told so.

aiokafka's own `send` costs some 50 microseconds a record; the publisher builds whole batches per partition instead (lanes.py)
across concurrent callers. Memory is bounded: beyond `publish_buffer` bytes callers wait. While Kafka is away callers are told
at once; the batch that hangs, or the reconnecting, is the probe that notices its return.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from connectors.budget import Budget
from connectors.lanes import Lane, Record, Ticket
from schemas import kafka
from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable
from schemas.events import Event
from schemas.settings import Settings
from schemas.topics import TOPICS, events_topic
from schemas.wire import Headers, cloud_event_headers, encode

log = logging.getLogger(__name__)

SLICE = 250  # records encoded before other callers get their turn
RECONNECT_SECONDS = 0.5
WRITTEN = tuple(topic.name for topic in TOPICS if "connectors" in topic.owner)


def record_of(event: Event, partition: int | None = None) -> Record:
    """The event as a record of its family's topic, keyed by its thing."""
    return Record(events_topic(event.family), event.thing.encode(), encode(event), cloud_event_headers(event), partition)


class Publisher:
    """Idempotent, acks=all. One a process; any number of concurrent callers on its event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.budget = Budget(settings.publish_buffer)
        self.away = False  # Kafka did not answer lately: callers are told at once
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._tried = asyncio.Event()  # the first attempt to connect is over, well or badly
        self._up = asyncio.Event()
        self._broken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._acknowledged = time.monotonic()

    async def start(self) -> None:
        """Begin connecting; does not wait for Kafka, and goes on trying for as long as the publisher lives."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Wait for what is in flight, at most `publish_timeout` seconds, then let go of Kafka."""
        if not self.away:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.settings.publish_timeout):
                    await asyncio.gather(*(lane.drain() for lane in self._lanes.values()))
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        for lane in self._lanes.values():
            await lane.drain()
            lane.drop(self._unavailable("the publisher stopped"))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def reachable(self) -> bool:
        """Connected, and Kafka answered the last time something was sent."""
        return self._up.is_set() and not self.away

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns once every event is on all in-sync replicas.

        Raises: KafkaUnavailable after `publish_timeout` seconds, at once while Kafka is known to be away. Events may be stored
        all the same; sending them again changes nothing, since merging is idempotent.
        """
        await self.send(map(record_of, events))

    async def publish_to(self, partition: int, event: Event) -> None:
        """Like `publish`, for one event and a partition of the caller's choice."""
        await self.send([record_of(event, partition)])

    async def send_raw(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Like `publish`, for one record of any topic that connectors write."""
        await self.send([Record(topic, key, value, headers)])

    async def send(self, records: Iterable[Record]) -> None:
        """Like `publish`, for records; an iterator is drawn from as the buffer allows."""
        ticket, began = Ticket(), time.monotonic()
        try:
            async with asyncio.timeout(self.settings.publish_timeout):
                await self._connected()
                await self._hand_over(iter(records), ticket)
                error = await ticket.wait()
        except TimeoutError:
            self.away = self.away or (self._acknowledged < began and self._awaits_kafka())
            raise self._unavailable(f"no acknowledgement within {self.settings.publish_timeout:g} s") from None
        if error is not None:
            raise self._unavailable(str(error) or type(error).__name__) from error

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; waits for Kafka at most `publish_timeout` seconds.

        Raises: KafkaUnavailable
        """
        try:
            async with asyncio.timeout(self.settings.publish_timeout):
                await self._connected()
        except TimeoutError:
            raise kafka.unavailable(self.settings) from None
        return self._partitions[topic]

    async def _connected(self) -> None:
        await self._tried.wait()
        if self.away:
            raise kafka.unavailable(self.settings)
        await self._up.wait()

    def _awaits_kafka(self) -> bool:
        """Connecting, or a batch is in flight: its end will tell that Kafka is back. (Else it was merely a long wait for room.)"""
        return not self._up.is_set() or any(lane.busy for lane in self._lanes.values())

    async def _hand_over(self, records: Iterator[Record], ticket: Ticket) -> None:
        while part := list(islice(records, SLICE)):
            sizes = [record.size for record in part]
            lanes = [self._lane(record) for record in part]
            await self.budget.take(sum(sizes))
            now = now_ms()
            for lane, record, size in zip(lanes, part, sizes, strict=True):
                lane.add(record, size, now, ticket)
            for lane in set(lanes):
                lane.pump()
            if len(part) == SLICE:
                await asyncio.sleep(0)

    def _lane(self, record: Record) -> Lane:
        partition = record.partition
        if partition is None:
            partition = (murmur2(record.key) & 0x7FFFFFFF) % self._partitions[record.topic]
        lane = self._lanes.get((record.topic, partition))
        if lane is None:
            lane = Lane(record.topic, partition, self.budget, lambda: self._producer, self._settled)
            self._lanes[record.topic, partition] = lane
        return lane

    def _settled(self, producer: Any, error: BaseException | None) -> None:
        if error is None:
            self._acknowledged = time.monotonic()
            if self.away:
                log.warning("Kafka answers again at %s", self.settings.bootstrap)
                self.away = False
        elif producer is self._producer:  # its sequence numbers may have a hole now: only a fresh one can go on
            self._producer = None
            self._broken.set()

    async def _keep(self) -> None:
        """Have a working producer at all times, whatever happens to the one before."""
        while True:
            try:
                await self._live()
            except Exception:
                log.exception("The connection to Kafka broke in an unforeseen way; opening another one")
                self.away = True
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _live(self) -> None:
        """One producer's life: connect, serve until it breaks, close it."""
        producer = await self._connect()
        try:
            self._serve(producer)
            await self._broken.wait()
            log.warning("Kafka's producer broke; opening another one")
        finally:
            self._producer = None
            self._up.clear()
            for lane in self._lanes.values():
                lane.cut()
            await abandon(producer)

    def _serve(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._broken.clear()
        if self.away:
            log.warning("Kafka answers again at %s", self.settings.bootstrap)
        self.away = False
        self._tried.set()
        self._up.set()
        for lane in self._lanes.values():
            lane.pump()

    async def _connect(self) -> AIOKafkaProducer:
        while True:
            try:
                return await self._attempt()
            except (KafkaError, OSError, TimeoutError) as error:
                if not self.away:
                    why = str(error) or type(error).__name__
                    log.warning("No Kafka answers at %s (%s); trying until one does", self.settings.bootstrap, why)
                self.away = True
                self._tried.set()
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _attempt(self) -> AIOKafkaProducer:
        patience = self.settings.publish_timeout
        producer = kafka.producer(self.settings, retry_backoff_ms=50, request_timeout_ms=int(max(5.0, patience) * 1000))
        try:
            async with asyncio.timeout(max(5.0, patience)):
                await producer.start()
                self._partitions = {topic: len(await producer.partitions_for(topic)) for topic in WRITTEN}
        except BaseException:
            await abandon(producer)
            raise
        return producer

    def _unavailable(self, why: str) -> KafkaUnavailable:
        return KafkaUnavailable(f"Kafka at {self.settings.bootstrap} did not confirm the records ({why}): send them again.")


async def abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for deliveries that may never come.

    `AIOKafkaProducer.stop` flushes first: for ever while Kafka is away, since idempotent batches do not expire.
    """
    producer._closed = True
    task = producer._sender.sender_task
    while task is not None and not task.done():
        task.cancel()  # once more for each request that it would still wait for
        await producer.client.close()
        await asyncio.wait({task}, timeout=0.2)
    await producer.client.close()
