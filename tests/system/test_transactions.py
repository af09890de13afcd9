"""No transaction is committed of which any write failed: each single one is made to fail in turn,
on a real Kafka.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.producer.message_accumulator import MessageAccumulator
from harness import Hub, until
from test_ledger import exact, read

from connectors.publishing.publisher import Publisher
from ops.recount.compare import recount
from ops.simulate.stream import events
from schemas.errors import LedgerError
from schemas.kafka.clients import admin
from schemas.topics import cells_topic, state_topic
from streams.family_partition import Fetched
from streams.ledger import Ledger
from streams.takeover import take_over

START = 1_767_546_000_000
DOSSIERS, DOCUMENTS = TopicPartition("lgsp.dossiers", 0), TopicPartition("lgsp.documents", 0)
FAILURES = (
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
    TopicAuthorizationFailedError,
)
Batches = dict[str, list[Fetched]]


@pytest.fixture
async def batches(hub: Hub) -> Batches:
    """Facts of two families in Kafka, as a ledger is handed them."""
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(
            [
                event
                for _, event in events(11, 400, START, 20)
                if event.family in ("dossiers", "documents")
            ]
        )
    return {
        source.topic: [Fetched(await read(hub, source), None)] for source in (DOSSIERS, DOCUMENTS)
    }


@contextmanager
def failing(number: int, error: type[KafkaError]) -> Iterator[list[str]]:
    """The batch of that number never reaches Kafka, and its future tells why: what aiokafka does
    when it can't or may not retry.

    Yields the topics of the batches that were to be sent meanwhile.
    """
    sent: list[str] = []
    append = MessageAccumulator._append_batch

    def append_or_fail(accumulator: MessageAccumulator, builder: Any, tp: TopicPartition) -> Any:
        batch = append(accumulator, builder, tp)
        if len(sent) == number:
            accumulator._batches[tp].remove(batch)
            if not accumulator._batches[tp]:
                del accumulator._batches[tp]
            batch.failure(exception=error())
        sent.append(tp.topic)
        return batch

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MessageAccumulator, "_append_batch", append_or_fail)
        yield sent


async def opened(hub: Hub) -> Ledger:
    """A successor, as a worker that starts again opens it."""
    ledger = Ledger(0, hub.settings)
    await take_over(hub.settings, [ledger])
    return ledger


async def failed_write(
    hub: Hub, batches: Batches, number: int, error: type[KafkaError]
) -> list[str]:
    """Fail the write of that number, which must fail the transaction; the topics that it writes
    to.
    """
    ledger = await opened(hub)
    assert [part.next for part in ledger.by_topic.values()] == [0] * len(ledger.by_topic)
    try:
        with (
            failing(number, error) as sent,
            pytest.raises(LedgerError, match=r"lgsp\..*/0: .*bytes"),
        ):
            await ledger.apply(batches)
        return sent
    finally:
        await ledger.close()


async def test_a_failed_write_fails_its_transaction(hub: Hub, batches: Batches) -> None:
    """Whichever write and failure it is: nothing of the transaction counts, the sentence names the
    topic, a fresh start is exact.
    """
    written = [state_topic("dossiers"), state_topic("documents"), cells_topic()]
    for error in FAILURES:
        for number in range(len(written)):
            assert await failed_write(hub, batches, number, error) == written
    ledger = await opened(hub)
    await ledger.apply(batches)
    await ledger.close()
    assert await exact(hub, len(batches[DOSSIERS.topic][0].records)) > 0
    assert not any(verdict.differences for verdict in await recount(hub.settings))


async def test_what_kafka_does_not_take_in_time_ends_the_worker(hub: Hub, batches: Batches) -> None:
    """A topic that is gone is waited for in vain: the transaction ends with a sentence instead of
    hanging.
    """
    hub.settings.transaction_timeout = 3.0
    ledger = await opened(hub)
    async with admin(hub.settings) as client:
        await client.delete_topics([state_topic("documents")])
    with pytest.raises(
        LedgerError, match=r"did not take a transaction within 3 s|lgsp\.documents\.state"
    ):
        await ledger.apply(batches)


async def limit_states(hub: Hub, most: int) -> None:
    """Set how large a batch of the dossiers' states may be."""
    async with admin(hub.settings) as client:
        resource = ConfigResource(
            ConfigResourceType.TOPIC,
            state_topic("dossiers"),
            configs={
                "max.message.bytes": str(most),
                "cleanup.policy": "compact",
            },
        )
        await client.alter_configs([resource])


async def test_a_worker_whose_states_are_too_large_for_kafka_ends_and_heals(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """The whole worker: it says which topic and record; as it starts again it puts the topic right,
    and is exact.
    """
    facts = [event for _, event in events(3, 200, START, 20)]
    worker = hub.service("worker", "worker")
    until(lambda: "keeping the partitions" in worker.log.read_text(), 120)
    await limit_states(hub, 400)  # more than a transaction's own marker takes
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(facts)
    process = worker.process
    assert process is not None
    await asyncio.to_thread(until, lambda: process.poll() is not None)
    assert re.search(
        r"lgsp.dossiers.state/\d: Kafka refused a batch as too large; its largest record is '.+'"
        r" with",
        worker.log.read_text(),
    )
    verdicts = await hub.settle()
    assert sum(verdict.events for verdict in verdicts) == len(facts)
    assert not any(verdict.differences for verdict in verdicts)
    said = worker.log.read_text() + caplog.text  # whoever started first put it right
    assert "lgsp.dossiers.state: max.message.bytes is 400 instead of 8388608" in said
