"""The clients of the register as the packets' door knows them."""

from __future__ import annotations

from collections.abc import Callable

from connectors.packets.access import PacketClient
from schemas.codes import CHANNELS
from schemas.families import PACKETS_FAMILY
from serving.access.clients import ANY, Client, Identity
from serving.access.errors import AccessUnknown, ClientMoving
from serving.access.limits import ClientBuckets
from serving.access.passwords import Logins
from serving.access.register import ClientRegister

_UNREAD = "The register of clients is being read: log in again in a few seconds."


class RegisteredClients:
    """Who logs in as a client of the register, by the user and the password that were said for its
    packets. What is changed there holds at once, for sessions that have begun too.
    """

    def __init__(
        self,
        register: Callable[[], ClientRegister | None],
        buckets: ClientBuckets,
        logins: Logins | None = None,
    ) -> None:
        """`register` is the newest one; None while it was not read yet."""
        self._register, self._buckets = register, buckets
        self._logins = logins or Logins(register)

    async def login(self, user: str, password: str) -> PacketClient | None:
        """The client of that user; None where user or password are wrong, or it may send no
        packets.

        Raises: AccessUnknown; OverLimit where too many log in as this user.
        """
        self._known()
        found = await self._logins.login(user, password)
        return None if found is None else _packet_client(found)

    async def client(self, name: str) -> PacketClient | None:
        """The client of that name as it is now.

        Raises: AccessUnknown, ClientMoving
        """
        found = self._known().clients.get(name)
        if found is not None and found.stage == "moving":
            raise ClientMoving(name)
        return None if found is None else _packet_client(found)

    def admit(self, client: PacketClient, items: int, size: int) -> None:
        """Let a request of so many items and bytes begin.

        Raises: OverLimit while the client has sent more than its limits.
        """
        found = self._known().clients.get(client.name)
        if found is not None:
            identity = Identity(found)
            self._buckets.admit(identity, size)
            self._buckets.charge(identity, events=items - 1)

    def close(self) -> None:
        """End the thread that proves passwords."""
        self._logins.close()

    def _known(self) -> ClientRegister:
        register = self._register()
        if register is None:
            raise AccessUnknown(_UNREAD)
        return register


def _packet_client(client: Client) -> PacketClient | None:
    """None where it may not send dossiers by packets."""
    packets = client.packets
    may = "packets" in client.doors and {PACKETS_FAMILY, ANY} & set(client.families)
    if packets is None or not may or client.revoked_at is not None:
        return None
    return PacketClient(
        client.name,
        packets.source,
        None if ANY in client.agencies else frozenset(client.agencies),
        packets.success_code,
        next((channel for channel in CHANNELS if channel == packets.default_channel), None),
        client.stage == "sandbox",
    )
