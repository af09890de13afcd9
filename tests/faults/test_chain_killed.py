"""Gateway and broker are killed under load: what got a 202 is counted, exactly once, whatever was sent again."""

from __future__ import annotations

import asyncio
import os
import signal

import aiohttp
import pytest
from aiokafka import TopicPartition
from harness import FREEZE, Hub

from ops.recount import Verdict
from schemas.kafka import consumer, read_to_end
from schemas.topics import state_topic

BATCHES, SIZE = 500, 20


def batch(number: int) -> list[dict[str, object]]:
    """Receptions of dossiers that no other batch speaks of."""
    return [
        {
            "specversion": "1.0", "id": f"event-{number}-{item}", "source": "fault-test", "type": "dossier.received",
            "time": "2026-11-03T09:00:00+07:00",
            "data": {"dossier_id": f"SAMPLE-{number}-{item}", "agency": f"SAMPLE.{item}", "procedure": "SAMPLE.1", "channel": "online"},
        }
        for item in range(SIZE)
    ]  # fmt: skip


async def send(hub: Hub, session: aiohttp.ClientSession, number: int) -> int:
    """Send a batch until it is accepted; returns how often it was sent."""
    url = f"http://127.0.0.1:{hub.settings.gateway_port}/v1/events"
    for attempt in range(1, 600):
        try:
            headers = {"content-type": "application/cloudevents-batch+json"}
            async with session.post(url, json=batch(number), headers=headers, timeout=aiohttp.ClientTimeout(15)) as answer:
                if answer.status == 202:
                    return attempt
                assert answer.status == 503, await answer.text()
                assert "Retry-After" in answer.headers
        except (aiohttp.ClientError, TimeoutError):
            pass  # the gateway is away: nothing was promised
        await asyncio.sleep(0.2)
    raise AssertionError(f"batch {number} was never accepted")


async def load(hub: Hub) -> list[int]:
    """All batches over four connections, about 50 a second."""
    numbers = iter(range(BATCHES))
    attempts: list[int] = []

    async def client(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            attempts.append(await send(hub, session, number))
            await asyncio.sleep(0.1)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(4)))
    return attempts


def thaw_later(pid: int) -> None:
    """Freeze a process for longer than the session timeout, without waiting."""
    os.kill(pid, signal.SIGSTOP)
    asyncio.get_running_loop().call_later(FREEZE, os.kill, pid, signal.SIGCONT)


async def known_dossiers(hub: Hub) -> set[bytes]:
    """Keys of the state topic."""
    known: set[bytes] = set()
    async with consumer(hub.settings) as reader:
        for partition in range(hub.settings.partitions):
            tp = TopicPartition(state_topic("dossiers"), partition)
            reader.assign([tp])
            async for _, records in read_to_end(reader, tp):
                known.update(record.key for record in records if record.key)
    return known


@pytest.mark.faults
async def test_what_got_a_202_is_counted_once(hub: Hub) -> None:
    """The gateway is killed and frozen, the broker killed, a worker killed; clients send again what was not accepted."""
    hub.service("gateway", "gateway")
    for name in ("worker-1", "worker-2"):
        hub.service(name, "worker")
    sending = asyncio.create_task(load(hub))
    await asyncio.sleep(5)
    hub.kill("gateway")
    await asyncio.sleep(3)
    await asyncio.to_thread(kill_broker, hub)
    await asyncio.sleep(3)
    gateway = hub.services["gateway"].process
    assert gateway is not None
    thaw_later(gateway.pid)
    hub.kill("worker-1")
    attempts = await sending
    assert len(attempts) == BATCHES
    assert max(attempts) > 1, "no batch met a fault, so nothing was tested"
    verdicts = await hub.settle()
    assert [verdict.differences for verdict in verdicts] == [[] for _ in verdicts]
    expected = {f"SAMPLE-{number}-{item}".encode() for number in range(BATCHES) for item in range(SIZE)}
    assert await known_dossiers(hub) == expected
    assert things(verdicts) == len(expected)


def kill_broker(hub: Hub) -> None:
    """kill -9 of Kafka, and start it again on its data."""
    pid = hub.broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    hub.broker.wait()
    hub.broker.stop()  # lets go of its folder
    hub.broker.start()


def things(verdicts: list[Verdict]) -> int:
    """Dossiers that the recount found."""
    return sum(verdict.things for verdict in verdicts if verdict.family == "dossiers")
