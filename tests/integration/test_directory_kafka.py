"""The directory on a real Kafka: committed states become a directory, live and again after a
restart, and figures roll up by it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from subprocess import DEVNULL, Popen
from uuid import uuid4

import httpx
import msgspec
import pytest
from agencies import MERGER, Items, agency
from cubes import counted
from harness import running, until

from schemas.kafka.clients import producer
from schemas.settings import Settings
from schemas.topics import CELLS, state_topic
from serving.directory.feed import DirectoryFeed

pytestmark = pytest.mark.kafka
TOPIC = state_topic("inventory")
DAY = date(2025, 8, 1)


async def publish(
    settings: Settings, items: Items, *, gone: tuple[str, ...] = (), abort: bool = False
) -> None:
    """Publish states (and tombstones) on two partitions in one transaction, like workers."""
    async with producer(
        settings, transactional_id=f"test-{uuid4()}", retry_backoff_ms=10
    ) as publisher:
        await publisher.begin_transaction()
        for number, (name, item) in enumerate(items.items()):
            await publisher.send_and_wait(
                TOPIC, msgspec.msgpack.encode(item), name.encode(), partition=number % 2
            )
        for name in gone:
            await publisher.send_and_wait(TOPIC, None, name.encode(), partition=0)
        await (publisher.abort_transaction() if abort else publisher.commit_transaction())


@contextmanager
def fed(settings: Settings) -> Iterator[DirectoryFeed]:
    feed = DirectoryFeed(settings)
    with running(feed):
        yield feed


async def test_committed_states_become_the_directory_and_aborted_ones_never(
    settings: Settings, code: str
) -> None:
    old, new = f"{code}.1", f"{code}.2"
    with fed(settings) as feed:
        items = agency(agency({}, code, "province"), old, "commune", code)
        await publish(settings, items)
        until(lambda: feed.directory.parent(old, DAY) == code)
        await publish(settings, agency({}, old, "district", None, said=1), abort=True)
        ended = agency(
            agency({}, old, "commune", code, until=MERGER, successor=new, said=2),
            new,
            "commune",
            code,
            first=MERGER,
        )
        await publish(settings, ended)
        until(lambda: feed.directory.parent(old, DAY) == new)
        assert new in feed.directory.agencies_of_level("commune", DAY)
        assert old not in feed.directory.agencies_of_level("district", DAY)


async def test_a_restart_reads_everything_again(settings: Settings, code: str) -> None:
    await publish(settings, agency(agency({}, code, "province"), f"{code}.1", "commune", code))
    with fed(settings) as feed:  # ready means that it is all there
        assert feed.directory.parent(f"{code}.1", DAY) == code
        await publish(settings, {}, gone=(f"agency/{code}",))
        until(lambda: not feed.directory.known(code))
    with fed(settings) as feed:
        assert not feed.directory.known(code)
        assert feed.directory.known(f"{code}.1")
        assert [
            mistake.kind for mistake in feed.directory.mistakes if mistake.agency == f"{code}.1"
        ] == ["unknown_parent"]


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of a metrics process of its own, once it tells figures."""
    chosen = {
        "DATA": str(settings.data),
        "METRICS_PORT": str(settings.metrics_port),
        "KAFKA_SERVERS": settings.kafka_servers,
    }
    environment = os.environ | {f"LGSP_{name}": value for name, value in chosen.items()}
    address = f"http://127.0.0.1:{settings.metrics_port}"
    with Popen(
        [sys.executable, "-m", "ops.cli", "metrics"],
        env=environment,
        stdout=DEVNULL,
        stderr=DEVNULL,
    ) as process:
        try:
            until(lambda: ready(address))
            yield address
        finally:
            process.terminate()


def ready(address: str) -> bool:
    """Whether figures are told; no worker counts what other tests sent."""
    try:
        return httpx.get(f"{address}/v1/coverage").status_code == 200
    except httpx.TransportError:
        return False


async def test_the_metrics_process_rolls_figures_up_by_it(settings: Settings, code: str) -> None:
    commune = f"{code}.1"
    page = counted(f"dossiers|received|{commune}|P1|20250801", received=5).record
    await publish(settings, agency(agency({}, code, "district"), commune, "commune", code))
    async with producer(settings) as publisher:
        await publisher.send_and_wait(CELLS, page.value, page.key, partition=0)
    with served(settings) as address:
        async with httpx.AsyncClient(base_url=address) as client:
            (kind,) = (
                await client.get(
                    f"/v1/counts?family=dossiers&kind=received&window=all&agency={code}"
                )
            ).json()["kinds"]
            assert kind["counts"]["received"] == 5
            assert (await client.get(f"/v1/agencies/{commune}")).json()["above"] == [code]
            assert (
                f'lgsp_agency_silent_seconds{{agency="{commune}"}}'
                in (await client.get("/metrics")).text
            )


def test_it_waits_for_kafka_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    feed = DirectoryFeed(Settings(kafka_servers="127.0.0.1:9", data=tmp_path))
    feed.start()
    try:
        until(lambda: "The directory waits for Kafka at 127.0.0.1:9" in caplog.text)
        assert not feed.progress.ready
    finally:
        feed.stop()
    assert feed.failure is None
