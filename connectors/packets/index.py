"""The last packets and the sessions in a disposable SQLite file, made of their topics: what any
gateway process looks up, whoever took the packet in.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import TopicPartition

from connectors.packets.states import decode_record
from schemas.errors import ContractError
from schemas.kafka.reading import ConsumedRecord
from schemas.topics import packets_topic, sessions_topic
from serving.store.disposable import FileOfTopics, Position

_LAYOUT = 2
_TABLES = (
    "CREATE TABLE offsets (topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,"
    " last INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY (topic, partition))"
    " WITHOUT ROWID",
    "CREATE TABLE packets (key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE sessions (key BLOB PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER NOT"
    " NULL) WITHOUT ROWID",
    "CREATE INDEX expiring ON sessions (expires_at)",
)


class PacketSession(msgspec.Struct, array_like=True, frozen=True):
    """Whose a session is; until when, in epoch ms. The values of `lgsp.packets.sessions`."""

    client: str
    expires_at: int


read_session = msgspec.msgpack.Decoder(PacketSession).decode


class Reached:
    """How far the file was fed, for who waits on the loop of the requests. Told from the thread
    that feeds it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._positions = loop, dict[TopicPartition, int]()
        self._further = asyncio.Event()

    def tell(self, positions: Mapping[TopicPartition, int], *, anew: bool = False) -> None:
        """These partitions were fed up to there; `anew`: and no other was at all."""
        self._positions = dict(positions) if anew else {**self._positions, **positions}
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._wake)

    async def until(self, ends: Mapping[TopicPartition, int]) -> None:
        """Return once every partition was fed up to its end."""
        while any(self._positions.get(one, 0) < end for one, end in ends.items()):
            further = self._further
            await further.wait()

    def _wake(self) -> None:
        self._further.set()
        self._further = asyncio.Event()


class _Rows(NamedTuple):
    packets: dict[bytes, tuple[bytes, int]]  # with its version
    sessions: dict[bytes, tuple[bytes, int]]  # and until when
    gone: set[tuple[str, bytes]]  # table and key


class PacketIndex(FileOfTopics):
    """The writing side. Every method raises Untrusted when only a rebuild helps, and StorageTrouble
    when waiting does.
    """

    name = "index of packets"

    def __init__(self, path: Path, space: str, reached: Reached) -> None:
        self._packets, self._sessions = packets_topic(space), sessions_topic(space)
        self._reached = reached
        layout = hashlib.sha256(repr((_LAYOUT, space, _TABLES)).encode()).hexdigest()
        super().__init__(path, _TABLES, layout)

    def apply(
        self, records: Sequence[ConsumedRecord], positions: Mapping[TopicPartition, int]
    ) -> None:
        """Take in the newest of each key and remember `positions`, the next offset of each
        partition, in one transaction.
        """
        self.check()
        rows = self._rows(records)
        last = {(record.topic, record.partition): record for record in records}
        with self._guarded("write", positions), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO packets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value ="
                " excluded.value, version = excluded.version WHERE excluded.version > version",
                ((key, value, version) for key, (value, version) in rows.packets.items()),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)",
                ((key, value, until) for key, (value, until) in rows.sessions.items()),
            )
            for table, key in rows.gone:
                self._db.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
            self._remember(positions, last.values())
        self._written(positions)
        self._reached.tell(positions)

    def _rows(self, records: Iterable[ConsumedRecord]) -> _Rows:
        rows = _Rows({}, {}, set())
        for record in records:
            if not record.key:
                continue  # about nothing
            table = "sessions" if record.topic == self._sessions else "packets"
            kept: dict[bytes, Any] = getattr(rows, table)
            if not record.value:
                kept.pop(record.key, None)
                rows.gone.add((table, record.key))
                continue
            rows.gone.discard((table, record.key))
            if table == "packets":
                _take_newer(rows.packets, record.key, record.value)
            elif (session := _session(record.value)) is not None:
                kept[record.key] = (record.value, session.expires_at)
        return rows

    def _read_positions(self) -> dict[Any, Position]:
        found = super()._read_positions()
        self._reached.tell({one: stored.next for one, stored in found.items()}, anew=True)
        return found

    def _emptied(self) -> None:
        self._reached.tell({}, anew=True)


def _take_newer(kept: dict[bytes, tuple[bytes, int]], key: bytes, value: bytes) -> None:
    """Of two of one version the first stands."""
    try:
        version = decode_record(value).version
    except ContractError:
        return  # nothing that a gateway wrote
    if key not in kept or version > kept[key][1]:
        kept[key] = value, version


def _session(value: bytes) -> PacketSession | None:
    """None: nothing that a gateway wrote, so nobody's session."""
    try:
        return read_session(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_fed(db: sqlite3.Connection, ends: Mapping[TopicPartition, int]) -> bool:
    """Whether the file holds these partitions up to their ends."""
    rows = db.execute("SELECT topic, partition, next FROM offsets")
    found = {TopicPartition(topic, number): position for topic, number, position in rows}
    return all(found.get(one, 0) >= end for one, end in ends.items())


def kept_packets(db: sqlite3.Connection, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """The records of those keys that there are."""
    found = {}
    for key in keys:
        row = db.execute("SELECT value FROM packets WHERE key = ?", (key,)).fetchone()
        if row:
            found[key] = row[0]
    return found


def kept_session(db: sqlite3.Connection, key: bytes) -> PacketSession | None:
    """The session of that digest."""
    row = db.execute("SELECT value FROM sessions WHERE key = ?", (key,)).fetchone()
    return read_session(row[0]) if row else None


def expired_sessions(db: sqlite3.Connection, now: int, most: int) -> list[bytes]:
    """The digests of some sessions that are over."""
    chosen = "SELECT key FROM sessions WHERE expires_at <= ? LIMIT ?"
    return [key for (key,) in db.execute(chosen, (now, most))]
