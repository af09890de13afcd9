"""Keyed hashes of what was refused: whether the same thing came again, told without keeping it.

A plain hash would not do. What is refused is often known but for one field, and if that is a
citizen's number, whoever has the hash tries all of them in minutes. So it is an HMAC with a random
key of this installation (`quarantine.key` in LGSP_DATA), which no topic and no backup holds.
Deleting the key makes the hashes tell nothing at all.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from schemas.storage import write_once

log = logging.getLogger(__name__)

KEY_FILE = "quarantine.key"
_SIZE = 32  # bytes


@dataclass(frozen=True, slots=True)
class Digest:
    """Makes hashes with one key. `key_id` tells which, and nothing of it."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(_SIZE), repr=False)

    @property
    def key_id(self) -> str:
        """The first 32 bits of the key's own hash."""
        return sha256(b"lgsp quarantine key" + self.key).hexdigest()[:8]

    def of(self, payload: bytes) -> str:
        """HMAC-SHA-256, hexadecimal."""
        return hmac.digest(self.key, payload, "sha256").hex()


@lru_cache(maxsize=8)
def digest_of(folder: Path) -> Digest:
    """The hashes of this installation, with the key in its data folder, made if there is none.

    Where the folder can't be written, a key of this process alone: then hashes of other processes
    can't be compared with its own.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            write_once(path, secrets.token_bytes(_SIZE))
    except OSError as error:
        log.warning(
            "%s can't be written (%s): hashes of what is refused compare within this process only",
            path,
            error.strerror,
        )
        return Digest()
    return _read(path)


@lru_cache(maxsize=8)
def known_digest(folder: Path) -> Digest:
    """The same for who only looks: no key is made, and one of this process alone serves where there
    is none.
    """
    return _read(folder / KEY_FILE)


def _read(path: Path) -> Digest:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return Digest()
    except OSError as error:
        log.warning(
            "%s can't be read (%s): hashes of what is refused compare within this process only",
            path,
            error.strerror,
        )
        return Digest()
    if len(key) != _SIZE:
        log.warning(
            "%s is damaged: delete it, and a new one is made; until then hashes of what is refused"
            " compare within this process only",
            path,
        )
        return Digest()
    return Digest(key)
