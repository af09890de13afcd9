"""Keeps a store fed from its topics: the cube, the lists, the index of facts, the directory.

Every partition is read by itself, without a consumer group, and only what was committed. Where to
go on is in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NoReturn

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable, StorageTrouble
from schemas.kafka import admin, consumer
from schemas.settings import Settings
from serving.store.background import Background
from serving.store.disposable import Position, Untrusted
from serving.store.following import Following
from serving.store.options import FollowerOptions, Store
from serving.store.partitions import partitions_of
from serving.store.progress import Progress

_FETCH_BYTES = 32 << 20


class Follower(Background):
    """Keeps a store fed, in the background, until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        options: FollowerOptions,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__(settings, options.store, vital=options.vital)
        self._store, self._options, self._clock = store, options, clock

    def _close(self) -> None:
        self._store.close()

    async def _follow(self) -> None:
        async with admin(self._settings) as client:
            cluster = str((await client.describe_cluster())["cluster_id"])
            found = await partitions_of(client, self._options.topics)
        if empty := [topic for topic, partitions in found.items() if not partitions]:
            raise KafkaUnavailable(
                f"{', '.join(empty)} was made a moment ago and has no partitions yet: it is asked"
                " again."
            )
        reader = consumer(
            self._settings,
            auto_offset_reset="none",
            fetch_max_wait_ms=self._options.wait_ms,
            fetch_max_bytes=_FETCH_BYTES,
        )
        try:
            await reader.start()
            self._pauses.succeeded()
            await self._feed(reader, cluster, sorted(chain.from_iterable(found.values())))
        finally:
            await reader.stop()

    async def _feed(
        self, reader: AIOKafkaConsumer, cluster: str, partitions: Sequence[TopicPartition]
    ) -> NoReturn:
        """Keep the store fed, whatever the disk does.

        Raises: KafkaError.
        """
        mistrust = ""  # why the store has to be made anew
        while True:
            try:
                positions = self._open(cluster, partitions, mistrust)
                mistrust = ""
                following = Following(
                    reader,
                    self._store,
                    self._options,
                    positions,
                    self._tell,
                    self._clock,
                    ready=self.progress.ready,
                )
                await following.run(partitions)
            except (Untrusted, OffsetOutOfRangeError) as error:
                mistrust = str(error) or type(error).__name__
                if not self._options.lasting:
                    self._begin(partitions, "building the figures anew")
                await asyncio.sleep(self._retries.next())
            except StorageTrouble as trouble:
                self.progress = replace(self.progress, lag=None, doing=str(trouble))
                await asyncio.sleep(self._retries.next())

    def _open(
        self, cluster: str, partitions: Sequence[TopicPartition], mistrust: str
    ) -> Mapping[Any, Position]:
        """Open the store or make it anew. What was complete stays so, unless it holds something
        else now.
        """
        before, opening = self._store.generation, f"opening the {self._options.store}"
        if not self.progress.ready:
            self._begin(partitions, opening)
        if mistrust:
            positions = self._store.rebuild(cluster, self._clock(), mistrust)
        else:
            positions = self._store.open(cluster, self._clock())
        if self._store.generation != before:
            self._begin(partitions, opening)
        return positions

    def _begin(self, partitions: Sequence[TopicPartition], doing: str) -> None:
        """Nothing of the store can be told for now."""
        self.progress = Progress(partitions=len(partitions), doing=doing)

    def _tell(self, progress: Progress) -> None:
        if (trouble := self._store.trouble) is not None:
            progress = replace(progress, doing=str(trouble))
        elif progress.ready:
            self._retries.succeeded()
        self.progress = progress
