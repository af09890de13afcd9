"""The publisher on a real Kafka: acknowledged means stored, once, where every client looks for it;
Kafka's absences are survived.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from publishing import DOSSIERS, OCCURRED, finished, refused, run, until_reachable
from topic_reader import ends_of, records_since

from connectors.gateway.heartbeat import beat_once
from connectors.publishing.publisher import Publisher
from connectors.publishing.quarantine import send_to_quarantine
from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable
from schemas.kafka import clients
from schemas.settings import Settings
from schemas.topics import QUARANTINE, events_topic
from schemas.wire import Decoder, encode

__all__ = ["run"]

HEARTBEATS = events_topic("heartbeats")


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
