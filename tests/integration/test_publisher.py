"""The publisher on a real Kafka: acknowledged means stored, once, where every client looks for it;
Kafka's absences are survived.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from topic_reader import ends_of, records_since

from connectors.gateway.heartbeat import TOPIC as HEARTBEATS
from connectors.gateway.heartbeat import beat, beat_once
from connectors.publishing.publisher import Publisher
from connectors.publishing.quarantine import send_to_quarantine
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from schemas.digests import Digest
from schemas.errors import KafkaUnavailable, RecordTooLarge, TopicUnwritable
from schemas.events import Event
from schemas.events.documents import DocumentRecalled
from schemas.events.dossiers import DossierFinished
from schemas.kafka import clients
from schemas.kafka.topics import ensure_topics
from schemas.quarantine import Quarantined, excerpt_of
from schemas.settings import Settings
from schemas.topics import QUARANTINE
from schemas.wire import Decoder, encode

DOSSIERS = "lgsp.dossiers"
OCCURRED = 1_762_135_200_000


def finished(number: int, run: str, **fields: Any) -> DossierFinished:
    named = {
        "event_id": f"{run}-{number}",
        "dossier_id": f"{run}-{number}",
        "source": "test",
        "agency": "H00.SAMPLE",
    }
    return DossierFinished(**{**named, "occurred_at": OCCURRED, **fields})


@pytest.fixture
def run() -> str:
    return uuid4().hex


@pytest.fixture
async def publisher(settings: Settings) -> AsyncIterator[Publisher]:
    async with Publisher(settings) as publisher:
        yield publisher


async def test_an_event_is_stored_under_its_thing_with_its_headers(
    publisher: Publisher, settings: Settings, run: str
) -> None:
    before = await ends_of(settings, DOSSIERS)
    await publisher.publish([finished(1, run, digitised=True)])
    record = next(
        record
        for record in await records_since(settings, DOSSIERS, before)
        if record.key == f"{run}-1".encode()
    )
    kind, fields = Decoder("dossiers")(record.value)
    assert kind == "dossier.finished"
    assert (fields["event_id"], fields["digitised"], fields["occurred_at"]) == (
        f"{run}-1",
        True,
        OCCURRED,
    )
    headers = dict(record.headers)
    assert headers["ce_type"] == b"dossier.finished"
    assert headers["ce_id"] == f"{run}-1".encode()


async def test_a_key_goes_where_every_other_client_would_put_it(
    publisher: Publisher, settings: Settings, run: str
) -> None:
    events = [
        finished(0, run, dossier_id=f"{run[number % 9 :]}-Hồ sơ {number}") for number in range(60)
    ]
    before = await ends_of(settings, DOSSIERS)
    await publisher.publish(events)
    ours = {
        record.key.decode(): record.partition
        for record in await records_since(settings, DOSSIERS, before)
    }
    other = clients.producer(settings)
    await other.start()
    try:
        theirs = {
            event.thing: (
                await other.send_and_wait(DOSSIERS, encode(event), event.thing.encode())
            ).partition
            for event in events
        }
    finally:
        await other.stop()
    assert {event.thing: ours[event.thing] for event in events} == theirs
    assert len(set(theirs.values())) > 1


async def test_what_is_acknowledged_is_stored_once_in_the_callers_order(
    publisher: Publisher, settings: Settings, run: str
) -> None:
    before = await ends_of(settings, DOSSIERS)
    calls = [[finished(call * 1_000 + number, run) for number in range(700)] for call in range(8)]
    await asyncio.gather(*(publisher.publish(call) for call in calls))
    found = [
        record
        for record in await records_since(settings, DOSSIERS, before)
        if record.key.startswith(run.encode())
    ]
    assert Counter(record.key.decode() for record in found) == {
        event.thing: 1 for call in calls for event in call
    }
    for call in range(8):
        for partition in {record.partition for record in found}:
            numbers = [int(r.key.decode().split("-")[1]) for r in found if r.partition == partition]
            mine = [number for number in numbers if number // 1_000 == call]
            assert mine == sorted(mine)


async def test_callers_wait_instead_of_filling_the_memory(settings: Settings, run: str) -> None:
    bounded = settings.model_copy(update={"publish_buffer": 1 << 20})
    greatest = 0
    async with Publisher(bounded) as publisher:
        take = publisher.budget.take

        async def watched(size: int) -> None:
            nonlocal greatest
            await take(size)
            greatest = max(greatest, publisher.budget.used)

        publisher.budget.take = watched  # type: ignore[method-assign]
        await asyncio.gather(
            *(
                publisher.publish([finished(n, f"{run}{call}") for n in range(2_000)])
                for call in range(6)
            )
        )
        assert publisher.budget.used == 0
    assert 1 << 19 < greatest <= 1 << 20


async def test_a_wait_for_room_is_not_taken_for_an_absent_kafka(
    settings: Settings, run: str
) -> None:
    hasty = settings.model_copy(update={"publish_timeout": 1.0})
    async with Publisher(hasty) as publisher:
        await until_reachable(publisher, True)
        await publisher.budget.take(hasty.publish_buffer)
        with pytest.raises(KafkaUnavailable):
            await publisher.publish([finished(1, run)])
        publisher.budget.give(hasty.publish_buffer)
        assert publisher.reachable


def refused(origin: str, structure: str = "") -> Quarantined:
    return Quarantined(origin, "no event", "not_json", excerpt_of(b"", Digest(), structure))


async def test_quarantined_things_keep_their_reason_and_origin(
    publisher: Publisher, settings: Settings, run: str
) -> None:
    before = await ends_of(settings, QUARANTINE)
    one = refused(f"http:{run}/0")
    await send_to_quarantine(publisher, [one])
    record = next(
        record
        for record in await records_since(settings, QUARANTINE, before)
        if record.key == f"http:{run}/0".encode()
    )
    assert (record.value, list(record.headers)) == (one.value, one.headers)
    assert dict(record.headers)["origin"] == f"http:{run}/0".encode()


async def test_heartbeats_go_to_every_partition(publisher: Publisher, settings: Settings) -> None:
    before = await ends_of(settings, HEARTBEATS)
    await beat_once(publisher)
    found = await records_since(settings, HEARTBEATS, before)
    count = await publisher.partitions(HEARTBEATS)
    assert {int(record.key) for record in found if int(record.key) == record.partition} == set(
        range(count)
    )
    _, fields = Decoder("heartbeats")(found[0].value)
    assert abs(fields["occurred_at"] - found[0].timestamp) < 60_000


async def test_a_producer_that_the_broker_refuses_is_replaced(
    publisher: Publisher, settings: Settings, run: str
) -> None:
    await publisher.publish([finished(0, run)])
    route = publisher.routes[DOSSIERS]
    broken: Any = route._producer
    partition = next(iter(route._lanes))
    # a hole, as after a lost batch
    broken._txn_manager.increment_sequence_number(TopicPartition(DOSSIERS, partition), 7)
    events = [finished(number, run) for number in range(1, 50)]
    with pytest.raises(KafkaUnavailable, match="send them again"):
        await publisher.publish(events)
    before = await ends_of(settings, DOSSIERS)
    await publisher.publish(events)
    stored = {record.key.decode() for record in await records_since(settings, DOSSIERS, before)}
    assert {event.thing for event in events} <= stored
    assert route._producer is not broken


async def test_without_kafka_callers_are_told_at_once_and_nothing_piles_up(
    tmp_path: Path, run: str
) -> None:
    nobody = Settings(kafka_servers=f"127.0.0.1:{free_port()}", data=tmp_path, publish_timeout=1.0)
    before = asyncio.all_tasks()
    async with Publisher(nobody) as publisher:
        for _ in range(20):
            with pytest.raises(KafkaUnavailable):
                await publisher.publish([finished(number, run) for number in range(100)])
        assert not publisher.reachable
        assert publisher.budget.used == 0
        with pytest.raises(KafkaUnavailable, match="lgsp kafka"):
            await publisher.partitions(HEARTBEATS)
    assert asyncio.all_tasks() == before


# ---- a broker of its own, to be stopped and started


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


async def until_reachable(publisher: Publisher, whether: bool) -> None:
    async with asyncio.timeout(60):
        while publisher.reachable != whether:  # noqa: ASYNC110 - a property, no event
            await asyncio.sleep(0.05)


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
