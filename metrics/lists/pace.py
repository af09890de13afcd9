"""Figure and list of one moment: the listing keeps pace with the cube, and stops where somebody
reads both.

Both know of each partition up to which event of a family they stand (docs/exactness.md), so they
are of one moment where these offsets are equal. Each is fed by itself. So that they meet all the
same, the listing is fed through `Pace`: it never goes beyond the cube, and whoever asks for a list
first holds it where it is, then reads the figures, then lets it go on as far as those stand and no
further.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from aiokafka import TopicPartition

from metrics.cube.snapshot import Readers, Snapshot
from metrics.lists.listing import Listing, applied_of
from metrics.lists.reader import applied
from schemas.errors import StorageTrouble
from schemas.kafka import Record
from serving.store.disposable import Position, Snapshots, Unreadable

PATIENCE = 0.25  # seconds that a reader waits for the listing at most
# states that wait for the cube; with more of them it is the cube that must catch up
MOST_HELD = 20_000
Applied = Mapping[int, int]  # by partition the offset of the family's next event


class Stop:
    """Where the listing of a family stops for a reader. None: the reader can't say where."""

    def __init__(self, topic: str, target: Applied | None) -> None:
        self.topic, self.target = topic, target


class Pace:
    """Feeds a listing in pace with the cube, in the feed's thread, and brings readers to it in
    theirs.
    """

    def __init__(
        self, listing: Listing, figures: Readers, lists: Snapshots, patience: float = PATIENCE
    ) -> None:
        self._listing, self._figures, self._lists, self._patience = (
            listing,
            figures,
            lists,
            patience,
        )
        self._topics = {meaning.family: topic for topic, meaning in listing.meanings.items()}
        self._held: dict[TopicPartition, list[Record]] = {}
        self._positions: dict[TopicPartition, int] = {}
        # What both threads touch, under the lock of `_moved`:
        self._moved = threading.Condition()
        # what the states in the file said last; None: nothing so far
        self._reached: dict[TopicPartition, int | None] = {}
        # how far the listing went at most when it went on last
        self._limits: dict[str, Applied | None] = {}
        self._stops: defaultdict[str, list[Stop]] = defaultdict(list)

    # What is fed (serving/store/follower.py)

    @property
    def generation(self) -> int:
        """As the listing's."""
        return self._listing.generation

    @property
    def trouble(self) -> StorageTrouble | None:
        """As the listing's."""
        return self._listing.trouble

    def open(self, cluster: str, now_ms: int) -> dict[TopicPartition, Position]:
        """As the listing."""
        return self._begin(self._listing.open(cluster, now_ms))

    def rebuild(self, cluster: str, now_ms: int, reason: str) -> dict[TopicPartition, Position]:
        """As the listing."""
        return self._begin(self._listing.rebuild(cluster, now_ms, reason))

    def apply(self, records: Iterable[Record], positions: Mapping[TopicPartition, int]) -> None:
        """Apply these and what was held as far as the cube stands, and hold the rest."""
        for record in records:
            self._held.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        self._positions.update(positions)
        self._go_on()

    def check(self) -> None:
        """As the listing; and go on if the cube did."""
        self._listing.check()
        self._go_on()

    def complete(self, now_ms: int) -> None:
        """As the listing, unless something is held."""
        if not self._held:
            self._listing.complete(now_ms)

    def close(self) -> None:
        """As the listing."""
        self._listing.close()

    # What is read (metrics/lists/questions.py)

    @contextmanager
    def stopping(self, family: str) -> Iterator[Stop]:
        """Hold a family's listing where it is, which is nowhere beyond what the cube holds from now
        on.
        """
        topic = self._topics[family]
        with self._moved:
            stop = Stop(topic, self._limits.get(topic))
            self._stops[topic].append(stop)
        try:
            yield stop
        finally:
            self._release(stop)

    def go_on_to(self, stop: Stop, figures: Snapshot) -> None:
        """Let it go on as far as these figures stand."""
        target = self._counted(figures, stop.topic)
        with self._moved:
            stop.target = target

    @contextmanager
    def listed(self, stop: Stop) -> Iterator[tuple[sqlite3.Connection, bool | None]]:
        """The listing once it stands there, or as it is when that takes too long; and whether it
        does (None: one of both can't say).

        Raises: Unreadable
        """
        with self._moved:
            self._moved.wait_for(lambda: not self._behind(stop), self._patience)
        with self._lists.snapshot() as db:
            found = applied(db, stop.topic)
            self._release(stop)
            yield db, None if found is None or stop.target is None else found == stop.target

    def awaited(self) -> bool:
        """Whether a reader waits for the listing."""
        with self._moved:
            return any(self._behind(stop) for stops in self._stops.values() for stop in stops)

    def _release(self, stop: Stop) -> None:
        with self._moved:
            if stop in self._stops[stop.topic]:
                self._stops[stop.topic].remove(stop)

    def _behind(self, stop: Stop) -> bool:
        """Whether going on can bring it there, and that can be seen."""
        if (target := stop.target) is None:
            return False
        reached = {
            found.partition: offset
            for found, offset in self._reached.items()
            if found.topic == stop.topic
        }
        before = all(
            offset is not None and offset <= target.get(partition, 0)
            for partition, offset in reached.items()
        )
        return before and reached != target

    def _begin(self, positions: dict[TopicPartition, Position]) -> dict[TopicPartition, Position]:
        self._held, self._positions = {}, {}
        with self._moved:
            self._reached, self._limits = self._listing.applied(), {}
        return positions

    def _go_on(self) -> None:
        if not self._held:
            return
        limits = self._limits_now()
        ready: list[Record] = []
        for partition, records in list(self._held.items()):
            count = self._until(partition, records, limits[partition.topic])
            ready += records[:count]
            self._hold(partition, records[count:])
        if ready:
            self._listing.apply(
                ready,
                {one: self._place(one, position) for one, position in self._positions.items()},
            )
            self._remember(ready)

    def _limits_now(self) -> dict[str, Applied | None]:
        """By topic, how far to go. In one step with remembering it: a reader who stops the listing
        stops it there.
        """
        if sum(map(len, self._held.values())) > MOST_HELD:
            return dict.fromkeys((partition.topic for partition in self._held), None)
        with self._moved:
            for topic in {partition.topic for partition in self._held}:
                targets = [stop.target for stop in self._stops[topic] if stop.target is not None]
                # of figures that were read one after the other: the fewest events are the earliest
                # moment
                self._limits[topic] = (
                    min(targets, key=lambda target: sum(target.values()))
                    if targets
                    else self._cube(topic)
                )
            return dict(self._limits)

    def _cube(self, topic: str) -> Applied | None:
        try:
            with self._figures.snapshot() as figures:
                return self._counted(figures, topic)
        except Unreadable:
            return None

    def _counted(self, figures: Snapshot, topic: str) -> Applied | None:
        """How far the figures are; None if they can't say, or other rules than the listing's
        counted them.
        """
        meaning = self._listing.meanings[topic]
        found = figures.applied(meaning.family)
        if found is None or any(rules != meaning.rules for _, rules in found.values()):
            return None
        return {partition: offset for partition, (offset, _) in found.items()}

    def _until(
        self, partition: TopicPartition, records: list[Record], limit: Applied | None
    ) -> int:
        """How many of the records belong to events before the limit. States that never said how far
        they have come are not held.
        """
        reached, end = (
            self._reached.get(partition),
            None if limit is None else limit.get(partition.partition, 0),
        )
        for number, record in enumerate(records):
            said = applied_of(record)
            # read once more after a restart
            known = said is not None and reached is not None and said <= reached
            if end is not None and reached is not None and reached >= end and not known:
                return number
            reached = reached if said is None else said
        return len(records)

    def _hold(self, partition: TopicPartition, records: list[Record]) -> None:
        if records:
            self._held[partition] = records
        else:
            del self._held[partition]

    def _place(self, partition: TopicPartition, position: int) -> int:
        """Where to go on reading after a restart."""
        held = self._held.get(partition)
        return held[0].offset if held else position

    def _remember(self, records: Iterable[Record]) -> None:
        """How far the file is now; whoever waits for that looks again."""
        with self._moved:
            for record in records:
                partition, said = TopicPartition(record.topic, record.partition), applied_of(record)
                self._reached[partition] = self._reached.get(partition) if said is None else said
            self._moved.notify_all()
