"""One topic's way to Kafka: what its callers are told when it hangs, is missing, or finds a record
too large.
"""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from connectors.publishing import route as route_module
from connectors.publishing.budget import Budget
from connectors.publishing.lanes import OutgoingRecord, Ticket
from connectors.publishing.route import TopicRoute
from schemas.errors import KafkaUnavailable, RecordTooLarge, TopicUnwritable
from schemas.settings import Settings
from schemas.topics import BY_NAME, QUARANTINE, RESTORING


class Hub:
    """The publisher's ear."""

    def __init__(self) -> None:
        self.settings, self.budget = Settings(), Budget(1 << 20)

    def heard(self) -> None: ...

    def silent(self, why: str) -> None: ...


class Cluster:
    """What the brokers say of topics."""

    def __init__(self) -> None:
        self.unauthorized_topics: set[str] = set()
        self.found: set[int] | None = {0}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return self.found


class Client:
    """The producer's client; the brokers answer."""

    def __init__(self) -> None:
        self.cluster = Cluster()

    def add_topic(self, topic: str) -> None: ...

    async def force_metadata_update(self) -> bool:
        return True


class Producer:
    """A producer whose deliveries the test decides."""

    def __init__(self) -> None:
        self.client = Client()
        self.deliveries: list[asyncio.Future[None]] = []

    async def send_batch(self, builder: Any, topic: str, *, partition: int) -> asyncio.Future[None]:
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]


@pytest.fixture
async def route() -> TopicRoute:
    route = TopicRoute(BY_NAME[QUARANTINE], Hub())
    route._producer = Producer()  # type: ignore[assignment]
    route.partitions = 1
    route.tried.set()
    route.up.set()
    return route


def producer_of(route: TopicRoute) -> Producer:
    return route._producer  # type: ignore[return-value]


async def hand(route: TopicRoute, size: int = 10) -> Ticket:
    """A caller with one record, on its way or waiting behind the one that is."""
    record, ticket = OutgoingRecord(QUARANTINE, b"k", b"x" * size, []), Ticket()
    lane = route.lane(record)
    await route._publisher.budget.take(record.size)
    lane.add(record, record.size, 0, ticket)
    lane.pump()
    for _ in range(3):  # until it is with the producer
        await asyncio.sleep(0)
    return ticket


async def test_of_a_topic_that_hangs_only_what_is_in_flight_stays_and_its_end_tells(
    route: TopicRoute,
) -> None:
    began = time.monotonic()
    flying, waiting = await hand(route, 1_000), await hand(route, 5_000)
    route.late(began)
    assert isinstance(await waiting.wait(), KafkaUnavailable)
    assert route._publisher.budget.used < 2_000
    with pytest.raises(KafkaUnavailable, match=f"{QUARANTINE} does not confirm"):
        await route.ready()
    assert route.stuck
    producer_of(route).deliveries[0].set_result(None)
    assert await flying.wait() is None
    await route.ready()
    assert route.well
    assert route._publisher.budget.used == 0


async def test_a_wait_for_room_alone_is_no_trouble_of_the_topic(route: TopicRoute) -> None:
    route.late(time.monotonic())
    assert route.well


async def test_whoever_waits_for_a_topic_that_is_missing_is_told_its_name(
    route: TopicRoute,
) -> None:
    first, second = await hand(route), await hand(route)
    producer_of(route).client.cluster.found = None
    route.look()
    for ticket in (first, second):
        error = await ticket.wait()
        assert isinstance(error, TopicUnwritable)
        assert str(error).startswith(f"Topic {QUARANTINE} can't be written: it is missing")
    for _ in range(2):  # each time afresh: a shared exception would grow with every caller
        with pytest.raises(TopicUnwritable) as refused:
            await route.ready()
        assert refused.value is not route.trouble
    assert route._broken.is_set()
    assert not route.stuck


