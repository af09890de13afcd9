"""Keeps the directory in memory from `lgsp.inventory.state`: read from the beginning at every
start, followed live from then on.

A thread of its own with its own event loop, like the cube's feed; every partition, no consumer
group, committed records only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import NoReturn

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from schemas.errors import ContractError, KafkaUnavailable
from schemas.families import INVENTORY
from schemas.kafka.clients import admin, consumer
from schemas.kafka.reading import ConsumedRecord
from schemas.settings import Settings
from schemas.states import APPLIED_KEY, InventoryItem
from schemas.topics import state_topic
from serving.directory.directory import Directory
from serving.directory.items import Mistake, decode_item
from serving.store.follower import Background, Progress

log = logging.getLogger(__name__)

BATCH = 10_000
WAIT_MS = 100
SETTLED_SECONDS = 30.0


def both(cube: Progress, directory: Progress) -> Progress:
    """How far the figures are: complete when the cube is, and the hierarchy is known that they are
    added up by.
    """
    if directory.ready or not cube.ready:
        return cube
    return replace(cube, ready=False, percent=directory.percent, doing=directory.doing)


class Items:
    """The newest state of every item, and the directory that they make."""

    def __init__(self) -> None:
        self.items: dict[str, InventoryItem] = {}
        # by partition and key: a later record mends it
        self.unreadable: dict[tuple[int, bytes | None], Mistake] = {}

    def apply(self, records: Iterable[ConsumedRecord]) -> bool:
        """Take records in order; whether the directory is another one now."""
        changed = False
        for record in records:
            if record.key == APPLIED_KEY:
                continue
            place = record.partition, record.key
            try:
                changed |= self._take(record)
                changed |= self.unreadable.pop(place, None) is not None
            except (ContractError, UnicodeDecodeError) as error:
                self.unreadable[place] = _unreadable(record, error)
                changed = True
        return changed

    def _take(self, record: ConsumedRecord) -> bool:
        name = (record.key or b"").decode()
        if not record.value:
            return self.items.pop(name, None) is not None
        item, known = decode_item(record.value), self.items.get(name)
        self.items[name] = item
        # a further heartbeat makes no other directory
        return known is None or known.statements != item.statements


def _unreadable(record: ConsumedRecord, error: Exception) -> Mistake:
    place = f"{record.topic}/{record.partition}, offset {record.offset}"
    log.warning("The state at %s cannot be read: %s", place, error)
    return Mistake(
        "unreadable",
        "",
        place,
        "không đọc được: đã bỏ qua",
        "cannot be read: it is left out; forbid others to write to the topic",
    )


class DirectoryFeed(Background):
    """Feeds in the background until it is stopped. `directory` is the newest one.

    Once ready it stays so: while Kafka is away the directory is as it was last known.
    """

    def __init__(self, settings: Settings) -> None:
        self.directory = Directory()
        self._untold: dict[Mistake, float] = {}  # and since when
        self._told: set[Mistake] = set()
        super().__init__(settings, "directory")

    def _tell(self) -> None:
        """Say what has been wrong for a while: of what is being registered, one thing comes before
        the other.
        """
        for mistake, since in [*self._untold.items()]:
            if monotonic() - since > SETTLED_SECONDS:
                del self._untold[mistake]
                self._told.add(mistake)
                log.warning("The directory: %s: %s.", mistake.place, mistake.en)

    async def _follow(self) -> None:
        name = state_topic(INVENTORY, self._settings.app_id)
        async with admin(self._settings) as client:
            (topic,) = await client.describe_topics([name])
        partitions = [
            TopicPartition(name, number)
            for number in sorted(found["partition"] for found in topic["partitions"])
        ]
        if not partitions:
            raise KafkaUnavailable(
                f"{name} was made a moment ago and has no partitions yet: it is asked again."
            )
        reader = consumer(self._settings, auto_offset_reset="none", fetch_max_wait_ms=WAIT_MS)
        try:
            await reader.start()
            self._pauses.succeeded()
            while True:
                try:
                    await Following(reader, self.take).run(partitions)
                except OffsetOutOfRangeError as error:
                    log.warning(
                        "%s was made anew (%s): the directory is read from its beginning.",
                        name,
                        error,
                    )
        finally:
            await reader.stop()

    def take(self, items: Items, changed: bool, percent: float) -> None:
        """What was read so far; until everything was, the directory stays the one that was."""
        ready = self.progress.ready or percent >= 100
        if changed and percent >= 100:
            self.directory = Directory(items.items, items.unreadable.values())
            now, found = monotonic(), {*self.directory.mistakes}
            self._told &= found
            self._untold = {
                mistake: self._untold.get(mistake, now) for mistake in found - self._told
            }
        self._tell()
        self.progress = Progress(
            ready,
            percent,
            0 if percent >= 100 else None,
            doing="following" if ready else "reading the directory",
        )


class Following:
    """One reading of the topic from its beginning. `say` takes the items, whether they changed, and
    how far (0 to 100).
    """

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
        self._first, self._goal = (
            await self._reader.beginning_offsets(partitions),
            await self._reader.end_offsets(partitions),
        )
        for partition, first in self._first.items():
            self._reader.seek(partition, first)
        changed = True  # an empty topic is a directory too
        while True:
            percent = await self._percent()
            self._say(self._items, changed, percent)
            changed = changed and percent < 100
            for found in (
                await self._reader.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
            ).values():
                changed |= self._items.apply(found)

    async def _percent(self) -> float:
        left = sum(
            [
                max(0, goal - await self._reader.position(partition))
                for partition, goal in self._goal.items()
            ]
        )
        total = sum(self._goal.values()) - sum(self._first.values())
        return 100.0 if left == 0 else round(100 * (1 - left / total), 1)
