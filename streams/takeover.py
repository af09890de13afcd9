"""The take-over: ledgers are opened together, since what they load lies side by side and is read in one go.

Fence first, so that whoever held a partition before can add nothing any more; then read states and pages as they were last
committed; then compare with the group's offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

from aiokafka import TopicPartition

from schemas.errors import LedgerError
from schemas.kafka import committed_offsets, consumer, read_to_end
from schemas.settings import Settings
from schemas.topics import cells_topic, state_topic
from streams.account import Account
from streams.books import Record
from streams.ledger import Ledger

log = logging.getLogger(__name__)

FENCE_SECONDS = 30.0  # a former owner's open transaction is rolled back first, which takes a moment

Put = Callable[[bytes, bytes | None], None]


async def take_over(settings: Settings, ledgers: Sequence[Ledger]) -> None:
    """Open ledgers.

    Raises: LedgerError where the group's offset is not the books'; whatever Kafka raises.
    """
    if not ledgers:
        return
    began = perf_counter()
    accounts = [account for ledger in ledgers for account in ledger.accounts.values()]
    await _fence(ledgers)
    await _load(settings, accounts)
    offsets = await committed_offsets(settings, settings.app_id, [account.source for account in accounts])
    for ledger in ledgers:
        await ledger.check(offsets)
    states, pages = sum(len(account.books.states) for account in accounts), sum(len(account.books.pages) for account in accounts)
    log.info("took over %d partitions: %d states, %d pages in %.1f s", len(ledgers), states, pages, perf_counter() - began)


async def _fence(ledgers: Sequence[Ledger]) -> None:
    try:
        async with asyncio.timeout(FENCE_SECONDS):
            await asyncio.gather(*(ledger.fence() for ledger in ledgers))
    except TimeoutError:
        raise LedgerError(
            f"Kafka did not open the transactions of partitions {', '.join(str(ledger.partition) for ledger in ledgers)} within "
            f"{FENCE_SECONDS:g} s: is the former owner's last transaction still being rolled back, or a broker away?"
        ) from None


async def _load(settings: Settings, accounts: Sequence[Account]) -> None:
    """Every row goes to the books it belongs to: a state topic has one family's, the topic of cells all families'."""
    books = settings.app_id
    states = {TopicPartition(state_topic(one.family.name, books), one.source.partition): one.books.states.put for one in accounts}
    pages: dict[TopicPartition, dict[bytes, Put]] = {}
    for account in accounts:
        pages.setdefault(TopicPartition(cells_topic(books), account.source.partition), {})[account.family.name.encode()] = account.put_page
    async with consumer(settings, max_partition_fetch_bytes=2 << 20, fetch_max_bytes=16 << 20) as reader:
        reader.assign([*states, *pages])
        async for partition, records in read_to_end(reader, *states, *pages):
            if partition in states:
                _put(records, states[partition])
            else:
                _share_out(records, pages[partition])


def _put(records: Iterable[Record], put: Put) -> None:
    """A record without a key says how far the states have come, which the page `applied` says as well."""
    for record in records:
        if record.key:
            put(record.key, record.value)


def _share_out(records: Iterable[Record], puts: dict[bytes, Put]) -> None:
    """A page's key begins with its family; those of a family that this ledger does not keep are passed over."""
    for record in records:
        key = record.key
        if key and (put := puts.get(key[: key.find(b"|")])):
            put(key, record.value)
