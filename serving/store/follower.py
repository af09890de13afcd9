"""Feeds a store (the cube, the listing) from its topics: a thread with its own event loop, so that
nothing here delays an answer.

It assigns itself every partition (no consumer group) and reads only what was committed. Where to go
on is in the store.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from time import monotonic, perf_counter
from typing import Any, NoReturn, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.clock import now_ms
from schemas.errors import HubError, KafkaUnavailable, StorageTrouble
from schemas.kafka.clients import admin, consumer
from schemas.kafka.topics import ensure_topics
from schemas.logs import REPEATS
from schemas.pauses import Pauses
from schemas.settings import Settings
from schemas.topics import DEFAULT_BOOKS, cells_topic
from serving.store.disposable import Doubt, Place

log = logging.getLogger(__name__)

BATCH = 50_000
WAIT_MS = 40
HURRY_MS = 5  # how soon it is seen that somebody waits
STOP_SECONDS = 10.0
SAY_EVERY_SECONDS = 5.0
COMPLETE_EVERY_SECONDS = 10.0
SILENT_MS = 5_000  # no answer for so long: how far behind the cube is can't be known


class Store(Protocol):
    """What is fed: a disposable file that knows how far it was fed. A partition is named as the
    store names it.

    An odd `generation` can be read, and another one holds nothing of the one before; `trouble` is
    what keeps it from being written.
    """

    @property
    def generation(self) -> int: ...
    @property
    def trouble(self) -> StorageTrouble | None: ...

    def open(self, cluster: str, now_ms: int) -> Mapping[Any, Place]: ...
    def rebuild(self, cluster: str, now_ms: int, reason: str) -> Mapping[Any, Place]: ...
    def apply(self, records: Sequence[Any], positions: Mapping[Any, int]) -> None: ...
    def check(self) -> None: ...
    def complete(self, now_ms: int) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Diet:
    """What a store is fed with: its name for people, the topics, how it names a partition, and how
    much at once.

    `vital`: without it nothing may be told, so that its failure ends the process; else it is tried
    again, and others go on.
    """

    store: str
    topics: tuple[str, ...]
    partition: Callable[[TopicPartition], Any] = lambda found: found
    batch: int = BATCH
    wait_ms: int = WAIT_MS
    # after a batch, times as long as it took: what is less urgent leaves the processor to the rest
    # of the hub
    rest: float = 0.0
    # whether somebody waits for the store, so that there is no rest
    hurry: Callable[[], bool] = lambda: False
    vital: bool = True


def of_cube(books: str = DEFAULT_BOOKS) -> Diet:
    """The pages of books of this name."""
    return Diet("cube", (cells_topic(books),), attrgetter("partition"))


OF_CUBE = of_cube()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the feed is. `ready`: everything that stood in Kafka when the feed began is in the
    store.
    """

    ready: bool = False
    percent: float = 0.0
    lag: int | None = None  # records not yet applied; None: not known (no Kafka)
    partitions: int = 0  # of its topics; 0: not known yet
    doing: str = "waiting for Kafka"


class Background(ABC):
    """Follows topics in a thread of its own, until it is stopped. `failure` is what waiting could
    not mend.

    One that is not `vital` has none: whatever happens to it, it is tried again.
    """

    def __init__(self, settings: Settings, name: str, *, vital: bool = True) -> None:
        self.progress = Progress()
        self.vital = vital
        self.failure: Exception | None = None
        self._settings, self._name = settings, name
        # while Kafka is away, and where feeding fails
        self._pauses, self._retries, self._failed = Pauses(), Pauses(), ""
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name=f"{name}-feed", daemon=True)

    def start(self, when_ended: Callable[[], None] = lambda: None) -> None:
        """Begin; `when_ended` is called in the feed's thread."""
        self._when_ended = when_ended
        self._task = self._loop.create_task(self._forever())
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        if self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                log.error(
                    "The %s's feed does not end within %.0f s: it is left behind.",
                    self._name,
                    STOP_SECONDS,
                )

    def _main(self) -> None:
        assert self._task is not None
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            log.debug("The %s's feed was stopped.", self._name)
        except Exception as error:
            self.failure = error
            if not isinstance(error, HubError):
                log.exception("The %s's feed failed.", self._name)
        finally:
            self._close()
            self._loop.close()
            self._when_ended()

    async def _forever(self) -> None:
        """Follow the topics through every absence of Kafka.

        Raises: HubError for what waiting does not mend (topics with other partitions than the
        settings say).
        """
        while True:
            try:
                await ensure_topics(self._settings)
                await self._follow()
            except (KafkaUnavailable, KafkaError, OSError) as error:
                self.progress = replace(self.progress, lag=None, doing="waiting for Kafka")
                log.warning(
                    "The %s waits for Kafka at %s: %s",
                    self._name,
                    self._settings.bootstrap,
                    error,
                    extra=REPEATS,
                )
                await asyncio.sleep(self._pauses.next())
            except Exception as error:
                if self.vital:
                    raise
                self._fail(error)
                await asyncio.sleep(self._retries.next())

    def _fail(self, error: Exception) -> None:
        """Say it, once for each kind of failure; nothing is told of what it fed until it works
        again.
        """
        foreseen = isinstance(error, HubError)
        how = f"feeding it failed and is tried again: {error if foreseen else repr(error)}"
        if how != self._failed:
            log.error("The %s: %s", self._name, how, exc_info=not foreseen)
        self._failed = how
        self.progress = Progress(doing=how)

    @abstractmethod
    async def _follow(self) -> None:
        """Follow the topics while Kafka answers."""

    def _close(self) -> None:  # noqa: B027 - not every feed holds something
        """Let go of what is held; called at the end, in the feed's thread."""


