"""Requests as agencies send them: CloudEvents of the believable province in batches, made
beforehand; and sending them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice

import aiohttp
import msgspec

from connectors.cloudevents.encode import cloud_event
from ops.access.own import own_headers
from ops.bench.load import DAYS, YEAR, dossiers_for
from ops.bench.stage import deadline, require_running
from ops.simulate.stream import events
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.events import Event
from schemas.settings import Settings

_BATCH = "application/cloudevents-batch+json"
_HEADERS = {"content-type": _BATCH}


def bodies(seed: int, count: int, size: int) -> Iterator[bytes]:
    """Bodies of `size` events each, about `count` events in all, in the order of report."""
    reported = (event for _, event in events(seed, dossiers_for(count), YEAR, DAYS))
    while len(batch := list(islice(reported, size))) == size:
        yield batch_body(batch)


def batch_body(batch: list[Event]) -> bytes:
    """One request's body."""
    return msgspec.json.encode([cloud_event(event) for event in batch])


def events_url(settings: Settings) -> str:
    """Where events go."""
    return f"http://{settings.host}:{settings.gateway_port}/v1/events"


async def post(session: aiohttp.ClientSession, address: str, body: bytes) -> int:
    """Send one batch; the events accepted. Raises: EnvironmentBroken for any answer but 202."""
    async with session.post(address, data=body, headers=_HEADERS) as answer:
        if answer.status != 202:
            raise EnvironmentBroken(
                f"The gateway answered {answer.status}: {(await answer.text())[:300]}"
            )
        return int((await answer.json())["accepted"])


async def bench_headers(settings: Settings) -> dict[str, str]:
    """With what a measurement is let in, where access is required."""
    return await own_headers(settings, "bench", "Đo tốc độ / bench", reads=True)


async def let_in(
    session: aiohttp.ClientSession, settings: Settings, *, reads: bool = False
) -> None:
    """Wait until the gateway (and metrics, where it `reads`) has heard of the session's key.
    Raises: EnvironmentBroken if that takes too long.
    """
    in_time = deadline("The hub's hearing of a new key")
    while not await _sends(session, settings):
        in_time()
        await asyncio.sleep(0.1)
    catalogue = f"http://{settings.host}:{settings.metrics_port}/v1/catalogue"
    while reads and not await _answers(session, catalogue):
        in_time()
        await asyncio.sleep(0.1)


async def _sends(session: aiohttp.ClientSession, settings: Settings) -> bool:
    async with session.post(events_url(settings), data=b"[]", headers=_HEADERS) as answer:
        return answer.status == 202


async def ready(session: aiohttp.ClientSession, address: str, service: Service) -> None:
    """Wait until a service says that it is ready. Raises: EnvironmentBroken if it ends instead, or
    takes too long.
    """
    in_time = deadline(f"The start of {service.name}")
    while not await _answers(session, f"{address}/readyz"):
        require_running(service)
        in_time()
        await asyncio.sleep(0.1)


async def _answers(session: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with session.get(address) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
