"""One Kafka transaction whose every write is looked at before it may commit.

`send_batch` only queues: the fate of a batch is told by the future it returns, and aiokafka marks a
batch as failed without failing its transaction (on any error that it can't retry, and when a
partition has had no leader for longer than the request timeout). A commit that did not look would
make cells and offsets durable without the states they were counted from.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced

from schemas.errors import BooksError, LedgerError
from schemas.masking import quoted
from schemas.topics import max_message_bytes
from streams.family_state import KeyValue

# for a polite end of what failed; the next take-over rolls back whatever is left open
_ABORT_SECONDS = 2.0
_OVERHEAD = 128  # upper estimate of a record's framing and of its batch's


@dataclass(slots=True)
class WrittenBatch:
    """A record batch on its way, with what a message needs to name it."""

    topic: str
    partition: int
    largest: bytes = b""  # the key of its largest record
    size: int = 0  # bytes of that record
    records: int = 0
    future: asyncio.Future[Any] | None = None

    def count(self, key: bytes, size: int) -> None:
        """One more record is in it."""
        self.records += 1
        if size >= self.size:
            self.largest, self.size = key, size


class Transaction:
    """What one transaction writes. Used through `transaction`."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._deliveries: list[WrittenBatch] = []

    async def write(self, topic: str, partition: int, rows: Iterable[KeyValue]) -> None:
        """Whole record batches straight to the partition: a tenth of the cost of one `send()` a
        record.

        Raises: BooksError for a record larger than its topic takes; whatever Kafka raises at once.
        """
        most = max_message_bytes(topic)
        builder, delivery = self._producer.create_batch(), WrittenBatch(topic, partition)
        for key, value in rows:
            size = len(key) + len(value or b"") + _OVERHEAD
            if size > most:
                raise BooksError(_too_large(topic, partition, key, size, most))
            if builder.append(key=key, value=value, timestamp=None) is None:
                await self._send(builder, delivery)
                builder, delivery = self._producer.create_batch(), WrittenBatch(topic, partition)
                builder.append(key=key, value=value, timestamp=None)
            delivery.count(key, size)
        if delivery.records:
            await self._send(builder, delivery)

    async def _send(self, builder: Any, delivery: WrittenBatch) -> None:
        delivery.future = await self._producer.send_batch(
            builder, delivery.topic, partition=delivery.partition
        )
        self._deliveries.append(delivery)

    async def delivered(self) -> None:
        """Returns once every batch is on all in-sync replicas.

        Raises: LedgerError naming the first batch that is not.
        """
        waiting = [delivery.future for delivery in self._deliveries if delivery.future is not None]
        if waiting:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
        for delivery in self._deliveries:
            if (
                delivery.future is not None
                and delivery.future.done()
                and (error := delivery.future.exception())
            ):
                raise _refused(delivery, error) from error

    def forget(self) -> None:
        """Look at what is left of a transaction that failed: nobody else reads these results, and
        they change nothing any more.
        """
        for delivery in self._deliveries:
            if delivery.future is not None:
                delivery.future.add_done_callback(_look)


@asynccontextmanager
async def transaction(
    producer: AIOKafkaProducer,
    group: str,
    offsets: Mapping[TopicPartition, int],
    seconds: float,
) -> AsyncIterator[Transaction]:
    """Write inside; then all of it is committed together with the group's offsets, or none of it.

    seconds: how long all of it may take. Raises: LedgerError when anything was not written or
    committed, or not in time. After it the process must end: whether a commit that got no answer
    holds, only a take-over finds out.
    """
    writes = Transaction(producer)
    try:
        async with asyncio.timeout(seconds):
            await producer.begin_transaction()
            yield writes
            await writes.delivered()
            await producer.send_offsets_to_transaction(dict(offsets), group)
            await producer.commit_transaction()
    except BaseException as error:
        writes.forget()
        await _abort(producer)
        if isinstance(error, (TimeoutError, KafkaError)):
            raise _failed(error, seconds) from error
        raise


async def _abort(producer: AIOKafkaProducer) -> None:
    """Readers need not wait for the transaction's timeout. Where even that fails, the next owner of
    the name rolls it back.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_ABORT_SECONDS):
            await producer.abort_transaction()


def _look(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def _failed(error: BaseException, seconds: float) -> LedgerError:
    if isinstance(error, TimeoutError):
        return LedgerError(
            f"Kafka did not take a transaction within {seconds:g} s: is a topic missing, or a"
            " partition without a leader? If books are counted anew at a start and are very large,"
            " raise LGSP_TRANSACTION_TIMEOUT."
        )
    if isinstance(error, ProducerFenced):
        return LedgerError(
            "Another worker took over this partition meanwhile; nothing of the transaction counts."
        )
    return LedgerError(f"Kafka refused a transaction ({_name(error)}); nothing of it counts.")


def _refused(delivery: WrittenBatch, error: BaseException) -> LedgerError:
    if isinstance(error, ProducerFenced):
        return _failed(error, 0)
    where = f"{delivery.topic}/{delivery.partition}"
    largest = f"{quoted(delivery.largest)} with about {delivery.size:,} bytes"
    if isinstance(error, MessageSizeTooLargeError):
        return LedgerError(
            f"{where}: Kafka refused a batch as too large; its largest record is {largest}. Did"
            " somebody lower the topic's max.message.bytes, which is"
            f" {max_message_bytes(delivery.topic):,} as declared? The hub looks at it when it"
            " starts again; nothing of the transaction counts, and nothing is lost."
        )
    return LedgerError(
        f"{where}: a batch of {delivery.records:,} records was not written ({_name(error)}); its"
        f" largest is {largest}. Nothing of the transaction counts."
    )


def _too_large(topic: str, partition: int, key: bytes, size: int, most: int) -> str:
    return (
        f"{topic}/{partition}: the record of {quoted(key)} would have {size:,} bytes, and the topic"
        f" takes {most:,}: more facts came together there than the hub foresees. Nothing was"
        " counted or lost; tell the makers of the hub."
    )


def _name(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
