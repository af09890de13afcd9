"""The master key of the vault: in a file that nobody but the hub's user may read, and in no topic
and no backup. It wraps data keys and nothing else.

While it is changed the file holds two, the newer one first: that one wraps, both unwrap.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import MasterKeyMissing, VaultDamaged
from schemas.settings import Settings
from schemas.storage import write_instead
from serving.access.secrets import SECRET_BYTES, secret_in

VAULT_KEY_FILE = "vault.key"
NONCE_BYTES = 12
_SETTING, _MOST = "LGSP_VAULT_KEY_FILE", 2
_LEAKED = "take another one (`lgsp vault rotate`)"


class MasterKeys:
    """Those of this machine, the newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = tuple(keys)
        self._ciphers = {master_id(key): AESGCM(key) for key in self.keys}

    @classmethod
    def of(cls, settings: Settings) -> MasterKeys:
        """Those in the file as it is now; one is made at first use.

        Raises: EnvironmentBroken for a file that others may read, or that is none of the hub's.
        """
        content = secret_in(master_path(settings), _fresh, _SETTING, most=_MOST, leaked=_LEAKED)
        starts = range(0, len(content), SECRET_BYTES)
        return cls([content[start : start + SECRET_BYTES] for start in starts])

    @property
    def newest(self) -> str:
        """The id of the one that wraps."""
        return master_id(self.keys[0])

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all."""
        return frozenset(self._ciphers)

    def wrap(self, key: bytes, bound: bytes) -> bytes:
        """A data key, encrypted by the newest one and bound to what it is for."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._ciphers[self.newest].encrypt(nonce, key, bound)

    def unwrap(self, master: str, wrapped: bytes, bound: bytes) -> bytes:
        """The data key that the master key of this id wrapped.

        Raises: MasterKeyMissing, VaultDamaged
        """
        cipher = self._ciphers.get(master)
        if cipher is None:
            raise MasterKeyMissing(
                f"The vault's master key {master} is not on this machine, which has"
                f" {', '.join(sorted(self.ids))}: give all machines the same file ({_SETTING})."
            )
        try:
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as error:
            raise VaultDamaged(
                "A key of the vault is not what was written: what it encrypted can't be read any"
                " more. Find out who writes to the topic of the vault's keys."
            ) from error


def master_path(settings: Settings) -> Path:
    """Where the file is."""
    return settings.vault_key_file or settings.data / VAULT_KEY_FILE


def master_id(key: bytes) -> str:
    """The first 64 bits of its own hash: tells which it is, and nothing of it."""
    return sha256(b"lgsp vault master key" + key).hexdigest()[:16]


def add_master(settings: Settings) -> MasterKeys:
    """Put a new one before the newest in the file; older ones go.

    Raises: EnvironmentBroken, OSError
    """
    before = MasterKeys.of(settings)
    write_instead(master_path(settings), _fresh() + before.keys[0])
    return MasterKeys.of(settings)


def forget_older_masters(settings: Settings) -> MasterKeys:
    """Leave the newest one alone in the file.

    Raises: EnvironmentBroken, OSError
    """
    before = MasterKeys.of(settings)
    write_instead(master_path(settings), before.keys[0])
    return MasterKeys.of(settings)


def _fresh() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)
