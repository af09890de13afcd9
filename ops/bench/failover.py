"""The fail-over: two workers under a steady trickle of events; one is killed, and the other goes on
with its partitions.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp

from connectors.publishing.publisher import Publisher
from ops.bench.load import write_province
from ops.bench.names import Scale
from ops.bench.offsets import (
    POLL_SECONDS,
    AppliedOffsets,
    PartitionOffsets,
    ends_of,
    require_written,
)
from ops.bench.report import Need, ReportLine
from ops.bench.stage import Stage, deadline
from ops.kafka.ports import free_port
from ops.up.supervise import Service
from schemas.clock import now_ms
from schemas.events.dossiers import DossierStepTaken
from schemas.partitioner import partition_of
from schemas.settings import Settings
from schemas.topics import events_topic

_TOPIC = events_topic("dossiers")
_TRICKLE_SECONDS = 0.05
_KEPT = "lgsp_worker_partitions "
_Worker = tuple[Service, int]  # and the port of its metrics


def measure_failover(stage: Stage, scale: Scale) -> list[ReportLine]:
    """Kill one of two workers, several times; the time until every partition has applied an event
    written after the kill.
    """
    with stage.counting("Events are made", scale.history) as advance:
        ends = asyncio.run(write_province(stage.settings, scale.history, advance))
    took, restarts = asyncio.run(_kills(stage, ends, scale.kills))
    spread = ", ".join(f"{seconds:.1f}" for seconds in took)
    note = f"median of {spread}; workers that ended by themselves: {restarts}"
    return [
        ReportLine(
            "worker killed → its figures move again",
            statistics.median(took),
            "s",
            Need("at most", 12),
            note,
        )
    ]


async def _kills(stage: Stage, ends: PartitionOffsets, kills: int) -> tuple[list[float], int]:
    """The seconds of each kill, and how often a worker ended that nobody had killed."""
    await require_written(stage.settings, ends)
    workers = [_worker(stage, number) for number in (1, 2)]
    for service, _ in workers:
        service.start()
    took = []
    async with AppliedOffsets(stage.settings) as applied:
        await applied.reach(ends, *(service for service, _ in workers))
        async with _trickle(stage.settings):
            with stage.counting("Kills", kills) as advance:
                for kill in range(kills):
                    await _both_keep(stage.settings, workers)
                    killed, other = workers[kill % 2][0], workers[1 - kill % 2][0]
                    took.append(await _kill(stage.settings, applied, killed, other))
                    advance(kill + 1)
                    killed.start()
    return took, sum(service.restarts for service, _ in workers)


def _worker(stage: Stage, number: int) -> _Worker:
    port = free_port()
    return stage.service("worker", f"worker-{number}", worker_port=port), port


async def _kill(
    settings: Settings, applied: AppliedOffsets, killed: Service, other: Service
) -> float:
    """Kill a worker; seconds until the other one has brought every partition past what was written
    before.

    The other one is started again if it ends, as a supervisor would: a rebalance in the midst of
    its transaction fences it.
    """
    assert killed.process is not None
    killed.process.kill()
    began = time.monotonic()
    goals = await ends_of(
        settings, {(_TOPIC, partition): 0 for partition in range(settings.partitions)}
    )
    killed.process.wait()
    in_time = deadline("Going on after the kill")
    while not _passed(await applied.offsets(), goals):
        other.keep()
        in_time()
        await asyncio.sleep(POLL_SECONDS)
    return time.monotonic() - began


def _passed(found: PartitionOffsets, goals: PartitionOffsets) -> bool:
    return all(found.get(place, 0) > goal for place, goal in goals.items())


@asynccontextmanager
async def _trickle(settings: Settings) -> AsyncIterator[None]:
    """An event to each partition, twenty times a second."""
    async with Publisher(settings) as publisher:
        await publisher.partitions(_TOPIC)
        writing = asyncio.create_task(_write(publisher, things(settings.partitions)))
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)


async def _write(publisher: Publisher, dossiers: list[str]) -> None:
    while True:
        await publisher.publish([_step(dossier) for dossier in dossiers])
        await asyncio.sleep(_TRICKLE_SECONDS)


def things(partitions: int) -> list[str]:
    """Dossier ids, one for each partition in order."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < partitions:
        number += 1
        name = f"H35.BENCH-{number:06}"
        found.setdefault(partition_of(name.encode(), partitions), name)
    return [found[partition] for partition in range(partitions)]


def _step(dossier: str) -> DossierStepTaken:
    return DossierStepTaken(
        event_id=str(uuid4()),
        source="bench",
        agency="H35.SAMPLE.S01",
        occurred_at=now_ms(),
        dossier_id=dossier,
    )


async def _both_keep(settings: Settings, workers: list[_Worker]) -> None:
    """Wait until both workers keep partitions, all of them together."""
    in_time = deadline("Sharing the partitions between two workers")
    async with aiohttp.ClientSession() as session:
        while True:
            for service, _ in workers:
                service.keep()
            kept = [await _kept(session, settings.host, port) for _, port in workers]
            if all(kept) and sum(kept) == settings.partitions:
                return
            in_time()
            await asyncio.sleep(0.2)


async def _kept(session: aiohttp.ClientSession, host: str, port: int) -> int:
    """How many partitions of dossiers a worker says it keeps; none while it does not answer."""
    try:
        async with session.get(f"http://{host}:{port}/metrics") as answer:
            return partitions_kept(await answer.text())
    except aiohttp.ClientError:
        return 0


def partitions_kept(text: str) -> int:
    """The number in the worker's metrics."""
    found = [line.removeprefix(_KEPT) for line in text.splitlines() if line.startswith(_KEPT)]
    return int(float(found[0])) if found else 0
