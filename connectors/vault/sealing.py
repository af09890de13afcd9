"""A thing that is kept whole, encrypted in chunks that each fit a record of `lgsp.vault`.

Every chunk is bound to its topic, data key, purpose, agency, client and day, to the thing's id, and
to its place among the chunks: what was changed, moved, left out or put in is not read.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.vault.datakeys import DataKey
from connectors.vault.master import NONCE_BYTES
from schemas.errors import OriginalGone, VaultDamaged

CHUNK_BYTES = 768 << 10  # of plain text: below what a record of any topic may have
_LAYOUT = b"\x01"
_KEY_ID = 16  # bytes
_HEAD = len(_LAYOUT) + _KEY_ID + NONCE_BYTES
_DAMAGED = (
    "What is kept whole in the vault is not what was written there: it was changed, or stands in"
    " another place. Find out who writes to the vault's topic."
)


class VaultRef(NamedTuple):
    """Names a thing in the vault: its id, and its chunks."""

    id: str
    chunks: int

    @classmethod
    def of(cls, size: int) -> VaultRef:
        """A new one, for a thing of so many bytes."""
        return cls(secrets.token_hex(16), max(1, -(-size // CHUNK_BYTES)))

    @classmethod
    def parse(cls, text: str) -> VaultRef | None:
        """The one that `str` told; None: it is none."""
        identity, _, chunks = text.partition("/")
        if len(identity) == 32 and chunks.isdecimal() and 0 < int(chunks) < 10_000:
            return cls(identity, int(chunks))
        return None

    def __str__(self) -> str:
        return f"{self.id}/{self.chunks}"

    @property
    def keys(self) -> list[bytes]:
        """The keys of its records, in order."""
        return [f"{self.id}/{number}/{self.chunks}".encode() for number in range(self.chunks)]


def sealed(
    whole: bytes, ref: VaultRef, key: DataKey, plain: bytes, topic: str
) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the records of a thing; `plain` is the data key unwrapped."""
    cipher = AESGCM(plain)
    for number, record in enumerate(ref.keys):
        nonce = secrets.token_bytes(NONCE_BYTES)
        part = whole[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        head = _LAYOUT + bytes.fromhex(key.id) + nonce
        yield record, head + cipher.encrypt(nonce, part, _bound(topic, key, record))


def sealed_size(whole: bytes) -> int:
    """The bytes that its records have, roughly from above."""
    return len(whole) + 128 * max(1, -(-len(whole) // CHUNK_BYTES))


def data_key_id(value: bytes) -> str:
    """The id of the data key that encrypted a record.

    Raises: VaultDamaged
    """
    if value[: len(_LAYOUT)] != _LAYOUT or len(value) < _HEAD:
        raise VaultDamaged(_DAMAGED)
    return value[len(_LAYOUT) : len(_LAYOUT) + _KEY_ID].hex()


def opened(
    ref: VaultRef, records: Mapping[bytes, bytes], key: DataKey, plain: bytes, topic: str
) -> bytes:
    """The thing again, from its records by their keys.

    Raises: OriginalGone where a record is missing, VaultDamaged
    """
    cipher, parts = AESGCM(plain), list[bytes]()
    for record in ref.keys:
        value = records.get(record)
        if value is None:
            raise OriginalGone(gone(ref))
        if data_key_id(value) != key.id:
            raise VaultDamaged(_DAMAGED)
        try:
            nonce = value[_HEAD - NONCE_BYTES : _HEAD]
            parts.append(cipher.decrypt(nonce, value[_HEAD:], _bound(topic, key, record)))
        except InvalidTag as error:
            raise VaultDamaged(_DAMAGED) from error
    return b"".join(parts)


def gone(ref: VaultRef) -> str:
    """The sentence for a thing that is not there any more."""
    return (
        f"The original {ref.id} is not in the vault any more: it was dropped or erased, its days"
        " are over, or newer ones took its room. Have its sender send it again."
    )


def _bound(topic: str, key: DataKey, record: bytes) -> bytes:
    return msgspec.json.encode(["lgsp vault", topic, key.id, *key.owner, record.decode("ascii")])
