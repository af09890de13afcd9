"""The data keys, kept in memory from `lgsp.vault.keys`: read from the beginning at every start and
followed live from then on, so that what is erased anywhere is used nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from connectors.vault.datakeys import DataKey, KnownKeys, keys_applied
from schemas.kafka.reading import ConsumedRecord
from schemas.settings import Settings
from schemas.topics import vault_keys_topic
from serving.access.register import IDLE_MS
from serving.store.disposable import Position
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

log = logging.getLogger(__name__)


class VaultKeyStore:
    """What the follower feeds. While it is read anew the keys stay those that were."""

    generation = 1  # it can be read at any time
    trouble = None

    def __init__(self) -> None:
        self.known: KnownKeys | None = None  # until it was read whole
        self._keys: dict[str, DataKey] = {}
        self._erased: set[str] = set()
        self._changed, self._whole = True, False

    def open(self, cluster: str, now_ms: int) -> dict[object, Position]:
        """Begin anew; nothing of it is known between two readings."""
        self._keys, self._erased = {}, set()
        self._changed, self._whole = True, False
        return {}

    def rebuild(self, cluster: str, now_ms: int, reason: str) -> dict[object, Position]:
        """Begin anew, since the topic was."""
        log.warning("The vault's keys were made anew (%s): they are read again.", reason)
        return self.open(cluster, now_ms)

    def apply(self, records: Iterable[ConsumedRecord], positions: Mapping[object, int]) -> None:
        """Take records in order."""
        self._changed |= keys_applied(self._keys, self._erased, records)
        self.check()

    def caught_up(self) -> None:
        """What stood there when the reading began was taken: from now on these are the keys."""
        self._whole = True
        self.check()

    def check(self) -> None:
        """Make known the keys that there are by now."""
        if self._whole and self._changed:
            self.known = KnownKeys(self._keys, self._erased)
            self._changed = False

    def complete(self, now_ms: int) -> None:
        """Nothing outlives the process that could be too old."""

    def close(self) -> None:
        """Nothing is held."""


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
