"""The way of one fact: accepted by the gateway until it shows in the API and in /metrics, while
1,000 events/s go the same way.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from ops.bench.load import write_province
from ops.bench.machine import usage
from ops.bench.names import Scale
from ops.bench.offsets import AppliedOffsets, PartitionOffsets, require_written
from ops.bench.report import Need, ReportLine, percentile
from ops.bench.requests import (
    batch_body,
    bench_headers,
    bodies,
    events_url,
    let_in,
    post,
    ready,
)
from ops.bench.stage import Stage, deadline, require_running
from ops.up.supervise import Service
from schemas.clock import now_ms
from schemas.errors import EnvironmentBroken, HubError
from schemas.events.dossiers import DossierReceived

_RATE, _SIZE = 1_000, 10  # events a second, in requests of so many
_PROBES_A_SECOND = 2.5  # few: looking costs more than counting, so between two probes nobody looks
_PAUSE = 0.01  # between two looks: what looks without a pause slows down what it looks at
PROBED = "H35.SAMPLE.BENCH"  # an agency that nobody else reports for
_OPEN = re.compile(rf'^lgsp_dossiers_open{{agency="{re.escape(PROBED)}"}} (\S+)$', re.MULTILINE)
_NOT_HEARD_OF = 422  # the API's answer before the agency's first fact
WAYS = 2
_Look = Callable[[], Awaitable[int]]


@dataclass
class Sight:
    """What one of the two ways to look has seen: probe after probe, since each adds one to the
    count.

    The ways take turns, probe by probe: a scrape is so much work that it would slow down what the
    other one looks at.
    """

    turn: int
    took: list[float] = field(default_factory=list)  # seconds from accepted, in order of the probes
    looks: int = 0

    @property
    def own(self) -> list[float]:
        """Of the probes whose turn it was."""
        return self.took[self.turn :: WAYS]

    def looking(self, accepted: int) -> bool:
        """Whether a probe is on its way whose turn it is."""
        return any(number % WAYS == self.turn for number in range(len(self.took), accepted))

    def seen(self, count: int, accepted: list[float], now: float) -> None:
        """The count stood in an answer that came at `now`; a probe seen before its own 202 took no
        time.
        """
        self.took += [max(0.0, now - at) for at in accepted[len(self.took) : count]]


@dataclass
class _Run:
    """One measurement as it goes on."""

    accepted: list[float] = field(default_factory=list)  # when each probe was
    sights: dict[str, Sight] = field(
        default_factory=lambda: {"the API": Sight(0), "/metrics": Sight(1)}
    )
    sent: int = 0
    rate: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)  # cores that each process kept busy


def measure_latency(stage: Stage, scale: Scale) -> list[ReportLine]:
    """The whole hub on some history; a steady load, and probes of an agency of their own."""
    with stage.counting("Events are made", scale.history) as advance:
        ends = asyncio.run(write_province(stage.settings, scale.history, advance))
    seconds = scale.warm + scale.probes / _PROBES_A_SECOND
    with stage.waiting("Requests are made"):
        spare = bodies(13, round(_RATE * seconds * 1.1), _SIZE)
        made = list(spare)[: round(_RATE * seconds / _SIZE)]
    run = asyncio.run(_run(stage, ends, made, scale))
    shares = ", ".join(f"{name} {cores:.2f}" for name, cores in run.busy.items())
    lines: list[ReportLine] = []
    for place, sight in run.sights.items():
        lines += latency_lines(place, sight, run.rate)
    lines.append(ReportLine("… cores busy meanwhile", sum(run.busy.values()), "", note=shares))
    return lines


def latency_lines(place: str, sight: Sight, rate: float) -> list[ReportLine]:
    """Median and 99th percentile of one way to look, in ms."""
    spread = f"{len(sight.own)} probes at {rate:,.0f} events/s, {sight.looks} looks"
    needs = ((50, 100, ""), (99, 300, spread))
    return [
        ReportLine(
            f"accepted → visible in {place}, p{percent}",
            percentile(sight.own, percent) * 1000,
            "ms",
            Need("at most", most),
            note,
        )
        for percent, most, note in needs
    ]


async def _run(stage: Stage, ends: PartitionOffsets, made: list[bytes], scale: Scale) -> _Run:
    settings, run = stage.settings, _Run()
    await require_written(settings, ends)
    services = {name: stage.service(name) for name in ("worker", "metrics", "gateway")}
    for service in services.values():
        service.start()
    ports = {"metrics": settings.metrics_port, "gateway": settings.gateway_port}
    headers = await bench_headers(settings)
    async with (
        AppliedOffsets(settings) as applied,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session,
    ):
        with stage.waiting("The hub starts"):
            await applied.reach(ends, services["worker"])
            for name, port in ports.items():
                await ready(session, f"http://{settings.host}:{port}", services[name])
            await let_in(session, settings, reads=True)
        figures = f"http://{settings.host}:{settings.metrics_port}"
        looks: dict[str, _Look] = {
            "the API": partial(_in_api, session, figures),
            "/metrics": partial(_in_metrics, session, figures),
        }
        pids = {
            "Kafka": stage.broker.pid or 0,
            "the sender": os.getpid(),
            **{name: require_running(one) for name, one in services.items()},
        }
        with stage.counting(f"Probes, after {scale.warm:.0f} s of load", scale.probes) as advance:
            probing = _probe(run, session, events_url(settings), scale, advance, pids)
            loading = _load(run, session, events_url(settings), made)
            await _all_seen(run, looks, loading, probing, scale, list(services.values()))
        await _require_counted(applied, ends, run)
    return run


@contextmanager
def _busy(pids: dict[str, int], run: _Run) -> Iterator[None]:
    began, before = time.monotonic(), {name: usage(pid).cpu for name, pid in pids.items()}
    yield
    seconds = time.monotonic() - began
    run.busy = {name: (usage(pid).cpu - before[name]) / seconds for name, pid in pids.items()}


async def _all_seen(
    run: _Run,
    looks: dict[str, _Look],
    loading: Coroutine[Any, Any, None],
    probing: Coroutine[Any, Any, None],
    scale: Scale,
    services: list[Service],
) -> None:
    """Send and look until every probe was seen both ways; the first failure ends all.

    Raises: EnvironmentBroken
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(loading)
            tasks.create_task(probing)
            for place, look in looks.items():
                tasks.create_task(_watch(run, run.sights[place], look, scale, services))
    except* (HubError, aiohttp.ClientError) as group:
        raise EnvironmentBroken(f"The hub failed under the load: {_first(group)}") from group


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _load(run: _Run, session: aiohttp.ClientSession, address: str, made: list[bytes]) -> None:
    """Requests at their times, whether or not the ones before were answered."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as sending:
        for number, body in enumerate(made):
            await asyncio.sleep(began + number * _SIZE / _RATE - time.monotonic())
            sending.create_task(_send(run, session, address, body))
    run.rate = run.sent / (time.monotonic() - began)


async def _send(run: _Run, session: aiohttp.ClientSession, address: str, body: bytes) -> None:
    accepted = await post(session, address, body)
    run.sent += accepted


async def _probe(
    run: _Run,
    session: aiohttp.ClientSession,
    address: str,
    scale: Scale,
    advance: Callable[[int], None],
    pids: dict[str, int],
) -> None:
    """Once the hub is warm: until its compiler is done, a broker that has just been started does as
    much work again for itself.
    """
    await asyncio.sleep(scale.warm)
    began = time.monotonic()
    with _busy(pids, run):
        for number in range(scale.probes):
            await asyncio.sleep(began + number / _PROBES_A_SECOND - time.monotonic())
            await post(session, address, batch_body([_received(number)]))
            run.accepted.append(time.monotonic())
            advance(number + 1)


def _received(number: int) -> DossierReceived:
    return DossierReceived(
        event_id=str(uuid4()),
        source="bench",
        agency=PROBED,
        occurred_at=now_ms(),
        dossier_id=f"{PROBED}-{number:06}",
        procedure="SAMPLE.000001.H35",
        channel="online",
    )


async def _watch(
    run: _Run, sight: Sight, look: _Look, scale: Scale, services: list[Service]
) -> None:
    """Look again and again while a probe is on its way."""
    in_time = deadline("Seeing every probe", scale.warm + scale.probes / _PROBES_A_SECOND + 60)
    while len(sight.took) < scale.probes - WAYS + 1 + sight.turn:
        await asyncio.sleep(_PAUSE)
        if sight.looking(len(run.accepted)):
            count = await look()
            sight.seen(count, run.accepted, time.monotonic())
            sight.looks += 1
        for service in services:
            require_running(service)
        in_time()


async def _in_api(session: aiohttp.ClientSession, figures: str) -> int:
    asked = {"family": "dossiers", "kind": "received", "agency": PROBED}
    async with session.get(f"{figures}/v1/counts", params=asked) as answer:
        if answer.status == _NOT_HEARD_OF:
            return 0
        answer.raise_for_status()
        return _in_counts(await answer.read())


def _in_counts(body: bytes) -> int:
    """How many dossiers were received, in an answer of GET /v1/counts that tells nothing else."""
    (kind,) = msgspec.json.decode(body)["kinds"]
    return int(kind["counts"]["received"])


async def _in_metrics(session: aiohttp.ClientSession, figures: str) -> int:
    async with session.get(f"{figures}/metrics") as answer:
        answer.raise_for_status()
        return in_exposition(await answer.text())


def in_exposition(text: str) -> int:
    """How many dossiers of the probed agency are open; none before the first."""
    found = _OPEN.search(text)
    return int(float(found[1])) if found else 0


async def _require_counted(applied: AppliedOffsets, ends: PartitionOffsets, run: _Run) -> None:
    """Raises: EnvironmentBroken unless everything accepted is counted."""
    in_time = deadline("Counting everything accepted")
    expected = sum(ends.values()) + run.sent + len(run.accepted)
    while (found := await applied.total(ends)) < expected:
        in_time()
        await asyncio.sleep(0.1)
    if found != expected:
        raise EnvironmentBroken(
            f"{expected:,} events were accepted and {found:,} counted: measure again."
        )
