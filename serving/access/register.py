"""The register: every client, kept in memory from `lgsp.clients`, read from the beginning at every
start and followed live from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from schemas.errors import ContractError
from schemas.kafka.reading import ConsumedRecord
from schemas.settings import Settings
from schemas.spaces import hub_of
from schemas.topics import clients_topic
from serving.access.clients import Client, ClientKey, decode_client
from serving.store.follower import Follower
from serving.store.memory import IDLE_MS, MemoryStore
from serving.store.options import FollowerOptions

log = logging.getLogger(__name__)


class ClientRegister:
    """Clients at one moment; never changes, a new one is made when a record comes."""

    def __init__(self, clients: Mapping[str, Client] | None = None) -> None:
        self.clients = dict(clients or {})
        self.keys: dict[str, tuple[Client, ClientKey]] = {
            key.id: (client, key) for client in self.clients.values() for key in client.keys
        }
        # of two that say the same login the older one has it
        by_age = sorted(self.clients.values(), key=lambda one: one.created_at, reverse=True)
        self.logins = {
            client.packets.user: client
            for client in by_age
            if client.packets is not None and client.revoked_at is None
        }


def applied(clients: dict[str, Client], records: Iterable[ConsumedRecord]) -> bool:
    """Take records of the topic into `clients`, in order; whether anything came.

    A client whose record can't be read is let in nowhere: what it may do is not known.
    """
    came = False
    for record in records:
        came = True
        name = (record.key or b"").decode("utf-8", "replace")
        clients.pop(name, None)
        if not record.value:
            continue
        try:
            client = decode_client(record.value)
            if client.name != name:
                raise ContractError(f"its key is another client's ({name!r})")
            clients[name] = client
        except ContractError as error:
            log.error(
                "The client at %s/%s, offset %s, is let in nowhere: %s.",
                record.topic,
                record.partition,
                record.offset,
                error,
            )
    return came


class RegisterStore(MemoryStore):
    """The register, and the clients that it is made of."""

    def __init__(self) -> None:
        self.register: ClientRegister | None = None  # until it was read whole
        super().__init__("The register of clients was made anew (%s): it is read again.")

    def _clear(self) -> None:
        self._clients: dict[str, Client] = {}

    def _take(self, records: Iterable[ConsumedRecord]) -> bool:
        return applied(self._clients, records)

    def _make(self) -> None:
        self.register = ClientRegister(self._clients)


class RegisterFeed(Follower):
    """Feeds the register in the background until it is stopped.

    While Kafka is away the register is as it was last known: whoever was let in still is.
    """

    def __init__(self, settings: Settings) -> None:
        store = RegisterStore()
        options = FollowerOptions(
            "register of clients",
            (clients_topic(hub_of(settings.space)),),  # a sandbox's readers are its hub's clients
            batch=1_000,
            wait_ms=IDLE_MS,
            lasting=True,
            caught_up=store.caught_up,
            catching_up="reading the register of clients",
        )
        super().__init__(settings, store, options)
        self._known = store

    @property
    def register(self) -> ClientRegister | None:
        """The newest one; None until it was read whole."""
        return self._known.register
