"""A disposable SQLite file, made from Kafka: deleted, damaged or of another cluster, it is made
anew.

A disk that is full, read-only or fails is no damage: the file is kept, who reads it goes on, and
writing is tried again later. One thread writes it; readers have connections of their own
(`Snapshots`). `generation` is odd while the file may be read, and another one is another file.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from aiokafka import TopicPartition

from schemas.errors import HubError, StorageTrouble
from schemas.kafka import Record
from schemas.storage import trouble_of
from schemas.topics import TOMBSTONES_MS

log = logging.getLogger(__name__)

LONGEST_AWAY_MS = TOMBSTONES_MS // 2
# NORMAL: with a write-ahead log the file survives a power cut whole; OFF could mix old and new
# pages.
PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "temp_store = MEMORY",
    "wal_autocheckpoint = 4000",
)


class Untrusted(Exception):
    """The file is not what its topics say; the message is the reason to make it anew."""


class Unreadable(HubError):
    """The file is being made anew, or can't be read just now: ask again in a few seconds."""


class Position(NamedTuple):
    """How far a partition was applied: the next offset to read, and the last record applied (-1:
    none).
    """

    next: int
    last: int = -1
    last_ms: int = -1


class Readable(Protocol):
    """What a reader needs to know of a file."""

    name: str
    path: Path
    generation: int
    trouble: StorageTrouble | None

    def suspect(self, reason: str, generation: int) -> None:
        """A reader met damage in that file."""


