"""Writing into the vault: what must be kept whole for a while, each under the data key of whose it
is and of the day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.senders import Sends
from connectors.vault.datakeys import UNKNOWN, DataKey, KnownKeys, VaultOwner, new_data_key
from connectors.vault.master import MasterKeys
from connectors.vault.sealing import VaultRef, sealed
from schemas.clock import now_ms
from schemas.errors import VaultError
from schemas.settings import Settings
from schemas.topics import vault_keys_topic, vault_topic

# that a client has keys of its own for, on one day: who makes codes up makes no more keys
MOST_AGENCIES = 256


@dataclass(frozen=True, slots=True)
class VaultItem:
    """A thing to keep whole, and whose it is."""

    owner: VaultOwner
    whole: bytes = field(repr=False)


class Vault:
    """Of one process. `known` are the data keys by their topic; None while it was not read yet."""

    def __init__(
        self,
        settings: Settings,
        known: Callable[[], KnownKeys | None] = lambda: None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """Raises: EnvironmentBroken for a master key that others may read."""
        self._settings, self._known, self._clock = settings, known, clock
        self._topic = vault_topic(settings.space)
        self._keys_topic = vault_keys_topic(settings.space)
        self._masters = MasterKeys.of(settings)
        self._made: dict[VaultOwner, DataKey] = {}  # by this process; perhaps not seen yet
        self._plain: dict[str, bytes] = {}  # data keys that were unwrapped, by their ids
        self._making = asyncio.Lock()

    async def keep(self, sender: Sends, items: Sequence[VaultItem]) -> list[VaultRef]:
        """Keep things; returns once all are on all in-sync replicas, with their names.

        Raises: KafkaUnavailable, TopicUnwritable; EnvironmentBroken where there is no master key
        any more
        """
        keys = {owner: await self._key(sender, owner) for owner in {one.owner for one in items}}
        refs = [VaultRef.of(len(one.whole)) for one in items]

        def records() -> Iterator[OutgoingRecord]:
            """Encrypted as the publisher draws them, so that others get their turn."""
            for ref, item in zip(refs, items, strict=True):
                key, plain = keys[item.owner]
                for name, value in sealed(item.whole, ref, key, plain, self._topic):
                    yield OutgoingRecord(self._topic, name, value, [])

        await sender.send(records())
        return refs

    async def _key(self, sender: Sends, asked: VaultOwner) -> tuple[DataKey, bytes]:
        """The owner's data key, wrapped and plain, made if there is none."""
        async with self._making:
            owner = self._bounded(asked)
            found = self._usable(owner)
            if found is not None:
                return found
            self._forget_other_days(owner.day)
            # read anew: another master key may have come since
            self._masters = MasterKeys.of(self._settings)
            key = new_data_key(owner, self._masters, self._keys_topic, self._clock())
            await sender.send([OutgoingRecord(self._keys_topic, key.id.encode(), key.value, [])])
            self._made[owner] = key
            return key, self._unwrapped(key)

    def _usable(self, owner: VaultOwner) -> tuple[DataKey, bytes] | None:
        """A key of the owner's that this process can unwrap, and that nobody erased."""
        known = self._known() or KnownKeys()
        made = self._made.get(owner)
        if made is not None and made.id in known.erased:
            del self._made[owner]
            made = None
        for key in (*known.of(owner), *([] if made is None else [made])):
            try:
                return key, self._unwrapped(key)
            except VaultError:  # another machine's
                continue
        return None

    def _unwrapped(self, key: DataKey) -> bytes:
        if key.id not in self._plain:
            self._plain[key.id] = key.plain(self._masters, self._keys_topic)
        return self._plain[key.id]

    def _bounded(self, owner: VaultOwner) -> VaultOwner:
        """The owner, without its agency where its client named too many on that day."""
        known = self._known() or KnownKeys()
        if owner.agency == UNKNOWN or owner in self._made or known.of(owner):
            return owner
        mine = KnownKeys({key.id: key for key in self._made.values()})
        if len(known.agencies(owner) | mine.agencies(owner)) < MOST_AGENCIES:
            return owner
        return owner._replace(agency=UNKNOWN)

    def _forget_other_days(self, day: int) -> None:
        if any(owner.day < day for owner in self._made):
            self._made = {owner: key for owner, key in self._made.items() if owner.day >= day}
            self._plain = {}
