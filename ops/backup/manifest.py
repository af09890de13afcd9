"""The manifest: what a backup holds. Written last of every step and in one, so whatever it names is
there and whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from aiokafka import TopicPartition

from ops.backup.chunks import PART, Chunk, ChunkEntry, damaged, entries_of, make_folder
from schemas.errors import BackupError
from schemas.spaces import OFFICIAL
from schemas.storage import sync_folder

MANIFEST_LAYOUT = 1
FILE = "manifest.json"


class PartitionLog(msgspec.Struct):
    """The facts of one partition, in chunks that follow one another."""

    topic: str
    partition: int
    chunks: list[Chunk] = []

    @property
    def source(self) -> TopicPartition:
        """The partition of events."""
        return TopicPartition(self.topic, self.partition)

    @property
    def next(self) -> int:
        """The offset behind the last one kept."""
        return self.chunks[-1].last + 1 if self.chunks else 0

    @property
    def cut(self) -> bool:
        """Whether the log had lost its beginning before it was backed up."""
        return bool(self.chunks) and self.chunks[0].first > 0


class FamilyStanding(msgspec.Struct, frozen=True):
    """How far a family's books of one partition have come: the page `applied` as it was written,
    and when.
    """

    family: str
    partition: int
    offset: int
    page: bytes
    timestamp: int


class BooksCopy(msgspec.Struct, frozen=True):
    """States and cells, those of a partition number of one moment; `rows` by `topic/partition`, as
    the default books name the topic.
    """

    folder: str
    rows: dict[str, Chunk]
    standings: list[FamilyStanding]


class Finished(msgspec.Struct, frozen=True):
    """The last run that came to its end. ends: offset behind the last fact by `topic/partition`;
    books: None where not proved.
    """

    at: str
    ends: dict[str, int]
    books: BooksCopy | None
    why_no_books: str = ""


class Manifest(msgspec.Struct):
    """A backup. `hub` is the version that wrote it, `topics` the settings in force of each topic of
    events. Topics of events have the names that they have in its `space`.
    """

    layout: int
    id: str
    hub: str
    partitions: int
    topics: dict[str, dict[str, str]]
    logs: list[PartitionLog]
    finished: Finished | None = None
    space: str = OFFICIAL

    def entries(self, root: Path, log: PartitionLog) -> Iterator[ChunkEntry]:
        """The facts of a log up to where the last finished run ended."""
        end = self.end(log)
        for chunk in log.chunks:
            if chunk.first >= end:
                return
            for entry in entries_of(root, chunk):
                if entry.offset >= end:
                    return
                yield entry

    def end(self, log: PartitionLog) -> int:
        """The offset behind the last fact of the last finished run."""
        return self.whole().ends.get(name_of(log.source), 0)

    def records(self, root: Path, log: PartitionLog, below: int | None = None) -> int:
        """How many facts of a log are kept before an offset (None: up to the last finished run's
        end).
        """
        end = self.end(log) if below is None else min(below, self.end(log))
        count = 0
        for chunk in log.chunks:
            if chunk.last < end:
                count += chunk.records
            elif chunk.first < end:
                count += sum(entry.offset < end for entry in entries_of(root, chunk))
        return count

    def whole(self) -> Finished:
        """The last finished run.

        Raises: BackupError if there is none.
        """
        if self.finished is None:
            raise BackupError(
                "This backup was begun and never finished: run `lgsp backup` with the same folder"
                " again, it goes on."
            )
        return self.finished

    def files(self) -> Iterator[Chunk]:
        """Every file that belongs to it."""
        for log in self.logs:
            yield from log.chunks
        if self.finished and self.finished.books:
            yield from self.finished.books.rows.values()


class _Sealed(msgspec.Struct):
    sha256: str
    manifest: msgspec.Raw


class _Layout(msgspec.Struct):
    layout: int


def name_of(source: TopicPartition) -> str:
    """A partition as manifests name it."""
    return f"{source.topic}/{source.partition}"


def save_manifest(root: Path, manifest: Manifest) -> None:
    """Put it in the place of the one before, in one step."""
    make_folder(root)
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    part = root / f"{FILE}{PART}"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(
            b'{"sha256": "%s",\n"manifest": %s}\n' % (hashlib.sha256(raw).hexdigest().encode(), raw)
        )
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, root / FILE)
    sync_folder(root)


def load_manifest(root: Path) -> Manifest | None:
    """The manifest of a folder; None where there is no backup.

    Raises: BackupDamaged for one that is not as written. BackupError for one of a later version of
    the hub.
    """
    file = root / FILE
    try:
        sealed = msgspec.json.decode(file.read_bytes(), type=_Sealed)
        raw = bytes(sealed.manifest)
        layout = msgspec.json.decode(raw, type=_Layout).layout
        if hashlib.sha256(raw).hexdigest() != sealed.sha256:
            raise damaged(file, "its bytes are others than those written")
        if layout > MANIFEST_LAYOUT:
            raise BackupError(
                f"A newer version of the hub wrote this backup (layout {layout}, this one knows"
                f" {MANIFEST_LAYOUT}): use that version."
            )
        return msgspec.json.decode(raw, type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise damaged(file, str(error)) from error


def required(root: Path) -> Manifest:
    """The manifest of a folder that must hold a finished backup.

    Raises: BackupError
    """
    manifest = load_manifest(root)
    if manifest is None:
        raise BackupError(
            f"{root} holds no backup ({FILE} is not there): name the folder that `lgsp backup`"
            " wrote."
        )
    manifest.whole()
    return manifest
