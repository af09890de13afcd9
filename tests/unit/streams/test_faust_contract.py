"""What streams/batches.py relies on inside Faust, name by name, and what it makes of it. Fails when
another Faust is installed.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from faust.serializers import codecs
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams import batches
from streams.batches import (
    CODEC,
    MOST_IN_BATCH,
    AgentBatch,
    Backpressure,
    BatchConsumer,
    BatchTransport,
    use_batches,
)
from streams.family_partition import Fetched

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
TP0, TP1 = TP("lgsp.dossiers", 0), TP("lgsp.dossiers", 1)


@pytest.mark.parametrize("package", ["faust-streaming", "aiokafka", "mode-streaming"])
def test_the_installed_versions_are_the_pinned_ones(package: str) -> None:
    dependencies = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]
    assert f"{package}=={version(package)}" in dependencies


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_getmany", ["self", "active_partitions", "timeout"]),
        ("getmany", ["self", "timeout"]),
        ("perform_seek", ["self"]),
        ("_new_offset", ["self", "tp"]),
        ("_add_gap", ["self", "tp", "offset_from", "offset_to"]),
        ("_wait_next_records", ["self", "timeout"]),
    ],
)
def test_what_is_overridden_or_called_has_the_signature_relied_on(
    name: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(driver.Consumer, name)).parameters) == parameters
    assert list(inspect.signature(getattr(BatchConsumer, name)).parameters) == parameters
    assert inspect.iscoroutinefunction(
        getattr(driver.Consumer, name)
    ) == inspect.iscoroutinefunction(getattr(BatchConsumer, name))
    assert inspect.isasyncgenfunction(getattr(driver.Consumer, name)) == inspect.isasyncgenfunction(
        getattr(BatchConsumer, name)
    )


def test_every_override_overrides_something() -> None:
    own = {
        name
        for name in vars(BatchConsumer)
        if not name.startswith("__") and callable(vars(BatchConsumer)[name])
    }
    assert own == {
        "_getmany",
        "getmany",
        "perform_seek",
        "_new_offset",
        "_add_gap",
        "_new_consumer_thread",
    } | (own & {"_batch"})
    assert not hasattr(driver.Consumer, "_batch"), "a helper of ours would hide a method of Faust's"
    assert not {"last_handed", "backpressure"} & set(dir(driver.Consumer))


def test_faust_hands_getmany_its_partitions_by_keyword() -> None:
    called = inspect.getsource(Consumer._wait_next_records)
    assert re.search(
        r"self\._getmany\(\s*active_partitions=active_partitions,\s*timeout=timeout", called
    )


@pytest.mark.parametrize("name", ["_acked", "_acked_index", "_buffered_partitions", "flow_active"])
def test_attributes_relied_on_are_set_by_faust(name: str) -> None:
    assert f"self.{name}" in inspect.getsource(Consumer)


def test_committing_asks_for_the_new_offset() -> None:
    assert "_new_offset(" in inspect.getsource(Consumer).replace("def _new_offset(", "")


@pytest.mark.parametrize(
    "name",
    [
        "consumer_generation_id",
        "rebalancing",
        "on_rebalance_complete",
        "_new_transport",
        "consumer",
    ],
)
def test_the_app_has_what_workers_ask_of_it(name: str) -> None:
    assert hasattr(faust.App("contract", web_enabled=False), name)


def test_take_over_is_awaited_before_faust_seeks() -> None:
    """The order that exactness rests on: books are loaded, then the committed offsets are sought,
    then the flow opens.
    """
    from faust.app.base import App
    from faust.tables.recovery import Recovery

    source = inspect.getsource(Recovery) + inspect.getsource(App)
    assert "on_rebalance_complete" in source
    assert "perform_seek" in source


def test_an_app_reads_through_the_batch_consumer() -> None:
    app = faust.App("contract", broker="kafka://127.0.0.1:1", web_enabled=False)
    use_batches(app)
    transport = app._new_transport()
    assert type(transport) is BatchTransport
    assert BatchTransport.Consumer is BatchConsumer
    assert issubclass(driver.Transport.Consumer, Consumer)


def test_a_batch_passes_through_deserialisation_as_it_is() -> None:
    batch: Any = AgentBatch(Fetched([], None), Backpressure())
    assert codecs.get_codec(CODEC).loads(batch) is batch
    assert codecs.get_codec(CODEC).dumps(batch) is batch


def test_a_message_carries_what_the_worker_reads() -> None:
    parameters = list(inspect.signature(ConsumerMessage.__init__).parameters)
    assert parameters[1:13] == [
        "topic",
        "partition",
        "offset",
        "timestamp",
        "timestamp_type",
        "headers",
        "key",
        "value",
        "checksum",
        "serialized_key_size",
        "serialized_value_size",
        "tp",
    ]
    assert "generation_id" in parameters


class Reader(BatchConsumer):
    """A batch consumer over fetches in memory."""

    should_stop = False

    def __init__(self, *fetches: dict[TP, list[Any]]) -> None:
        self.app = SimpleNamespace(consumer_generation_id=1, rebalancing=False)  # type: ignore[assignment]
        self.flow_active = True
        self._buffered_partitions = set()
        self._acked, self._acked_index = {TP0: [1]}, {TP0: {1}}
        self.last_handed, self.backpressure = {}, Backpressure()
        self.seeks, self.seeking, self.fetched_in, self.idle = 0, False, (1, 0), asyncio.Event()
        self.idle.set()
        self.fetches = list(fetches)
        self.active: set[TP] | None = {TP0, TP1}

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 Faust's signature
        return self.fetches.pop(0), self.active


def records(start: int, end: int) -> list[Any]:
    return [
        SimpleNamespace(offset=offset, timestamp=1_000 * offset) for offset in range(start, end)
    ]


async def got(reader: Reader) -> list[tuple[TP, Any]]:
    return [(tp, message) async for tp, message in reader.getmany(1.0)]


async def test_a_fetch_is_handed_as_batches_that_follow_each_other() -> None:
    reader = Reader(
        {TP0: records(0, MOST_IN_BATCH + 5), TP1: records(7, 9)},
        {TP0: records(MOST_IN_BATCH + 5, MOST_IN_BATCH + 6)},
    )
    first = await got(reader)
    assert [
        (tp, len(m.value.fetched.records), m.value.fetched.previous, m.offset) for tp, m in first
    ] == [
        (TP0, MOST_IN_BATCH, None, MOST_IN_BATCH - 1),
        (TP0, 5, MOST_IN_BATCH - 1, MOST_IN_BATCH + 4),
        (TP1, 2, None, 8),
    ]
    [(_, message)] = await got(reader)
    assert message.value.fetched.previous == MOST_IN_BATCH + 4
    assert (message.generation_id, message.tp, message.timestamp) == (
        1,
        TP0,
        float(MOST_IN_BATCH + 5),
    )


async def test_nothing_is_handed_of_partitions_that_are_not_active() -> None:
    reader = Reader({TP0: records(0, 2), TP1: records(0, 2)})
    reader.active = {TP1}
    assert [tp for tp, _ in await got(reader)] == [TP1]


@pytest.mark.parametrize("change", ["seek", "flow"])
async def test_a_rebalance_while_waiting_for_room_drops_the_rest(change: str) -> None:
    reader = Reader({TP0: records(0, 2), TP1: records(0, 2)})
    reader.backpressure = Backpressure(2)
    handed = []

    async def read() -> None:
        async for tp, message in reader.getmany(1.0):
            handed.append((tp, message))

    task = asyncio.create_task(read())
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(handed) == 1
    if change == "seek":
        reader.seeks += 1
    else:
        reader.flow_active = False
    handed[0][1].value.done()
    await asyncio.wait_for(task, 10)
    assert [tp for tp, _ in handed] == [TP0]
    await asyncio.wait_for(
        reader.backpressure.take(1), 10
    )  # what was taken for the rest is given back


async def test_no_more_batches_are_handed_than_there_is_room_for() -> None:
    reader = Reader({TP0: records(0, 9 * MOST_IN_BATCH)})
    reader.backpressure = Backpressure(3 * MOST_IN_BATCH)
    handed: list[Any] = []

    async def read() -> None:
        async for _, message in reader.getmany(1.0):
            handed.append(message)

    task = asyncio.create_task(read())
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(handed) == 3
    for applied in range(6):
        handed[applied].value.done()
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(handed) == 4 + applied
    await asyncio.wait_for(task, 10)


async def test_while_rebalancing_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    async def fetch(self: Any, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109 Faust's signature
        fetched.append(active_partitions)
        return {TP0: []}

    monkeypatch.setattr(driver.Consumer, "_getmany", fetch)
    reader = Reader()
    reader.app.rebalancing = True
    assert await reader._getmany(active_partitions={TP0}, timeout=1.0) == {}
    reader.app.rebalancing = False
    assert await reader._getmany(active_partitions={TP0}, timeout=1.0) == {TP0: []}
    assert fetched == [{TP0}]


async def test_a_new_generation_starts_from_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sought = []

    async def seek(self: Any) -> None:
        sought.append(self)

    monkeypatch.setattr(driver.Consumer, "perform_seek", seek)
    reader = Reader({TP0: records(0, 2)})
    [(_, message)] = await got(reader)
    await reader.perform_seek()
    assert (sought, reader.last_handed) == ([reader], {})
    assert reader.backpressure is not message.value.backpressure, "the old generation's is void"


async def test_what_was_fetched_before_a_seek_is_not_handed_after_it() -> None:
    """It would be the new generation's first batch, from behind the committed offset."""
    reader = Reader({TP0: records(5, 9)})
    reader.seeks += 1
    assert await got(reader) == []
    assert reader.last_handed == {}


