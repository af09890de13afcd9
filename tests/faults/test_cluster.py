"""Brokers of a cluster are killed, stay away and are restarted under load: what got a 202 is
counted, exactly once.

Short by default; `FAULTS=long` (`make faults`) kills more often and stays away for longer than the
shipped timeouts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from cluster import NODES, Cluster, coordinator, create_on, leader, partitions, whole
from harness import Hub
from load import Load, known_dossiers, things

from schemas.kafka.clients import admin
from schemas.topics import events_topic, state_topic

LONG = os.environ.get("FAULTS") == "long"
KILLS = 3 if LONG else 1
AWAY = 75.0 if LONG else 12.0  # seconds; longer than every timeout in force
SHORTENED = {
    "session_timeout": 5,
    "request_timeout": 6,
    "rebalance_timeout": 5,
    "transaction_timeout": 8,
    "publish_timeout": 5,
}
TIMEOUTS = {} if LONG else SHORTENED
ENOUGH = 20  # batches, about a second of them
DOSSIERS = events_topic("dossiers")


def processes(hub: Hub) -> None:
    """Start a gateway and two workers."""
    hub.service("gateway", "gateway")
    for name in ("worker-1", "worker-2"):
        hub.service(name, "worker")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Cluster]]:
    """A hub on a cluster; the tests share both, and each sends dossiers of its own."""
    data = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(data)
    hub = Hub(data, cluster, **cluster.settings, **TIMEOUTS)
    try:
        hub.start()
        processes(hub)
        yield hub, cluster
    finally:
        hub.stop()


@pytest.fixture
def hub(served: tuple[Hub, Cluster]) -> Hub:
    """The hub, its brokers whole again whatever the test before left."""
    hub, cluster = served
    cluster.start(*cluster.away)
    asyncio.run(whole(hub.settings))
    return hub


@pytest.fixture
def cluster(served: tuple[Hub, Cluster]) -> Cluster:
    """Its brokers."""
    return served[1]


@asynccontextmanager
async def supervised(hub: Hub) -> AsyncIterator[None]:
    """Meanwhile processes that end are started again, as `lgsp up` and a container engine do."""

    async def keep() -> None:
        while True:
            hub.keep_all()
            await asyncio.sleep(0.2)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


@asynccontextmanager
async def loaded(hub: Hub, name: str) -> AsyncIterator[Load]:
    """A load on a hub whose workers are at it."""
    async with supervised(hub), Load(hub, name) as load:
        await load.until_accepted(ENOUGH)
        await hub.counted()
        yield load


async def exact(hub: Hub, load: Load) -> None:
    """Everything accepted is counted once, and every figure is what the events say."""
    verdicts = await hub.settle()
    assert [difference for verdict in verdicts for difference in verdict.differences] == []
    known = await known_dossiers(hub)
    assert load.dossiers <= known
    assert things(verdicts) == len(known)


@pytest.mark.faults
async def test_every_topic_is_on_all_brokers(hub: Hub) -> None:
    """The broker's own too: group offsets and transactions on one broker would be lost with it."""
    async with loaded(hub, "P") as load:
        pass
    await exact(hub, load)
    async with admin(hub.settings) as client:
        found = await partitions(client)
    assert {"__consumer_offsets", "__transaction_state", DOSSIERS} <= {
        one["topic"] for one in found
    }
    assert [one for one in found if len(one["replicas"]) != len(NODES)] == []


@pytest.mark.faults
async def test_the_leader_is_killed(hub: Hub, cluster: Cluster) -> None:
    """Again and again; meanwhile the others go on."""
    async with loaded(hub, "L") as load:
        for number in range(KILLS):
            victim = await leader(hub.settings, DOSSIERS, number)
            await asyncio.to_thread(cluster.kill, victim)
            await load.until_accepted(ENOUGH)
            await asyncio.to_thread(cluster.start, victim)
            await whole(hub.settings)
    await exact(hub, load)


@pytest.mark.faults
async def test_one_broker_is_away_for_longer_than_every_timeout(hub: Hub, cluster: Cluster) -> None:
    """The one that the workers' group depends on, as do transactions."""
    async with loaded(hub, "O") as load:
        victim = await coordinator(hub.settings)
        await asyncio.to_thread(cluster.kill, victim)
        await asyncio.sleep(AWAY)
        await load.until_accepted(ENOUGH)
        await hub.counted()
        await asyncio.to_thread(cluster.start, victim)
        await load.until_accepted(ENOUGH)
    await exact(hub, load)


@pytest.mark.faults
async def test_two_brokers_are_away(hub: Hub, cluster: Cluster) -> None:
    """Nothing is accepted that one broker alone has; and all goes on by itself when they are
    back.
    """
    async with loaded(hub, "T") as load:
        gone = [node for node in NODES if node != await coordinator(hub.settings)]
        await asyncio.to_thread(cluster.kill, *gone)
        await load.until_refused()
        accepted = len(load.accepted)
        await asyncio.sleep(AWAY)
        assert len(load.accepted) == accepted, "accepted though two copies could not be written"
        await asyncio.to_thread(cluster.start, *gone)
        await load.until_accepted(ENOUGH)
    await exact(hub, load)


@pytest.mark.faults
async def test_a_rolling_restart(hub: Hub, cluster: Cluster) -> None:
    """One broker after another is stopped politely and started, as an update does."""
    async with loaded(hub, "R") as load:
        for node in NODES:
            await asyncio.to_thread(cluster.stop, node)
            await asyncio.to_thread(cluster.start, node)
            await whole(hub.settings)
        await load.until_accepted(ENOUGH)
    await exact(hub, load)


@pytest.mark.faults
async def test_a_server_that_is_dead_at_the_start_does_not_matter(
    hub: Hub, cluster: Cluster
) -> None:
    """Gateway and workers start while one of their bootstrap servers does not answer."""
    cluster.kill(NODES[0])
    for name in hub.services:
        hub.kill(name)
    async with loaded(hub, "D") as load:
        await asyncio.to_thread(cluster.start, NODES[0])
    await exact(hub, load)


@pytest.mark.faults
@pytest.mark.long
async def test_the_only_copy_of_the_states_is_away(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Events, cells and offsets can be written, the states they are counted from can't: nothing of
    such a transaction may count.

    Sending everything again shows it: who is not known any more is counted twice.
    """
    data, kafka = tmp_path_factory.mktemp("lone"), contextlib.ExitStack()
    with kafka:
        cluster = kafka.enter_context(Cluster(data))
        hub = Hub(
            data,
            contextlib.nullcontext(),
            **cluster.settings | {"min_insync_replicas": 1},
            session_timeout=5,
            request_timeout=5,
        )
        kafka.callback(hub.stop)
        await create_on(hub.settings, state_topic("dossiers"), NODES[0])
        await asyncio.to_thread(hub.start)
        processes(hub)
        # Nothing may be under way at the kill: Kafka 4.4 skips the commit marker of a partition
        # that has no leader (KAFKA-20734). Workers find such books at their next take-over and
        # refuse them (`lgsp mend`); what is tested here is what they write.
        async with supervised(hub):
            async with Load(hub, "S") as before:
                await before.until_accepted(ENOUGH)
            await hub.counted()
        await asyncio.to_thread(cluster.kill, NODES[0])
        async with supervised(hub), Load(hub, "A") as load:
            await asyncio.sleep(AWAY)
            await asyncio.to_thread(cluster.start, NODES[0])
        for name in ("worker-1", "worker-2"):
            hub.kill(name)
        async with supervised(hub):
            await load.again()
        await exact(hub, load)
