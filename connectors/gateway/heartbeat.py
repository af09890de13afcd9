"""The heartbeat: an event to every partition every few seconds, which travels the whole pipeline.
Its age is the freshness people see.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol
from uuid import uuid4

from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable
from schemas.events import Event
from schemas.events.heartbeats import HubHeartbeat
from schemas.settings import Settings
from schemas.topics import events_topic

log = logging.getLogger(__name__)


class _Beats(Protocol):
    """What carries heartbeats: the publisher."""

    settings: Settings

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""

    async def publish_to(self, partition: int, event: Event) -> None:
        """Returns once the event is on all in-sync replicas of that partition."""


def _beat_of(partition: int) -> HubHeartbeat:
    """A heartbeat of now. Several gateways may beat: the newest counts."""
    return HubHeartbeat(
        event_id=uuid4().hex,
        source="gateway",
        agency="hub",
        occurred_at=now_ms(),
        beat=str(partition),
    )


async def beat_once(publisher: _Beats) -> None:
    """One heartbeat to every partition.

    Raises: KafkaUnavailable
    """
    topic = events_topic(HubHeartbeat.family, publisher.settings.space)
    count = await publisher.partitions(topic)
    await asyncio.gather(
        *(publisher.publish_to(partition, _beat_of(partition)) for partition in range(count))
    )


async def beat(publisher: _Beats, seconds: float) -> None:
    """Beat until cancelled. While Kafka is away beats are left out: a late one would say
    nothing.
    """
    while True:
        try:
            await beat_once(publisher)
        except KafkaUnavailable as error:
            log.debug("heartbeat left out: %s", error)
        # nobody awaits this task before the end: a heart that stops must not stop unheard
        except Exception:
            log.exception("heartbeat left out for an unforeseen reason")
        await asyncio.sleep(seconds)
