"""One reading of topics into a store, from where the store stands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, perf_counter
from typing import Any, NoReturn

from aiokafka import AIOKafkaConsumer, TopicPartition

from serving.store.disposable import Position, Untrusted
from serving.store.options import FollowerOptions, Store
from serving.store.progress import Progress

log = logging.getLogger(__name__)

HURRY_MS = 5  # how soon it is seen that somebody waits
_LOG_EVERY_SECONDS = 5.0
_COMPLETE_EVERY_SECONDS = 10.0
_SILENT_MS = 5_000  # no answer for so long: how far behind the store is can't be known


class Following:
    """Reads topics into a store for as long as both can be trusted."""

    def __init__(
        self,
        reader: AIOKafkaConsumer,
        store: Store,
        options: FollowerOptions,
        positions: Mapping[Any, Position],
        tell: Callable[[Progress], None],
        clock: Callable[[], int],
        *,
        ready: bool = False,
    ) -> None:
        """`positions`: how far the store was fed; `ready`: it held everything before, and goes on
        from there.
        """
        self._reader, self._store, self._options = reader, store, options
        self._stored, self._tell, self._clock = positions, tell, clock
        self._first: dict[TopicPartition, int] = {}
        self._goal: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._unchecked: dict[TopicPartition, Position] = {}
        self._ready, self._caught_up = ready, False
        self._logged, self._completed = monotonic(), 0.0

    async def run(self, partitions: Sequence[TopicPartition]) -> NoReturn:
        """Apply what comes, for ever.

        Raises: Untrusted and OffsetOutOfRangeError when the store is of another topic;
        StorageTrouble; KafkaError.
        """
        await self._assign(partitions)
        self._report()
        while True:
            wait_ms = HURRY_MS if self._options.hurry() else self._options.wait_ms
            fetched = await self._reader.getmany(
                timeout_ms=wait_ms, max_records=self._options.batch
            )
            self._compare(fetched)
            self._positions = {
                partition: await self._reader.position(partition) for partition in self._positions
            }
            if records := [record for found in fetched.values() for record in found]:
                began = perf_counter()
                self._store.apply(records, self._named())
                self._report()
                await self._rest(self._options.rest * (perf_counter() - began))
            else:
                self._store.check()
                self._report()

    def _named(self) -> dict[Any, int]:
        """The next offset of each partition, named as the store does."""
        name = self._options.partition
        return {name(partition): position for partition, position in self._positions.items()}

    async def _rest(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000 / HURRY_MS)):
            if self._options.hurry():
                return
            await asyncio.sleep(HURRY_MS / 1000)

    async def _assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Take every partition where the store stands; the last record applied is read once more,
        to be compared.
        """
        self._reader.assign(partitions)
        self._first = await self._reader.beginning_offsets(partitions)
        self._goal = await self._reader.end_offsets(partitions)
        for partition in partitions:
            start = self._start(partition, self._stored.get(self._options.partition(partition)))
            self._reader.seek(partition, start)
            self._positions[partition] = start

    def _start(self, partition: TopicPartition, stored: Position | None) -> int:
        first, end = self._first[partition], self._goal[partition]
        if stored is None:
            return first
        if not first <= stored.next <= end:
            raise Untrusted(
                f"it was fed up to offset {stored.next} of {partition.topic}/{partition.partition},"
                f" which has {first} to {end}"
            )
        if not first <= stored.last < stored.next:
            return stored.next
        self._unchecked[partition] = stored
        return stored.last

    def _compare(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """The record last applied, if compaction left it, is still the same one."""
        for partition in self._unchecked.keys() & fetched.keys():
            stored, record = self._unchecked.pop(partition), fetched[partition][0]
            if record.offset == stored.last and record.timestamp != stored.last_ms:
                raise Untrusted(
                    f"{partition.topic}/{partition.partition} was made anew since the file was fed"
                )

    def _report(self) -> None:
        left = self._left()
        if left == 0 and not self._caught_up:
            self._caught_up = True
            self._options.caught_up()
        was_ready, self._ready = self._ready, self._ready or left == 0
        percent, answered = self._percent(left), self._last_answer()
        self._tell(
            Progress(
                self._ready,
                percent,
                None if self._clock() - answered > _SILENT_MS else self._lag(),
                len(self._positions),
                "following" if self._ready else self._options.catching_up,
            )
        )
        if self._ready != was_ready:
            log.info(
                "The %s has caught up with %s.",
                self._options.store,
                ", ".join(self._options.topics),
            )
        self._log_and_complete(percent, answered)

    def _left(self) -> int:
        """Offsets that were there at first and are still to be read."""
        return sum(
            max(0, goal - self._positions[partition]) for partition, goal in self._goal.items()
        )

    def _percent(self, left: int) -> float:
        if self._ready:
            return 100.0
        total = sum(self._goal.values()) - sum(self._first.values())
        return round(100 * (1 - left / total), 1)

    def _last_answer(self) -> int:
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

    def _log_and_complete(self, percent: float, answered: int) -> None:
        now = monotonic()
        if not self._ready:
            if now - self._logged > _LOG_EVERY_SECONDS:
                self._logged = now
                log.info("The %s is being fed: %.1f %%.", self._options.store, percent)
            return
        due = now - self._completed > _COMPLETE_EVERY_SECONDS
        if answered and due and not self._lag():
            self._completed = now
            self._store.complete(answered)
