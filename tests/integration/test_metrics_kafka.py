"""The metrics process on a real Kafka: committed cells become figures, once, through restarts,
damage and Kafka's absence.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from facts import told
from harness import running, until
from prometheus_client.parser import text_string_to_metric_families

from connectors.gateway.heartbeat import beat_once
from connectors.publishing.publisher import Publisher
from metrics.cube.cube import Cube
from metrics.cube.feed import cube_options
from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import Readers
from metrics.cube.tables import FAMILIES, TABLES
from metrics.workers import Backlog, WorkerLag
from ops.kafka.ports import free_port
from schemas.cells.applied import CellsStanding, CountingRules, applied_row
from schemas.cells.codec import encode_page
from schemas.events import EVENTS_BY_FAMILY
from schemas.kafka.clients import admin, consumer, producer
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.topics import CELLS, cells_topic, events_topic
from schemas.windows import EVER
from serving.store.follower import Follower

pytestmark = pytest.mark.kafka
PATIENCE = 60.0
DAYS = {"P1": 20251103, "P2": 20251104}  # a page for each procedure


async def publish(
    settings: Settings,
    agency: str,
    counts: dict[str, int],
    *,
    abort: bool = False,
    topic: str = CELLS,
) -> None:
    """Publish counts received by procedure (0: a tombstone) in one transaction, like a worker."""
    async with producer(
        settings, transactional_id=f"test-{uuid4()}", retry_backoff_ms=10
    ) as publisher:
        await publisher.begin_transaction()
        for procedure, count in counts.items():
            value = encode_page({f"received|{procedure}": {0: count}}) if count else None
            await publisher.send_and_wait(
                topic, value, f"dossiers|{agency}|{DAYS[procedure]}".encode(), partition=0
            )
        await (publisher.abort_transaction() if abort else publisher.commit_transaction())


@contextmanager
def fed(settings: Settings) -> Iterator[tuple[Cube, Follower]]:
    cube = Cube(settings.data / "cube.sqlite")
    feed = Follower(settings, cube, cube_options())
    with running(feed):
        yield cube, feed


def received(cube: Cube, agency: str) -> int:
    with Readers(cube).snapshot() as snapshot:
        found = snapshot.sums(
            TABLES["dossiers", "received"], cover_days(EVER), codes={agency}, measures=["received"]
        )
    return found.get("", [0])[0]


async def test_committed_cells_become_figures_and_aborted_ones_never(
    settings: Settings, code: str
) -> None:
    with fed(settings) as (cube, feed):
        await publish(settings, code, {"P1": 3, "P2": 4})
        until(lambda: received(cube, code) == 7)
        await publish(settings, code, {"P1": 900}, abort=True)
        await publish(settings, code, {"P1": 5, "P2": 0})
        until(lambda: received(cube, code) == 5)
        until(lambda: feed.progress.lag == 0)


async def test_it_resumes_and_a_damaged_file_is_rebuilt(settings: Settings, code: str) -> None:
    await publish(settings, code, {"P1": 3})
    with fed(settings) as (cube, _):
        assert received(cube, code) == 3
        assert cube.rebuilds == 1
    await publish(settings, code, {"P1": 4, "P2": 1})
    with fed(settings) as (cube, _):
        assert received(cube, code) == 5
        assert cube.rebuilds == 0
    file = settings.data / "cube.sqlite"
    file.write_bytes(file.read_bytes()[:10_000])
    (settings.data / "cube.sqlite-wal").unlink()
    with fed(settings) as (cube, _):
        assert received(cube, code) == 5
        assert cube.rebuilds == 1


async def test_a_file_deleted_while_it_runs_is_rebuilt(settings: Settings, code: str) -> None:
    await publish(settings, code, {"P1": 3})
    with fed(settings) as (cube, feed):
        for suffix in ("", "-wal", "-shm"):
            (settings.data / f"cube.sqlite{suffix}").unlink()
        until(lambda: cube.rebuilds == 2 and feed.progress.ready)
        assert received(cube, code) == 3


async def test_a_place_beyond_the_topic_is_rebuilt(settings: Settings, code: str) -> None:
    await publish(settings, code, {"P1": 3})
    with fed(settings):
        pass
    with sqlite3.connect(settings.data / "cube.sqlite") as raw:
        raw.execute("UPDATE offsets SET next = next + 1000000000")
    with fed(settings) as (cube, _):
        assert cube.rebuilds == 1
        assert received(cube, code) == 3


async def test_the_lag_of_workers_that_never_ran_is_all_that_there_is(settings: Settings) -> None:
    watcher = WorkerLag(settings.model_copy(update={"app_id": f"never-{uuid4()}"}), dict)
    async with Publisher(settings) as publisher:
        await publisher.publish(
            [told("activity.meeting_held", "11-03 09:00", activity_id=uuid4().hex)[0]]
        )
        await beat_once(publisher)
    task = asyncio.create_task(watcher.watch())
    try:
        await asyncio.to_thread(until, lambda: watcher.backlog is not None)
        assert {topic for topic, _ in watcher.records} == {*map(events_topic, EVENTS_BY_FAMILY)}
        assert all(lag >= 0 for lag in watcher.records.values())
        waiting = {
            TopicPartition(*place): lag
            for place, lag in watcher.records.items()
            if lag and place[0] != "lgsp.heartbeats"
        }
        assert watcher.backlog is not None
        assert watcher.backlog.events == sum(waiting.values()) > 0
        async with consumer(settings, isolation_level="read_uncommitted") as reader:
            reader.assign([*waiting])
            await reader.seek_to_beginning(*waiting)
            assert watcher.backlog.oldest_ms == min(
                [(await reader.getone(partition)).timestamp for partition in waiting]
            )
    finally:
        task.cancel()


async def test_what_the_figures_hold_is_not_behind_whatever_the_group_says(
    settings: Settings,
) -> None:
    """Kafka forgets a group's offsets while a hub is off for long, and anybody may move them."""
    async with Publisher(settings) as publisher:
        await publisher.publish(
            [told("activity.meeting_held", "11-03 09:00", activity_id=uuid4().hex)[0]]
        )
    partitions = [
        TopicPartition(events_topic(family), partition)
        for family in EVENTS_BY_FAMILY
        for partition in range(settings.partitions)
    ]
    async with consumer(settings, isolation_level="read_uncommitted") as reader:
        ends = await reader.end_offsets(partitions)
    watcher = WorkerLag(settings.model_copy(update={"app_id": f"never-{uuid4()}"}), lambda: ends)
    task = asyncio.create_task(watcher.watch())
    try:
        await asyncio.to_thread(until, lambda: watcher.backlog is not None)
        assert watcher.backlog == Backlog(0, None)
    finally:
        task.cancel()