@pytest.mark.parametrize(("seconds", "lines"), [(29, 0), (60, 1)])
async def test_a_topic_that_is_being_made_at_a_first_start_is_no_error_yet(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, seconds: int, lines: int
) -> None:
    """A broker that is busy makes thirty of them in many seconds."""
    producer, now = Producer(), [0.0]
    producer.client.cluster.found = None

    async def sleep(_: float) -> None:
        now[0] += 1
        if now[0] == seconds:
            producer.client.cluster.found = {0, 1}

    async def made(*_: object) -> None: ...

    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(route_module, "time", clock)
    monkeypatch.setattr(
        route_module, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": sleep})
    )
    monkeypatch.setattr(route_module, "make_topic", made)
    new = TopicRoute(BY_NAME[QUARANTINE], Hub())
    await new._find(producer)  # type: ignore[arg-type]
    assert new.partitions == 2
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == lines
    assert new.tried.is_set() == bool(lines)


async def test_a_topic_that_may_not_be_written_is_told_by_name(route: TopicRoute) -> None:
    ticket = await hand(route)
    producer_of(route).deliveries[0].set_exception(TopicAuthorizationFailedError(QUARANTINE))
    error = await ticket.wait()
    assert isinstance(error, TopicUnwritable)
    assert "has no right to" in str(error)


@pytest.mark.parametrize(("others", "told"), [(0, RecordTooLarge), (1, KafkaError)])
async def test_a_record_alone_is_too_large_several_travel_in_smaller_batches(
    route: TopicRoute, others: int, told: type[Exception]
) -> None:
    producer = producer_of(route)
    await hand(route)
    tickets = [await hand(route, 30_000) for _ in range(others + 1)]
    producer.deliveries[0].set_result(None)
    while len(producer.deliveries) < 2:  # noqa: ASYNC110 - it is a list, no event
        await asyncio.sleep(0)
    before = route._batch_bytes
    producer.deliveries[1].set_exception(MessageSizeTooLargeError())
    assert isinstance(await tickets[0].wait(), told)
    assert (route._batch_bytes < before) == bool(others)


async def test_a_record_beyond_what_is_declared_does_not_travel(route: TopicRoute) -> None:
    route._largest = 1_000
    with pytest.raises(RecordTooLarge, match="only records of at most 1,000"):
        route.lane(OutgoingRecord(QUARANTINE, b"k", b"x" * 1_000, []))


async def test_any_other_failure_asks_for_a_fresh_producer(route: TopicRoute) -> None:
    ticket = await hand(route)
    producer_of(route).deliveries[0].set_exception(KafkaError("broken"))
    assert isinstance(await ticket.wait(), KafkaError)
    assert route._producer is None
    assert route._broken.is_set()


async def test_nothing_is_taken_while_a_restore_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every door goes through here, at its start and when Kafka comes back: a fact in a
    half-restored log may be thrown away with it.
    """
    there = {RESTORING, QUARANTINE}
    said: list[str] = []

    class Asked(Client):
        async def fetch_all_metadata(self) -> SimpleNamespace:
            return SimpleNamespace(topics=lambda: set(there))

        async def close(self) -> None: ...

    class Started(Producer):
        def __init__(self) -> None:
            super().__init__()
            self.client, self._sender = Asked(), SimpleNamespace(sender_task=None)

        async def start(self) -> None: ...

    async def sleep(_: float) -> None:
        assert not route.up.is_set()
        there.discard(RESTORING)

    monkeypatch.setattr("schemas.kafka.clients.producer", lambda *_, **__: Started())
    monkeypatch.setattr("connectors.publishing.route.asyncio.sleep", sleep)
    route, hub = TopicRoute(BY_NAME[QUARANTINE], Hub()), Hub()
    route._publisher, hub.silent = hub, said.append  # type: ignore[method-assign]
    await route._connect()
    assert (len(said), "A restore into the Kafka at" in said[0], route.partitions) == (1, True, 1)
