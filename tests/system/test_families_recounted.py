"""Every family through real ledgers: what is published is what a recount from offset zero gives,
falling stocks included.
"""

from __future__ import annotations

from collections import Counter

from aiokafka import TopicPartition
from harness import Hub

from connectors.publishing.publisher import Publisher
from ops.simulate.whole import whole_province
from schemas.kafka.clients import consumer
from schemas.kafka.reading import read_to_end
from schemas.topics import events_topic
from streams.families import FAMILIES
from streams.family_partition import Fetched
from streams.ledger import Ledger
from streams.takeover import take_over

START = 1_767_546_000_000
BATCH = 97  # a prime, so that things' events are cut apart


async def apply_all(hub: Hub, names: list[str], partition: int) -> None:
    """Everything of a partition, batch after batch, a batch of every family in each transaction."""
    batches: dict[str, list[Fetched]] = {}
    async with consumer(hub.settings) as reader:
        for source in (TopicPartition(events_topic(name), partition) for name in names):
            reader.assign([source])
            records = [record async for _, found in read_to_end(reader, source) for record in found]
            parts = [records[first : first + BATCH] for first in range(0, len(records), BATCH)]
            before = [None, *(part[-1].offset for part in parts)]
            batches[source.topic] = [
                Fetched(part, previous) for part, previous in zip(parts, before, strict=False)
            ]
    ledger = Ledger(partition, hub.settings)
    await take_over(hub.settings, [ledger])
    for number in range(max(map(len, batches.values()))):
        await ledger.apply(
            {
                topic: found[number : number + 1]
                for topic, found in batches.items()
                if found[number:]
            }
        )
    await ledger.close()


async def test_every_family_is_recounted_exactly(hub: Hub) -> None:
    told = [event for _, event in whole_province(11, 300, START, 40)]
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(told)
    names = [name for name, family in FAMILIES.items() if family.recounted]
    for partition in range(hub.settings.partitions):
        await apply_all(hub, names, partition)
    verdicts = await hub.settle()
    assert [verdict for verdict in verdicts if verdict.differences or verdict.behind] == []
    counted: Counter[str] = Counter()
    for verdict in verdicts:
        counted[verdict.family] += verdict.events
    assert counted == Counter(event.family for event in told)
    assert (
        set(counted) == set(names) == {"dossiers", "documents", "tasks", "activities", "inventory"}
    )
