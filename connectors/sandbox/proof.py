"""Whether a client is still in the sandbox at this moment, by Kafka itself.

A gateway hears of a change of the register a moment after it was made. Whoever kept something in
the sandbox meanwhile must not say that it was taken in: it could be behind what was moved. So each
answer waits for this question, which is asked of Kafka after everything was written: where the
register says `sandbox` even then, whoever moves the client afterwards finds what was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.kafka.clients import started_consumer, unavailable
from schemas.settings import Settings
from schemas.topics import clients_topic
from serving.access.clients import Client
from serving.access.errors import ClientMoving
from serving.access.topic import read_clients

ReadClients = Callable[[Settings], Awaitable[Mapping[str, Client]]]


class StageProof:
    """One a process, on the loop of the requests. The register is read anew only where it has
    become longer.
    """

    def __init__(self, settings: Settings, read: ReadClients = read_clients) -> None:
        """`settings` are those of the hub's space."""
        self._settings, self._read = settings, read
        self._topic = TopicPartition(clients_topic(settings.space), 0)
        self._asker: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._known: tuple[int, Mapping[str, Client]] | None = None

    async def require(self, client: str) -> None:
        """Return if the client is in the sandbox now.

        Raises: ClientMoving where it is not any more; KafkaUnavailable
        """
        try:
            async with asyncio.timeout(self._settings.publish_timeout):
                clients = await self._newest()
        except (TimeoutError, KafkaError, OSError) as error:
            raise unavailable(self._settings) from error
        found = clients.get(client)
        if found is None or found.stage != "sandbox":
            raise ClientMoving(client)

    async def stop(self) -> None:
        """Let go of Kafka."""
        if self._asker is not None:
            await self._asker.stop()

    async def _newest(self) -> Mapping[str, Client]:
        asker = await self._asking()
        end = (await asker.end_offsets([self._topic]))[self._topic]
        # a register that was made anew may be shorter
        if self._known is None or self._known[0] != end:
            self._known = end, await self._read(self._settings)
        return self._known[1]

    async def _asking(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._asker is None:
                self._asker = await started_consumer(self._settings)
            return self._asker