async def test_a_seek_waits_for_the_fetch_under_way_and_keeps_others_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    arrived = asyncio.Event()

    async def fetch(self: Any, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109 Faust's signature
        await arrived.wait()
        order.append("fetched")
        return {}

    async def seek(self: Any) -> None:
        order.append("sought")
        assert await self._getmany(active_partitions={TP0}, timeout=1.0) == {}

    monkeypatch.setattr(driver.Consumer, "_getmany", fetch)
    monkeypatch.setattr(driver.Consumer, "perform_seek", seek)
    reader = Reader()
    fetching = asyncio.create_task(reader._getmany(active_partitions={TP0}, timeout=1.0))
    await asyncio.sleep(0)
    seeking = asyncio.create_task(reader.perform_seek())
    await asyncio.sleep(0)
    arrived.set()
    await asyncio.gather(fetching, seeking)
    assert order == ["fetched", "sought"]
    assert not reader.seeking


async def test_a_seek_lets_in_whoever_waits_behind_batches_that_were_thrown_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever waits for room would wait for ever: the batches that held it went with the agents'
    buffers.
    """

    async def seek(self: Any) -> None:
        """Nothing to set in memory."""

    monkeypatch.setattr(driver.Consumer, "perform_seek", seek)
    reader = Reader({TP0: records(0, 5 * MOST_IN_BATCH)})
    reader.backpressure = Backpressure(2 * MOST_IN_BATCH)
    reading = asyncio.create_task(got(reader))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not reading.done()
    await reader.perform_seek()
    assert len(await asyncio.wait_for(reading, 10)) == 2


async def test_acks_never_commit() -> None:
    reader = Reader()
    assert reader._new_offset(TP0) is None
    assert (reader._acked, reader._acked_index) == ({}, {})
    assert await reader._add_gap(TP0, 0, 5) is None  # type: ignore[func-returns-value]


def test_a_fetch_that_finds_nothing_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust has no setting for it: the consumer that its thread makes is told before it starts."""
    made = AIOKafkaConsumer.__new__(AIOKafkaConsumer)
    monkeypatch.setattr(
        driver.AIOKafkaConsumerThread, "_create_worker_consumer", lambda self, transport: made
    )
    assert "self._fetch_max_wait_ms = fetch_max_wait_ms" in inspect.getsource(
        AIOKafkaConsumer.__init__
    )
    thread = batches.QuickFetch.__new__(batches.QuickFetch)
    assert thread._create_worker_consumer(None)._fetch_max_wait_ms == batches.FETCH_WAIT_MS
    assert "AIOKafkaConsumerThread(" in inspect.getsource(driver.Consumer._new_consumer_thread)