def start(settings: Settings, **environment: str) -> subprocess.Popen[str]:
    own = {
        "LGSP_DATA": str(settings.data),
        "LGSP_METRICS_PORT": str(settings.metrics_port),
        "LGSP_KAFKA_SERVERS": settings.kafka_servers,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "metrics"],
        env={**os.environ, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def get(settings: Settings, path: str) -> httpx.Response | None:
    try:
        return httpx.get(f"http://127.0.0.1:{settings.metrics_port}{path}", timeout=PATIENCE)
    except httpx.TransportError:
        return None


def answers(settings: Settings, path: str, status: int) -> bool:
    answer = get(settings, path)
    return answer is not None and answer.status_code == status


async def test_the_process_serves_figures_and_ends_on_sigterm(
    settings: Settings, code: str
) -> None:
    await publish(settings, code, {"P1": 3})
    with start(settings) as process:
        try:
            until(lambda: answers(settings, "/v1/coverage", 200))
            answer = get(settings, f"/v1/counts?agency={code}&kind=received&window=all")
            assert answer is not None
            assert answer.json()["kinds"][0]["counts"]["received"] == 3
            scrape = get(settings, "/metrics")
            assert scrape is not None
            samples = [
                sample
                for family in text_string_to_metric_families(scrape.text)
                for sample in family.samples
            ]
            assert [
                sample.value
                for sample in samples
                if sample.name == "lgsp_dossiers_open" and sample.labels["agency"] == code
            ] == [0]
        finally:
            process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert (
        out
        == f"metrics: http://127.0.0.1:{settings.metrics_port}/metrics and http://127.0.0.1:{settings.metrics_port}/v1/indicators\n"
    )
    assert "Traceback" not in err


async def test_it_serves_books_beside_its_own_from_files_of_their_own(
    settings: Settings, code: str
) -> None:
    beside = settings.model_copy(update={"app_id": f"beside-{code.lower()}"})
    await ensure_topics(beside)
    await publish(settings, code, {"P1": 3})
    await publish(beside, code, {"P1": 5}, topic=cells_topic(beside.app_id))
    asked = f"/v1/counts?agency={code}&kind=received&window=all"
    with start(settings, LGSP_BOOKS_BESIDE=beside.app_id) as process:
        try:
            for books, count in (("", 3), (f"&books={beside.app_id}", 5)):
                until(lambda books=books: answers(settings, f"/v1/coverage?{books[1:]}", 200))  # type: ignore[misc]
                answer = get(settings, asked + books)
                assert answer is not None
                assert answer.json()["kinds"][0]["counts"]["received"] == count
            assert (settings.data / beside.app_id / "cube.sqlite").exists()
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


async def test_books_beside_that_cannot_be_fed_stop_it_all(settings: Settings, code: str) -> None:
    """Their topic of cells has other partitions than the settings say."""
    name = f"broken-{code.lower()}"
    async with admin(settings) as client:
        await client.create_topics([NewTopic(cells_topic(name), settings.partitions + 1, 1)])
    assert cells_topic(name) in sentence(start(settings, LGSP_BOOKS_BESIDE=name))


def test_it_waits_for_kafka_and_says_so(tmp_path: Path) -> None:
    settings = Settings(
        kafka_servers=f"127.0.0.1:{free_port()}", data=tmp_path, metrics_port=free_port()
    )
    with start(settings) as process:
        try:
            until(lambda: answers(settings, "/readyz", 503))
            answer = get(settings, "/readyz")
            assert answer is not None
            assert "waiting for Kafka" in answer.json()["detail"]
            assert answers(settings, "/healthz", 200)
            scrape = get(settings, "/metrics")
            assert scrape is not None
            assert "lgsp_cube_ready 0\n" in scrape.text
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


async def test_it_is_ready_when_what_stood_in_kafka_is_counted_and_stays_so(
    settings: Settings, code: str
) -> None:
    """Books of their own, of which nobody has counted anything; then all but one event, then that
    one; and events that come later.
    """
    own = settings.model_copy(update={"app_id": f"ready-{code.lower()}"})
    await ensure_topics(own)
    meeting = told("activity.meeting_held", "11-03 09:00", activity_id=code)[0]
    async with Publisher(settings) as publisher:
        await publisher.publish([meeting])
    with start(own, LGSP_APP_ID=own.app_id) as process:
        try:
            until(
                lambda: (
                    answers(own, "/healthz", 200)
                    and "No worker has counted anything" in detail(own)
                )
            )
            ends = await ends_of_events(settings)
            short = max(ends, key=lambda place: ends[place])
            await say_counted(own, ends | {short: ends[short] - 1})
            facts = f"{sum(ends.values()):,}"
            until(lambda: f"{sum(ends.values()) - 1:,} of {facts} facts are counted" in detail(own))
            await say_counted(own, ends)
            until(lambda: answers(own, "/readyz", 200))
            async with Publisher(settings) as publisher:
                await publisher.publish([meeting.model_copy(update={"event_id": uuid4().hex})])
            until(lambda: behind(own) > 0)
            assert answers(own, "/readyz", 200)
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def detail(settings: Settings) -> str:
    answer = get(settings, "/readyz")
    return "" if answer is None else str(answer.json().get("detail"))


def behind(settings: Settings) -> int:
    answer = get(settings, "/v1/coverage")
    return (
        0 if answer is None or answer.status_code != 200 else answer.json()["as_of"]["behind"] or 0
    )


async def ends_of_events(settings: Settings) -> dict[tuple[str, int], int]:
    """By family and partition how many events there are, heartbeats left out."""
    families = {events_topic(family): family for family in FAMILIES}
    async with consumer(settings) as reader:
        places = [
            TopicPartition(topic, number)
            for topic in families
            for number in range(settings.partitions)
        ]
        return {
            (families[one.topic], one.partition): end
            for one, end in (await reader.end_offsets(places)).items()
        }


async def say_counted(settings: Settings, ends: dict[tuple[str, int], int]) -> None:
    """Publish how far each family's events are counted, as workers do."""
    async with producer(
        settings, transactional_id=f"test-{uuid4()}", retry_backoff_ms=10
    ) as publisher:
        await publisher.begin_transaction()
        for (family, partition), offset in ends.items():
            key, value = applied_row(family, CellsStanding(offset, CountingRules(1)))
            await publisher.send_and_wait(
                cells_topic(settings.app_id), value, key, partition=partition
            )
        await publisher.commit_transaction()


def sentence(process: subprocess.Popen[str]) -> str:
    with process:
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "Traceback" not in err
    return err.splitlines()[-1]


async def test_what_cannot_run_says_why_in_one_sentence(settings: Settings, tmp_path: Path) -> None:
    assert "LGSP_PARTITIONS" in sentence(start(settings, LGSP_PARTITIONS="1000"))
    catalogue = tmp_path / "own.yaml"
    catalogue.write_text("- id: nothing\n")
    assert "own.yaml, line 1, nothing.name: Field required" in sentence(
        start(settings, LGSP_INDICATORS=str(catalogue))
    )

    with socket.create_server(("127.0.0.1", settings.metrics_port)):
        assert sentence(start(settings)).startswith(f"127.0.0.1:{settings.metrics_port} is in use")
