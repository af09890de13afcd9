"""What others need of the publisher, so that they can be tried without Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from connectors.publishing.budget import Budget
from connectors.publishing.lanes import OutgoingRecord
from schemas.events import Event
from schemas.settings import Settings


class Sends(Protocol):
    """What keeps records."""

    settings: Settings

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        """Returns once the records are on all in-sync replicas."""


class Tells(Sends, Protocol):
    """What carries facts and records."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns once every event is on all in-sync replicas."""


class WatchedSender(Sends, Protocol):
    """What keeps records, and says how it gets on."""

    budget: Budget

    @property
    def away(self) -> bool:
        """Kafka as a whole does not answer."""

    @property
    def reachable(self) -> bool:
        """Kafka answered lately."""

    def unwritable(self) -> dict[str, bool]:
        """By topic, whether it can't be written at the moment."""


class Publishes(WatchedSender, Tells, Protocol):
    """All that a door needs."""
