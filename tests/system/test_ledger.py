"""A ledger on a real Kafka: order, fencing, and rules that changed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from aiokafka import TopicPartition
from harness import Hub, broker, hub_on_broker

from connectors.publishing.publisher import Publisher
from ops.recount.compare import recount
from ops.recount.verdict import Verdict
from ops.simulate.stream import events
from schemas.errors import BooksError, LedgerError
from schemas.kafka.clients import consumer, producer
from schemas.kafka.reading import read_to_end
from schemas.states import APPLIED_KEY, read_applied
from schemas.topics import cells_topic, state_topic
from streams.families import ALL, FAMILIES, Family
from streams.family_partition import Fetched
from streams.ledger import Ledger
from streams.takeover import take_over

__all__ = ["broker", "hub_on_broker"]

START = 1_767_546_000_000
SOURCE = TopicPartition("lgsp.dossiers", 0)
PATIENCE = 30.0
T = TypeVar("T")


@pytest.fixture
async def records(hub: Hub) -> list[Any]:
    """The records of one partition, stored in Kafka."""
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(
            [event for _, event in events(11, 400, START, 20) if event.family == "dossiers"]
        )
    return await read(hub, SOURCE)


@pytest.fixture
async def ledger(hub: Hub) -> AsyncIterator[Ledger]:
    """The ledger of that partition, opened."""
    ledger = Ledger(0, hub.settings)
    await take_over(hub.settings, [ledger])
    yield ledger
    await ledger.close()


def batch(records: list, previous: int | None) -> dict[str, list[Fetched]]:
    """What a ledger is handed."""
    return {SOURCE.topic: [Fetched(records, previous)]}


async def soon(look: Callable[[], Awaitable[T]], right: Callable[[T], bool]) -> T:
    """What is right a moment after a commit: until its markers are written, Kafka still tells the
    end of before.
    """
    deadline = time.monotonic() + PATIENCE
    while not right(found := await look()) and time.monotonic() < deadline:
        pass
    return found


async def recounted(hub: Hub) -> Verdict:
    """The partition's recount."""
    return next(
        verdict
        for verdict in await recount(hub.settings)
        if (verdict.family, verdict.partition) == ("dossiers", 0)
    )


async def exact(hub: Hub, events: int) -> int:
    """How many events of the partition are in the cells, which must be exact."""
    verdict = await soon(
        lambda: recounted(hub), lambda verdict: verdict.events == events and not verdict.differences
    )
    assert verdict.differences == []
    return verdict.events


async def read(hub: Hub, partition: TopicPartition) -> list[Any]:
    """The records of a partition."""
    async with consumer(hub.settings) as reader:
        reader.assign([partition])
        return [record async for _, found in read_to_end(reader, partition) for record in found]


