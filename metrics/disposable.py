"""A disposable SQLite file, made from Kafka: deleted, half written or of another cluster, it is made anew.

One thread writes it; readers have connections of their own (`Connections`). `generation` is odd while the file may be read,
and another one is another file.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from schemas.errors import HubError
from schemas.topics import TOMBSTONES_MS

log = logging.getLogger(__name__)

LONGEST_AWAY_MS = TOMBSTONES_MS // 2
# NORMAL: with a write-ahead log the file survives a power cut whole; OFF could mix old and new pages.
PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY", "wal_autocheckpoint = 4000")


class Doubt(Exception):
    """The file is not what its topics say; the message is the reason to make it anew."""


class Unreadable(HubError):
    """The file is being made anew: ask again in a few seconds."""


class Readable(Protocol):
    """What a reader needs to know of a file."""

    path: Path
    generation: int

    def suspect(self, reason: str, generation: int) -> None:
        """A reader met damage in that file."""


class DisposableFile:
    """The writing side. Raises Doubt (from every method) when only a rebuild helps."""

    cache_kib = 16_384

    def __init__(self, path: Path, tables: Sequence[str], layout: str, temporary: Sequence[str] = ()) -> None:
        """`tables` are the statements that make an empty file, `temporary` those that a connection begins with.

        `layout` names their meaning, and changes with it.
        """
        self.path = path
        self.generation = 0
        self.rebuilds = 0
        self._tables, self._layout, self._temporary = tables, layout, temporary
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._suspicion = ""

    def _open(self, cluster: str, now_ms: int) -> None:
        """Open the file that is there.

        Raises: Doubt; sqlite3.DatabaseError.
        """
        if not self.path.exists():
            raise Doubt("there is none yet")
        self._connect()
        if (found := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise Doubt(f"the file is damaged ({found})")
        self._check_facts(dict(self._db.execute("SELECT name, value FROM facts")), cluster, now_ms)
        self.generation += 1

    def _check_facts(self, facts: Mapping[str, str], cluster: str, now_ms: int) -> None:
        if facts.get("layout") != self._layout:
            raise Doubt("the file has the layout or the rules of another version")
        if facts.get("cluster") != cluster:
            raise Doubt(f"the file was fed by another Kafka cluster ({facts.get('cluster')})")
        if now_ms - int(facts["complete_ms"]) > LONGEST_AWAY_MS:
            raise Doubt("the file was not fed for so long that deletions may have been missed")

    def _make(self, cluster: str, now_ms: int, reason: str) -> None:
        """Delete the file and make an empty one."""
        log.info("%s is made anew from Kafka: %s.", self.path, reason)
        self.close()
        for file in self.files():
            file.unlink(missing_ok=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connect()
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
            for statement in self._tables:
                self._db.execute(statement)
            facts = {"layout": self._layout, "cluster": cluster, "complete_ms": str(now_ms)}
            self._db.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        self.rebuilds += 1
        self._emptied()
        self.generation += 1

    def _emptied(self) -> None:
        """What else is to be done before anybody may read the empty file."""

    def files(self) -> list[Path]:
        """The file and what SQLite keeps beside it."""
        return [self.path.with_name(self.path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]

    def size(self) -> int:
        """Bytes on disk. May be called from any thread."""
        total = 0
        for file in self.files():
            with suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    def _connect(self) -> None:
        self._connection = sqlite3.connect(self.path, isolation_level=None, cached_statements=512, check_same_thread=False)
        for pragma in PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(f"PRAGMA cache_size = -{self.cache_kib}")
        for statement in self._temporary:
            self._db.execute(statement)
        self._inode = self.path.stat().st_ino
        self._suspicion = ""

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise Doubt("the file is not open")
        return self._connection

    def close(self) -> None:
        """Close the file; it is whole at any moment, so this loses nothing."""
        self.generation += self.generation % 2
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def suspect(self, reason: str, generation: int) -> None:
        """A reader met damage in that file: the next `check` raises. May be called from any thread."""
        if generation == self.generation:
            self._suspicion = reason

    def check(self) -> None:
        """Whether the file is still there and nobody met damage in it."""
        if self._suspicion:
            raise Doubt(self._suspicion)
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            raise Doubt("the file was deleted") from None
        if inode != self._inode:
            raise Doubt("the file was replaced")

    def complete(self, now_ms: int) -> None:
        """Remember that everything readable at `now_ms` is in the file."""
        with self._db:
            self._db.execute("UPDATE facts SET value = ? WHERE name = 'complete_ms'", (str(now_ms),))


class Connections:
    """Read-only snapshots of a file for any number of threads; each thread keeps one connection.

    `saying` is what people are told while the file is made anew, as the beginning of a sentence.
    """

    def __init__(self, file: Readable, saying: str, *, cache_kib: int = 2_048, statements: int = 128) -> None:
        self._file, self._saying, self._cache_kib, self._statements = file, saying, cache_kib, statements
        self._local = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """All that is read within it is of the same moment.

        Raises: Unreadable when the file is damaged or gone; it is then made anew by itself.
        """
        generation = self._file.generation
        if generation % 2 == 0:
            raise Unreadable(f"{self._saying}: ask again in a few seconds.")
        try:
            connection = self._connection(generation)
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._file.suspect(f"reading it failed ({error})", generation)
            raise Unreadable(f"{self._saying}: ask again in a few seconds.") from error

    def _connection(self, generation: int) -> sqlite3.Connection:
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] == generation:
            return held[1]
        if held is not None:
            held[1].close()
            self._local.held = None
        uri = f"{self._file.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=self._statements, check_same_thread=False)
        connection.execute(f"PRAGMA cache_size = -{self._cache_kib}")
        self._local.held = (generation, connection)
        return connection
