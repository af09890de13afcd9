"""Data keys: one for each purpose, agency, client and day, and what is known of them by their
topic. The value of a record of `lgsp.vault.keys`; erased, it is a tombstone.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from connectors.vault.master import MasterKeys
from schemas.clock import day_number
from schemas.errors import VaultDamaged
from schemas.kafka.reading import ConsumedRecord
from schemas.topics import VaultPurpose

log = logging.getLogger(__name__)

UNKNOWN = "-"  # stands for an agency or a client that is not known
TICK = b"tick"  # the key of a record that is only there so that Kafka's segments get on
DATA_KEY_BYTES = 32
_LAYOUT = 1


class VaultOwner(NamedTuple):
    """Whose a thing is that is kept, and on which day (of the province, by number) it came."""

    purpose: VaultPurpose
    agency: str
    client: str
    day: int

    @classmethod
    def at(cls, purpose: VaultPurpose, agency: str, client: str, now: int) -> VaultOwner:
        """Of what comes at an instant (epoch ms)."""
        return cls(purpose, agency or UNKNOWN, client or UNKNOWN, day_number(now))


class DataKey(msgspec.Struct, frozen=True, kw_only=True):
    """A data key as it is kept: wrapped by the master key that `master` is the id of. `created_at`
    in epoch ms.
    """

    id: str
    purpose: VaultPurpose
    agency: str
    client: str
    day: int
    master: str
    wrapped: bytes
    created_at: int
    layout: int = _LAYOUT

    @property
    def owner(self) -> VaultOwner:
        """Whose things it encrypts."""
        return VaultOwner(self.purpose, self.agency, self.client, self.day)

    @property
    def value(self) -> bytes:
        """The value of its record."""
        return msgspec.json.encode(self)

    def plain(self, masters: MasterKeys, topic: str) -> bytes:
        """The key itself; `topic` is that of the data keys.

        Raises: MasterKeyMissing, VaultDamaged
        """
        return masters.unwrap(self.master, self.wrapped, _bound(topic, self.id, self.owner))

    def rewrapped(self, masters: MasterKeys, topic: str) -> DataKey:
        """The same key, wrapped by the newest master key.

        Raises: MasterKeyMissing, VaultDamaged
        """
        wrapped = masters.wrap(self.plain(masters, topic), _bound(topic, self.id, self.owner))
        return msgspec.structs.replace(self, master=masters.newest, wrapped=wrapped)


def new_data_key(owner: VaultOwner, masters: MasterKeys, topic: str, now: int) -> DataKey:
    """A fresh key of random bits."""
    identity = secrets.token_hex(16)
    wrapped = masters.wrap(secrets.token_bytes(DATA_KEY_BYTES), _bound(topic, identity, owner))
    return DataKey(
        id=identity,
        purpose=owner.purpose,
        agency=owner.agency,
        client=owner.client,
        day=owner.day,
        master=masters.newest,
        wrapped=wrapped,
        created_at=now,
    )


def _bound(topic: str, identity: str, owner: VaultOwner) -> bytes:
    return msgspec.json.encode(["lgsp vault data key", topic, identity, *owner])


class KnownKeys:
    """The data keys at one moment; never changes, a new one is made when a record comes."""

    def __init__(
        self, keys: Mapping[str, DataKey] | None = None, erased: Iterable[str] = ()
    ) -> None:
        self.keys = dict(keys or {})
        self.erased = frozenset(erased)
        self._of: dict[VaultOwner, list[DataKey]] = {}
        for key in self.keys.values():
            self._of.setdefault(key.owner, []).append(key)

    def of(self, owner: VaultOwner) -> list[DataKey]:
        """An owner's keys of that day, the same one first for everybody."""
        return sorted(self._of.get(owner, ()), key=lambda key: (key.created_at, key.id))

    def agencies(self, owner: VaultOwner) -> set[str]:
        """The agencies that the owner's client has keys for on that day."""
        return {
            one.agency
            for one in self._of
            if (one.purpose, one.client, one.day) == (owner.purpose, owner.client, owner.day)
        }


def keys_applied(
    keys: dict[str, DataKey], erased: set[str], records: Iterable[ConsumedRecord]
) -> bool:
    """Take records of the topic into `keys` and `erased`, in order; whether anything changed.

    What was erased once does not come back, whatever is written later.
    """
    changed = False
    for record in records:
        if record.key is None or record.key == TICK:
            continue
        identity = record.key.decode("utf-8", "replace")
        changed = True
        keys.pop(identity, None)
        if not record.value:
            erased.add(identity)
        if identity in erased:
            continue
        try:
            keys[identity] = _decoded(identity, record.value or b"")
        except VaultDamaged as error:
            log.error("%s (%s, offset %s)", error, record.topic, record.offset)
    return changed


def _decoded(identity: str, value: bytes) -> DataKey:
    try:
        key = msgspec.json.decode(value, type=DataKey)
    except msgspec.MsgspecError as error:
        raise VaultDamaged(f"A record among the vault's keys is none: {error}.") from error
    if key.id != identity or key.layout > _LAYOUT:
        raise VaultDamaged(
            "A record among the vault's keys is another key's, or a later version of the hub wrote"
            " it: what it encrypted can't be read here."
        )
    return key
