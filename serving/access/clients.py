"""A client: a system, an operator or a reader that the hub knows, what it may do, and its keys. The
value of a record of `lgsp.clients`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from schemas.clock import DAY_MS
from schemas.errors import ContractError, NewerLayout

LAYOUT = 1  # of a client's record
KEY_DAYS, ROTATION_DAYS = 365, 7  # a new key holds; an old one after its rotation
SOON_MS = 30 * DAY_MS  # before its end, in which a key's end is told
ANY = "*"  # stands for all agencies, all families; ends a pattern of sources
Door = Literal["events", "packets", "files"]
DOORS: tuple[Door, ...] = ("events", "packets", "files")
Role = Literal["operator", "province", "agency"]
ROLES: tuple[Role, ...] = ("operator", "province", "agency")
SUCCESS_CODES: tuple[str | int, ...] = ("0", "00", 0)  # what one-stop systems wait for
# how requests are told of that nobody known made; no client has one of these names
ANYBODY, NOBODY = "anybody", "unknown"


class ClientKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that the hub made, as it is kept. Instants are epoch ms.

    `digest` is the HMAC-SHA-256 of its secret under the pepper that `pepper` is the id of.
    """

    id: str
    digest: str
    pepper: str
    created_at: int
    expires_at: int
    revoked_at: int | None = None

    def holds(self, now: int) -> bool:
        """Whether it opens anything at an instant (epoch ms)."""
        return self.revoked_at is None and now < self.expires_at


class PacketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a one-stop system speaks: its login (the password as an argon2 hash), the code that it
    takes for success, the channel of dossiers that tell none, and the CloudEvents source of its
    facts.
    """

    user: str
    password: str
    success_code: Literal["0", "00"] | int = "0"
    default_channel: str | None = None
    source: str = ""


class ClientLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What it may send a second, on the average of ten, at each gateway; 0: as much as it likes."""

    events: int = 1_000
    bytes: int = 4 << 20


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One client. Instants are epoch ms.

    `agencies` are the codes that it speaks for, with whatever is below them on the day of the fact;
    a `source` may end with `*`. `role` is what it may read; an operator manages clients too.
    """

    name: str
    title_vi: str
    title_en: str
    agencies: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    doors: tuple[Door, ...] = ()
    families: tuple[str, ...] = ()
    role: Role | None = None
    keys: tuple[ClientKey, ...] = ()
    packets: PacketSettings | None = None
    limits: ClientLimits = ClientLimits()
    created_at: int = 0
    revoked_at: int | None = None
    layout: int = LAYOUT

    def key(self, identity: str) -> ClientKey | None:
        """Its key of that id."""
        return next((one for one in self.keys if one.id == identity), None)

    def keys_at(self, now: int) -> list[ClientKey]:
        """Those that open something at an instant, the first to end first."""
        if self.revoked_at is not None:
            return []
        found = [one for one in self.keys if one.holds(now)]
        return sorted(found, key=lambda one: one.expires_at)

    def ends_in(self, now: int) -> float | None:
        """Seconds until the first of its keys ends, less than none where all have; None: it is
        revoked, or has no keys.
        """
        if self.revoked_at is not None or not self.keys:
            return None
        if valid := self.keys_at(now):
            return (valid[0].expires_at - now) / 1000
        ended = (min(one.expires_at, one.revoked_at or one.expires_at) for one in self.keys)
        return (max(ended) - now) / 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom a request speaks: a client by one of its keys; without a client it is anybody, where
    access is open, and may do everything.
    """

    client: Client | None = None
    key: str = ""

    @property
    def name(self) -> str:
        """For people and metrics."""
        return ANYBODY if self.client is None else self.client.name


def encode_client(client: Client) -> bytes:
    """The value of its record."""
    return msgspec.json.encode(client)


def decode_client(value: bytes) -> Client:
    """The client that a record's value is.

    Raises: ContractError; NewerLayout where a later version of the hub wrote it, whose rights this
    one could read wrongly.
    """
    try:
        if (layout := msgspec.json.decode(value, type=_Layout).layout) > LAYOUT:
            raise NewerLayout(f"a later version of the hub wrote it, in layout {layout}")
        return msgspec.json.decode(value, type=Client)
    except msgspec.MsgspecError as error:
        raise ContractError(f"it is no client: {error}") from error


class _Layout(msgspec.Struct):
    layout: int
