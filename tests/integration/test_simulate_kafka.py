"""The simulation through the real ways in: what is read back from Kafka counts exactly what the
simulation says it told.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from aiokafka import TopicPartition
from hub_rules import States, Sums, merge, sums_of

from connectors.gateway import gateway_app
from connectors.publishing.publisher import Publisher
from ops.simulate.run import simulate
from ops.simulate.sinks import GatewaySink
from ops.simulate.truth import Truth
from schemas.kafka.clients import consumer
from schemas.settings import Settings
from schemas.topics import events_topic
from schemas.wire import Decoder
from streams.families import FAMILIES

TOLD = tuple(name for name, family in FAMILIES.items() if family.recounted)


async def ends(settings: Settings) -> dict[TopicPartition, int]:
    async with consumer(settings) as reader:
        return dict(
            await reader.end_offsets(
                [
                    TopicPartition(events_topic(name), n)
                    for name in TOLD
                    for n in range(settings.partitions)
                ]
            )
        )


async def counted(settings: Settings, since: dict[TopicPartition, int]) -> tuple[Sums, int]:
    """The workers' rules over what was written since; and how many records that were."""
    states: States = {}
    until, records = await ends(settings), 0
    async with consumer(settings) as reader:
        for partition, first in since.items():
            reader.assign([partition])
            reader.seek(partition, first)
            family = partition.topic.removeprefix("lgsp.")
            decode = Decoder(family)
            while await reader.position(partition) < until[partition]:
                for record in [
                    one
                    for batch in (await reader.getmany(timeout_ms=500)).values()
                    for one in batch
                ]:
                    kind, fields = decode(record.value)
                    merge(states, family, record.key, kind, fields, record.timestamp)
                    records += 1
    return sums_of(states)[0], records


async def assert_exact(settings: Settings, since: dict[TopicPartition, int], truth: Truth) -> None:
    sums, records = await counted(settings, since)
    assert records == truth.events > 1_000
    assert {key: sums[key] for key in truth.counts} == dict(truth.counts)


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Settings]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        here = settings.model_copy(update={"gateway_port": listener.getsockname()[1]})
        async with Publisher(here) as publisher:
            server = uvicorn.Server(
                uvicorn.Config(gateway_app(here, publisher), log_config=None, lifespan="off")
            )
            serving = asyncio.create_task(server.serve([listener]))
            try:
                yield here
            finally:
                server.should_exit = True
                await serving


@pytest.mark.kafka
async def test_history_through_the_publisher(settings: Settings) -> None:
    since = await ends(settings)
    async with Publisher(settings) as publisher:
        truth = await simulate(settings, seed=11, dossiers=500, days=40, publisher=publisher)
    await assert_exact(settings, since, truth)


class Enough:
    """A sink that ends the run once the one behind it has taken so many events."""

    def __init__(self, behind: GatewaySink, enough: int) -> None:
        self.behind, self.left, self.stop = behind, enough, asyncio.Event()

    async def publish(self, told: Any) -> None:
        await self.behind.publish(told)
        self.left -= len(told)
        if self.left <= 0:
            self.stop.set()


@pytest.mark.kafka
async def test_live_through_the_gateway(settings: Settings) -> None:
    since = await ends(settings)
    async with gateway(settings) as here, GatewaySink(here) as behind:
        sink = Enough(behind, 3_000)
        truth = await simulate(
            here,
            seed=12,
            dossiers=200,
            days=20,
            rate=2_000,
            live=True,
            future=False,
            publisher=sink,
            stop=sink.stop,
        )
    assert truth.total("dossiers", "received", "backfilled") > 100
    await assert_exact(settings, since, truth)
