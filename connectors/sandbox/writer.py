"""What one client sends, into the sandbox, under its name: so that it can be found there, however
many say the same sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.publisher import record_of
from connectors.publishing.senders import WatchedSender
from schemas.events import Event
from schemas.wire import Headers

CLIENT_HEADER = "lgsp-client"  # of an event in a sandbox: whose it is


class SandboxWriter:
    """Stands for the publisher wherever something of one client is kept."""

    def __init__(self, publisher: WatchedSender, client: str) -> None:
        self._publisher = publisher
        self.settings, self.budget = publisher.settings, publisher.budget  # the sandbox's
        self._header = (CLIENT_HEADER, client.encode())

    @property
    def away(self) -> bool:
        """Kafka as a whole does not answer."""
        return self._publisher.away

    @property
    def reachable(self) -> bool:
        """Kafka answered lately."""
        return self._publisher.reachable

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns once every event is on all in-sync replicas, with whose it is.

        Raises: KafkaUnavailable, TopicUnwritable, RecordTooLarge
        """
        await self._publisher.send(self._record(event) for event in events)

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        """Likewise, for records as they are."""
        await self._publisher.send(records)

    def unwritable(self) -> dict[str, bool]:
        """By topic, whether it can't be written at the moment."""
        return self._publisher.unwritable()

    def _record(self, event: Event) -> OutgoingRecord:
        record = record_of(event, self.settings.space)
        return record._replace(headers=[*record.headers, self._header])


def written_by(client: str, headers: Iterable[tuple[str, bytes]]) -> bool:
    """Whether a record of a sandbox is of that client."""
    return (CLIENT_HEADER, client.encode()) in {(name, value) for name, value in headers}


def without_client(headers: Iterable[tuple[str, bytes]]) -> Headers:
    """The headers as they are outside of a sandbox."""
    return [(name, value) for name, value in headers if name != CLIENT_HEADER]
