"""The ledger: the books of all families of one partition number and their transactional producer, one object.

Batches of events become one Kafka transaction: the changed states, the touched pages of cells as absolute values, what was
refused, and the source offsets. Nothing else commits offsets. So after any fault the books are those of the last committed
transaction. Families share a transaction since a broker's work is by transaction: one for each of them cost it many times more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import perf_counter

from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.errors import LedgerError
from schemas.kafka import consumer, producer
from schemas.quarantine import Quarantined
from schemas.settings import Settings
from schemas.topics import QUARANTINE, cells_topic, state_topic
from schemas.wire import Headers
from streams import health
from streams.account import Account, Handed
from streams.books import Changes, Refused, Row
from streams.families import families
from streams.transaction import transaction

log = logging.getLogger(__name__)

TRANSACTION_SECONDS = 10.0  # from beginning to committed; the broker rolls back what lasts longer


class Ledger:
    """Opened by a take-over (streams/takeover.py), then `apply` again and again, then `close`."""

    def __init__(self, partition: int, settings: Settings) -> None:
        self.partition, self._settings = partition, settings
        accounts = [Account(family, partition) for family in families(settings).values()]
        self.accounts = {account.source.topic: account for account in accounts}
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Begin: whoever held this partition before can commit nothing any more."""
        self._producer = producer(
            self._settings, transactional_id=f"{self._settings.app_id}-{self.partition}",
            transaction_timeout_ms=int(TRANSACTION_SECONDS * 1000), retry_backoff_ms=10,
        )  # fmt: skip
        await self._producer.start()

    async def check(self, committed: Mapping[TopicPartition, int]) -> None:
        """Compare with the group's offsets; where other rules counted the pages, count them anew and publish the differences.

        Raises: LedgerError.
        """
        for account in self.accounts.values():
            account.check(self._settings.app_id, committed[account.source])
            if account.rules != account.family.rules:
                log.warning("%s: the rules changed from %s to %s: counting anew", account, account.rules, account.family.rules)
                await self._commit({account: (await account.counted_anew(), account.next)})
                account.rules = account.family.rules

    async def apply(self, batches: Mapping[str, Sequence[Handed]]) -> None:
        """Fold batches (by topic, each topic's in order) into the books, in one transaction.

        Raises: LedgerError for a hole or too many undecodable records in a row; whatever Kafka raises. After any of them the
        process must end: the books may be behind or fenced, and only a take-over makes them right.
        """
        began = perf_counter()
        changed: dict[Account, tuple[Changes, int]] = {}
        for topic, found in batches.items():
            account = self.accounts[topic]
            await self._check_first(account, found[0])
            if records := account.in_order(found):
                changes = account.books.fold(records)
                if changes.longest_run >= self._settings.quarantine_run:
                    raise LedgerError(_too_many(account, changes))
                changed[account] = changes, records[-1].offset + 1
        if changed:
            await self._commit(changed)
            _keep(changed)
            health.transaction_committed(perf_counter() - began)

    async def _check_first(self, account: Account, batch: Handed) -> None:
        """The first batch since the take-over begins where the books end; what retention and transaction markers leave out is no hole."""
        first = batch.records[0].offset
        if batch.previous is None and first > account.next and first != await self._first_from(account):
            raise LedgerError(f"{account}: a first batch begins at offset {first}, but the books stand at {account.next}")

    async def _first_from(self, account: Account) -> int:
        async with consumer(self._settings) as reader:
            reader.assign([account.source])
            reader.seek(account.source, account.next)
            return int((await reader.getone(account.source)).offset)

    async def _commit(self, changed: Mapping[Account, tuple[Changes, int]]) -> None:
        """One transaction: states, pages, quarantine and the source offsets, or none of them."""
        assert self._producer is not None, "the ledger is not open"
        books = self._settings.app_id
        offsets = {account.source: offset for account, (_, offset) in changed.items()}
        pages: list[Row] = []
        async with transaction(self._producer, books, offsets, TRANSACTION_SECONDS) as writes:
            for account, (changes, offset) in changed.items():
                states = account.states(changes, offset)
                await writes.write(state_topic(account.family.name, books), self.partition, ((*row, []) for row in states))
                pages += account.pages(changes, offset)
                if changes.refused:
                    await writes.write(QUARANTINE, 0, (_quarantined(account, refused) for refused in changes.refused))
            await writes.write(cells_topic(books), self.partition, ((*row, []) for row in pages))

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
        f"{account}: {changes.longest_run} records in a row do not decode, from about offset {first.record.offset} ({first.reason}). "
        "Is a system writing to the topic by itself? Stop it, then raise LGSP_QUARANTINE_RUN above that number once, so that they go to "
        "quarantine."
    )


def _quarantined(account: Account, refused: Refused) -> tuple[bytes, bytes, Headers]:
    origin = f"kafka:{account}/{refused.record.offset}"
    item = Quarantined(origin, refused.reason, refused.record.value or b"")
    log.warning("quarantined %s: %s", origin, refused.reason)
    return item.key, item.value, item.headers
