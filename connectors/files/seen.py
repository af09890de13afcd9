"""Which events an import has already met, in 24 bytes a slot: a dict of as many digests takes six
times that.

A table of open addresses in plain arrays, doubled at two thirds full. The id's digest is 64 bits
wide: should two ids of one file ever share it (about one chance in 40 million for a million
events), a row is rejected with its reason, never lost.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

_EMPTY = 0


def digest(text: str) -> int:
    """64 bits of a text, never 0."""
    hashed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "little") or 1


class Seen:
    """Id digest → (content digest, line where it first stood)."""

    def __init__(self) -> None:
        self._count = 0
        self._allocate(1 << 12)

    def __len__(self) -> int:
        return self._count

    def _allocate(self, slots: int) -> None:
        self._mask = slots - 1
        self._ids, self._contents, self._lines = (array("Q", bytes(8 * slots)) for _ in range(3))

    def _slot(self, id_digest: int) -> int:
        """Where the id stands, or the free place where it would."""
        slot = id_digest & self._mask
        while self._ids[slot] not in (_EMPTY, id_digest):
            slot = (slot + 1) & self._mask
        return slot

    def find(self, id_digest: int) -> tuple[int, int] | None:
        """Content digest and first line of an id, or None."""
        slot = self._slot(id_digest)
        return (self._contents[slot], self._lines[slot]) if self._ids[slot] else None

    def add(self, id_digest: int, content: int, line: int) -> None:
        """Remember an id that is not there yet."""
        if 3 * (self._count + 1) > 2 * (self._mask + 1):
            self._double()
        slot = self._slot(id_digest)
        self._ids[slot], self._contents[slot], self._lines[slot] = id_digest, content, line
        self._count += 1

    def _double(self) -> None:
        # holds the old arrays until it is through
        before = zip(self._ids, self._contents, self._lines, strict=True)
        self._allocate(2 * (self._mask + 1))
        for id_digest, content, line in before:
            if id_digest:
                slot = self._slot(id_digest)
                self._ids[slot], self._contents[slot], self._lines[slot] = id_digest, content, line
