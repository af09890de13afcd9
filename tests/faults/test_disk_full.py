"""The disks of metrics and of Kafka are filled to the last byte under load, and emptied: exact, and
nobody touched anything.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from disks import SmallDisk, small_disk
from harness import Hub, until
from load import Load, known_dossiers

from schemas.errors import HubError
from schemas.kafka.topics import ensure_topics

STORES = ("cube", "listing", "index of facts")


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[tuple[SmallDisk, SmallDisk]]:
    """That of metrics, which has the services' logs too, and Kafka's own below it."""
    with (
        small_disk(tmp_path / "data", 96) as metrics,
        small_disk(tmp_path / "data" / "kafka", 256) as kafka,
    ):
        yield metrics, kafka


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """One for everything, as where nothing is set."""
    with small_disk(tmp_path / "data", 352) as disk:
        yield disk


@asynccontextmanager
async def running(disk: SmallDisk) -> AsyncIterator[Hub]:
    """A hub whose Kafka is a service like the others."""
    hub = Hub(disk.folder)
    try:
        hub.service("kafka", "kafka")
        await asyncio.to_thread(until, lambda: has_topics(hub))
        for name in ("gateway", "worker", "metrics"):
            hub.service(name, name)
        yield hub
    finally:
        await asyncio.to_thread(hub.stop)


def has_topics(hub: Hub) -> bool:
    with suppress(HubError):
        asyncio.run(ensure_topics(hub.settings))
        return True
    return False


def text(hub: Hub) -> str:
    """/metrics."""
    with urllib.request.urlopen(
        f"http://127.0.0.1:{hub.settings.metrics_port}/metrics", timeout=10
    ) as answer:
        return str(answer.read().decode())


def figures(hub: Hub) -> Any:
    """Receptions, with their as_of. Raises: OSError while none are told."""
    url = f"http://127.0.0.1:{hub.settings.metrics_port}/v1/counts?family=dossiers&kind=received&window=all"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def count(told: Any) -> int:
    return int(told["kinds"][0]["counts"]["received"])


def received(hub: Hub) -> int:
    return count(figures(hub))


async def told(hub: Hub, *lines: str, absent: str = "nothing") -> None:
    """Wait until /metrics has these lines."""
    await asyncio.to_thread(until, lambda: tells(text(hub), lines, absent))


def tells(page: str, lines: tuple[str, ...], absent: str) -> bool:
    there = page.splitlines()
    return all(line in there for line in lines) and absent not in page


def said(hub: Hub, name: str, sentence: str) -> int:
    """How often a service logged it."""
    return hub.services[name].log.read_text("utf-8").count(sentence)


async def require_exact(hub: Hub, load: Load) -> None:
    """Everything that was accepted is counted once, and nothing but workers was started again."""
    verdicts = await hub.settle()
    assert [verdict.differences for verdict in verdicts] == [[] for _ in verdicts]
    assert await known_dossiers(hub) == load.dossiers
    await asyncio.to_thread(until, lambda: received(hub) == len(load.dossiers))
    await told(hub, "lgsp_cube_rebuilds_total 1", absent="lgsp_storage_trouble")
    assert {name: hub.services[name].restarts for name in ("kafka", "metrics", "gateway")} == {
        "kafka": 0,
        "metrics": 0,
        "gateway": 0,
    }


@pytest.mark.faults
async def test_full_disks_are_waited_out(disks: tuple[SmallDisk, SmallDisk]) -> None:
    """First that of the figures, which are told on as they were while facts are taken in; then
    Kafka's, and figures still are told.
    """
    metrics, kafka = disks
    async with running(metrics) as hub:
        async with Load(hub) as load:
            await load.until_accepted(20)
            await asyncio.to_thread(until, lambda: received(hub) > 0)
            await told(hub, "lgsp_cube_ready 1", "lgsp_listing_ready 1")
            await asyncio.to_thread(metrics.fill)
            await told(
                hub,
                *(f'lgsp_storage_trouble{{store="{store}",reason="full"}} 1.0' for store in STORES),
            )
            before = await asyncio.to_thread(figures, hub)
            await load.until_accepted(20)
            after = await asyncio.to_thread(figures, hub)
            # what still fits into the files as they are is told; nothing that was told goes away
            assert after["as_of"]["instant"] >= before["as_of"]["instant"]
            assert count(after) >= count(before) > 0
            metrics.empty()
            await told(hub, "lgsp_cube_ready 1", absent="lgsp_storage_trouble")

            await asyncio.to_thread(kafka.fill)
            await load.until_refused()
            await asyncio.to_thread(until, lambda: said(hub, "kafka", "Disk full") == 1)
            assert await asyncio.to_thread(received, hub) > 0
            kafka.empty()
            await load.until_accepted(20)
        await require_exact(hub, load)
        assert said(hub, "kafka", "Disk full") == 1


@pytest.mark.faults
async def test_one_full_disk_of_everything_is_waited_out(disk: SmallDisk) -> None:
    """Figures are told as they were; room for a moment only is not enough."""
    async with running(disk) as hub:
        async with Load(hub) as load:
            await load.until_accepted(20)
            await asyncio.to_thread(until, lambda: received(hub) > 0)
            await asyncio.to_thread(disk.fill)
            for _ in range(2):
                await load.until_refused()
                assert await asyncio.to_thread(received, hub) > 0
                disk.empty()
                await asyncio.to_thread(disk.fill)
            disk.empty()
            await load.until_accepted(20)
        await require_exact(hub, load)
