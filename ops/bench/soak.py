"""The soak: the whole hub under a steady stream for half an hour, watched for what grows with time
instead of with facts.

The stream is the whole simulated province in the order of report, as agencies send it over HTTP:
facts told twice, corrections, facts that are late or break a rule. Its first part is sent as fast
as the hub takes it: caches of declared size are full then, and what half an hour of facts adds to
the books is little beside what they hold. At the end every figure is counted again.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import aiohttp

from ops.bench.load import DAYS, YEAR, dossiers_for
from ops.bench.machine import descriptors, usage
from ops.bench.names import Scale
from ops.bench.offsets import AppliedOffsets, ends_of
from ops.bench.report import Need, ReportLine
from ops.bench.requests import ready
from ops.bench.stage import Stage, require_running
from ops.recount.compare import recount
from ops.simulate.sinks import GatewaySink
from ops.simulate.whole import whole_province
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.events import Event
from schemas.settings import Settings
from schemas.topics import CELLS, events_topic, state_topic
from streams.families import FAMILIES

RATE = 300  # events a second
_SAMPLES = 180
_GROWTH = 1.15  # memory at the end, in times of that after a third
PROCESSES = ("gateway", "worker", "metrics")
# whose events are kept for ever
_RECOUNTED = tuple(name for name, family in FAMILIES.items() if family.recounted)
_TOPICS = {  # what takes Kafka's disk
    "events": [events_topic(name) for name in _RECOUNTED],
    "states": [state_topic(name) for name in FAMILIES],
    "cells": [CELLS],
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one process at one moment: memory in MB, and open descriptors (0 where the system does not
    tell).
    """

    memory: float
    descriptors: int


_Samples = dict[str, list[Sample]]  # by process, in order of time


@dataclass(frozen=True, slots=True)
class Soak:
    """What was seen."""

    events: int
    samples: _Samples
    disk: Mapping[str, float]  # MB


def measure_soak(stage: Stage, scale: Scale) -> list[ReportLine]:
    """Memory, descriptors and disk over the time of the soak."""
    return soak_lines(asyncio.run(_soak(stage, scale)))


def soak_lines(soak: Soak) -> list[ReportLine]:
    """Of every process how much it grew after the first third, and what a million events take on
    disk.
    """
    found = []
    for name, samples in soak.samples.items():
        early, late = _early_and_late([sample.memory for sample in samples])
        note = f"{early:.0f} → {late:.0f} MB"
        found.append(
            ReportLine(
                f"{name}: memory at the end / after a third",
                late / early,
                "",
                Need("at most", _GROWTH),
                note,
            )
        )
    for name, samples in soak.samples.items():
        early, late = _early_and_late([sample.descriptors for sample in samples])
        if early:
            note = f"{early:.0f} → {late:.0f}"
            found.append(
                ReportLine(
                    f"{name}: descriptors at the end / after a third",
                    late / early,
                    "",
                    Need("at most", _GROWTH),
                    note,
                )
            )
    for name, size in soak.disk.items():
        found.append(
            ReportLine(
                f"{name}, a million events",
                size / soak.events * 1e6,
                "MB",
                note=f"{soak.events:,} events",
            )
        )
    return found


