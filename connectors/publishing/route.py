"""Routes: one per topic, each with a producer of its own and a lane per partition, so that what
befalls a topic befalls no other.

A topic that is missing, that may not be written or whose brokers hang concerns only those who write
to it: they are told at once, by its name, until it can be written again. A producer that broke is
replaced; what was on its way through it is given up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from connectors.publishing.budget import Budget
from connectors.publishing.lanes import BATCH_BYTES, Lane, OutgoingRecord
from schemas.errors import (
    HubError,
    KafkaUnavailable,
    RecordTooLarge,
    RestoreUnfinished,
    TopicUnwritable,
)
from schemas.kafka import clients
from schemas.kafka.topics import make_topic, require_restored
from schemas.partitioner import partition_of
from schemas.pauses import Pauses
from schemas.settings import Settings
from schemas.topics import Topic

log = logging.getLogger(__name__)

_RECONNECT_SECONDS = 0.5
# that a topic may be missing at first: all are being made, which a busy machine takes long for
_MAKING_SECONDS = 30.0
_UNAUTHORISED = "the hub has no right to: give it the operations Write and Describe on it"
_MISSING_FACTS = (
    "it is missing, and the facts it held with it: restore it, or restart the gateway to begin with"
    " an empty one"
)
_LOOK_SECONDS = 2.0  # that a broker has to answer a question before it counts as silent


class _Listens(Protocol):
    """Who is told whether Kafka as a whole answers: the publisher."""

    settings: Settings
    budget: Budget

    def heard(self) -> None:
        """A broker answered."""

    def silent(self, why: str) -> None:
        """No broker answers."""


class TopicRoute:
    """The way to one topic."""

    def __init__(self, topic: Topic, publisher: _Listens) -> None:
        self.topic = topic
        # the topic was found once, or is known to be missing, or no Kafka answers
        self.tried = asyncio.Event()
        self.up = asyncio.Event()
        self.partitions = 0
        self.trouble: KafkaUnavailable | None = None  # what callers are told at once
        self._settings, self._publisher = publisher.settings, publisher
        declared = topic.config(publisher.settings).get("max.message.bytes")
        self._largest = int(declared) if declared else None
        self._batch_bytes = min(BATCH_BYTES, self._largest or BATCH_BYTES)
        self._lanes: dict[int, Lane] = {}
        self._producer: AIOKafkaProducer | None = None
        self._broken = asyncio.Event()
        self._acknowledged = time.monotonic()
        self._keeper: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin connecting, and go on for as long as the publisher lives."""
        self._keeper = asyncio.create_task(self._keep())

    async def drain(self) -> None:
        """Wait until nothing is in flight any more."""
        for lane in list(self._lanes.values()):
            await lane.drain()

    async def stop(self, error: KafkaUnavailable) -> None:
        """Let go of Kafka; what waits is given up."""
        for task in (self._keeper, self._looking):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self.drain()
        for lane in self._lanes.values():
            lane.drop(error)

    async def ready(self) -> None:
        """Return once the topic can be written.

        Raises: KafkaUnavailable, at once while it is known that it can't.
        """
        await self.tried.wait()
        if self.trouble is not None:
            # a fresh one: each raising would lengthen a shared one's traceback
            raise type(self.trouble)(*self.trouble.args)
        await self.up.wait()

    def lane(self, record: OutgoingRecord) -> Lane:
        """The record's lane; the route must have been ready.

        Raises: RecordTooLarge
        """
        if self._largest is not None and record.size > self._largest:
            raise self._too_large(record.size, f"of at most {self._largest:,}")
        partition = record.partition
        if partition is None:
            partition = partition_of(record.key, self.partitions)
        lane = self._lanes.get(partition)
        if lane is None:
            budget = self._publisher.budget
            lane = Lane(
                self.topic.name,
                partition,
                budget,
                lambda: self._producer,
                self._settled,
                lambda: self._batch_bytes,
            )
            self._lanes[partition] = lane
        return lane

    @property
    def well(self) -> bool:
        """The topic can be written, as far as is known."""
        return self.up.is_set() and self.trouble is None

    @property
    def stuck(self) -> bool:
        """The topic is there, but nothing is confirmed."""
        return self.trouble is not None and not isinstance(self.trouble, TopicUnwritable)

    @property
    def busy(self) -> bool:
        """Whether a batch is in flight: its end will tell whether the topic can be written."""
        return any(lane.busy for lane in self._lanes.values())

    def look(self) -> None:
        """Something is not acknowledged for a while: find out why, while it is in flight."""
        if self._looking is None and self.busy:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)

    def late(self, began: float) -> None:
        """A caller gave up that had begun then; unless it only waited for room, those behind it
        need not wait as long.

        Nor does what waits hold room that others need: of a topic that hangs, only what is in
        flight stays in memory.
        """
        if (
            self._acknowledged < began
            and (self.busy or not self.up.is_set())
            and self.trouble is None
        ):
            why = "does not confirm what is sent to it: send the same request again later."
            self.trouble = KafkaUnavailable(f"Topic {self.topic.name} {why}")
            for lane in self._lanes.values():
                lane.drop(self.trouble)
        self.look()

    async def _look(self) -> None:
        began = time.monotonic()
        while (producer := self._producer) is not None and self.busy and self._acknowledged < began:
            reason = await self._asked(producer)
            if reason:
                self._fail(reason)
                return
            await asyncio.sleep(_RECONNECT_SECONDS)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Topic %s could not be looked at", self.topic.name, exc_info=error)

    async def _asked(self, producer: AIOKafkaProducer) -> str:
        """Why the topic can't be written, as far as the brokers know; empty if they know of nothing
        or do not answer in time.
        """
        name, client = self.topic.name, producer.client
        client.add_topic(name)
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                answered = await client.force_metadata_update()
        except TimeoutError:
            answered = False
        if not answered:
            if self.trouble is not None or not self.up.is_set():
                self._publisher.silent("the brokers do not answer")
            return ""
        self._publisher.heard()
        if name in client.cluster.unauthorized_topics:
            return _UNAUTHORISED
        if client.cluster.partitions_for_topic(name) is None:
            return "it is missing" if self.topic.made_again else _MISSING_FACTS
        return ""

    def _fail(self, reason: str) -> None:
        """The topic itself is what is wrong: tell everybody who waits for it, and begin anew."""
        trouble = self._say(reason)
        for lane in self._lanes.values():
            lane.cut(trouble)
            lane.drop(trouble)
        self._broken.set()

    def _say(self, reason: str) -> TopicUnwritable:
        """From now on callers are told at once; the log once."""
        found = TopicUnwritable(
            f"Topic {self.topic.name} can't be written: {reason}. Nothing else is held up by it."
        )
        if not isinstance(self.trouble, TopicUnwritable):
            log.error("%s", found)
        self.trouble = found
        return found

    def _too_large(self, size: int, takes: str) -> RecordTooLarge:
        why = (
            f"does not take a record of {size:,} bytes, only records {takes} (its"
            " max.message.bytes): send less in one"
        )
        return RecordTooLarge(f"Topic {self.topic.name} {why}.")

    def _settled(
        self, producer: Any, error: BaseException | None, records: int, size: int
    ) -> BaseException | None:
        """A batch came to its end; returns what its callers are told."""
        if error is None:
            self._acknowledged = time.monotonic()
            self.trouble = None
            self._publisher.heard()
            return None
        # its sequence numbers may have a hole now: only a fresh one can go on
        if producer is self._producer:
            self._producer = None
            self._broken.set()
        if isinstance(error, MessageSizeTooLargeError):
            if records == 1:
                # whatever is declared: the brokers say so
                return self._too_large(size, "that are smaller")
            # the next try travels in smaller batches
            self._batch_bytes = max(1, min(self._batch_bytes, size) // 2)
        if isinstance(error, TopicAuthorizationFailedError):
            return self._say(_UNAUTHORISED)
        return error

    async def _keep(self) -> None:
        """Have a working producer at all times, whatever happens to the one before."""
        while True:
            try:
                await self._live()
            except Exception:
                log.exception(
                    "The connection to topic %s broke in an unforeseen way; opening another one",
                    self.topic.name,
                )
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _live(self) -> None:
        """One producer's life: connect, serve until it breaks, close it."""
        producer = await self._connect()
        try:
            self._serve(producer)
            await self._broken.wait()
            log.warning("The producer of topic %s broke; opening another one", self.topic.name)
        finally:
            self._producer = None
            self.up.clear()
            for lane in self._lanes.values():
                lane.cut()
            await _abandon(producer)

    def _serve(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._broken.clear()
        if isinstance(self.trouble, TopicUnwritable):
            log.warning("Topic %s can be written again", self.topic.name)
        self.trouble = None
        self.tried.set()
        self.up.set()
        for lane in self._lanes.values():
            lane.pump()

    async def _connect(self) -> AIOKafkaProducer:
        pauses = Pauses(_RECONNECT_SECONDS)
        while True:
            try:
                return await self._attempt()
            except (KafkaError, OSError, TimeoutError, RestoreUnfinished) as error:
                self._publisher.silent(str(error) or type(error).__name__)
                self.tried.set()
                await asyncio.sleep(pauses.next())

    async def _attempt(self) -> AIOKafkaProducer:
        patience = max(5.0, self._settings.publish_timeout)
        producer = clients.producer(
            self._settings, retry_backoff_ms=50, request_timeout_ms=int(patience * 1000)
        )
        try:
            async with asyncio.timeout(patience):
                await producer.start()
                # Who comes in between would be told that a fact is kept, in a log that may be
                # thrown away.
                require_restored(
                    (await producer.client.fetch_all_metadata()).topics(), self._settings
                )
            self._publisher.heard()
            await self._find(producer)
        except BaseException:
            await _abandon(producer)
            raise
        return producer

    async def _find(self, producer: AIOKafkaProducer) -> None:
        """Wait until the topic is there; one that holds no facts is made again."""
        began = time.monotonic()
        while reason := await self._asked(producer) or self._unseen(producer):
            # it was there before, or nobody makes it
            if self.partitions or time.monotonic() - began > _MAKING_SECONDS:
                self._say(reason)
                self.tried.set()
                await self._make_again()
            await asyncio.sleep(_RECONNECT_SECONDS)
        self.partitions = len(producer.client.cluster.partitions_for_topic(self.topic.name) or ())

    def _unseen(self, producer: AIOKafkaProducer) -> str:
        if producer.client.cluster.partitions_for_topic(self.topic.name):
            return ""
        return "no broker tells its partitions"

    async def _make_again(self) -> None:
        if not self.topic.made_again:
            return
        try:
            await make_topic(self._settings, self.topic)
        except (HubError, KafkaError, OSError) as error:
            log.debug("topic %s not made again: %s", self.topic.name, error)
        else:
            log.warning("Made topic %s again: what it may have held is gone", self.topic.name)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer without waiting for deliveries that may never come.

    `AIOKafkaProducer.stop` flushes first: for ever while Kafka is away, since idempotent batches do
    not expire.
    """
    producer._closed = True
    task = producer._sender.sender_task
    while task is not None and not task.done():
        task.cancel()  # once more for each request that it would still wait for
        await producer.client.close()
        await asyncio.wait({task}, timeout=0.2)
    await producer.client.close()
