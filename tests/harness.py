"""A hub of real processes on a broker of its own, to be killed and frozen."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.admin import DeleteGroupsRequest

from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from ops.recount.compare import recount
from ops.recount.verdict import Verdict
from ops.up.supervise import Service
from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import admin, consumer
from schemas.kafka.reading import committed_offsets
from schemas.kafka.topics import ensure_topics, topics_there
from schemas.settings import Settings
from schemas.topics import events_topic
from serving.store.background import Background
from streams.families import FAMILIES

FREEZE = 9.0  # seconds; the group's session timeout is 6


class Hub:
    """Settings, a broker, and services by name; a killed service is started again by hand."""

    def __init__(
        self, data: Path, kafka: AbstractContextManager[Any] | None = None, **chosen: Any
    ) -> None:
        """kafka: what to start in place of a broker of its own, with the settings to reach it in
        `chosen`.
        """
        self.settings = Settings(
            data=data,
            kafka_port=free_port(),
            gateway_port=free_port(),
            metrics_port=free_port(),
            worker_port=0,
            log_level="INFO",
            **chosen,
        )
        self.environment = {
            f"LGSP_{name.upper()}": str(value)
            for name, value in self.settings.model_dump(exclude_defaults=True).items()
        }
        self.broker = EmbeddedKafka.of(self.settings)
        self._kafka = kafka or self.broker
        self.services: dict[str, Service] = {}
        self._stack = ExitStack()

    def start(self) -> None:
        """The broker and its topics."""
        self._stack.enter_context(self._kafka)
        asyncio.run(ensure_topics(self.settings))

    def service(
        self, name: str, *arguments: str, program: list[str] | None = None, **settings: str
    ) -> Service:
        """Start `lgsp` with these arguments, or another program; `settings` by the names of the
        environment.
        """
        service = Service(
            name, list(arguments), self.settings.data / f"{name}.log", self.environment | settings
        )
        service.program = program or service.program
        self.services[name] = service
        self._stack.callback(service.stop)
        service.start()
        return service

    def kill(self, name: str) -> None:
        """kill -9, and start it again at once."""
        service = self.services[name]
        assert service.process is not None
        service.process.kill()
        service.process.wait()
        service.start()

    def freeze(self, name: str) -> Callable[[], None]:
        """SIGSTOP; returns what thaws it."""
        process = self.services[name].process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        return lambda: os.kill(process.pid, signal.SIGCONT)

    def keep_all(self) -> None:
        """Start again what ended by itself (a fenced worker), as the supervisor does."""
        for service in self.services.values():
            service.keep()

    async def settle(
        self, settings: Settings | None = None, seconds: float = 120.0
    ) -> list[Verdict]:
        """Wait until the workers (of these settings' books) have applied every event, then
        recount.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.counted(settings, deadline - time.monotonic())
            verdicts = await recount(settings or self.settings)
            if not any(verdict.behind for verdict in verdicts) and sum(
                (await self.ends(settings)).values()
            ) == sum(v.events for v in verdicts):
                return verdicts
        raise self._late()

    async def counted(self, settings: Settings | None = None, seconds: float = 300.0) -> None:
        """Wait until the workers have committed everything that Kafka holds now; those that end
        meanwhile are started again.

        A recount would say it too, but reads everything each time it is asked.
        """
        settings, deadline = settings or self.settings, time.monotonic() + seconds
        ends = {partition: end for partition, end in (await self.ends(settings)).items() if end}
        while True:
            self.keep_all()
            with contextlib.suppress(KafkaUnavailable):
                found = await committed_offsets(settings, settings.books, list(ends))
                if all((found[partition] or 0) >= end for partition, end in ends.items()):
                    return
            if time.monotonic() > deadline:
                raise self._late()
            await asyncio.sleep(0.3)

    async def ends(self, settings: Settings | None = None) -> dict[TopicPartition, int]:
        """How many events each partition holds (of these settings' space)."""
        space = (settings or self.settings).space
        async with consumer(self.settings) as reader:
            partitions = [
                TopicPartition(events_topic(family, space), partition)
                for family in (name for name, one in FAMILIES.items() if one.recounted)
                for partition in range(self.settings.partitions)
            ]
            return await reader.end_offsets(partitions)

    def _late(self) -> AssertionError:
        said = [service.last_words() for service in self.services.values()]
        return AssertionError(f"the workers did not catch up: {said}")

    def stop(self) -> None:
        """Everything, in reverse order."""
        self._stack.close()


def until(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    """Wait for what must come to hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except OSError:
            pass  # not up yet
        time.sleep(0.02)
    raise AssertionError("it did not come to hold in time")


@contextmanager
def running(feed: Background) -> Iterator[None]:
    """From when a feed has read everything until it is stopped; nothing may have ended it
    before.
    """
    feed.start()
    try:
        until(lambda: feed.progress.ready)
        yield
    finally:
        feed.stop()
        gc.collect()  # connections of readers that the test no longer has, before files are touched
    assert feed.failure is None


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with a broker and no services yet."""
    hub = Hub(tmp_path)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A Kafka for all tests of a module: to start one for each takes longer than the tests."""
    broker = Hub(tmp_path_factory.mktemp("broker"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(name="hub")
def hub_on_broker(broker: Hub, tmp_path: Path) -> Iterator[Hub]:
    """For a module that takes it from here: a hub on that Kafka, in which nothing is left of the
    test before.
    """
    asyncio.run(forget(broker.settings))
    hub = Hub(tmp_path, contextlib.nullcontext(), kafka_servers=broker.settings.bootstrap)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


async def forget(settings: Settings) -> None:
    """Delete what a hub keeps in Kafka: how far its groups have come, and its topics."""
    async with admin(settings) as client:
        for group, _ in await client.list_consumer_groups():
            await client._send_request(
                DeleteGroupsRequest([group]), await client.find_coordinator(group)
            )
        while topics := [topic for topic in await topics_there(client) if "lgsp." in topic]:
            await client.delete_topics(topics)
            await asyncio.sleep(0.05)  # until the broker, too, has heard of it
