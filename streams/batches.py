"""Batches: a Faust transport that hands agents whole fetches instead of single messages.

With `assignment` the only module that touches Faust's internals;
`tests/unit/streams/test_faust_contract.py` checks each name overridden here, and faust-streaming
is pinned. Faust never commits offsets here: the ledger's transaction does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from faust import App
from faust.serializers import codecs
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.tuples import ConsumerMessage

from streams.family_partition import Fetched

MOST_IN_BATCH = 10_000  # most records in a batch: about a quarter of a second of work
# records handed on and not yet applied, beyond which no more are: what waits is memory
MOST_WAITING = 40_000
FETCH_WAIT_MS = 50  # how long the broker may hold a fetch that finds nothing
CODEC = "batches"


class Backpressure:
    """How many records may be handed on before they are applied; callers wait for the rest."""

    def __init__(self, records: int = MOST_WAITING) -> None:
        self._left = records
        self._free = asyncio.Event()
        self._free.set()

    async def take(self, records: int) -> None:
        """Wait until any may be handed on, then count so many, even if that is more."""
        await self._free.wait()
        self._change(-records)

    def give_back(self, records: int) -> None:
        """They are applied or dropped."""
        self._change(records)

    def open(self) -> None:
        """Let in whoever waits: nothing is counted here any more."""
        self._free.set()

    def _change(self, records: int) -> None:
        self._left += records
        if self._left > 0:
            self._free.set()
        else:
            self._free.clear()


@dataclass(frozen=True, slots=True)
class AgentBatch:
    """What an agent gets as one value: records of one partition in order of offset."""

    fetched: Fetched
    backpressure: Backpressure

    def done(self) -> None:
        """Applied or dropped: as many others may be handed on."""
        self.backpressure.give_back(len(self.fetched.records))


class BatchCodec(codecs.Codec):
    """A batch passes through Faust's deserialisation as it is."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, obj: Any) -> Any:
        return obj


codecs.register(CODEC, BatchCodec())


class QuickFetch(driver.AIOKafkaConsumerThread):
    """Faust lets a fetch wait for 1.5 s, and what arrives for partitions that are not in it waits
    as long.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class BatchConsumer(driver.Consumer):
    """One message per (partition, up to `MOST_IN_BATCH` records); its value is an `AgentBatch`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_handed: dict[TP, int] = {}  # offset
        self.backpressure = Backpressure()
        self.seeks = 0  # how often the position was set anew
        self.seeking = False
        # generation and seeks when the newest fetch began
        self.fetched_in = (0, 0)
        self.idle = asyncio.Event()  # no fetch is under way
        self.idle.set()

    def _new_consumer_thread(self) -> Any:
        return QuickFetch(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 Faust's signature, called with keywords
        # closed until the new owner has loaded its books
        if self.seeking or (self.app.rebalancing and active_partitions):
            await asyncio.sleep(0.05)
            return {}
        self.fetched_in = (self.app.consumer_generation_id, self.seeks)
        self.idle.clear()
        try:
            return await super()._getmany(active_partitions, timeout)
        finally:
            self.idle.set()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 Faust's signature
        """Fetched records as batches, until a seek: it brings back what was fetched before it and
        not handed on.
        """
        fetched, active = await self._wait_next_records(timeout)
        if not fetched or self.should_stop or not self.flow_active:
            return
        generation, seeks = self.fetched_in
        for tp, records in fetched.items():
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            for start in range(0, len(records), MOST_IN_BATCH):
                batch = records[start : start + MOST_IN_BATCH]
                backpressure = self.backpressure
                await backpressure.take(len(batch))
                if not self.flow_active or self.seeks != seeks:
                    backpressure.give_back(len(batch))
                    return
                yield tp, self._batch(tp, batch, generation, backpressure)

    def _batch(
        self, tp: TP, records: list[Any], generation: int, backpressure: Backpressure
    ) -> Message:
        last, previous = records[-1], self.last_handed.get(tp)
        self.last_handed[tp] = last.offset
        batch: Any = AgentBatch(Fetched(records, previous), backpressure)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            0,
            None,
            None,
            batch,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    async def perform_seek(self) -> None:
        """A new generation reads from the committed offsets: nothing was handed on yet, and the
        old backpressure is void.
        """
        self.seeking = True
        try:
            # a fetch across the seek could bring records from either side of it
            await self.idle.wait()
            self.seeks += 1
            self.last_handed.clear()
            # batches that were thrown away with the agents' buffers hold it, and nobody would give
            # it back
            self.backpressure.open()
            self.backpressure = Backpressure()
            await super().perform_seek()
        finally:
            self.seeking = False

    def _new_offset(self, tp: TP) -> int | None:
        """Faust would commit what its agents acked; here the ledger's transaction commits, so there
        is never anything to.
        """
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        return None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps (of compaction, of transaction markers) need no acks, since acks commit nothing."""


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with the batch consumer."""

    Consumer = BatchConsumer


def use_batches(app: App) -> None:
    """Make an app read through the batch consumer."""
    app._new_transport = lambda: BatchTransport(app.conf.broker_consumer, app)  # type: ignore[method-assign]