class Feed(Background):
    """Keeps a store fed, in the background, until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], int] = now_ms,
        diet: Diet | None = None,
    ) -> None:
        self._store, self._clock, self._diet = store, clock, diet or of_cube(settings.app_id)
        super().__init__(settings, self._diet.store, vital=self._diet.vital)

    def _close(self) -> None:
        self._store.close()

    async def _follow(self) -> None:
        async with admin(self._settings) as client:
            cluster = str((await client.describe_cluster())["cluster_id"])
            described = await client.describe_topics([*self._diet.topics])
        if empty := [topic["topic"] for topic in described if not topic["partitions"]]:
            raise KafkaUnavailable(
                f"{', '.join(empty)} was made a moment ago and has no partitions yet: it is asked"
                " again."
            )
        partitions = sorted(
            TopicPartition(topic["topic"], found["partition"])
            for topic in described
            for found in topic["partitions"]
        )
        reader = consumer(
            self._settings,
            auto_offset_reset="none",
            fetch_max_wait_ms=self._diet.wait_ms,
            fetch_max_bytes=32 << 20,
        )
        try:
            await reader.start()
            self._pauses.succeeded()
            await self._feed(reader, cluster, partitions)
        finally:
            await reader.stop()

    async def _feed(
        self, reader: AIOKafkaConsumer, cluster: str, partitions: Sequence[TopicPartition]
    ) -> NoReturn:
        """Keep the store fed, whatever the disk does.

        Raises: KafkaError.
        """
        doubt = ""  # why the store has to be made anew
        while True:
            try:
                places = self._open(cluster, partitions, doubt)
                doubt = ""
                following = Following(
                    reader,
                    self._store,
                    places,
                    self._say,
                    self._clock,
                    self._diet,
                    ready=self.progress.ready,
                )
                await following.run(partitions)
            except (Doubt, OffsetOutOfRangeError) as found:
                doubt = str(found) or type(found).__name__
                self.progress = Progress(
                    partitions=len(partitions), doing="building the figures anew"
                )
                await asyncio.sleep(self._retries.next())
            except StorageTrouble as trouble:
                self.progress = replace(self.progress, lag=None, doing=str(trouble))
                await asyncio.sleep(self._retries.next())

    def _open(
        self, cluster: str, partitions: Sequence[TopicPartition], doubt: str
    ) -> Mapping[Any, Place]:
        """Open the store or make it anew. What was complete stays so, unless it holds something
        else now.
        """
        before = self._store.generation
        if not self.progress.ready:
            # which may turn out to be empty
            self.progress = Progress(
                partitions=len(partitions), doing=f"opening the {self._diet.store}"
            )
        opened = (
            self._store.rebuild(cluster, self._clock(), doubt)
            if doubt
            else self._store.open(cluster, self._clock())
        )
        if self._store.generation != before:
            self.progress = Progress(
                partitions=len(partitions), doing=f"opening the {self._diet.store}"
            )
        return opened

    def _say(self, progress: Progress) -> None:
        if (trouble := self._store.trouble) is not None:
            progress = replace(progress, doing=str(trouble))
        elif progress.ready:
            self._retries.succeeded()
        self.progress = progress


class Following:
    """One reading of the topics, from the places that the store holds."""

    def __init__(
        self,
        reader: AIOKafkaConsumer,
        store: Store,
        places: Mapping[Any, Place],
        say: Callable[[Progress], None],
        clock: Callable[[], int],
        diet: Diet = OF_CUBE,
        *,
        ready: bool = False,
    ) -> None:
        """`ready`: the store held everything before, and goes on from there."""
        self._reader, self._store, self._places, self._say, self._clock, self._diet = (
            reader,
            store,
            places,
            say,
            clock,
            diet,
        )
        self._first: dict[TopicPartition, int] = {}
        self._goal: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._unchecked: dict[TopicPartition, Place] = {}
        self._ready = ready
        self._said, self._completed = monotonic(), 0.0

    async def run(self, partitions: Sequence[TopicPartition]) -> NoReturn:
        """Apply what comes, for ever.

        Raises: Doubt and OffsetOutOfRangeError when the store is of another topic; StorageTrouble;
        KafkaError.
        """
        await self._assign(partitions)
        self._report()
        while True:
            wait_ms = HURRY_MS if self._diet.hurry() else self._diet.wait_ms
            fetched = await self._reader.getmany(timeout_ms=wait_ms, max_records=self._diet.batch)
            self._compare(fetched)
            self._positions = {
                partition: await self._reader.position(partition) for partition in self._positions
            }
            if records := [record for found in fetched.values() for record in found]:
                began = perf_counter()
                self._store.apply(
                    records,
                    {
                        self._diet.partition(found): position
                        for found, position in self._positions.items()
                    },
                )
                self._report()
                await self._rest(self._diet.rest * (perf_counter() - began))
            else:
                self._store.check()
                self._report()

    async def _rest(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000 / HURRY_MS)):
            if self._diet.hurry():
                return
            await asyncio.sleep(HURRY_MS / 1000)

    async def _assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Take every partition at its place; the last record applied is read once more, to be
        compared.
        """
        self._reader.assign(partitions)
        self._first = await self._reader.beginning_offsets(partitions)
        self._goal = await self._reader.end_offsets(partitions)
        for partition in partitions:
            start = self._start(partition, self._places.get(self._diet.partition(partition)))
            self._reader.seek(partition, start)
            self._positions[partition] = start

    def _start(self, partition: TopicPartition, place: Place | None) -> int:
        first, end = self._first[partition], self._goal[partition]
        if place is None:
            return first
        if not first <= place.next <= end:
            raise Doubt(
                f"it was fed up to offset {place.next} of {partition.topic}/{partition.partition},"
                f" which has {first} to {end}"
            )
        if not first <= place.last < place.next:
            return place.next
        self._unchecked[partition] = place
        return place.last

    def _compare(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """The record last applied, if compaction left it, is still the same one."""
        for partition in self._unchecked.keys() & fetched.keys():
            place, record = self._unchecked.pop(partition), fetched[partition][0]
            if record.offset == place.last and record.timestamp != place.last_ms:
                raise Doubt(
                    f"{partition.topic}/{partition.partition} was made anew since the file was fed"
                )

    def _report(self) -> None:
        total = sum(self._goal.values()) - sum(self._first.values())
        left = sum(
            max(0, goal - self._positions[partition]) for partition, goal in self._goal.items()
        )
        was_ready, self._ready = self._ready, self._ready or left == 0
        percent = 100.0 if self._ready else round(100 * (1 - left / total), 1)
        heard = self._heard()
        lag = None if self._clock() - heard > SILENT_MS else self._lag()
        self._say(
            Progress(
                self._ready,
                percent,
                lag,
                len(self._positions),
                "following" if self._ready else "catching up",
            )
        )
        if self._ready != was_ready:
            log.info(
                "The %s has caught up with %s.", self._diet.store, ", ".join(self._diet.topics)
            )
        self._log_and_complete(percent, heard)

    def _heard(self) -> int:
        """When every partition had last been answered for (epoch ms)."""
        return min(
            self._reader.last_poll_timestamp(partition) or 0 for partition in self._positions
        )

    def _lag(self) -> int:
        """Records that the brokers had to give at their last answers, and that are not in the
        store.
        """
        ends = {
            partition: self._reader.last_stable_offset(partition) or 0
            for partition in self._positions
        }
        return sum(
            max(0, ends[partition] - position) for partition, position in self._positions.items()
        )

    def _log_and_complete(self, percent: float, heard: int) -> None:
        now = monotonic()
        if not self._ready and now - self._said > SAY_EVERY_SECONDS:
            self._said = now
            log.info("The %s is being fed: %.1f %%.", self._diet.store, percent)
        if (
            self._ready
            and heard
            and not self._lag()
            and now - self._completed > COMPLETE_EVERY_SECONDS
        ):
            self._completed = now
            self._store.complete(heard)
