"""A sandbox over a publisher that only remembers, and a register that says who is in it."""

from __future__ import annotations

from accesses import Clients
from gateways import FOLDER, Remembers
from packet_doors import FedAtOnce, KnownAtOnce

from connectors.sandbox.place import Sandbox
from schemas.settings import Settings
from serving.access.errors import ClientMoving
from serving.directory.directory import Directory


class ProvedAtOnce:
    """Who is in the sandbox by the register that a test changes. `then` is done before it is
    asked, as somebody may who moves a client meanwhile.
    """

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.asked: list[str] = []

    def then(self) -> None:
        pass

    async def require(self, client: str) -> None:
        self.asked.append(client)
        self.then()
        if self.clients.register.clients[client].stage != "sandbox":
            raise ClientMoving(client)

    async def stop(self) -> None:
        pass


class MadeSandbox:
    """A sandbox, how often it was asked for, and what is kept in it."""

    def __init__(self, clients: Clients) -> None:
        self.publisher = Remembers()
        self.publisher.settings = Settings(space="sandbox", data=FOLDER)  # type: ignore[misc]
        self.proof = ProvedAtOnce(clients)
        self.opened = 0
        self._sandbox = Sandbox(
            self.publisher, self.proof, KnownAtOnce(Directory()), FedAtOnce(self.publisher)
        )

    def open(self) -> Sandbox:
        self.opened += 1
        return self._sandbox
