"""The ledger: one partition number of all families and their transactional producer, one object.

Batches of events become one Kafka transaction: the changed states, the touched pages of cells as
absolute values, and the source offsets. Nothing else commits offsets. So after any fault the books
are those of the last committed transaction. Families share a transaction since a broker's work is
by transaction: one for each of them cost it many times more.

What is refused goes to quarantine beforehand and apart, since a quarantine that can't be written
must stop nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.errors import LedgerError
from schemas.kafka.clients import consumer, producer
from schemas.quarantine import Stray
from schemas.settings import Settings
from schemas.topics import cells_topic, state_topic
from streams import health
from streams.checks import SourcePosition
from streams.families import families
from streams.family_partition import FamilyPartition, Fetched
from streams.family_state import Changes, KeyValue
from streams.quarantine import Quarantine
from streams.transaction import transaction

log = logging.getLogger(__name__)


class Ledger:
    """Opened by a take-over (streams/takeover.py), then `apply` again and again, then `close`."""

    def __init__(
        self, partition: int, settings: Settings, quarantine: Quarantine | None = None
    ) -> None:
        """`quarantine` is shared by the ledgers of a worker; whoever gave it closes it."""
        self.partition, self._settings = partition, settings
        parts = [
            FamilyPartition(family, partition, settings.partitions, settings.space)
            for family in families(settings).values()
        ]
        self.by_topic = {part.source.topic: part for part in parts}
        self._quarantine = quarantine or Quarantine(settings)
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Begin: whoever held this partition before can commit nothing any more."""
        self._producer = producer(
            self._settings,
            transactional_id=f"{self._settings.books}-{self.partition}",
            transaction_timeout_ms=int(self._settings.transaction_timeout * 1000),
            retry_backoff_ms=10,
        )
        await self._producer.start()

    async def settle(self, positions: Mapping[TopicPartition, SourcePosition]) -> None:
        """Publish what has to be published before the first fact: counts by today's rules, what was
        damaged, an offset that expired.
        """
        changed: dict[FamilyPartition, tuple[Changes, int]] = {}
        for part in self.by_topic.values():
            await self._quarantine.keep(part.junk)
            position = positions[part.source]
            moved = self._moved(part, position)
            changes = await part.settled()
            if changes is None and (moved or (position.committed is None and part.next)):
                changes = Changes(refused_run=part.family_state.refused_run)
            if changes is not None:
                changed[part] = changes, part.next
        if changed:
            await self._commit(changed)
            for part in changed:
                part.rules = part.family.rules

    @staticmethod
    def _moved(part: FamilyPartition, position: SourcePosition) -> bool:
        """Go to where the log is now, of a family whose events are not kept for ever: it may be
        another log.
        """
        within = min(max(part.next, position.begins), position.ends)
        if part.family.recounted or within == part.next:
            return False
        part.next = within
        return True

    async def apply(self, batches: Mapping[str, Sequence[Fetched]]) -> None:
        """Fold batches (by topic, each topic's in order) into the states and cells, in one
        transaction.

        Raises: LedgerError for a hole, too many refused records in a row, or what Kafka did not
        take. After any of them the process must end: the books may be behind or fenced, and only a
        take-over makes them right.
        """
        began = perf_counter()
        changed: dict[FamilyPartition, tuple[Changes, int]] = {}
        for topic, found in batches.items():
            part = self.by_topic[topic]
            records = part.in_order(found)
            if records:
                if part.family.recounted:
                    await self._check_gaps(part, records)
                changes = part.family_state.fold(records)
                if changes.longest_run >= self._settings.quarantine_run:
                    raise LedgerError(_too_many(part, changes))
                changed[part] = changes, records[-1].offset + 1
        if changed:
            await self._quarantine.keep(_quarantined(changed))
            await self._commit(changed)
            _keep(changed)
            health.transaction_committed(perf_counter() - began)

    async def _check_gaps(self, part: FamilyPartition, records: Sequence[Any]) -> None:
        """Offsets follow one another. What a transaction's markers leave out is no hole; what
        retention took, or the transport lost, is.
        """
        expected = part.next
        if records[-1].offset - expected + 1 == len(records):
            return
        for record in records:
            if record.offset != expected:
                await self._check_gap(part, expected, record.offset)
            expected = record.offset + 1

    async def _check_gap(self, part: FamilyPartition, expected: int, found: int) -> None:
        async with consumer(self._settings) as reader:
            reader.assign([part.source])
            begins = (await reader.beginning_offsets([part.source]))[part.source]
            if begins > expected:
                raise LedgerError(
                    f"{part}: facts {expected} to {begins - 1} were deleted before they were"
                    " counted"
                )
            reader.seek(part.source, expected)
            first = int((await reader.getone(part.source)).offset)
        if first != found:
            raise LedgerError(
                f"{part}: a batch begins at offset {found}, but the books stand at {expected}"
            )

    async def _commit(self, changed: Mapping[FamilyPartition, tuple[Changes, int]]) -> None:
        """One transaction: states, pages and the source offsets, or none of them."""
        assert self._producer is not None, "the ledger is not open"
        books = self._settings.books
        offsets = {part.source: offset for part, (_, offset) in changed.items()}
        pages: list[KeyValue] = []
        async with transaction(
            self._producer, books, offsets, self._settings.transaction_timeout
        ) as writes:
            for part, (changes, offset) in changed.items():
                states = part.states(changes, offset)
                await writes.write(state_topic(part.family.name, books), self.partition, states)
                pages += part.pages(changes, offset)
            await writes.write(cells_topic(books), self.partition, pages)

    async def skip_to(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Let books go on behind facts that are gone for good. For whoever mends them by hand, of a
        ledger that is fenced and loaded.
        """
        parts = {part.source: part for part in self.by_topic.values()}
        skipped = {parts[source]: (Changes(), offset) for source, offset in offsets.items()}
        await self._commit(skipped)
        _keep(skipped)

    async def close(self) -> None:
        """Let go of the partition."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None


def _keep(changed: Mapping[FamilyPartition, tuple[Changes, int]]) -> None:
    for part, (changes, offset) in changed.items():
        part.family_state.keep(changes)
        part.next = offset
        health.batch_applied(part.family.name, changes)


def _too_many(part: FamilyPartition, changes: Changes) -> str:
    first = changes.refused[0]
    return (
        f"{part}: {changes.longest_run} records in a row can't be taken in, from about offset"
        f" {first.record.offset} ({first.reason}). Is a system writing to the topic by itself? Stop"
        " it, then raise LGSP_QUARANTINE_RUN above that number once, so that they go to"
        " quarantine."
    )


def _quarantined(changed: Mapping[FamilyPartition, tuple[Changes, int]]) -> list[Stray]:
    return [
        Stray(f"kafka:{part}/{refused.record.offset}", refused.reason, refused.record.value or b"")
        for part, (changes, _) in changed.items()
        for refused in changes.refused
    ]
