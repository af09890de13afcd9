"""The index of facts: a disposable SQLite file that says where in Kafka the facts about each thing
lie.

The facts themselves stay in Kafka. A row is a hash of the thing's id and a place, some twenty bytes
a fact. Two ids may share a hash, so whoever reads a fact looks at its key; a row too many costs a
moment, and none is ever missing.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from aiokafka import TopicPartition

from schemas.kafka.reading import ConsumedRecord
from schemas.spaces import OFFICIAL
from schemas.topics import events_topic
from serving.store.disposable import FileOfTopics

VERSION = 1
HASH_BYTES = 4  # of a hundred million things, one in forty shares its hash with another


class Fact(NamedTuple):
    """Where a fact lies in its family's topic."""

    partition: int
    offset: int


def hash_of(key: bytes) -> int:
    """The hash of a thing's key, as SQLite keeps it in four bytes."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=HASH_BYTES).digest(), "big", signed=True)


class FactIndex(FileOfTopics):
    """The writing side. Every method raises Untrusted when only a rebuild helps, and StorageTrouble
    when waiting does.
    """

    name = "index of facts"

    def __init__(
        self, path: Path, families: Iterable[str], partitions: int, space: str = OFFICIAL
    ) -> None:
        """`partitions` of each family's topic in the space."""
        self.partitions = partitions
        self.topics = {events_topic(family, space): family for family in families}
        tables = (
            (
                "CREATE TABLE offsets (topic TEXT NOT NULL, partition INTEGER NOT NULL, next"
                " INTEGER NOT NULL, last INTEGER NOT NULL, last_ms INTEGER NOT NULL, PRIMARY KEY"
                " (topic, partition)) WITHOUT ROWID"
            ),
            # place: offset * partitions + partition, one small number in the order of offsets
            *(
                f"CREATE TABLE {family} (thing INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY"
                " KEY (thing, place)) WITHOUT ROWID"
                for family in self.topics.values()
            ),
        )
        super().__init__(
            path,
            tables,
            hashlib.sha256(repr((VERSION, HASH_BYTES, partitions, tables)).encode()).hexdigest(),
        )

    def apply(
        self, records: Iterable[ConsumedRecord], positions: Mapping[TopicPartition, int]
    ) -> None:
        """Take in where facts lie and remember `positions`, the next offset of each partition, in
        one transaction.
        """
        self.check()
        rows: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        last: dict[tuple[str, int], ConsumedRecord] = {}
        for record in records:
            last[record.topic, record.partition] = record
            if record.key:  # what has none is about nothing
                place = record.offset * self.partitions + record.partition
                rows[self.topics[record.topic]].append((hash_of(record.key), place))
        with self._guarded("write", positions), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for family, found in rows.items():
                # after a restart the last record comes once more; neighbours in the file one after
                # the other
                self._db.executemany(f"INSERT OR IGNORE INTO {family} VALUES (?, ?)", sorted(found))
            self._remember(positions, last.values())
        self._written(positions)

    def facts(
        self, db: sqlite3.Connection, family: str, key: bytes, after: Fact | None, limit: int
    ) -> list[Fact]:
        """At most so many facts that may be about the thing, in order of offset, behind one of
        them.
        """
        begin = -1 if after is None else after.offset * self.partitions + after.partition
        chosen = f"SELECT place FROM {family} WHERE thing = ? AND place > ? ORDER BY place LIMIT ?"
        return [self._fact(place) for (place,) in db.execute(chosen, (hash_of(key), begin, limit))]

    def _fact(self, place: int) -> Fact:
        offset, partition = divmod(place, self.partitions)
        return Fact(partition, offset)


def indexed(db: sqlite3.Connection, topic: str, partition: int) -> int:
    """The next offset of a partition to be taken in."""
    row = db.execute(
        "SELECT next FROM offsets WHERE topic = ? AND partition = ?", (topic, partition)
    ).fetchone()
    return int(row[0]) if row else 0
