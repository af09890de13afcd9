"""Clients that send batches to the gateway until each is accepted, and what the hub must then
know.
"""

from __future__ import annotations

import asyncio
from itertools import count
from types import TracebackType
from typing import Self

import aiohttp
from aiokafka import TopicPartition
from harness import Hub

from ops.recount.verdict import Verdict
from schemas.kafka.clients import consumer
from schemas.kafka.reading import read_to_end
from schemas.topics import state_topic

SIZE = 20
CLIENTS = 4
PAUSE = 0.25  # seconds of each client between two batches
TRIES = 1_500
ANSWER_SECONDS = 15


def batch(name: str) -> list[dict[str, object]]:
    """Receptions of dossiers that no batch of another name speaks of."""
    return [
        {
            "specversion": "1.0",
            "id": f"event-{name}-{item}",
            "source": "fault-test",
            "type": "dossier.received",
            "time": "2026-11-03T09:00:00+07:00",
            "data": {
                "dossier_id": f"SAMPLE-{name}-{item}",
                "agency": f"SAMPLE.{item}",
                "procedure": "SAMPLE.1",
                "channel": "online",
            },
        }
        for item in range(SIZE)
    ]


class Load:
    """From entering until leaving it, some 15 batches a second; leaving waits until everything that
    was begun is accepted.

    name: of its dossiers, which no other load may have.
    """

    def __init__(self, hub: Hub, name: str = "A") -> None:
        self.hub, self.name = hub, name
        self.accepted: list[str] = []  # names of batches
        self.attempts: list[int] = []  # how often each was sent
        self._refused = asyncio.Event()  # an answer was 503
        self._numbers = count()
        self._stopping = False
        self._clients: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._clients = asyncio.create_task(self._send_all())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._clients is not None
        self._stopping = True
        if error is not None:
            self._clients.cancel()
            return
        await self._clients

    @property
    def dossiers(self) -> set[bytes]:
        """What the hub promised to count."""
        return {f"SAMPLE-{name}-{item}".encode() for name in self.accepted for item in range(SIZE)}

    async def until_accepted(self, more: int, seconds: float = 300.0) -> None:
        """Wait until so many more batches are accepted.

        Raises: TimeoutError, AssertionError of a client.
        """
        wanted = len(self.accepted) + more
        async with asyncio.timeout(seconds):
            while len(self.accepted) < wanted:
                assert self._clients is not None
                if self._clients.done():
                    self._clients.result()
                await asyncio.sleep(0.1)

    async def until_refused(self, seconds: float = 120.0) -> None:
        """Wait until the gateway answers once more that it can't take anything.

        Raises: TimeoutError
        """
        self._refused.clear()
        async with asyncio.timeout(seconds):
            await self._refused.wait()

    async def _send_all(self) -> None:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)) as session,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(CLIENTS):
                clients.create_task(self._client(session))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self._stopping:
            name = f"{self.name}{next(self._numbers)}"
            self.attempts.append(await self._send(session, name))
            self.accepted.append(name)
            await asyncio.sleep(PAUSE)

    async def again(self) -> None:
        """Send once more what was accepted, which must change nothing."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_SECONDS)) as session:
            for name in list(self.accepted):
                await self._send(session, name)

    async def _send(self, session: aiohttp.ClientSession, name: str) -> int:
        """Send a batch until it is accepted; returns how often it was sent."""
        url = f"http://127.0.0.1:{self.hub.settings.gateway_port}/v1/events"
        headers = {"content-type": "application/cloudevents-batch+json"}
        for attempt in range(1, TRIES):
            try:
                async with session.post(url, json=batch(name), headers=headers) as answer:
                    if answer.status == 202:
                        return attempt
                    assert answer.status == 503, await answer.text()
                    assert "Retry-After" in answer.headers
                    self._refused.set()
            except (aiohttp.ClientError, TimeoutError):
                pass  # the gateway is away: nothing was promised
            await asyncio.sleep(0.2)
        raise AssertionError(f"batch {name} was never accepted")


async def known_dossiers(hub: Hub) -> set[bytes]:
    """Keys of the state topic."""
    known: set[bytes] = set()
    async with consumer(hub.settings) as reader:
        for partition in range(hub.settings.partitions):
            tp = TopicPartition(state_topic("dossiers"), partition)
            reader.assign([tp])
            async for _, records in read_to_end(reader, tp):
                known.update(record.key for record in records if record.key)
    return known


def things(verdicts: list[Verdict]) -> int:
    """Dossiers that the recount found."""
    return sum(verdict.things for verdict in verdicts if verdict.family == "dossiers")
