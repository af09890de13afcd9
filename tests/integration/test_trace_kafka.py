"""The index of facts and the reader of the log on a real Kafka: every fact is found where it lies,
through restarts and absence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from facts import Heard, told
from harness import running, until

from connectors.publishing.publisher import Publisher
from metrics.tracing import log as reading
from metrics.tracing.index import Fact, FactIndex, indexed
from metrics.tracing.log import KafkaLog, Read, Wanted
from metrics.tracing.service import INDEX_FILE
from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import producer
from schemas.partitioner import partition_of
from schemas.settings import Settings
from serving.store.disposable import Snapshots, Unreadable
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

pytestmark = pytest.mark.kafka
TOPIC = "lgsp.dossiers"


@contextmanager
def following(settings: Settings) -> Iterator[tuple[FactIndex, Follower]]:
    index = FactIndex(settings.data / INDEX_FILE, ["dossiers", "tasks"], settings.partitions)
    feed = Follower(
        settings, index, FollowerOptions("index of facts", tuple(index.topics), batch=50)
    )
    with running(feed):
        yield index, feed


@contextmanager
def reader(settings: Settings) -> Iterator[KafkaLog]:
    log = KafkaLog(settings)
    with running(log):
        yield log


def places(
    index: FactIndex, thing: str, after: Fact | None = None, limit: int = 1_000
) -> list[Fact]:
    with Snapshots(index, "The index is being made anew").snapshot() as db:
        return index.facts(db, "dossiers", thing.encode(), after, limit)


def facts(thing: str, count: int) -> list[Heard]:
    steps = (
        told(
            "dossier.step_taken", f"11-04 {9 + number // 60:02}:{number % 60:02}", dossier_id=thing
        )
        for number in range(count - 1)
    )
    return [told("dossier.received", "11-03 09:00", dossier_id=thing), *steps]


async def send(settings: Settings, told_: list[Heard]) -> None:
    async with Publisher(settings) as publisher:
        for event, _ in told_:
            await publisher.publish([event])


def read(
    log: KafkaLog, settings: Settings, thing: str, found: list[Fact], behind: int | None = None
) -> Read:
    return log.read(Wanted(TOPIC, found, partition_of(thing.encode(), settings.partitions), behind))


def home_end(index: FactIndex, settings: Settings, thing: str) -> int:
    with Snapshots(index, "The index is being made anew").snapshot() as db:
        return indexed(db, TOPIC, partition_of(thing.encode(), settings.partitions))


def about(found: Read, thing: str) -> list[int]:
    return [record.offset for record in found.records if record.key == thing.encode()]


async def test_facts_are_found_among_many_and_read_where_they_lie(
    settings: Settings, code: str
) -> None:
    """Near to one another and far apart, so that some are passed over to and others asked for
    anew.
    """
    others = [
        told("dossier.received", "11-03 09:00", dossier_id=f"{code}-{number}")
        for number in range(900)
    ]
    mine = facts(code, 12)
    await send(settings, [*mine[:6], *others, *mine[6:]])
    with following(settings) as (index, _), reader(settings) as log:
        until(lambda: len(places(index, code)) == 12)
        found = read(log, settings, code, places(index, code))
        assert [(record.partition, record.offset) for record in found.records] == sorted(
            places(index, code)
        )
        assert {record.key for record in found.records} == {code.encode()}
        assert (found.gone, found.left, found.end >= found.records[-1].offset + 1) == (0, 0, True)
        page = places(index, code, limit=5)
        assert page + places(index, code, after=page[-1]) == places(index, code)


async def test_what_came_after_the_index_is_found_in_the_log_or_counted(
    settings: Settings, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(settings, facts(code, 1))
    with following(settings) as (index, _):
        until(lambda: len(places(index, code)) == 1)
        end = home_end(index, settings, code)
    await send(settings, facts(code, 6)[1:])
    with reader(settings) as log:
        assert len(about(read(log, settings, code, [], behind=end), code)) == 5
        assert about(read(log, settings, code, [], behind=None), code) == []
        monkeypatch.setattr(reading, "TAIL", 4)
        found = read(log, settings, code, [], behind=end)
        assert (found.left, found.records) == (found.end - end, [])
        assert found.left >= 5


async def test_it_goes_on_after_a_restart_and_is_made_anew_when_damaged_or_deleted(
    settings: Settings, code: str
) -> None:
    await send(settings, facts(code, 3))
    with following(settings) as (index, _):
        assert (len(places(index, code)), index.rebuilds) == (3, 1)
    await send(settings, facts(code, 5)[3:])
    with following(settings) as (index, _):
        assert (len(places(index, code)), index.rebuilds) == (5, 0)
    file = settings.data / INDEX_FILE
    file.write_bytes(file.read_bytes()[:10_000])
    file.with_name(f"{INDEX_FILE}-wal").unlink(missing_ok=True)
    with following(settings) as (index, feed):
        assert (len(places(index, code)), index.rebuilds) == (5, 1)
        for one in index.files():
            one.unlink(missing_ok=True)
        until(lambda: index.rebuilds == 2 and feed.progress.ready)
        assert len(places(index, code)) == 5


async def test_a_fact_on_another_partition_than_its_own_is_found(
    settings: Settings, code: str
) -> None:
    wrong = (partition_of(code.encode(), settings.partitions) + 1) % settings.partitions
    async with producer(settings) as publisher:
        await publisher.send_and_wait(TOPIC, b"no fact", code.encode(), partition=wrong)
    with following(settings) as (index, _), reader(settings) as log:
        until(lambda: len(places(index, code)) == 1)
        [fact] = places(index, code)
        assert fact.partition == wrong
        assert [record.value for record in read(log, settings, code, [fact]).records] == [
            b"no fact"
        ]


async def test_facts_beyond_the_log_are_gone_and_hold_nobody_up(
    settings: Settings, code: str
) -> None:
    await send(settings, facts(code, 1))
    with following(settings) as (index, _), reader(settings) as log:
        until(lambda: len(places(index, code)) == 1)
        [fact] = places(index, code)
        found = read(log, settings, code, [fact, Fact(fact.partition, 1 << 40)])
        assert (about(found, code), found.gone) == ([fact.offset], 1)
        assert about(read(log, settings, code, [fact]), code) == [fact.offset], "the reader goes on"


def test_without_kafka_it_says_so_at_once(settings: Settings) -> None:
    log = KafkaLog(settings.model_copy(update={"kafka_servers": f"127.0.0.1:{free_port()}"}))
    log.start()
    try:
        with pytest.raises(KafkaUnavailable):
            log.read(Wanted(TOPIC, [], 0, None))
    finally:
        log.stop()


async def test_nobody_waits_for_a_broker_that_did_not_answer_a_moment_ago(
    settings: Settings, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(settings, facts(code, 1))
    asked = []

    async def hangs(reader: object, wanted: Wanted) -> Read:
        asked.append(wanted)
        await asyncio.Event().wait()
        raise AssertionError

    with following(settings) as (index, _), reader(settings) as log:
        until(lambda: len(places(index, code)) == 1)
        with monkeypatch.context() as broken:
            broken.setattr(reading, "read", hangs)
            broken.setattr(reading, "PATIENCE", 0.1)
            broken.setattr(reading, "_PAUSE", 3_600.0)
            for _ in range(3):
                with pytest.raises(KafkaUnavailable):
                    read(log, settings, code, places(index, code))
        assert len(asked) == 1
        monkeypatch.setattr(log, "_again_at", 0.0)
        for _ in range(2 * reading.READERS):
            assert len(about(read(log, settings, code, places(index, code)), code)) == 1, (
                "its readers came back"
            )


def test_before_it_is_fed_an_index_is_not_readable(settings: Settings) -> None:
    index = FactIndex(settings.data / INDEX_FILE, ["dossiers"], settings.partitions)
    with pytest.raises(Unreadable):
        places(index, "x")
