"""The publisher over a Kafka whose topics are spoilt, or that is stopped, started or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from publishing import DOSSIERS, OCCURRED, finished, refused, run, until_reachable
from topic_reader import records_since

from connectors.gateway.heartbeat import beat
from connectors.publishing.publisher import Publisher
from connectors.publishing.quarantine import send_to_quarantine
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable, RecordTooLarge, TopicUnwritable
from schemas.events import Event
from schemas.events.documents import DocumentRecalled
from schemas.kafka import clients
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.topics import QUARANTINE

__all__ = ["run"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path / "kafka", port=free_port(), heap="256m") as broker:
        yield broker


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker whose topics may be spoilt."""
    with EmbeddedKafka(tmp_path_factory.mktemp("apart"), port=free_port(), heap="256m") as broker:
        yield broker


async def until_written(publisher: Publisher, event: Event) -> None:
    """Publish until it is taken."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await publisher.publish([event])
            except KafkaUnavailable:
                await asyncio.sleep(0.1)


async def test_what_befalls_one_topic_befalls_no_other(
    apart: EmbeddedKafka, tmp_path: Path, run: str
) -> None:
    settings = Settings(kafka_servers=apart.bootstrap, data=tmp_path, publish_timeout=20.0)
    await ensure_topics(settings)
    document = DocumentRecalled(
        event_id=run, source="test", agency="A", occurred_at=OCCURRED, document_id=run
    )
    async with Publisher(settings) as publisher:
        await publisher.publish([finished(1, run), document])
        await send_to_quarantine(publisher, [refused(f"http:{run}/0")])
        async with clients.admin(settings) as admin:
            await admin.delete_topics([QUARANTINE, DOSSIERS])

        with pytest.raises(
            TopicUnwritable, match=r"lgsp\.quarantine can't be written: it is missing"
        ):
            await send_to_quarantine(publisher, [refused(f"http:{run}/1")])
        with pytest.raises(
            TopicUnwritable,
            match=r"lgsp\.dossiers can't be written: it is missing, and the facts it held",
        ):
            await publisher.publish([document, finished(2, run)])
        with pytest.raises(TopicUnwritable):  # known by now, so nobody waits
            await publisher.publish([finished(3, run)])
        await publisher.publish([document])
        assert publisher.reachable
        assert publisher.unwritable()[DOSSIERS]

        # the quarantine is made again, the dossiers are for somebody to decide
        async with asyncio.timeout(60):
            while publisher.unwritable()[QUARANTINE]:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.1)
        await send_to_quarantine(publisher, [refused(f"http:{run}/2")])
        assert [record.key.decode() for record in await records_since(settings, QUARANTINE)] == [
            f"http:{run}/2"
        ]
        assert publisher.unwritable()[DOSSIERS]
        await ensure_topics(settings)
        await until_written(publisher, finished(4, run))
        assert publisher.budget.used == 0


async def test_what_a_topic_is_too_small_for_is_refused_by_name_and_batches_shrink(
    apart: EmbeddedKafka, tmp_path: Path, run: str
) -> None:
    settings = Settings(kafka_servers=apart.bootstrap, data=tmp_path)
    await ensure_topics(settings)
    async with clients.admin(settings) as admin:
        small = ConfigResource(ConfigResourceType.TOPIC, QUARANTINE, {"max.message.bytes": "20000"})
        await admin.alter_configs([small])
    many = [refused(f"http:{run}/{number}", "x" * 9_000) for number in range(20)]
    async with Publisher(settings) as publisher:
        with pytest.raises(
            RecordTooLarge, match=r"lgsp\.quarantine does not take a record of 30,\d+ bytes"
        ):
            await send_to_quarantine(publisher, [refused(f"http:{run}", "x" * 30_000)])
        refusals = 0
        async with asyncio.timeout(60):
            while True:
                try:
                    await send_to_quarantine(publisher, many)
                except KafkaUnavailable:
                    refusals += 1
                else:
                    break
        assert refusals, "a megabyte at once is more than this topic takes"
        await publisher.publish([finished(1, run)])
    stored = {record.key.decode() for record in await records_since(settings, QUARANTINE)}
    assert {key for key in stored if run in key} == {one.origin for one in many}


async def test_kafka_stopped_and_started_under_load(
    broker: EmbeddedKafka, tmp_path: Path, run: str
) -> None:
    """Killed, stopped and frozen under load: what was acknowledged is stored, and the publisher
    goes on by itself.
    """
    settings = Settings(kafka_servers=broker.bootstrap, data=tmp_path, publish_timeout=2.0)
    await ensure_topics(settings)
    acknowledged: list[str] = []
    refusals = 0
    ending = asyncio.Event()

    async def caller(number: int, publisher: Publisher) -> None:
        nonlocal refusals
        turn = 0
        while not ending.is_set():
            events = [finished(turn * 100 + place, f"{run}-{number}") for place in range(20)]
            turn += 1
            try:
                await publisher.publish(events)
                acknowledged.extend(event.thing for event in events)
            except KafkaUnavailable:
                refusals += 1
                await asyncio.sleep(0.05)

    async def grows_by(count: int) -> None:
        goal, deadline = len(acknowledged) + count, time.monotonic() + 60
        while len(acknowledged) < goal:
            assert time.monotonic() < deadline, "nothing is acknowledged any more"
            await asyncio.sleep(0.02)

    async with Publisher(settings) as publisher:
        callers = [asyncio.create_task(caller(number, publisher)) for number in range(4)]
        beating = asyncio.create_task(beat(publisher, 0.1))
        await grows_by(2_000)
        for patience in (0.0, 30.0):
            await asyncio.to_thread(broker.stop, patience)
            await until_reachable(publisher, False)
            await asyncio.to_thread(broker.start)
            await grows_by(2_000)
        assert broker.pid
        os.kill(broker.pid, signal.SIGSTOP)
        await until_reachable(publisher, False)
        os.kill(broker.pid, signal.SIGCONT)
        await grows_by(2_000)
        ending.set()
        await asyncio.gather(*callers)
        beating.cancel()
        assert publisher.budget.used <= 20 * 1_024
    stored = Counter(record.key.decode() for record in await records_since(settings, DOSSIERS))
    assert refusals > 0
    assert set(acknowledged) - set(stored) == set()
    assert {key: stored[key] for key in acknowledged if stored[key] != 1} == {}


async def test_stopping_while_kafka_hangs_ends_in_time_and_leaves_nothing_behind(
    broker: EmbeddedKafka, tmp_path: Path, run: str
) -> None:
    """Also the contract test of `abandon`, which touches aiokafka's internals: batches that never
    get an answer are failed.
    """
    settings = Settings(kafka_servers=broker.bootstrap, data=tmp_path, publish_timeout=3.0)
    await ensure_topics(settings)
    before = asyncio.all_tasks()
    publisher = Publisher(settings)
    await publisher.start()
    await until_reachable(publisher, True)
    await publisher.publish([finished(1, run)])
    await asyncio.to_thread(broker.stop, 0.0)
    with pytest.raises(KafkaUnavailable):
        await publisher.publish([finished(number, run) for number in range(100)])
    assert publisher.budget.used > 0  # still on its way: it may yet be delivered
    await asyncio.wait_for(publisher.stop(), 10)
    assert publisher.budget.used == 0
    assert asyncio.all_tasks() == before
    with pytest.raises((KafkaUnavailable, KafkaError)):
        await publisher.publish([finished(2, run)])
