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
from serving.store.disposable import Position
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

log = logging.getLogger(__name__)

# for which Kafka holds a question that has no answer yet; what is new is told at once all the same
IDLE_MS = 1_000


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


class RegisterStore:
    """What the follower feeds. While it is read anew the register stays the one that was."""

    generation = 1  # it can be read at any time
    trouble = None

    def __init__(self) -> None:
        self.register: ClientRegister | None = None  # until it was read whole
        self._clients: dict[str, Client] = {}
        self._changed, self._whole = True, False

    def open(self, cluster: str, now_ms: int) -> dict[object, Position]:
        """Begin anew; nothing of it is known between two readings."""
        self._clients, self._changed, self._whole = {}, True, False
        return {}

    def rebuild(self, cluster: str, now_ms: int, reason: str) -> dict[object, Position]:
        """Begin anew, since the topic was."""
        log.warning("The register of clients was made anew (%s): it is read again.", reason)
        return self.open(cluster, now_ms)

    def apply(self, records: Iterable[ConsumedRecord], positions: Mapping[object, int]) -> None:
        """Take records in order."""
        self._changed |= applied(self._clients, records)
        self.check()

    def caught_up(self) -> None:
        """What stood there when the reading began was taken: from now on it is the register."""
        self._whole = True
        self.check()

    def check(self) -> None:
        """Make the register that the clients are by now."""
        if self._whole and self._changed:
            self.register = ClientRegister(self._clients)
            self._changed = False

    def complete(self, now_ms: int) -> None:
        """Nothing outlives the process that could be too old."""

    def close(self) -> None:
        """Nothing is held."""


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
