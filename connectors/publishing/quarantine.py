"""Into `lgsp.quarantine`: what could not be taken in is kept with its origin and reason, never
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from connectors.publishing.lanes import OutgoingRecord
from schemas.quarantine import Quarantined
from schemas.settings import Settings
from schemas.topics import quarantine_topic


class Sends(Protocol):
    """What keeps records: the publisher."""

    settings: Settings

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        """Returns once the records are on all in-sync replicas."""


async def send_to_quarantine(publisher: Sends, refused: Iterable[Quarantined]) -> None:
    """Keep what was refused; returns once all of it is on all in-sync replicas.

    Raises: KafkaUnavailable as the publisher does.
    """
    topic = quarantine_topic(publisher.settings.space)
    await publisher.send(OutgoingRecord(topic, one.key, one.value, one.headers) for one in refused)
