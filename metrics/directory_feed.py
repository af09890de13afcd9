"""Keeps the directory in memory from `lgsp.inventory.state`: read from the beginning at every start, followed live from then on.

A thread of its own with its own event loop, like the cube's feed; every partition, no consumer group, committed records only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from metrics.directory import Directory
from metrics.directory_items import Mistake, decode_item
from metrics.feed import Progress
from schemas.errors import ContractError, HubError, KafkaUnavailable
from schemas.kafka import admin, consumer, ensure_topics
from schemas.settings import Settings
from schemas.states import Item
from schemas.topics import state_topic

log = logging.getLogger(__name__)

BATCH = 10_000
WAIT_MS = 100
RETRY_SECONDS = 1.0


def both(cube: Progress, directory: Progress) -> Progress:
    """How far the figures are: complete when the cube is, and the hierarchy is known that they are added up by."""
    if directory.ready or not cube.ready:
        return cube
    return replace(cube, ready=False, percent=directory.percent, doing=directory.doing)


class Record(Protocol):
    """What is needed of a Kafka record of the topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Items:
    """The newest state of every item, and the directory that they make."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.unreadable: dict[tuple[int, bytes | None], Mistake] = {}  # by partition and key: a later record mends it

    def apply(self, records: Iterable[Record]) -> bool:
        """Take records in order; whether the directory is another one now."""
        changed = False
        for record in records:
            place = record.partition, record.key
            try:
                changed |= self._take(record)
                changed |= self.unreadable.pop(place, None) is not None
            except (ContractError, UnicodeDecodeError) as error:
                self.unreadable[place] = _unreadable(record, error)
                changed = True
        return changed

    def _take(self, record: Record) -> bool:
        name = (record.key or b"").decode()
        if not record.value:
            return self.items.pop(name, None) is not None
        item, known = decode_item(record.value), self.items.get(name)
        self.items[name] = item
        return known is None or known.statements != item.statements  # a further heartbeat makes no other directory


def _unreadable(record: Record, error: Exception) -> Mistake:
    return Mistake(
        "unreadable", "", f"{record.topic}/{record.partition}, offset {record.offset}",
        f"không đọc được ({error}): đã bỏ qua", f"cannot be read ({error}): it is left out; forbid others to write to the topic",
    )  # fmt: skip


class DirectoryFeed:
    """Feeds in the background until it is stopped. `directory` is the newest one; `failure` what waiting could not mend.

    Once ready it stays so: while Kafka is away the directory is as it was last known.
    """

    def __init__(self, settings: Settings) -> None:
        self.directory = Directory()
        self.progress = Progress()
        self.failure: Exception | None = None
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name="directory-feed", daemon=True)

    def start(self, when_ended: Callable[[], None] = lambda: None) -> None:
        """Begin; `when_ended` is called in the feed's thread."""
        self._when_ended = when_ended
        self._task = self._loop.create_task(self._forever())
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        if self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join()

    def _main(self) -> None:
        assert self._task is not None
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            log.debug("The directory's feed was stopped.")
        except Exception as error:
            self.failure = error
            if not isinstance(error, HubError):
                log.exception("The directory's feed failed.")
        finally:
            self._loop.close()
            self._when_ended()

    async def _forever(self) -> None:
        """Follow the topic through every absence of Kafka.

        Raises: HubError for what waiting does not mend (topics with other partitions than the settings say).
        """
        while True:
            try:
                await ensure_topics(self._settings)
                await self._follow()
            except (KafkaUnavailable, KafkaError, OSError) as error:
                self.progress = replace(self.progress, lag=None, doing="waiting for Kafka")
                log.warning("The directory waits for Kafka at %s: %s", self._settings.bootstrap, error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        name = state_topic("inventory", self._settings.app_id)
        async with admin(self._settings) as client:
            (topic,) = await client.describe_topics([name])
        partitions = [TopicPartition(name, number) for number in sorted(found["partition"] for found in topic["partitions"])]
        if not partitions:
            raise KafkaUnavailable(f"{name} was made a moment ago and has no partitions yet: it is asked again.")
        reader = consumer(self._settings, auto_offset_reset="none", fetch_max_wait_ms=WAIT_MS)
        await reader.start()
        try:
            while True:
                try:
                    await Following(reader, self.take).run(partitions)
                except OffsetOutOfRangeError as error:
                    log.warning("%s was made anew (%s): the directory is read from its beginning.", name, error)
        finally:
            await reader.stop()

    def take(self, items: Items, changed: bool, percent: float) -> None:
        """What was read so far; until everything was, the directory stays the one that was."""
        ready = self.progress.ready or percent >= 100
        if changed and percent >= 100:
            before, self.directory = set(self.directory.mistakes), Directory(items.items, items.unreadable.values())
            for mistake in self.directory.mistakes:
                if mistake not in before:
                    log.warning("The directory: %s: %s.", mistake.place, mistake.en)
        self.progress = Progress(ready, percent, 0 if percent >= 100 else None, doing="following" if ready else "reading the directory")


class Following:
    """One reading of the topic from its beginning. `say` takes the items, whether they changed, and how far (0 to 100)."""

    def __init__(self, reader: AIOKafkaConsumer, say: Callable[[Items, bool, float], None]) -> None:
        self._reader, self._say = reader, say
        self._items = Items()
        self._first: Mapping[TopicPartition, int] = {}
        self._goal: Mapping[TopicPartition, int] = {}

    async def run(self, partitions: Sequence[TopicPartition]) -> NoReturn:
        """Take what comes, for ever.

        Raises: KafkaError.
        """
        self._reader.assign(partitions)
        self._first, self._goal = await self._reader.beginning_offsets(partitions), await self._reader.end_offsets(partitions)
        for partition, first in self._first.items():
            self._reader.seek(partition, first)
        changed = True  # an empty topic is a directory too
        while True:
            percent = await self._percent()
            self._say(self._items, changed, percent)
            changed = changed and percent < 100
            for found in (await self._reader.getmany(timeout_ms=WAIT_MS, max_records=BATCH)).values():
                changed |= self._items.apply(found)

    async def _percent(self) -> float:
        left = sum([max(0, goal - await self._reader.position(partition)) for partition, goal in self._goal.items()])
        total = sum(self._goal.values()) - sum(self._first.values())
        return 100.0 if left == 0 else round(100 * (1 - left / total), 1)
