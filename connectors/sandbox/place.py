"""The sandbox of one gateway: opened with the first client that is in it, and never before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from connectors.packets.access import PacketClient
from connectors.packets.feed import KnowsPackets, PacketFeed
from connectors.packets.keeping import PacketKeeper
from connectors.packets.register import KnownDirectory
from connectors.packets.services import PacketServices
from connectors.publishing.publisher import Publisher
from connectors.publishing.senders import WatchedSender
from connectors.sandbox.proof import StageProof
from connectors.sandbox.writer import SandboxWriter
from schemas.errors import HubError
from schemas.kafka.topics import when_ready
from schemas.settings import Settings
from schemas.spaces import sandbox_of
from serving.access.clients import Client

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # for the first client
Beat = Callable[[Publisher], Coroutine[Any, Any, None]]


class Proves(Protocol):
    """Who knows whether a client is still in the sandbox."""

    async def require(self, client: str) -> None:
        """Raises: ClientMoving, KafkaUnavailable"""

    async def stop(self) -> None:
        """End."""


class Sandbox:
    """What the doors need for clients in the sandbox, over a publisher that is there."""

    def __init__(
        self,
        publisher: WatchedSender,
        proof: Proves,
        directory: KnownDirectory,
        feed: KnowsPackets | None = None,
    ) -> None:
        self.publisher = publisher
        self.space = publisher.settings.space
        self._proof, self._directory = proof, directory
        self._feed = feed or PacketFeed(publisher.settings)
        self._services: dict[str, PacketServices] = {}

    def writer(self, client: str) -> SandboxWriter:
        """What keeps things of that client."""
        return SandboxWriter(self.publisher, client)

    def services(self, client: PacketClient) -> PacketServices:
        """What answers that client's packets. Its dossiers are locked by its name anyway, so that
        each client has a keeper of its own.
        """
        found = self._services.get(client.name)
        if found is None:
            keeper = PacketKeeper(self.writer(client.name), self._feed)
            found = PacketServices(self.publisher.settings, keeper, self._directory)
            self._services[client.name] = found
        return found

    async def require(self, client: str) -> None:
        """Return if the client is in the sandbox even now, when everything was written.

        Raises: ClientMoving, KafkaUnavailable
        """
        await self._proof.require(client)

    async def stop(self) -> None:
        """End what follows and asks."""
        await self._feed.stop()
        await self._proof.stop()


class OpensSandbox:
    """Opens the sandbox of a gateway that runs, once the register names somebody who is in it."""

    def __init__(
        self,
        settings: Settings,
        registered: Callable[[], Iterable[Client]],
        directory: KnownDirectory,
        beat: Beat,
    ) -> None:
        """`settings` are those of the hub's space; `beat` keeps the sandbox's heart beating."""
        self._hub = settings
        self._settings = settings.model_copy(update={"space": sandbox_of(settings.space)})
        self._registered, self._directory, self._beat = registered, directory, beat
        self._publisher: Publisher | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.opened: Sandbox | None = None

    def open(self) -> Sandbox:
        """The sandbox; its topics are made, and whoever sends into it waits for them."""
        if self.opened is None:
            self._publisher = publisher = Publisher(self._settings)
            self.opened = Sandbox(publisher, StageProof(self._hub), self._directory)
            self._tasks = [
                asyncio.create_task(self._begin(publisher)),
                asyncio.create_task(self._beat(publisher)),
            ]
        return self.opened

    async def keep(self) -> None:
        """Open it for the first client that is registered, until cancelled."""
        while self.opened is None:
            if any(one.stage == "sandbox" and one.revoked_at is None for one in self._registered()):
                self.open()
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Finish what is under way, and let go of Kafka."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.opened is not None:
            await self.opened.stop()
        if self._publisher is not None:
            await self._publisher.stop()
        for result in ended:
            if isinstance(result, Exception):
                raise result

    async def _begin(self, publisher: Publisher) -> None:
        await publisher.start()
        try:
            made = await when_ready(
                self._settings, lambda error: log.debug("topics not made yet: %s", error)
            )
        except HubError as error:  # nothing of the official space is held up by it
            log.error("The sandbox can't be opened: %s", error)
            return
        if made:
            log.info("made the topics of the sandbox: %s", ", ".join(made))
