"""Every family through real ledgers: what is published is what a recount from offset zero gives, falling stocks included."""

from __future__ import annotations

from collections import Counter

from aiokafka import TopicPartition
from harness import Hub

from connectors.publisher import Publisher
from ops.recount import recount
from ops.simulate.whole import whole_province
from schemas.kafka import consumer, read_to_end
from schemas.topics import events_topic
from streams.families import FAMILIES
from streams.ledger import Ledger

START = 1_767_546_000_000
BATCH = 97  # a prime, so that things' events are cut apart


async def apply_all(hub: Hub, family: str, partition: int) -> int:
    """Everything of a partition, batch after batch; returns how many events."""
    source = TopicPartition(events_topic(family), partition)
    async with consumer(hub.settings) as reader:
        reader.assign([source])
        records = [record async for batch in read_to_end(reader, source) for record in batch]
    ledger, previous = Ledger(FAMILIES[family], partition, hub.settings), None
    await ledger.open()
    for first in range(0, len(records), BATCH):
        batch = records[first : first + BATCH]
        await ledger.apply(batch, previous)
        previous = batch[-1].offset
    await ledger.close()
    return len(records)


async def test_every_family_is_recounted_exactly(hub: Hub) -> None:
    told = [event for _, event in whole_province(11, 300, START, 40)]
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(told)
    names = [name for name, family in FAMILIES.items() if family.recounted]
    for name in names:
        for partition in range(hub.settings.partitions):
            await apply_all(hub, name, partition)
    verdicts = await recount(hub.settings)
    assert [verdict for verdict in verdicts if verdict.differences or verdict.behind] == []
    counted: Counter[str] = Counter()
    for verdict in verdicts:
        counted[verdict.family] += verdict.events
    assert counted == Counter(event.family for event in told)
    assert set(counted) == set(names) == {"dossiers", "documents", "tasks", "activities", "inventory"}
