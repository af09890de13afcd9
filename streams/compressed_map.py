"""A mapping from bytes to bytes of which what was not written lately is kept compressed.

Most dossiers are closed and are hardly touched again, yet their states must be at hand. Rows
written lately lie in a plain dictionary; the oldest of them are packed, `BLOCK` to a Zstandard
frame, and found again by their hash. Neighbours in time share agencies, procedures and the upper
digits of their times, so a packed row takes about half its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import msgspec
import zstandard

RECENT = 2_048  # rows packed at once, and at least as many are kept as they are
BLOCK = 32
SMALL = (1 << 60) - 1  # an integer of 60 bits takes 32 bytes, a whole hash 48

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[bytes, bytes]).decode


class Block:
    """Packed rows; `live` of them have not been written since."""

    __slots__ = ("data", "live")

    def __init__(self) -> None:
        self.data, self.live = b"", 0


class CompressedMap:
    """Rows of one topic and partition."""

    def __init__(self) -> None:
        self._recent: dict[bytes, bytes] = {}
        # by hash of the key: an integer takes half of a key's memory
        self._packed: dict[int, Block] = {}
        self._pack = zstandard.ZstdCompressor(level=1, write_content_size=True).compress
        self._unpack = zstandard.ZstdDecompressor().decompress

    def __len__(self) -> int:
        return len(self._recent) + len(self._packed)

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def get(self, key: bytes) -> bytes | None:
        """The row, or None."""
        row = self._recent.get(key)
        if row is None and hash(key) & SMALL in self._packed:
            self._take_out(key)
            row = self._recent.get(key)
        return row

    def put(self, key: bytes, row: bytes | None) -> None:
        """Write a row; None or nothing (a tombstone) takes it out."""
        if self._recent.pop(key, None) is None and hash(key) & SMALL in self._packed:
            self._take_out(key)
            self._recent.pop(key, None)
        if row:
            self._recent[key] = row  # behind all others: it was written last
            if len(self._recent) >= 2 * RECENT:
                self._pack_oldest()

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every row; nothing may be written or asked for meanwhile."""
        yield from self._recent.items()
        for block in {id(block): block for block in self._packed.values()}.values():
            yield from self._live(block, _decode(self._unpack(block.data)))

    def _live(self, block: Block, rows: dict[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        """The rows of a block that were not taken out since."""
        return (
            (key, row) for key, row in rows.items() if self._packed.get(hash(key) & SMALL) is block
        )

    def _take_out(self, key: bytes) -> None:
        """Unpack a row; what is left of its block too once that is less than half, so that little
        memory is held for nothing.
        """
        block = self._packed[hash(key) & SMALL]
        rows = _decode(self._unpack(block.data))
        if key not in rows:
            return  # another key has the same hash
        wanted = {key: rows[key]} if 2 * block.live > BLOCK else dict(self._live(block, rows))
        for one in wanted:
            del self._packed[hash(one) & SMALL]
        block.live -= len(wanted)
        self._recent.update(wanted)

    def _pack_oldest(self) -> None:
        rows = iter(self._recent.items())
        oldest = list(islice(rows, RECENT))
        left = [
            self._seal(dict(oldest[start : start + BLOCK])) for start in range(0, RECENT, BLOCK)
        ]
        self._recent = dict(chain(*(some.items() for some in left), rows))

    def _seal(self, rows: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """Pack rows; those whose hash another key has are taken out of them and given back: they
        stay as they are.
        """
        hashes, left = {hash(key) & SMALL: key for key in rows}, {}
        if len(hashes) < len(rows) or not self._packed.keys().isdisjoint(hashes):
            hashes = {hash_: key for hash_, key in hashes.items() if hash_ not in self._packed}
            left = {key: rows.pop(key) for key in rows.keys() - hashes.values()}
        block = Block()
        # A copy of its own length: what the compressor returns holds room for the worst case.
        block.data, block.live = bytes(memoryview(self._pack(_encode(rows)))), len(rows)
        self._packed.update(dict.fromkeys(hashes, block))
        return left
