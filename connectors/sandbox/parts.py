"""What the sandbox needs of others, so that it can be tried without Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from connectors.publishing.budget import Budget
from connectors.publishing.lanes import OutgoingRecord
from schemas.settings import Settings


class SandboxPublisher(Protocol):
    """A publisher into the sandbox's topics."""

    settings: Settings
    budget: Budget

    @property
    def away(self) -> bool:
        """Kafka as a whole does not answer."""

    @property
    def reachable(self) -> bool:
        """Kafka answered lately."""

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        """Returns once the records are on all in-sync replicas."""

    def unwritable(self) -> dict[str, bool]:
        """By topic, whether it can't be written at the moment."""
