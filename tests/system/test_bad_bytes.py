"""Bytes on a topic that no contract decodes: kept in quarantine with where and why, and the worker
goes on; too many stop it.
"""

from __future__ import annotations

import asyncio
import json

from aiokafka import TopicPartition
from harness import Hub, until

from connectors.publishing.publisher import Publisher
from ops.simulate.stream import events
from schemas.digests import digest_of
from schemas.kafka.clients import admin, consumer, producer
from schemas.kafka.reading import read_to_end
from schemas.topics import QUARANTINE
from streams.worker import EXIT_FAILED

START = 1_767_546_000_000
TOPIC = "lgsp.dossiers"


async def write_raw(hub: Hub, *values: bytes) -> list[int]:
    """Put bytes on partition 0 without asking any contract; their offsets."""
    async with producer(hub.settings) as raw:
        return [
            (await raw.send_and_wait(TOPIC, value, key=b"SAMPLE-raw", partition=0)).offset
            for value in values
        ]


async def quarantined(hub: Hub) -> dict[str, tuple[str, bytes]]:
    """Origin -> (reason, bytes) of everything in quarantine."""
    partition = TopicPartition(QUARANTINE, 0)
    found = {}
    async with consumer(hub.settings) as reader:
        reader.assign([partition])
        async for _, records in read_to_end(reader, partition):
            for record in records:
                headers = dict(record.headers)
                found[headers["origin"].decode()] = (headers["reason"].decode(), record.value)
    return found


async def test_damaged_records_are_kept_and_the_worker_goes_on(hub: Hub) -> None:
    """Facts before, between and after the damage count, before and after a restart of the
    worker.
    """
    facts = [event for _, event in events(5, 300, START, 20)]
    worker = hub.service("worker", "worker")
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(facts[:400])
        first = await write_raw(hub, b"not a contract", b"", b"\0\0\0\0\1\xff")
        await publisher.publish(facts[400:800])
        await hub.settle()
        hub.kill("worker")
        second = await write_raw(hub, b"\0\0\0\0\x7f....")
        await publisher.publish(facts[800:])
    verdicts = await hub.settle()
    assert not any(verdict.differences for verdict in verdicts)
    assert sum(verdict.events for verdict in verdicts) == len(facts) + 4
    kept = await quarantined(hub)
    assert set(kept) == {f"kafka:{TOPIC}/0/{offset}" for offset in (*first, *second)}
    reason, value = kept[f"kafka:{TOPIC}/0/{first[0]}"]
    assert "no contract" in reason
    stays = json.loads(value)
    assert stays["length"] == len(b"not a contract")
    assert stays["digest"] == digest_of(hub.settings.data).of(b"not a contract"), (
        "worker and test share the key in the data folder"
    )
    assert worker.running


async def test_too_many_in_a_row_stop_the_worker_loudly(hub: Hub) -> None:
    """It ends with a sentence that names the place and what to do, and commits none of them; a
    restart does not begin to count anew.
    """
    hub.environment["LGSP_QUARANTINE_RUN"] = "5"
    before = await write_raw(hub, *(b"garbage" for _ in range(3)))
    hub.service("worker", "worker")
    await hub.settle()
    hub.kill("worker")
    await write_raw(hub, *(b"garbage" for _ in range(2)))
    worker = hub.services["worker"]
    process = worker.process
    assert process is not None
    await asyncio.to_thread(until, lambda: process.poll() is not None)
    assert process.returncode == EXIT_FAILED
    assert "5 records in a row can't be taken in" in worker.log.read_text()
    assert "LGSP_QUARANTINE_RUN" in worker.log.read_text()
    assert set(await quarantined(hub)) == {f"kafka:{TOPIC}/0/{offset}" for offset in before}


async def test_a_quarantine_that_is_gone_stops_no_fact(hub: Hub) -> None:
    """The topic is made again where the hub may; where it may not, the log names what was refused,
    and all other facts count.
    """
    facts = [event for _, event in events(5, 60, START, 20)]
    hub.environment["LGSP_TOPICS"] = "check"
    worker = hub.service("worker", "worker")
    await asyncio.to_thread(until, lambda: "keeping the partitions" in worker.log.read_text())
    async with admin(hub.settings) as client:
        await client.delete_topics([QUARANTINE])
    (first,) = await write_raw(hub, b"not a contract")
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(facts)
    await asyncio.to_thread(
        until, lambda: "lgsp.quarantine can't be written" in worker.log.read_text()
    )
    verdicts = await hub.settle()  # the recount makes the topic again
    assert sum(verdict.events for verdict in verdicts) == len(facts) + 1
    assert not any(verdict.wrong for verdict in verdicts)
    said = worker.log.read_text()
    assert f"quarantined kafka:{TOPIC}/0/{first}: no contract" in said
    assert "CRITICAL" not in said
