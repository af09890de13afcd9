"""The gateway: how many events a second it takes in over HTTP on one core, in batches of 500, each
acknowledged by Kafka.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiohttp

from ops.bench.load import no_events
from ops.bench.machine import pin, usage
from ops.bench.names import Scale
from ops.bench.offsets import ends_of
from ops.bench.report import Need, ReportLine
from ops.bench.requests import bodies, events_url, post, ready
from ops.bench.stage import Stage, require_running
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings

_SIZE = 500
_CONNECTIONS = 8


def measure_gateway(stage: Stage, scale: Scale) -> list[ReportLine]:
    """Send bodies made beforehand; the gateway alone on one core, this process and the broker on
    the other.
    """
    size = min(_SIZE, scale.gateway_events)
    made = []
    with stage.counting("Requests are made", scale.gateway_events) as advance:
        for body in bodies(7, scale.gateway_events, size):
            made.append(body)
            advance(len(made) * size)
    gateway = stage.service("gateway")
    gateway.start()
    with (
        stage.counting("Requests are sent", len(made) * size) as advance,
        alone_on_a_core(stage, gateway),
    ):
        events, seconds, cpu = asyncio.run(
            _sent(stage.settings, gateway, _Sending(made, size, advance))
        )
    pinned = f"in batches of {size}, {_CONNECTIONS} connections, {events:,} events"
    return [
        ReportLine(
            "gateway, one core", events / seconds, "events/s", Need("at least", 10_000), pinned
        ),
        ReportLine(
            "… of its core",
            cpu / seconds * 100,
            "%",
            note=f"{cpu / events * 1e6:.0f} CPU-seconds a million events",
        ),
    ]


@contextmanager
def alone_on_a_core(stage: Stage, gateway: Service) -> Iterator[None]:
    """The gateway on the last core, all others on the rest; on a single core all share it."""
    others, own = stage.cores[:-1] or stage.cores, stage.cores[-1:]
    pin(require_running(gateway), own)
    for pid in (os.getpid(), stage.broker.pid or os.getpid()):
        pin(pid, others)
    try:
        yield
    finally:
        pin(os.getpid(), stage.cores)


class _Sending:
    """Requests that several connections share: each is sent once, by whichever is free."""

    def __init__(self, made: list[bytes], size: int, advance: Callable[[int], None]) -> None:
        self.events, self.accepted = len(made) * size, 0
        self._waiting, self._advance = iter(made), advance

    async def connection(self, session: aiohttp.ClientSession, address: str) -> None:
        """One connection, until nothing is left to send."""
        for body in self._waiting:
            accepted = await post(session, address, body)
            self.accepted += accepted
            self._advance(self.accepted)


async def _sent(
    settings: Settings, gateway: Service, sending: _Sending
) -> tuple[int, float, float]:
    """Events that Kafka holds in the end, the seconds that it took and those of the gateway's CPU.

    Raises: EnvironmentBroken if anything else than 202 came, or Kafka holds another number of
    events than were accepted.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session:
        await ready(session, f"http://{settings.host}:{settings.gateway_port}", gateway)
        began, cpu = time.monotonic(), usage(require_running(gateway)).cpu
        await asyncio.gather(
            *(sending.connection(session, events_url(settings)) for _ in range(_CONNECTIONS))
        )
        seconds, used = time.monotonic() - began, usage(require_running(gateway)).cpu - cpu
    held = sum((await ends_of(settings, no_events(settings))).values())
    if not sending.events == sending.accepted == held:
        raise EnvironmentBroken(
            f"{sending.events:,} events sent, {sending.accepted:,} accepted, {held:,} in Kafka: see"
            " the gateway's log."
        )
    return held, seconds, used
