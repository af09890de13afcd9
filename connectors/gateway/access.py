"""Who asks the gateway, by which door, and how much of it they may: the same for every door."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request

from connectors.gateway.body import announced_length
from schemas.clock import now_ms
from serving.access.clients import Client, Door, Identity
from serving.access.errors import NotAllowed
from serving.access.gate import Gate
from serving.access.limits import ClientBuckets
from serving.access.permissions import Permissions
from serving.access.register import ClientRegister
from serving.access.rights import rights_now
from serving.access.scraping import PROXIED, Scraping
from serving.directory.directory import Directory

_OPEN = Identity()


class Visitor(NamedTuple):
    """Who sends a request, and what it may."""

    identity: Identity
    permissions: Permissions

    @property
    def client(self) -> str:
        """The client's name; nothing where anybody may."""
        return "" if self.identity.client is None else self.identity.name


class GatewayAccess:
    """Without a gate access is open: everybody may do everything but manage clients.

    `register` and `directory` are the newest ones; None while they were not read yet.
    """

    def __init__(
        self,
        gate: Gate | None = None,
        register: Callable[[], ClientRegister | None] = ClientRegister,
        directory: Callable[[], Directory | None] = lambda: None,
        clock: Callable[[], int] = now_ms,
        scraping: Scraping | None = None,
    ) -> None:
        self.buckets = ClientBuckets()
        self._scraping = scraping or Scraping()
        self._gate, self._register, self._directory = gate, register, directory
        self._clock = clock
        self._permissions: dict[str, tuple[Client, Permissions]] = {}
        self._used: dict[tuple[str, str], int] = {}

    @property
    def known(self) -> bool:
        """Whether it is known who may."""
        return self._gate is None or self._register() is not None

    @property
    def asks(self) -> bool:
        """Whether anybody has to say who it is."""
        return self._gate is not None

    @property
    def clients(self) -> tuple[Client, ...]:
        """Those that are registered, as far as that is known; none where access is open."""
        register = None if self._gate is None else self._register()
        return () if register is None else tuple(register.clients.values())

    def identify(self, request: Request) -> Identity:
        """Who sends a request.

        Raises: NotKnown, AccessUnknown
        """
        if self._gate is None:
            request.state.client = _OPEN.name
            return _OPEN
        identity = self._gate.identify(request.headers.get("authorization"))
        request.state.client = identity.name
        return self._remembered(identity)

    def require_scraper(self, request: Request) -> None:
        """That who sends this request may read the gateway's health.

        Raises: NotKnown
        """
        self._scraping.require(
            request.client.host if request.client else "",
            request.headers.get("authorization"),
            proxied=any(name in request.headers for name in PROXIED),
        )

    def enter(self, request: Request, door: Door, largest: int) -> Visitor:
        """Who sends a request by a door, which takes bodies of at most so many bytes; before
        anything of the body is read.

        Raises: NotKnown, NotAllowed, OverLimit, AccessUnknown
        """
        identity = self.identify(request)
        permissions = self._permissions_of(identity)
        permissions.require_door(door)
        self.buckets.admit(identity, min(announced_length(request), largest))
        return Visitor(identity, permissions)

    def rights_now(self, name: str) -> Permissions:
        """What the client of that name may by now, who sent something that is sent again.

        Raises: NotAllowed, AccessUnknown
        """
        access = "open" if self._gate is None else "required"
        return rights_now(name, access, self._register(), self._directory)

    def token(self, name: str, secret: str) -> tuple[Identity, str, int]:
        """For a client's name and key: who that is, a token, and the seconds that it holds.

        Raises: NotKnown, NotAllowed, OverLimit, AccessUnknown
        """
        if self._gate is None:
            raise NotAllowed("Access is open (LGSP_ACCESS): nobody needs a token here.")
        identity = self._remembered(self._gate.credentials(name, secret))
        self.buckets.admit(identity, 0)
        return identity, *self._gate.token(identity)

    def take_used(self) -> dict[tuple[str, str], int]:
        """When each key, by client and its id, was last used since this was last asked (epoch
        ms).
        """
        used, self._used = self._used, {}
        return used

    def give_back(self, used: dict[tuple[str, str], int]) -> None:
        """What could not be noted is noted later."""
        self._used = used | self._used

    def _remembered(self, identity: Identity) -> Identity:
        self._used[identity.name, identity.key] = self._clock()
        return identity

    def _permissions_of(self, identity: Identity) -> Permissions:
        client = identity.client
        if client is None:
            return Permissions(identity)
        known = self._permissions.get(client.name)
        if known is None or known[0] is not client:
            known = client, Permissions(identity, self._directory)
            self._permissions[client.name] = known
        return known[1]
