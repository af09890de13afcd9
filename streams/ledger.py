"""The ledger: the books of all families of one partition number and their transactional producer,
one object.

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
from schemas.kafka import consumer, producer
from schemas.quarantine import Stray
from schemas.settings import Settings
from schemas.topics import cells_topic, state_topic
from streams import health
from streams.account import Account, Handed
from streams.books import Changes, Row
from streams.checks import Place
from streams.families import families
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
        accounts = [
            Account(family, partition, settings.partitions)
            for family in families(settings).values()
        ]
        self.accounts = {account.source.topic: account for account in accounts}
        self._quarantine = quarantine or Quarantine(settings)
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Begin: whoever held this partition before can commit nothing any more."""
        self._producer = producer(
            self._settings,
            transactional_id=f"{self._settings.app_id}-{self.partition}",
            transaction_timeout_ms=int(self._settings.transaction_timeout * 1000),
            retry_backoff_ms=10,
        )
        await self._producer.start()

    async def settle(self, places: Mapping[TopicPartition, Place]) -> None:
        """Publish what has to be published before the first fact: counts by today's rules, what was
        damaged, an offset that expired.
        """
        changed: dict[Account, tuple[Changes, int]] = {}
        for account in self.accounts.values():
            await self._quarantine.keep(account.junk)
            place = places[account.source]
            moved = self._moved(account, place)
            changes = await account.settled()
            if changes is None and (moved or (place.committed is None and account.next)):
                changes = Changes(refused_run=account.books.refused_run)
            if changes is not None:
                changed[account] = changes, account.next
        if changed:
            await self._commit(changed)
            for account in changed:
                account.rules = account.family.rules

    @staticmethod
    def _moved(account: Account, place: Place) -> bool:
        """Take books whose events are not kept for ever to where their log is now: it may be
        another one.
        """
        within = min(max(account.next, place.begins), place.ends)
        if account.family.recounted or within == account.next:
            return False
        account.next = within
        return True

    async def apply(self, batches: Mapping[str, Sequence[Handed]]) -> None:
        """Fold batches (by topic, each topic's in order) into the books, in one transaction.

        Raises: LedgerError for a hole, too many refused records in a row, or what Kafka did not
        take. After any of them the process must end: the books may be behind or fenced, and only a
        take-over makes them right.
        """
        began = perf_counter()
        changed: dict[Account, tuple[Changes, int]] = {}
        for topic, found in batches.items():
            account = self.accounts[topic]
            records = account.in_order(found)
            if records:
                if account.family.recounted:
                    await self._check_gaps(account, records)
                changes = account.books.fold(records)
                if changes.longest_run >= self._settings.quarantine_run:
                    raise LedgerError(_too_many(account, changes))
                changed[account] = changes, records[-1].offset + 1
        if changed:
            await self._quarantine.keep(_quarantined(changed))
            await self._commit(changed)
            _keep(changed)
            health.transaction_committed(perf_counter() - began)

    async def _check_gaps(self, account: Account, records: Sequence[Any]) -> None:
        """Offsets follow one another. What a transaction's markers leave out is no hole; what
        retention took, or the transport lost, is.
        """
        expected = account.next
        if records[-1].offset - expected + 1 == len(records):
            return
        for record in records:
            if record.offset != expected:
                await self._check_gap(account, expected, record.offset)
            expected = record.offset + 1

    async def _check_gap(self, account: Account, expected: int, found: int) -> None:
        async with consumer(self._settings) as reader:
            reader.assign([account.source])
            begins = (await reader.beginning_offsets([account.source]))[account.source]
            if begins > expected:
                raise LedgerError(
                    f"{account}: facts {expected} to {begins - 1} were deleted before they were"
                    " counted"
                )
            reader.seek(account.source, expected)
            first = int((await reader.getone(account.source)).offset)
        if first != found:
            raise LedgerError(
                f"{account}: a batch begins at offset {found}, but the books stand at {expected}"
            )

    async def _commit(self, changed: Mapping[Account, tuple[Changes, int]]) -> None:
        """One transaction: states, pages and the source offsets, or none of them."""
        assert self._producer is not None, "the ledger is not open"
        books = self._settings.app_id
        offsets = {account.source: offset for account, (_, offset) in changed.items()}
        pages: list[Row] = []
        async with transaction(
            self._producer, books, offsets, self._settings.transaction_timeout
        ) as writes:
            for account, (changes, offset) in changed.items():
                states = account.states(changes, offset)
                await writes.write(state_topic(account.family.name, books), self.partition, states)
                pages += account.pages(changes, offset)
            await writes.write(cells_topic(books), self.partition, pages)

    async def skip_to(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Let books go on behind facts that are gone for good. For whoever mends them by hand, of a
        ledger that is fenced and loaded.
        """
        accounts = {account.source: account for account in self.accounts.values()}
        skipped = {accounts[source]: (Changes(), offset) for source, offset in offsets.items()}
        await self._commit(skipped)
        _keep(skipped)

    async def close(self) -> None:
        """Let go of the partition."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None


def _keep(changed: Mapping[Account, tuple[Changes, int]]) -> None:
    for account, (changes, offset) in changed.items():
        account.books.keep(changes)
        account.next = offset
        health.batch_applied(account.family.name, changes)


def _too_many(account: Account, changes: Changes) -> str:
    first = changes.refused[0]
    return (
        f"{account}: {changes.longest_run} records in a row can't be taken in, from about offset"
        f" {first.record.offset} ({first.reason}). Is a system writing to the topic by itself? Stop"
        " it, then raise LGSP_QUARANTINE_RUN above that number once, so that they go to"
        " quarantine."
    )


def _quarantined(changed: Mapping[Account, tuple[Changes, int]]) -> list[Stray]:
    return [
        Stray(
            f"kafka:{account}/{refused.record.offset}", refused.reason, refused.record.value or b""
        )
        for account, (changes, _) in changed.items()
        for refused in changes.refused
    ]
