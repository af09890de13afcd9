"""A chunk: records of one partition in one compressed file, which is either whole or not there.

Inside (after zstandard): each record as its length in four bytes, then MessagePack of `ChunkEntry`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import IO

import msgspec
import zstandard

from schemas.errors import BackupDamaged
from schemas.storage import sync_folder

_LEVEL = 3  # of zstandard: facts shrink to a tenth, at the speed of the disk
_GATHERED = 64 << 10  # bytes compressed at once
_READ = 1 << 20
PART = ".part"
_LENGTH = Struct("<I")
_PRIVATE = 0o600


class ChunkEntry(msgspec.Struct, array_like=True, frozen=True):
    """A record as Kafka held it; `timestamp` in epoch ms, of events the broker's."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = []


class Chunk(msgspec.Struct, frozen=True):
    """A whole file, as the manifest names it: offsets from `first` to `last`, `raw` and `size` in
    bytes before and after compression.
    """

    file: str
    first: int
    last: int
    records: int
    raw: int
    size: int
    sha256: str


_dump = msgspec.msgpack.Encoder().encode
_load = msgspec.msgpack.Decoder(ChunkEntry).decode


class ChunkWriter:
    """Writes beside the place and moves there in one step (`seal`); what was not sealed is no
    chunk.

    root: the backup's. folder: the chunk's in it. stem: its name; empty: made of its first and last
    offset.
    """

    def __init__(self, root: Path, folder: str, stem: str = "") -> None:
        self._root, self._folder, self._stem = root, folder, stem
        make_folder(root / folder)
        self._part = root / folder / f"{stem or 'chunk'}{PART}"
        self._part.unlink(missing_ok=True)
        self._file = os.fdopen(
            os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb"
        )
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
        self._hash, self._gathered = hashlib.sha256(), bytearray()
        self._first, self._last = -1, -1
        self.records = self.raw = self._size = 0

    def add(self, entry: ChunkEntry) -> None:
        """One more record."""
        row = _dump(entry)
        self._gathered += _LENGTH.pack(len(row))
        self._gathered += row
        self.records += 1
        self.raw += len(row) + _LENGTH.size
        self._first, self._last = entry.offset if self._first < 0 else self._first, entry.offset
        if len(self._gathered) >= _GATHERED:
            self._write(self._compressor.compress(bytes(self._gathered)))
            self._gathered.clear()

    def seal(self) -> Chunk:
        """On the disk for good, under its name."""
        self._write(self._compressor.compress(bytes(self._gathered)) + self._compressor.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        name = f"{self._folder}/{self._stem or f'{self._first:020}-{self._last:020}'}.zst"
        os.replace(self._part, self._root / name)
        sync_folder(self._root / self._folder)
        return Chunk(
            name,
            self._first,
            self._last,
            self.records,
            self.raw,
            self._size,
            self._hash.hexdigest(),
        )

    def discard(self) -> None:
        """As if it had never been begun."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)


def entries_of(root: Path, chunk: Chunk) -> Iterator[ChunkEntry]:
    """Its records in order.

    Raises: BackupDamaged for a file that is not there or not what was written.
    """
    file, records = root / chunk.file, 0
    try:
        with (
            file.open("rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed, read_size=_READ) as stream,
        ):
            while length := stream.read(_LENGTH.size):
                yield _load(_exactly(stream, *_LENGTH.unpack(_whole(length, _LENGTH.size))))
                records += 1
    except (OSError, zstandard.ZstdError, msgspec.DecodeError, ValueError) as error:
        raise damaged(file, str(error)) from error
    if records != chunk.records:
        raise damaged(file, f"{records} records instead of {chunk.records}")


def _exactly(stream: IO[bytes], size: int) -> bytes:
    return _whole(stream.read(size), size)


def _whole(read: bytes, size: int) -> bytes:
    if len(read) != size:
        raise ValueError("it ends within a record")
    return read


def check_file(root: Path, chunk: Chunk) -> None:
    """Raises: BackupDamaged unless the file is, to the byte, what was written."""
    file, found = root / chunk.file, hashlib.sha256()
    try:
        with file.open("rb") as packed:
            while data := packed.read(_READ):
                found.update(data)
    except OSError as error:
        raise damaged(file, error.strerror or str(error)) from error
    if found.hexdigest() != chunk.sha256:
        raise damaged(file, "its bytes are others than those written")


def damaged(file: Path, why: str) -> BackupDamaged:
    """The one sentence for a file that is not whole."""
    return BackupDamaged(
        f"{file} of the backup is damaged or missing ({why}): take a copy of this backup from"
        " elsewhere, or an older one."
    )


def make_folder(folder: Path) -> None:
    """A folder that nobody else may enter, and those above it that are missing."""
    for one in reversed([folder, *folder.parents]):
        if not one.is_dir():
            one.mkdir(mode=0o700)
