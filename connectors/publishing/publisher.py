"""The publisher: events into Kafka, acknowledged by every in-sync replica before a caller is told
so.

aiokafka's own `send` costs some 50 microseconds a record; the publisher builds whole batches per
partition instead (lanes.py) across concurrent callers, each topic on a route of its own (route.py).
Memory is bounded: beyond `publish_buffer` bytes callers wait. While Kafka, or their topic, is away
callers are told at once; the batch that hangs, or the reconnecting, is the probe that notices its
return.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Self

from connectors.publishing.budget import Budget
from connectors.publishing.lanes import OutgoingRecord, Ticket
from connectors.publishing.route import TopicRoute
from schemas.clock import now_ms
from schemas.errors import HubError, KafkaUnavailable
from schemas.events import Event
from schemas.families import OWN_FAMILY
from schemas.kafka.clients import unavailable
from schemas.settings import Settings
from schemas.topics import events_topic, topics_of
from schemas.wire import cloud_event_headers, encode

log = logging.getLogger(__name__)

_SLICE = 250  # records encoded before other callers get their turn
_REMIND_SECONDS = 300.0
_LOOK_AFTER_SECONDS = 1.0  # without an acknowledgement, to look whether the topic is still there


def record_of(event: Event, space: str, partition: int | None = None) -> OutgoingRecord:
    """The event as a record of its family's topic in a space, keyed by its thing."""
    return OutgoingRecord(
        events_topic(event.family, space),
        event.thing.encode(),
        encode(event),
        cloud_event_headers(event),
        partition,
    )


class Publisher:
    """Idempotent, acks=all. One a process; any number of concurrent callers on its event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.budget = Budget(settings.publish_buffer)
        self.routes = {
            topic.name: TopicRoute(topic, self)
            for topic in topics_of(settings)
            if "connectors" in topic.owner and not topic.about_access
        }
        self._canary = self.routes[events_topic(OWN_FAMILY, settings.space)]
        self._silent = False
        self._told = 0.0  # when it was last said that no broker answers

    async def start(self) -> None:
        """Begin connecting; does not wait for Kafka, and goes on trying for as long as the
        publisher lives.
        """
        for route in self.routes.values():
            route.start()

    async def stop(self) -> None:
        """Wait for what is in flight, at most `publish_timeout` seconds, then let go of Kafka."""
        if not self.away:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.settings.publish_timeout):
                    await asyncio.gather(*(route.drain() for route in self.routes.values()))
        await asyncio.gather(
            *(
                route.stop(self._unconfirmed("the publisher stopped"))
                for route in self.routes.values()
            )
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def away(self) -> bool:
        """Kafka as a whole does not answer: callers are told at once."""
        return self._silent

    @property
    def reachable(self) -> bool:
        """Connected, and Kafka confirms: heartbeats above all, which are always on their way."""
        routes = self.routes.values()
        tried = not self._silent and all(route.tried.is_set() for route in routes)
        return tried and not self._canary.stuck and any(route.well for route in routes)

    def unwritable(self) -> dict[str, bool]:
        """By topic, whether it can't be written at the moment."""
        return {name: route.trouble is not None for name, route in self.routes.items()}

    def heard(self) -> None:
        """A broker answered."""
        if self._silent:
            log.warning("Kafka answers again at %s", self.settings.bootstrap)
        self._silent = False

    def silent(self, why: str) -> None:
        """No broker answers."""
        now = time.monotonic()
        if not self._silent:
            log.warning(
                "No Kafka answers at %s (%s); trying until one does", self.settings.bootstrap, why
            )
            self._told = now
        elif now - self._told > _REMIND_SECONDS:
            log.warning("Still no Kafka answers at %s (%s)", self.settings.bootstrap, why)
            self._told = now
        self._silent = True

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns once every event is on all in-sync replicas.

        Raises: KafkaUnavailable after `publish_timeout` seconds, at once while Kafka is known to be
        away. Events may be stored all the same; sending them again changes nothing, since merging
        is idempotent.
        """
        space = self.settings.space
        await self.send(record_of(event, space) for event in events)

    async def publish_to(self, partition: int, event: Event) -> None:
        """Like `publish`, for one event and a partition of the caller's choice."""
        await self.send([record_of(event, self.settings.space, partition)])

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        """Like `publish`, for records; an iterator is drawn from as the buffer allows.

        Raises: KafkaUnavailable, TopicUnwritable where it is one topic's own fault, RecordTooLarge
        """
        ticket, began, used = Ticket(), time.monotonic(), set[TopicRoute]()
        waking = asyncio.get_running_loop().call_later(_LOOK_AFTER_SECONDS, _look_at, used)
        try:
            async with asyncio.timeout(self.settings.publish_timeout):
                await self._hand_over(iter(records), ticket, used)
                error = await ticket.wait()
        except TimeoutError:
            for route in used:
                route.late(began)
            raise self._unconfirmed(
                f"no acknowledgement within {self.settings.publish_timeout:g} s"
            ) from None
        finally:
            waking.cancel()
        if isinstance(error, HubError):
            raise type(error)(*error.args) from error
        if error is not None:
            raise self._unconfirmed(str(error) or type(error).__name__) from error

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; waits for Kafka at most `publish_timeout` seconds.

        Raises: KafkaUnavailable
        """
        try:
            async with asyncio.timeout(self.settings.publish_timeout):
                await self._ready(self.routes[topic])
        except TimeoutError:
            raise unavailable(self.settings) from None
        return self.routes[topic].partitions

    async def _ready(self, route: TopicRoute) -> None:
        await route.tried.wait()
        if self._silent:
            raise unavailable(self.settings)
        await route.ready()

    async def _hand_over(
        self, records: Iterator[OutgoingRecord], ticket: Ticket, used: set[TopicRoute]
    ) -> None:
        while part := list(islice(records, _SLICE)):
            routes = [self.routes[record.topic] for record in part]
            for route in set(routes):
                used.add(route)
                await self._ready(route)
            lanes = [route.lane(record) for route, record in zip(routes, part, strict=True)]
            sizes = [record.size for record in part]
            await self.budget.take(sum(sizes))
            now = now_ms()
            for lane, record, size in zip(lanes, part, sizes, strict=True):
                lane.add(record, size, now, ticket)
            for lane in set(lanes):
                lane.pump()
            if len(part) == _SLICE:
                await asyncio.sleep(0)

    def _unconfirmed(self, why: str) -> KafkaUnavailable:
        return KafkaUnavailable(
            f"Kafka at {self.settings.bootstrap} did not confirm the records ({why}): send them"
            " again."
        )


def _look_at(routes: Iterable[TopicRoute]) -> None:
    for route in routes:
        route.look()
