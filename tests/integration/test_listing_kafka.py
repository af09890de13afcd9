"""The listing's feed on a real Kafka: committed states become rows, aborted ones never, through
restarts and damage.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from facts import told
from harness import running, until
from listings import only_state

from metrics.lists.listing import Listing
from metrics.lists.reader import Selection, total
from metrics.lists.service import LISTING_FILE
from metrics.lists.tables import TABLES
from ops.meanings import meanings
from schemas.kafka import producer
from schemas.settings import Settings
from schemas.topics import state_topic
from serving.store.disposable import Snapshots
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

pytestmark = pytest.mark.kafka
TOPIC = state_topic("dossiers")


async def publish(
    settings: Settings,
    agency: str,
    *things: str,
    finished: bool = False,
    gone: bool = False,
    abort: bool = False,
) -> None:
    """Publish the states of dossiers in one transaction, like a worker."""
    facts = [
        told("dossier.received", "11-03 09:00", agency=agency),
        *([told("dossier.finished", "11-10 16:30")] if finished else []),
    ]
    state = only_state(facts)
    async with producer(
        settings, transactional_id=f"test-{uuid4()}", retry_backoff_ms=10
    ) as publisher:
        await publisher.begin_transaction()
        for thing in things:
            await publisher.send_and_wait(
                TOPIC, None if gone else state, f"{agency}-{thing}".encode(), partition=0
            )
        await (publisher.abort_transaction() if abort else publisher.commit_transaction())


@contextmanager
def fed(settings: Settings) -> Iterator[tuple[Listing, Follower]]:
    listing = Listing(settings.data / LISTING_FILE, meanings())
    options = FollowerOptions("listing", tuple(listing.meanings), batch=100)
    feed = Follower(settings, listing, options)
    with running(feed):
        yield listing, feed


def count(listing: Listing, agency: str, kind: str, measure: str) -> int:
    low, high = (0, 1 << 60) if kind == "open" else (20250101, 20251231)
    with Snapshots(listing, "The list is being made anew").snapshot() as db:
        return total(
            db, [Selection(TABLES["dossiers", kind], low, high, (measure,), agencies=(agency,))]
        ).rows


async def test_committed_states_are_listed_and_aborted_ones_never(
    settings: Settings, code: str
) -> None:
    with fed(settings) as (listing, feed):
        await publish(settings, code, "1", "2")
        until(lambda: count(listing, code, "open", "open") == 2)
        await publish(settings, code, "1", "2", "3", finished=True, abort=True)
        await publish(settings, code, "2", finished=True)
        until(lambda: count(listing, code, "closed", "finished") == 1)
        assert count(listing, code, "open", "open") == 1
        await publish(settings, code, "1", gone=True)
        until(lambda: count(listing, code, "open", "open") == 0)
        assert count(listing, code, "received", "received") == 1
        until(lambda: feed.progress.lag == 0)


async def test_it_resumes_and_a_half_written_file_is_made_anew(
    settings: Settings, code: str
) -> None:
    await publish(settings, code, "1")
    with fed(settings) as (listing, _):
        assert (count(listing, code, "open", "open"), listing.rebuilds) == (1, 1)
    await publish(settings, code, "2")
    with fed(settings) as (listing, _):
        assert (count(listing, code, "open", "open"), listing.rebuilds) == (2, 0)
    file = settings.data / LISTING_FILE
    file.write_bytes(file.read_bytes()[:10_000])
    file.with_name(f"{LISTING_FILE}-wal").unlink(missing_ok=True)
    with fed(settings) as (listing, _):
        assert (count(listing, code, "open", "open"), listing.rebuilds) == (2, 1)


async def test_a_file_deleted_while_it_runs_is_made_anew(settings: Settings, code: str) -> None:
    await publish(settings, code, "1")
    with fed(settings) as (listing, feed):
        for file in listing.files():
            file.unlink(missing_ok=True)
        until(lambda: listing.rebuilds == 2 and feed.progress.ready)
        assert count(listing, code, "open", "open") == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE offsets SET next = next + 1000000000",
        "UPDATE facts SET value = 'another' WHERE name = 'cluster'",
    ],
)
async def test_a_file_of_another_kafka_is_made_anew(
    settings: Settings, code: str, change: str
) -> None:
    await publish(settings, code, "1")
    with fed(settings):
        pass
    with sqlite3.connect(settings.data / LISTING_FILE) as raw:
        raw.execute(change)
    with fed(settings) as (listing, _):
        assert listing.rebuilds == 1
        assert count(listing, code, "open", "open") == 1


async def test_every_topic_of_the_listed_families_is_read_to_its_end(
    settings: Settings, code: str
) -> None:
    await publish(settings, code, "1")
    with fed(settings) as (listing, feed):
        partitions = len(listing.meanings) * settings.partitions
        assert feed.progress.partitions == partitions
        listing_places = listing._db.execute("SELECT count(*) FROM offsets").fetchone()[0]
        assert listing_places == partitions
        assert TopicPartition(TOPIC, 0).topic in listing.meanings