def _early_and_late(values: Sequence[float]) -> tuple[float, float]:
    """Medians around a third of the time and of the last tenth."""
    tenth = max(1, len(values) // 10)
    third = len(values) // 3
    return statistics.median(values[third : third + tenth]), statistics.median(values[-tenth:])


async def _soak(stage: Stage, scale: Scale) -> Soak:
    settings, count = stage.settings, round(RATE * scale.soak)
    stream = _stream(scale.held + count)
    services = {name: stage.service(name) for name in PROCESSES}
    for service in services.values():
        service.start()
    with stage.waiting("The hub starts"):
        await _all_ready(settings, services)
    pids = {
        "Kafka": stage.broker.pid or 0,
        **{name: require_running(one) for name, one in services.items()},
    }
    with stage.counting("The facts of months", scale.held) as advance:
        held = await _send_at_once(settings, islice(stream, scale.held), advance)
    samples: _Samples = {name: [] for name in pids}
    watching = asyncio.create_task(_watch(pids, samples, scale.soak / _SAMPLES))
    with stage.counting(f"{RATE} events/s", count) as advance:
        try:
            sent = await _send(settings, stream, advance, watching)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    for service in services.values():
        require_running(service)
    with stage.waiting("Every figure is counted again"):
        await _exact(settings, services["worker"])
    return Soak(held + sent, samples, _disk(settings))


async def _all_ready(settings: Settings, services: Mapping[str, Service]) -> None:
    async with aiohttp.ClientSession() as session:
        for name, port in (("gateway", settings.gateway_port), ("metrics", settings.metrics_port)):
            await ready(session, f"http://{settings.host}:{port}", services[name])


async def _watch(pids: Mapping[str, int], samples: _Samples, pause: float) -> None:
    """Sample every process, again and again.

    Raises: EnvironmentBroken if one ended: another process of its name would begin with little
    memory again.
    """
    while True:
        for name, pid in pids.items():
            try:
                samples[name].append(Sample(usage(pid).memory, descriptors(pid)))
            except ProcessLookupError:
                raise EnvironmentBroken(
                    f"{name} ended under the load, so what it grows to can't be told: read its log."
                ) from None
        await asyncio.sleep(pause)


async def _send_at_once(
    settings: Settings, stream: Iterator[Event], advance: Callable[[int], None]
) -> int:
    """Send all events, one full request after the other; returns how many."""
    sent = 0
    async with GatewaySink(settings) as sink:
        while batch := list(islice(stream, sink.batch)):
            await sink.publish(batch)
            sent += len(batch)
            advance(sent)
    return sent


async def _send(
    settings: Settings,
    stream: Iterator[Event],
    advance: Callable[[int], None],
    watching: asyncio.Task[None],
) -> int:
    """Send all events at their times; returns how many."""
    clock = asyncio.get_running_loop().time
    began, sent, size = clock(), 0, RATE // 10
    async with GatewaySink(settings) as sink:
        while batch := list(islice(stream, size)):
            if watching.done():
                watching.result()
            await sink.publish(batch)
            sent += len(batch)
            advance(sent)
            await asyncio.sleep(began + sent / RATE - clock())
    return sent


def _stream(count: int) -> Iterator[Event]:
    reported = whole_province(1, dossiers_for(count), YEAR, DAYS, future=False)
    return islice((event for _, event in reported), count)


async def _exact(settings: Settings, worker: Service) -> None:
    """Wait until everything is counted, then count it again.

    Raises: EnvironmentBroken if a figure is not what the events say.
    """
    places = dict.fromkeys(product(_TOPICS["events"], range(settings.partitions)), 0)
    async with AppliedOffsets(settings) as applied:
        await applied.reach(await ends_of(settings, places), worker)
    wrong = [verdict for verdict in await recount(settings) if verdict.wrong]
    if wrong:
        named = ", ".join(f"{verdict.family}/{verdict.partition}" for verdict in wrong)
        raise EnvironmentBroken(
            f"After the soak the figures of {named} are not what the events say."
        )


def _disk(settings: Settings) -> dict[str, float]:
    """MB on disk, by what holds them."""
    log = settings.data / "kafka" / "log"
    kafka: dict[str, float] = {}
    for what, topics in _TOPICS.items():
        # a folder is named topic-partition
        sizes = [_size(log.glob(f"{topic}-*/*")) for topic in topics]
        kafka[f"Kafka on disk, {what}"] = sum(sizes)
    lists, cube = (_size(settings.data.glob(f"{name}.sqlite*")) for name in ("listing", "cube"))
    return {
        **kafka,
        "Kafka on disk, all": _size(log.glob("*/*")),
        "lists on disk": lists,
        "cube on disk": cube,
    }


def _size(files: Iterator[Path]) -> float:
    """MB that they really take: a broker reserves more for its indexes than it writes."""
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file()) / 1e6
