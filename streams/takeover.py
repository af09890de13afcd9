"""The take-over: ledgers are opened together, since what they load lies side by side and is read in
one go.

Fence first, so that whoever held a partition before can add nothing any more; then read states and
pages as they were last committed; then compare them with each other, with the group's offsets and
with the log of events (streams/checks.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter

from aiokafka import TopicPartition

from schemas.errors import LedgerError
from schemas.kafka.clients import consumer
from schemas.kafka.reading import committed_offsets, read_to_end
from schemas.settings import Settings
from schemas.topics import cells_topic, state_topic
from streams.checks import SourcePosition, require_consistent
from streams.family_partition import FamilyPartition
from streams.family_state import EventRecord
from streams.ledger import Ledger

log = logging.getLogger(__name__)

_FENCE_SECONDS = (
    30.0  # a former owner's open transaction is rolled back first, which takes a moment
)


async def take_over(settings: Settings, ledgers: Sequence[Ledger]) -> None:
    """Open ledgers.

    Raises: LedgerError where books, group and events don't fit together, before anything is
    written; whatever Kafka raises.
    """
    if not ledgers:
        return
    began = perf_counter()
    parts = [part for ledger in ledgers for part in ledger.by_topic.values()]
    await fence(ledgers)
    await load_partitions(settings, parts)
    positions = await positions_of(settings, [part.source for part in parts])
    require_consistent(parts, positions, settings.books)
    for ledger in ledgers:
        await ledger.settle(positions)
    states, pages = (
        sum(len(part.family_state.states) for part in parts),
        sum(len(part.family_state.pages) for part in parts),
    )
    log.info(
        "took over %d partitions: %d states, %d pages in %.1f s",
        len(ledgers),
        states,
        pages,
        perf_counter() - began,
    )


async def fence(ledgers: Sequence[Ledger]) -> None:
    """Open the ledgers' producers: whoever held the partitions before can add nothing any more.

    Raises: LedgerError if that takes too long.
    """
    try:
        async with asyncio.timeout(_FENCE_SECONDS):
            await asyncio.gather(*(ledger.fence() for ledger in ledgers))
    except TimeoutError:
        raise LedgerError(
            "Kafka did not open the transactions of partitions"
            f" {', '.join(str(ledger.partition) for ledger in ledgers)} within {_FENCE_SECONDS:g}"
            " s: is the former owner's last transaction still being rolled back, or a broker away?"
        ) from None


async def positions_of(
    settings: Settings, sources: list[TopicPartition]
) -> dict[TopicPartition, SourcePosition]:
    """Where the logs of these partitions of events begin and end, and where the group stands."""
    committed = await committed_offsets(settings, settings.books, sources)
    async with consumer(settings) as reader:
        begins, ends = await reader.beginning_offsets(sources), await reader.end_offsets(sources)
    return {
        source: SourcePosition(begins[source], ends[source], committed[source])
        for source in sources
    }


async def load_partitions(settings: Settings, parts: Sequence[FamilyPartition]) -> None:
    """Every row goes to the family it belongs to: a topic of states has one family's, the topic of
    cells all families'.
    """
    books = settings.books
    states = {
        TopicPartition(state_topic(one.family.name, books), one.source.partition): one
        for one in parts
    }
    pages: dict[TopicPartition, dict[bytes, FamilyPartition]] = {}
    for part in parts:
        pages.setdefault(TopicPartition(cells_topic(books), part.source.partition), {})[
            part.family.name.encode()
        ] = part
    async with consumer(
        settings, max_partition_fetch_bytes=2 << 20, fetch_max_bytes=16 << 20
    ) as reader:
        reader.assign([*states, *pages])
        async for partition, records in read_to_end(reader, *states, *pages):
            if partition in states:
                states[partition].put_states(partition.topic, records)
            else:
                _share_out(partition.topic, records, pages[partition])


def _share_out(
    topic: str, records: Iterable[EventRecord], parts: Mapping[bytes, FamilyPartition]
) -> None:
    """A page's key begins with its family; those of a family that this ledger does not keep are
    passed over.
    """
    shares: dict[bytes, list[EventRecord]] = {family: [] for family in parts}
    for record in records:
        key = record.key
        if key and (share := shares.get(key[: key.find(b"|")])) is not None:
            share.append(record)
    for family, share in shares.items():
        parts[family].put_pages(topic, share)
