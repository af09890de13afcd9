"""Batches into Kafka: a few in flight at a time, and progress noted in the file's order once they
are acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from connectors.files.batches import FileBatch
from connectors.publishing.quarantine import send_to_quarantine
from connectors.publishing.senders import Sends
from schemas.events import Event

_IN_FLIGHT = 4  # batches that wait for Kafka while the next is read


class EventSink(Sends, Protocol):
    """What takes events: the publisher."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns once all events are on all in-sync replicas."""


class FileDelivery:
    """Delivers one file's batches. `on_acknowledged` is called for each, in order, once it and all
    before it are safe.
    """

    def __init__(self, sink: EventSink, on_acknowledged: Callable[[FileBatch], None]) -> None:
        self._sink, self._on_acknowledged = sink, on_acknowledged
        self._flying: deque[tuple[FileBatch, asyncio.Task[None]]] = deque()
        self._reading: asyncio.Task[FileBatch | None] | None = None

    async def run(
        self, batches: Iterator[FileBatch], skip_rows: int, on_read: Callable[[], None]
    ) -> None:
        """Deliver all but those within the first `skip_rows` rows, which Kafka has already.

        Raises: KafkaUnavailable, UnreadableFile; what was acknowledged before stays noted.
        """
        try:
            while (batch := await self._read(batches)) is not None:
                on_read()
                if batch.total_rows > skip_rows:
                    await self._dispatch(batch)
            while self._flying:
                await self._land()
        finally:
            await self._recall()

    async def _read(self, batches: Iterator[FileBatch]) -> FileBatch | None:
        """The next batch; a thread can't be cancelled, so it is shielded and waited for at the
        end.
        """
        self._reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
        return await asyncio.shield(self._reading)

    async def _dispatch(self, batch: FileBatch) -> None:
        if len(self._flying) >= _IN_FLIGHT:
            await self._land()
        self._flying.append((batch, asyncio.create_task(self._send(batch))))

    async def _send(self, batch: FileBatch) -> None:
        if batch.events:
            await self._sink.publish(batch.events)
        if batch.rejected:
            await send_to_quarantine(self._sink, batch.rejected)

    async def _land(self) -> None:
        batch, task = self._flying[0]
        await task
        self._flying.popleft()
        self._on_acknowledged(batch)

    async def _recall(self) -> None:
        for _, task in self._flying:
            task.cancel()
        tasks = [task for _, task in self._flying] + (
            [self._reading] if self._reading is not None else []
        )
        await asyncio.gather(*tasks, return_exceptions=True)
