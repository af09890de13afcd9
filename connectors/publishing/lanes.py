"""Lanes: one per topic partition, each with the batch in flight, batches waiting, and the one that
fills meanwhile.

While a lane's batch is in flight the next one fills with the records of every caller; an idle lane
sends at once. So batches grow by themselves under load and nobody waits for a timer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from connectors.publishing.budget import Budget
from schemas.wire import Headers

BATCH_BYTES = 1 << 20  # below Kafka's default max.message.bytes (1,048,588)
_Settled = Callable[[Any, BaseException | None, int, int], BaseException | None]
_OVERHEAD = 64  # upper estimate of a record's framing, and of a header's with its name


class OutgoingRecord(NamedTuple):
    """A record to write; `partition` None: chosen by the key, as every Kafka client's default
    does. `value` None: a tombstone, for a topic that is compacted.
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers
    partition: int | None = None

    @property
    def size(self) -> int:
        """Bytes it takes in memory and on the wire, roughly from above."""
        heads = sum([len(value) for _, value in self.headers])
        return len(self.key) + len(self.value or b"") + heads + _OVERHEAD * (1 + len(self.headers))


class Ticket:
    """One caller's wait: over once every batch that holds a record of the caller's is settled."""

    __slots__ = ("_done", "_open", "error")

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._open = 1  # the caller's own: held until everything is handed over
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def join(self) -> None:
        """One more batch to wait for."""
        self._open += 1

    def settle(self, error: BaseException | None) -> None:
        """One batch less; the first error is the caller's."""
        self._open -= 1
        self.error = self.error or error
        if (self._open == 0 or self.error) and not self._done.done():
            self._done.set_result(None)

    async def wait(self) -> BaseException | None:
        """Everything is handed over: wait for the rest; returns what went wrong."""
        self.settle(None)
        await self._done
        return self.error


class LaneBatch:
    """Records of one partition that travel together."""

    __slots__ = ("builder", "size", "tickets")

    def __init__(self, most_bytes: int) -> None:
        self.builder = BatchBuilder(most_bytes, 0)
        self.size = 0
        self.tickets: list[Ticket] = []

    def add(self, record: OutgoingRecord, size: int, now: int, ticket: Ticket) -> bool:
        """Whether the record still fitted."""
        if (
            self.builder.append(
                timestamp=now, key=record.key, value=record.value, headers=record.headers
            )
            is None
        ):
            return False
        self.size += size
        if not self.tickets or self.tickets[-1] is not ticket:
            self.tickets.append(ticket)
            ticket.join()
        return True

    def settle(self, error: BaseException | None) -> None:
        """Tell every caller."""
        for ticket in self.tickets:
            ticket.settle(error)


class Lane:
    """The way to one partition.

    `producer()` gives the producer of the moment, or None while there is none; `batch_bytes()` what
    a batch may hold. `settled(producer, error, records, bytes)` hears how each batch ended and says
    what its callers are told.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        budget: Budget,
        producer: Callable[[], Any],
        settled: _Settled,
        batch_bytes: Callable[[], int],
    ) -> None:
        self.topic = topic
        self.partition = partition
        self._budget = budget
        self._producer = producer
        self._settled = settled
        self._batch_bytes = batch_bytes
        self._cut: BaseException | None = None
        self._waiting: deque[LaneBatch] = deque()
        self._sending: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a batch is in flight."""
        return self._sending is not None

    def add(self, record: OutgoingRecord, size: int, now: int, ticket: Ticket) -> None:
        """Put a record into the batch that fills; `size` bytes were taken from the budget and are
        given back with its batch.
        """
        if not self._waiting or not self._waiting[-1].add(record, size, now, ticket):
            self._waiting.append(LaneBatch(self._batch_bytes()))
            self._waiting[-1].add(record, size, now, ticket)  # an empty batch takes any record

    def pump(self) -> None:
        """Send the oldest batch unless one is in flight."""
        producer = self._producer()
        if self._sending is None and self._waiting and producer is not None:
            batch = self._waiting.popleft()
            self._sending = asyncio.create_task(self._send(producer, batch))
            self._sending.add_done_callback(partial(self._sent, producer, batch))

    def drop(self, error: BaseException) -> None:
        """Give up what waits."""
        while self._waiting:
            batch = self._waiting.popleft()
            self._budget.give(batch.size)
            batch.settle(error)

    async def drain(self) -> None:
        """Wait until nothing is in flight any more; what waits follows while there is a
        producer.
        """
        while self._sending is not None:
            await asyncio.wait({self._sending})

    def cut(self, error: BaseException | None = None) -> None:
        """Give up what is in flight: its producer is gone, and nobody will ever know. `error` is
        what its callers are told.
        """
        if self._sending is not None:
            self._cut = self._cut or error
            self._sending.cancel()

    async def _send(self, producer: Any, batch: LaneBatch) -> None:
        batch.builder.close()
        delivery = await producer.send_batch(batch.builder, self.topic, partition=self.partition)
        await delivery

    def _sent(self, producer: Any, batch: LaneBatch, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            error: BaseException | None = self._cut or KafkaError("the sending was cut off")
        else:
            error = task.exception()
        self._sending, self._cut = None, None
        self._budget.give(batch.size)
        batch.settle(self._settled(producer, error, batch.builder.record_count(), batch.size))
        self.pump()
