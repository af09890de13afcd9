"""The ledger: a partition's books and their transactional producer, one object.

A batch of events becomes one Kafka transaction: the changed states, the touched pages of cells as absolute values, what was refused,
and the source offset. Nothing else commits offsets. So after any fault the books are those of the last committed batch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from time import perf_counter

from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.cells import applied_key, applied_row, cells_of
from schemas.errors import LedgerError
from schemas.kafka import consumer, producer
from schemas.quarantine import Quarantined
from schemas.settings import Settings
from schemas.topics import CELLS, QUARANTINE, events_topic, state_topic
from schemas.wire import Headers
from streams import health
from streams.books import Books, Changes, Record, Refused, Row
from streams.families import Family

log = logging.getLogger(__name__)


class Ledger:
    """The books of one partition of one family. Opened by a take-over (streams/takeover.py), then `apply` batch after batch."""

    def __init__(self, family: Family, partition: int, settings: Settings) -> None:
        self.family, self.partition, self._settings = family, partition, settings
        self.books = Books(family)
        self.source = TopicPartition(events_topic(family.name), partition)
        self._next = 0  # offset of the next record to apply
        self._version = family.version  # of the rules that counted the published pages
        self._applied = applied_key(family.name)
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Begin: whoever held this partition before can commit nothing any more."""
        self._producer = producer(
            self._settings, transactional_id=f"{self._settings.app_id}-{self.source.topic}-{self.partition}",
            transaction_timeout_ms=10_000, retry_backoff_ms=10,
        )  # fmt: skip
        await self._producer.start()

    def put_page(self, key: bytes, value: bytes | None) -> None:
        """A page as Kafka holds it."""
        if key == self._applied:
            for _, applied in cells_of(key, value):
                self._next, self._version = applied.get(0, 0), applied.get(1, 0)
        else:
            self.books.pages.put(key, value)

    async def check(self, committed: int) -> None:
        """Books and the group's offset are committed together; if they differ, somebody moved the offset by hand.

        If other rules counted the pages, they are counted anew from the states, and the differences published.

        Raises: LedgerError, since going on would leave a hole or hide one.
        """
        if committed != self._next:
            raise LedgerError(
                f"{self._where}: the books stand at offset {self._next}, but group {self._settings.app_id} at {committed}. Set the group's "
                f"offset back to {self._next}, or delete the state topics and lgsp.cells to count everything from zero."
            )
        if self._version != self.family.version:
            log.warning("%s: the rules changed from version %d to %d: counting anew", self._where, self._version, self.family.version)
            await self._count_anew()

    @property
    def _where(self) -> str:
        return f"{self.source.topic}/{self.partition}"

    async def _count_anew(self) -> None:
        published = dict(self.books.pages.items())
        await self.books.recount_pages()
        pages = dict(self.books.pages.items())
        gone: list[Row] = [(key, None) for key in published if key not in pages]
        await self._commit(Changes(pages=[*gone, *(row for row in pages.items() if published.get(row[0]) != row[1])]), self._next)
        self._version = self.family.version

    async def apply(self, records: Sequence[Record], previous: int | None) -> None:
        """Fold a batch into the books, in one transaction; `previous` is the offset handed before it (None: the first).

        Raises: LedgerError for a hole or too many undecodable records in a row; whatever Kafka raises. After any of them the
        process must end: the books may be behind or fenced, and only a take-over makes them right.
        """
        await self._check_order(records[0].offset, previous)
        if records[0].offset < self._next:  # fetched again after a pause: a part is in the books already
            records = [record for record in records if record.offset >= self._next]
        if not records:
            return
        began = perf_counter()
        changes = self.books.fold(records)
        if changes.longest_run >= self._settings.quarantine_run:
            raise LedgerError(self._too_many(changes))
        await self._commit(changes, records[-1].offset + 1)
        self.books.keep(changes)
        self._next = records[-1].offset + 1
        health.batch_applied(self.family.name, changes, perf_counter() - began)

    async def _check_order(self, first: int, previous: int | None) -> None:
        """Nothing may lie between what was applied and this batch."""
        where = self._where
        if previous is None:
            if first > self._next and first != await self._first_from(self._next):
                raise LedgerError(f"{where}: a first batch begins at offset {first}, but the books stand at {self._next}")
        elif previous >= self._next:
            raise LedgerError(f"{where}: a batch follows offset {previous}, but the books stand at {self._next}")

    async def _first_from(self, offset: int) -> int:
        """The offset of the first record from there on: retention and transaction markers leave gaps that are no holes."""
        async with consumer(self._settings) as reader:
            reader.assign([self.source])
            reader.seek(self.source, offset)
            return int((await reader.getone(self.source)).offset)

    def _too_many(self, changes: Changes) -> str:
        first = changes.refused[0]
        return (
            f"{self._where}: {changes.longest_run} records in a row do not decode, from about offset "
            f"{first.record.offset} ({first.reason}). Is a system writing to the topic by itself? Stop it, then raise LGSP_QUARANTINE_RUN "
            "above that number once, so that they go to quarantine."
        )

    async def _commit(self, changes: Changes, offset: int) -> None:
        """One transaction: states, cells, quarantine and the source offset, or none of them."""
        assert self._producer is not None, "the ledger is not open"
        async with self._producer.transaction():
            await self._send(state_topic(self.family.name), self.partition, ((*row, []) for row in changes.states))
            applied = applied_row(self.family.name, offset, self.family.version)
            await self._send(CELLS, self.partition, ((*row, []) for row in (*changes.pages, applied)))
            if changes.refused:
                await self._send(QUARANTINE, 0, (self._quarantined(refused) for refused in changes.refused))
            await self._producer.send_offsets_to_transaction({self.source: offset}, self._settings.app_id)

    def _quarantined(self, refused: Refused) -> tuple[bytes, bytes, Headers]:
        origin = f"kafka:{self._where}/{refused.record.offset}"
        item = Quarantined(origin, refused.reason, refused.record.value or b"")
        log.warning("quarantined %s: %s", origin, refused.reason)
        return item.key, item.value, item.headers

    async def _send(self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None, Headers]]) -> None:
        """Whole record batches straight to the partition: a tenth of the cost of one `send()` a record."""
        assert self._producer is not None
        builder, pending = self._producer.create_batch(), 0
        for key, value, headers in rows:
            if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                await self._producer.send_batch(builder, topic, partition=partition)
                builder, pending = self._producer.create_batch(), 0
                builder.append(key=key, value=value, timestamp=None, headers=headers)
            pending += 1
        if pending:
            await self._producer.send_batch(builder, topic, partition=partition)

    async def close(self) -> None:
        """Let go of the partition."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None