class DisposableFile(ABC):
    """The writing side. Every method raises Untrusted when only a rebuild helps, and StorageTrouble
    when waiting does: the file is kept then.

    `trouble` is what it waits for, from when it was met until something could be written again.
    """

    name = "file"  # for people
    cache_kib = 16_384

    def __init__(
        self, path: Path, tables: Sequence[str], layout: str, temporary: Sequence[str] = ()
    ) -> None:
        """`tables` are the statements that make an empty file, `temporary` those that a connection
        begins with.

        `layout` names their meaning, and changes with it.
        """
        self.path = path
        self.generation = 0
        self.rebuilds = 0
        self.trouble: StorageTrouble | None = None
        self._unwritten: Mapping[Any, int] = {}  # up to where it was to be fed when it met trouble
        self._tables, self._layout, self._temporary = tables, layout, temporary
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._suspicion = ""

    @contextmanager
    def _guarded(
        self, doing: str, positions: Mapping[Any, int] = MappingProxyType({})
    ) -> Iterator[None]:
        """What goes wrong within it as what it means for the file. `positions`: up to where it is
        being fed.
        """
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if (found := trouble_of(error, self.path, f"the {self.name}")) is None:
                raise Untrusted(f"SQLite could not {doing} it ({error})") from error
            self._wait_for(found, positions)
            raise found from error

    def _wait_for(self, trouble: StorageTrouble, positions: Mapping[Any, int]) -> None:
        """Said once. Readers go on with their own connections; so does this one unless another may
        find what has changed.
        """
        if self.trouble is None or self.trouble.reason != trouble.reason:
            log.error("%s", trouble)
        self.trouble, self._unwritten = trouble, {**self._unwritten, **positions}
        if trouble.reason not in ("full", "busy"):
            self._disconnect()

    def _written(self, positions: Mapping[Any, int]) -> None:
        """The trouble is over once everything is written that could not be: something small may fit
        onto a full disk.
        """
        self._unwritten = {
            found: position
            for found, position in self._unwritten.items()
            if positions.get(found, 0) < position
        }
        if self.trouble is not None and not self._unwritten:
            log.warning("The %s at %s can be written again and goes on.", self.name, self.path)
            self.trouble = None

    def open(self, cluster: str, now_ms: int) -> dict[Any, Position]:
        """Open the file (if it is open, go on with it), or make it anew if it can't be trusted.

        Returns how far each partition was applied.
        """
        try:
            with self._guarded("open"):
                self._open(cluster, now_ms)
                return self._read_positions()
        except Untrusted as reason:
            return self.rebuild(cluster, now_ms, str(reason))

    @abstractmethod
    def _read_positions(self) -> dict[Any, Position]:
        """What the file itself says of how far it was fed."""

    def _open(self, cluster: str, now_ms: int) -> None:
        """Open the file that is there, or go on with it if it is open; who reads it is not
        disturbed.
        """
        if not self.path.exists():
            raise Untrusted("there is none yet")
        if self._connection is None:
            self._connect()
            if (found := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise Untrusted(f"the file is damaged ({found})")
        self.check()
        self._check_facts(dict(self._db.execute("SELECT name, value FROM facts")), cluster, now_ms)
        self.generation += 1 - self.generation % 2

    def _check_facts(self, facts: Mapping[str, str], cluster: str, now_ms: int) -> None:
        if facts.get("layout") != self._layout:
            raise Untrusted("the file has the layout or the rules of another version")
        if facts.get("cluster") != cluster:
            raise Untrusted(f"the file was fed by another Kafka cluster ({facts.get('cluster')})")
        if now_ms - int(facts["complete_ms"]) > LONGEST_AWAY_MS:
            raise Untrusted("the file was not fed for so long that deletions may have been missed")

    def rebuild(self, cluster: str, now_ms: int, reason: str) -> dict[Any, Position]:
        """Delete the file and make an empty one. Where that fails half-way, it is begun anew the
        next time.
        """
        log.info("%s is made anew from Kafka: %s.", self.path, reason)
        self.close()
        with self._guarded("make"):
            for file in self.files():
                file.unlink(missing_ok=True)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connect()
            with self._db:
                self._db.execute("BEGIN")
                self._db.execute(
                    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
                )
                for statement in self._tables:
                    self._db.execute(statement)
                facts = {"layout": self._layout, "cluster": cluster, "complete_ms": str(now_ms)}
                self._db.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        self.rebuilds += 1
        self._unwritten = {}  # of another file
        self._emptied()
        self.generation += 1
        return {}

    def _emptied(self) -> None:  # noqa: B027 - most have nothing else
        """What else is to be done before anybody may read the empty file."""

    def files(self) -> list[Path]:
        """The file and what SQLite keeps beside it."""
        return [
            self.path.with_name(self.path.name + suffix)
            for suffix in ("", "-wal", "-shm", "-journal")
        ]

    def size(self) -> int:
        """Bytes on disk, as far as it can be asked. May be called from any thread."""
        total = 0
        for file in self.files():
            with suppress(OSError):
                total += file.stat().st_size
        return total

    def _connect(self) -> None:
        connection = sqlite3.connect(
            self.path, isolation_level=None, cached_statements=512, check_same_thread=False
        )
        try:
            for pragma in (*PRAGMAS, f"cache_size = -{self.cache_kib}"):
                connection.execute(f"PRAGMA {pragma}")
            for statement in self._temporary:
                connection.execute(statement)
            inode = self.path.stat().st_ino
            if self.generation % 2 and inode != self._inode:
                raise Untrusted("the file was replaced")
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode, self._suspicion = connection, inode, ""

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise Untrusted("the file is not open")
        return self._connection

    def close(self) -> None:
        """Close the file; it is whole at any moment, so this loses nothing."""
        self.generation += self.generation % 2
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def suspect(self, reason: str, generation: int) -> None:
        """A reader met damage in that file: the next `check` raises. May be called from any
        thread.
        """
        if generation == self.generation:
            self._suspicion = reason

    def check(self) -> None:
        """Whether the file is still there and nobody met damage in it."""
        if self._suspicion:
            raise Untrusted(self._suspicion)
        with self._guarded("look for"):
            try:
                inode = self.path.stat().st_ino
            except FileNotFoundError:
                raise Untrusted("the file was deleted") from None
        if inode != self._inode:
            raise Untrusted("the file was replaced")

    def complete(self, now_ms: int) -> None:
        """Remember that everything readable at `now_ms` is in the file."""
        with self._guarded("write"), self._db:
            self._db.execute(
                "UPDATE facts SET value = ? WHERE name = 'complete_ms'", (str(now_ms),)
            )
        self._written(self._unwritten)


class FileOfTopics(DisposableFile):
    """One that is fed from several topics: its table `offsets` begins with topic, partition, next,
    last and last_ms.
    """

    def _read_positions(self) -> dict[Any, Position]:
        rows = self._db.execute("SELECT topic, partition, next, last, last_ms FROM offsets")
        return {
            TopicPartition(topic, partition): Position(*stored)
            for topic, partition, *stored in rows
        }

    def _remember(self, positions: Mapping[TopicPartition, int], last: Iterable[Record]) -> None:
        """Within a transaction: the next offset of each partition, and the last record applied of
        those that had any.
        """
        self._db.executemany(
            "INSERT INTO offsets (topic, partition, next, last, last_ms) VALUES (?, ?, ?, -1, -1) "
            "ON CONFLICT DO UPDATE SET next = excluded.next",
            ((topic, partition, position) for (topic, partition), position in positions.items()),
        )
        self._db.executemany(
            "UPDATE offsets SET last = ?, last_ms = ? WHERE topic = ? AND partition = ?",
            ((record.offset, record.timestamp, record.topic, record.partition) for record in last),
        )


class Snapshots:
    """Read-only snapshots of a file for any number of threads; each thread keeps one connection.

    `saying` is what people are told while the file is made anew, as the beginning of a sentence.
    """

    def __init__(
        self, file: Readable, saying: str, *, cache_kib: int = 2_048, statements: int = 128
    ) -> None:
        self._file, self._saying, self._cache_kib, self._statements = (
            file,
            saying,
            cache_kib,
            statements,
        )
        self._local = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """All that is read within it is of the same moment.

        Raises: Unreadable when the file is damaged or gone (it is then made anew by itself), and
        when the disk lets nobody read it.
        """
        generation = self._file.generation
        if generation % 2 == 0:
            raise Unreadable(
                f"{self._saying}: {self._file.trouble or 'ask again in a few seconds.'}"
            )
        try:
            connection = self._connection(generation)
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                # SQLite ends it by itself where the disk fails: that is no damage
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._failed(error, generation) from error

    def _failed(self, error: sqlite3.Error, generation: int) -> Unreadable:
        """Only what is no trouble with the disk says that the file is damaged."""
        if (found := trouble_of(error, self._file.path, f"the {self._file.name}")) is not None:
            self._let_go()
            return Unreadable(str(found))
        self._file.suspect(f"reading it failed ({error})", generation)
        return Unreadable(f"{self._saying}: ask again in a few seconds.")

    def _connection(self, generation: int) -> sqlite3.Connection:
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] == generation:
            return held[1]
        self._let_go()
        uri = f"{self._file.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            cached_statements=self._statements,
            check_same_thread=False,
        )
        connection.execute(f"PRAGMA cache_size = -{self._cache_kib}")
        self._local.held = (generation, connection)
        return connection

    def _let_go(self) -> None:
        """Close the thread's connection: the next one finds what has changed."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        self._local.held = None
        if held is not None:
            held[1].close()
