"""Who sends packets: what the hub has to know of a client, and whoever knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from schemas.codes import CODE_PATTERN, Channel
from schemas.ids import code_in
from schemas.personal import personal_number

SuccessCode = str | int  # "0", "00" or 0: no single one serves all versions of one-stop systems

_name_of = code_in(CODE_PATTERN, 64, "._:-")


@dataclass(frozen=True, slots=True)
class PacketClient:
    """A one-stop system.

    `source` is what its facts name as theirs. `agencies` are the codes that it may speak for, with
    what is below them; None: any. `success_code` is what it takes for success, `default_channel`
    how its dossiers come in where neither the packet nor the procedure says so.
    """

    name: str
    source: str
    agencies: frozenset[str] | None = None
    success_code: SuccessCode = "0"
    default_channel: Channel | None = None


class PacketAccess(Protocol):
    """Whoever knows the clients."""

    async def login(self, user: str, password: str) -> PacketClient | None:
        """The client of that user; None where user or password are wrong."""

    async def client(self, name: str) -> PacketClient | None:
        """The client of that name as it is now; None where there is none any more."""


class OpenAccess:
    """Everybody may: any user logs in with any password, under the user's name. That has to be a
    code, since it stands in the facts: nobody's name, mail or number.

    `known` are clients that are otherwise than the usual one.
    """

    def __init__(self, known: Mapping[str, PacketClient] | None = None) -> None:
        self._known = known or {}

    async def login(self, user: str, password: str) -> PacketClient | None:
        """The client of that user; None for what can't be a name."""
        return await self.client(user)

    async def client(self, name: str) -> PacketClient | None:
        """The client of that name."""
        if name in self._known:
            return self._known[name]
        try:
            named = _name_of(name)
        except ValueError:
            return None
        if personal_number(named) is not None:
            return None
        return PacketClient(named, f"packets/{named}")