async def test_a_hole_is_refused_and_an_overlap_is_not_counted_twice(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    """A batch behind a missing one, before and after the first; and a batch that was fetched
    again.
    """
    with pytest.raises(LedgerError, match="begins at offset 7, but the books stand at 0"):
        await ledger.apply(batch(records[7:9], None))
    await ledger.apply(batch(records[:50], None))
    with pytest.raises(LedgerError, match="follows offset 59"):
        await ledger.apply(batch(records[60:70], records[59].offset))
    await ledger.apply(batch(records[30:80], None))
    await ledger.apply(batch(records[40:60], records[39].offset))
    assert await exact(hub, 80) == 80
    await ledger.apply(
        {
            SOURCE.topic: [
                Fetched(records[80:90], records[79].offset),
                Fetched(records[90:99], records[89].offset),
            ]
        }
    )
    with pytest.raises(LedgerError, match="follows offset 109"):
        await ledger.apply(
            {
                SOURCE.topic: [
                    Fetched(records[99:105], records[98].offset),
                    Fetched(records[110:], records[109].offset),
                ]
            }
        )
    with pytest.raises(LedgerError, match="begins at offset 110, but the books stand at 105"):
        await ledger.apply(batch(records[99:105] + records[110:], records[98].offset))
    assert await exact(hub, 99) == 99


async def test_a_recount_passes_over_keys_that_are_no_pages(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    """Whoever may write to the topic of cells can't keep the figures from being proved."""
    await ledger.apply(batch(records[:50], None))
    async with producer(hub.settings) as sender:
        for key in (b"\xff\xfe|nothing", b""):
            await sender.send_and_wait(
                cells_topic(hub.settings.app_id), b"no page", key=key, partition=0
            )
    assert await exact(hub, 50) == 50


async def test_families_share_a_transaction(hub: Hub, records: list, ledger: Ledger) -> None:
    """What one of them can't commit, none commits; and each goes on from where it stands."""
    documents = TopicPartition("lgsp.documents", 0)
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(
            [event for _, event in events(11, 400, START, 20) if event.family == "documents"]
        )
    others = await read(hub, documents)
    with pytest.raises(LedgerError, match="documents/0: a batch begins at offset 3"):
        await ledger.apply(
            batch(records[:50], None) | {documents.topic: [Fetched(others[3:], None)]}
        )
    assert await exact(hub, 0) == 0
    await ledger.apply(batch(records[:50], None) | {documents.topic: [Fetched(others[:9], None)]})
    await ledger.close()
    successor = Ledger(0, hub.settings)
    await take_over(hub.settings, [successor])
    await successor.close()
    assert [successor.by_topic[source.topic].next for source in (SOURCE, documents)] == [50, 9]
    assert await exact(hub, 50) == 50
    assert not any(verdict.differences for verdict in await recount(hub.settings))


def applied(written: list[Any]) -> list[int]:
    """The next offsets that records of states say."""
    return [read_applied(record.value).next for record in written if record.key == APPLIED_KEY]


async def test_states_say_how_far_they_have_come(hub: Hub, records: list, ledger: Ledger) -> None:
    """Last in every transaction, whether it changes a state or not; and it is not taken for one at
    the take-over.
    """
    await ledger.apply(batch(records[:50], None))
    await ledger.apply(batch(records[50:90], records[49].offset))
    await ledger.apply(batch(records[90:99], records[89].offset))
    states = TopicPartition(state_topic("dossiers"), 0)
    written = await soon(
        lambda: read(hub, states), lambda found: bool(found) and applied(found)[-1] == 99
    )
    assert applied(written) == [50, 90, 99]
    assert written[-1].key == APPLIED_KEY
    await ledger.close()
    successor = Ledger(0, hub.settings)
    await take_over(hub.settings, [successor])
    await successor.close()
    known = {key for key, _ in successor.by_topic[SOURCE.topic].family_state.states.items()}
    assert known == {record.key for record in written} - {APPLIED_KEY}


async def test_a_former_owner_is_fenced(hub: Hub, records: list, ledger: Ledger) -> None:
    """Whoever opens the partition later owns it: the former owner can commit nothing more, and
    nothing is lost or counted twice.
    """
    await ledger.apply(batch(records[:50], None))
    successor = Ledger(0, hub.settings)
    await take_over(hub.settings, [successor])
    with pytest.raises(LedgerError, match="Another worker took over"):
        await ledger.apply(batch(records[50:90], records[49].offset))
    await successor.apply(batch(records[50:100], None))
    await successor.close()
    assert await exact(hub, 100) == 100


def counted_otherwise() -> Family:
    """Dossiers by tomorrow's rules: what is received counts as refused."""
    today = FAMILIES["dossiers"]

    def counts(state: object, parts: int = ALL) -> list:
        return [
            (key.replace(b"|received|", b"|refused|"), ones[:1], sums)
            for key, ones, sums in today.counts(state, parts)
        ]

    return replace(today, version=today.version + 1, counts=counts, counts_by=None)


async def test_rules_with_a_new_version_are_counted_anew(
    hub: Hub, records: list, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells published under older rules are corrected at take-over: changed ones, new ones, and
    those that are gone.
    """
    await ledger.apply(batch(records[:300], None))
    await ledger.close()
    monkeypatch.setitem(FAMILIES, "dossiers", counted_otherwise())
    successor = Ledger(0, hub.settings)
    await take_over(hub.settings, [successor])
    assert await exact(hub, 300) == 300
    await successor.apply(batch(records[300:], None))
    await successor.close()
    assert await exact(hub, len(records)) == len(records)


async def test_other_office_hours_are_counted_anew(hub: Hub, records: list, ledger: Ledger) -> None:
    """Working time published by other hours is corrected at take-over."""
    await ledger.apply(batch(records[:300], None))
    await ledger.close()
    hours = {"office_hours": "08:00-12:00,13:00-17:00"}
    with pytest.raises(BooksError, match="raise LGSP_OFFICE_HOURS_NUMBER to 2"):
        await take_over(hub.settings, [Ledger(0, hub.settings.model_copy(update=hours))])
    hub.settings = hub.settings.model_copy(update=hours | {"office_hours_number": 2})
    before = await soon(lambda: recounted(hub), lambda verdict: verdict.events == 300)
    assert before.differences, "the same facts last other working times"
    successor = Ledger(0, hub.settings)
    await take_over(hub.settings, [successor])
    await successor.close()
    assert await exact(hub, 300) == 300


async def test_states_that_lack_what_the_rules_need_are_refused(
    hub: Hub, records: list, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To count them anew would tell figures that no fact supports; the sentence says what to do."""
    await ledger.apply(batch(records[:300], None))
    await ledger.close()
    old = FAMILIES["dossiers"]
    monkeypatch.setitem(
        FAMILIES, "dossiers", replace(old, version=old.version + 1, states_since=old.version + 1)
    )
    with pytest.raises(BooksError, match=r"lgsp mend --from-zero.*LGSP_APP_ID=lgsp-2"):
        await take_over(hub.settings, [Ledger(0, hub.settings)])
    monkeypatch.undo()
    assert await exact(hub, 300) == 300
