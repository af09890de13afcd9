"""Into `lgsp.quarantine`: what could not be taken in is kept with its origin and reason, never
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from connectors.publishing.lanes import OutgoingRecord
from schemas.quarantine import Quarantined
from schemas.topics import QUARANTINE


class Sends(Protocol):
    """What keeps records: the publisher."""

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        """Returns once the records are on all in-sync replicas."""


def _record_of_refused(refused: Quarantined) -> OutgoingRecord:
    """The refused thing as a record of the quarantine topic."""
    return OutgoingRecord(QUARANTINE, refused.key, refused.value, refused.headers)


async def send_to_quarantine(publisher: Sends, refused: Iterable[Quarantined]) -> None:
    """Keep what was refused; returns once all of it is on all in-sync replicas.

    Raises: KafkaUnavailable as the publisher does.
    """
    await publisher.send(map(_record_of_refused, refused))
