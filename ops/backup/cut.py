"""The cut: states and cells of one partition number as they stood after one transaction, while
workers go on.

Both topics are copied row by row, so nothing is held in memory; what comes last under a key holds,
there as here. Three things make the copy one moment's:

1. Cells are read until their end is where the reading is. Their pages `applied` say for each family
   which events they stand for.
2. Each states' topic has been read before, up to an end asked for *after* the reading got there.
   From there on it is read as far as the record that names the same offset; that record is the last
   one of its transaction in this topic.
3. What compaction may have taken out meanwhile had a newer row before that end, which is in the
   copy too. Behind it offsets must follow one another, but for the one that ends a transaction:
   then nothing has been taken out there.

Where one of them does not hold, the copy is thrown away and begun again, a few times; then the
backup does without books.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.backup.chunks import Chunk, ChunkEntry, ChunkWriter
from ops.backup.manifest import BooksCopy, FamilyStanding
from schemas.cells.applied import is_applied, read_applied_page
from schemas.errors import ContractError
from schemas.kafka.reading import read_to_end
from schemas.settings import Settings
from schemas.states import APPLIED_KEY, read_applied
from schemas.topics import DEFAULT_BOOKS, cells_topic, state_topic

_TRIES = 3
# seconds for cells to be read to their end, and for a states' topic to say the same
CUT_PATIENCE = 20.0


class NotOneMoment(Exception):
    """This try gave no proof; says why."""


class _StatesCopy:
    """The rows of a states' topic in their order, and how far they have come. Knows nothing of
    Kafka but records.
    """

    def __init__(self, writer: ChunkWriter) -> None:
        self._writer = writer
        self._pending: list[ChunkEntry] = []
        # the offset that must come next in the tail; before that, compaction leaves gaps
        self._behind = 0
        self._tail = False
        # the offset of events that the rows written stand for; None: none said so
        self.stand: int | None = None

    def begin_tail(self, read: int) -> None:
        """Everything before this offset was read; from here on nothing may be missing."""
        self._tail, self._behind = True, max(self._behind, read)

    def take(self, record: Any) -> bool:
        """One more record; whether it ended a transaction.

        Raises: NotOneMoment where something is missing before it, or for a mark that no worker
        wrote.
        """
        if self._tail and record.offset != self._behind:
            raise NotOneMoment("records were taken out while they were read")
        ends = bool(record.key == APPLIED_KEY)
        # a transaction's own mark takes an offset, and nobody reads it
        self._behind = record.offset + (2 if ends else 1)
        if ends:
            self._mark(record.value)
        else:
            self._row(chunk_entry(record))
        return ends

    def _row(self, entry: ChunkEntry) -> None:
        if self._tail:
            self._pending.append(entry)
        else:
            self._writer.add(entry)

    def _mark(self, value: bytes | None) -> None:
        try:
            self.stand = read_applied(value or b"").next
        except ValueError as error:
            raise NotOneMoment(
                "a worker of another version, or no worker, wrote how far the states have come"
            ) from error
        for entry in self._pending:
            self._writer.add(entry)
        self._pending.clear()


def chunk_entry(record: Any) -> ChunkEntry:
    """A Kafka record to be kept."""
    return ChunkEntry(
        record.offset, record.timestamp, record.key, record.value, list(record.headers)
    )


class PartitionCut:
    """The books of one partition number, copied into a folder of the backup."""

    def __init__(
        self,
        reader: AIOKafkaConsumer,
        settings: Settings,
        number: int,
        families: Sequence[str],
        root: Path,
        folder: str,
    ) -> None:
        self._reader, self._number, self._families = reader, number, families
        self._books, self._root, self._folder = settings.books, root, folder
        self.chunks: dict[str, Chunk] = {}
        self.standings: list[FamilyStanding] = []
        self._writers: dict[str, ChunkWriter] = {}

    async def copy(self) -> None:
        """Raises: NotOneMoment after some tries."""
        for attempt in range(_TRIES):
            try:
                await self._copy()
                break
            except NotOneMoment:
                if attempt == _TRIES - 1:
                    raise
            finally:
                for writer in self._writers.values():
                    writer.discard()
                self._writers.clear()

    async def _copy(self) -> None:
        copies = {
            family: _StatesCopy(self._writer(state_topic(family, DEFAULT_BOOKS)))
            for family in self._families
        }
        read = {family: await self._head(family, copy) for family, copy in copies.items()}
        applied = await self._cells()
        for family, copy in copies.items():
            await self._tail(
                family, copy, *read[family], applied[family].offset if family in applied else 0
            )
        self.standings = list(applied.values())
        for topic, writer in list(self._writers.items()):
            if writer.records:
                self.chunks[topic] = writer.seal()
                del self._writers[topic]

    def _writer(self, topic: str) -> ChunkWriter:
        writer = self._writers[topic] = ChunkWriter(
            self._root, self._folder, f"{topic}-{self._number}"
        )
        return writer

    async def _head(self, family: str, copy: _StatesCopy) -> tuple[int, int]:
        """All that is there; where the reading has come, and the end as it is from then on."""
        source = TopicPartition(state_topic(family, self._books), self._number)
        async for record in self._records(source):
            copy.take(record)
        read = await self._reader.position(source)
        copy.begin_tail(read)
        return read, (await self._reader.end_offsets([source]))[source]

    async def _cells(self) -> dict[str, FamilyStanding]:
        """Every page, and how far each family's have come."""
        source, writer = (
            TopicPartition(cells_topic(self._books), self._number),
            self._writer(cells_topic(DEFAULT_BOOKS)),
        )
        applied: dict[str, FamilyStanding] = {}
        async for record in self._records(source):
            self._page(record, writer, applied)
        deadline = time.monotonic() + CUT_PATIENCE
        while (
            await self._reader.position(source) < (await self._reader.end_offsets([source]))[source]
        ):
            if time.monotonic() > deadline:
                raise NotOneMoment("workers wrote cells faster than they could be read")
            for records in (await self._reader.getmany(source, timeout_ms=200)).values():
                for record in records:
                    self._page(record, writer, applied)
        return applied

    def _page(self, record: Any, writer: ChunkWriter, applied: dict[str, FamilyStanding]) -> None:
        family = (record.key or b"").partition(b"|")[0].decode(errors="replace")
        if family not in self._families:
            return
        if not is_applied(record.key):
            writer.add(chunk_entry(record))
            return
        try:
            offset = read_applied_page(record.value).offset
        except ContractError as error:
            raise NotOneMoment(str(error)) from error
        applied[family] = FamilyStanding(
            family, self._number, offset, record.value or b"", record.timestamp
        )

    async def _tail(self, family: str, copy: _StatesCopy, read: int, end: int, wanted: int) -> None:
        """Go on from where the states were read, to the record that says the offset that the cells
        say.
        """
        source = TopicPartition(state_topic(family, self._books), self._number)
        self._reader.assign([source])
        self._reader.seek(source, read)
        deadline = time.monotonic() + CUT_PATIENCE
        while (copy.stand or 0) < wanted or await self._reader.position(source) < end:
            if time.monotonic() > deadline:
                raise NotOneMoment(_behind(copy, source, wanted))
            for records in (await self._reader.getmany(source, timeout_ms=200)).values():
                for record in records:
                    if (
                        copy.take(record)
                        and (copy.stand or 0) >= wanted
                        and record.offset + 2 >= end
                    ):
                        break
        if (copy.stand or 0) != wanted:
            raise NotOneMoment(
                f"states of {source.topic}/{source.partition} stand at {copy.stand}, and the cells"
                f" at {wanted}"
            )

    async def _records(self, source: TopicPartition) -> AsyncIterator[Any]:
        self._reader.assign([source])
        async for _, found in read_to_end(self._reader, source):
            for record in found:
                yield record


def _behind(copy: _StatesCopy, source: TopicPartition, wanted: int) -> str:
    where = f"{source.topic}/{source.partition}"
    if copy.stand is None:
        return (
            f"an earlier version of the hub keeps these books, and does not say how far {where} has"
            " come"
        )
    return f"{where} stands at {copy.stand}, and the cells at {wanted}"


async def books_of(
    reader: AIOKafkaConsumer,
    settings: Settings,
    partitions: int,
    families: Sequence[str],
    root: Path,
) -> BooksCopy:
    """The books of every partition number, in a new folder of the backup.

    Raises: NotOneMoment, and then the folder is of no use.
    """
    second = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = f"books/{second}-{time.time_ns() % 1_000_000_000:09}"
    rows: dict[str, Chunk] = {}
    standings: list[FamilyStanding] = []
    for number in range(partitions):
        cut = PartitionCut(reader, settings, number, families, root, folder)
        await cut.copy()
        rows |= {f"{topic}/{number}": chunk for topic, chunk in cut.chunks.items()}
        standings += cut.standings
    return BooksCopy(folder, rows, standings)
