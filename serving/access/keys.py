"""Keys that the hub makes: `lgsp_<id>_<secret>`, 256 random bits, shown once.

What is kept is an HMAC-SHA-256 under a pepper that is in no topic: who reads the register can
neither use a key nor try one out. A slow hash would add nothing to 256 random bits, and cost every
request.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import NamedTuple

from serving.access.clients import ClientKey

KEY_PREFIX = "lgsp_"
_ID_BYTES, _SECRET_BYTES = 5, 32


class KeyText(NamedTuple):
    """A key as its holder writes it, taken apart."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{KEY_PREFIX}{self.id}_{self.secret}"


def parse_key(text: str) -> KeyText | None:
    """A key's text taken apart; None if it is none."""
    if not text.startswith(KEY_PREFIX):
        return None
    identity, _, secret = text.removeprefix(KEY_PREFIX).partition("_")
    return KeyText(identity, secret) if identity and secret else None


class Pepper:
    """Makes and proves keys with one pepper. `id` tells which, and nothing of it."""

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper
        self.id = sha256(b"lgsp pepper" + pepper).hexdigest()[:8]

    def new_key(self, now: int, expires_at: int) -> tuple[KeyText, ClientKey]:
        """A new key from `now` until `expires_at` (epoch ms): its text, and what is kept of it."""
        text = KeyText(secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES))
        kept = ClientKey(
            id=text.id,
            digest=self._digest(text),
            pepper=self.id,
            created_at=now,
            expires_at=expires_at,
        )
        return text, kept

    def proves(self, text: KeyText, kept: ClientKey | None) -> bool:
        """Whether it is the key that is kept; takes as long where none of that id is."""
        digest = self._digest(text)
        same = hmac.compare_digest(digest, digest if kept is None else kept.digest)
        return same and kept is not None

    def _digest(self, text: KeyText) -> str:
        message = f"lgsp key {text.id}:{text.secret}".encode()
        return hmac.digest(self._pepper, message, "sha256").hex()
