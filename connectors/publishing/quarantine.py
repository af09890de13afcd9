"""Into `lgsp.quarantine`: what could not be taken in is kept with its origin and reason, never
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.senders import Sends
from schemas.quarantine import Quarantined
from schemas.topics import quarantine_topic


async def send_to_quarantine(publisher: Sends, refused: Iterable[Quarantined]) -> None:
    """Keep what was refused; returns once all of it is on all in-sync replicas.

    Raises: KafkaUnavailable as the publisher does.
    """
    topic = quarantine_topic(publisher.settings.space)
    await publisher.send(OutgoingRecord(topic, one.key, one.value, one.headers) for one in refused)
