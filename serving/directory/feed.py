"""Keeps the directory in memory from `lgsp.inventory.state`: read from the beginning at every
start, followed live from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from schemas.errors import ContractError
from schemas.families import INVENTORY
from schemas.kafka.reading import ConsumedRecord
from schemas.settings import Settings
from schemas.states import APPLIED_KEY, InventoryItem
from schemas.topics import state_topic
from serving.directory.directory import Directory
from serving.directory.items import Mistake, decode_item
from serving.store.follower import Follower
from serving.store.memory import MemoryStore
from serving.store.options import FollowerOptions
from serving.store.progress import Progress

log = logging.getLogger(__name__)

SETTLED_SECONDS = 30.0


def figures_progress(cube: Progress, directory: Progress) -> Progress:
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
            origin = record.partition, record.key
            try:
                changed |= self._take(record)
                changed |= self.unreadable.pop(origin, None) is not None
            except (ContractError, UnicodeDecodeError) as error:
                self.unreadable[origin] = _unreadable(record, error)
                changed = True
        return changed

    def _take(self, record: ConsumedRecord) -> bool:
        name = (record.key or b"").decode()
        if not record.value:
            return self.items.pop(name, None) is not None
        item, before = decode_item(record.value), self.items.get(name)
        self.items[name] = item
        # a further heartbeat makes no other directory
        return (
            before is None
            or before.statements != item.statements
            or before.restated != item.restated
        )


def _unreadable(record: ConsumedRecord, error: Exception) -> Mistake:
    location = f"{record.topic}/{record.partition}, offset {record.offset}"
    log.warning("The state at %s cannot be read: %s", location, error)
    return Mistake(
        "unreadable",
        "",
        location,
        "không đọc được: đã bỏ qua",
        "cannot be read: it is left out; forbid others to write to the topic",
    )


class LastingMistakes:
    """Mistakes that have been there for a while, each said once: of what is being registered, one
    thing comes before the other.
    """

    def __init__(self) -> None:
        self._since: dict[Mistake, float] = {}
        self._said: set[Mistake] = set()

    def replace(self, mistakes: Iterable[Mistake]) -> None:
        """These are there now."""
        now, present = monotonic(), {*mistakes}
        self._said &= present
        self._since = {mistake: self._since.get(mistake, now) for mistake in present - self._said}

    def say(self) -> None:
        """Log those that have lasted."""
        for mistake, since in [*self._since.items()]:
            if monotonic() - since > SETTLED_SECONDS:
                del self._since[mistake]
                self._said.add(mistake)
                log.warning("The directory: %s: %s.", mistake.place, mistake.en)


class DirectoryStore(MemoryStore):
    """The items, and the newest `directory` that they made."""

    def __init__(self, topic: str) -> None:
        self.directory = Directory()
        self._mistakes = LastingMistakes()
        super().__init__(f"{topic} was made anew (%s): the directory is read from its beginning.")

    def _clear(self) -> None:
        self._items = Items()

    def _take(self, records: Iterable[ConsumedRecord]) -> bool:
        return self._items.apply(records)

    def _make(self) -> None:
        self.directory = Directory(self._items.items, self._items.unreadable.values())
        self._mistakes.replace(self.directory.mistakes)

    def check(self) -> None:
        """Make the directory that the items are by now, and say what is wrong with it for long."""
        super().check()
        self._mistakes.say()


class DirectoryFeed(Follower):
    """Feeds the directory in the background until it is stopped.

    Once ready it stays so: while Kafka is away the directory is as it was last known. `wait_ms` is
    how long Kafka waits for something new before it says that there is nothing.
    """

    def __init__(self, settings: Settings, wait_ms: int = 100) -> None:
        topic = state_topic(INVENTORY, settings.books)
        store = DirectoryStore(topic)
        options = FollowerOptions(
            "directory",
            (topic,),
            batch=10_000,
            wait_ms=wait_ms,
            lasting=True,
            caught_up=store.caught_up,
            catching_up="reading the directory",
        )
        super().__init__(settings, store, options)
        self._known = store

    @property
    def directory(self) -> Directory:
        """The newest one."""
        return self._known.directory
