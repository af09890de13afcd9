"""The data keys, kept in memory from `lgsp.vault.keys`: read from the beginning at every start and
followed live from then on, so that what is erased anywhere is used nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.vault.datakeys import DataKey, KnownKeys, keys_applied
from schemas.kafka.reading import ConsumedRecord
from schemas.settings import Settings
from schemas.topics import vault_keys_topic
from serving.store.follower import Follower
from serving.store.memory import IDLE_MS, MemoryStore
from serving.store.options import FollowerOptions


class VaultKeyStore(MemoryStore):
    """The data keys that are known, and which of them were erased."""

    def __init__(self) -> None:
        self.known: KnownKeys | None = None  # until it was read whole
        super().__init__("The vault's keys were made anew (%s): they are read again.")

    def _clear(self) -> None:
        self._keys: dict[str, DataKey] = {}
        self._erased: set[str] = set()

    def _take(self, records: Iterable[ConsumedRecord]) -> bool:
        return keys_applied(self._keys, self._erased, records)

    def _make(self) -> None:
        self.known = KnownKeys(self._keys, self._erased)


class VaultKeyFeed(Follower):
    """Feeds the data keys in the background until it is stopped; without them the gateway goes on,
    and makes keys of its own.
    """

    def __init__(self, settings: Settings) -> None:
        store = VaultKeyStore()
        options = FollowerOptions(
            "vault's keys",
            (vault_keys_topic(settings.space),),
            batch=1_000,
            wait_ms=IDLE_MS,
            vital=False,
            lasting=True,
            caught_up=store.caught_up,
            catching_up="reading the vault's keys",
        )
        super().__init__(settings, store, options)
        self._known = store

    @property
    def known(self) -> KnownKeys | None:
        """The newest ones; None until they were read whole."""
        return self._known.known
