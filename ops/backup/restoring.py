"""Restoring: from a folder into an empty Kafka, exactly once whatever interrupts it.

A fact's place tells whether it is there already: facts follow one another from the first offset on,
so the end of a partition says how many there are. Offsets need not be those of the first hub (a log
that lost its beginning begins anew, a thing may be left out); what speaks of offsets, the books and
the group, is translated. At the end everything is read back and compared, time included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from rich.progress import Progress

from ops.backup.chunks import Chunk, ChunkEntry, check_file, entries_of
from ops.backup.manifest import FamilyStanding, Manifest, PartitionLog, name_of
from ops.backup.target import Pour, RestoreRequest, Target
from ops.kafka.group import set_group
from schemas.cells.applied import applied_row, read_applied_page
from schemas.errors import BackupDamaged, BackupError
from schemas.ids import canonical
from schemas.kafka.clients import consumer, producer
from schemas.kafka.reading import read_between
from schemas.settings import Settings
from schemas.states import applied_state
from schemas.topics import cells_topic, events_topic, name_for, state_topic


@dataclass(frozen=True, slots=True)
class LeftOutThing:
    """A thing to be left out, in all the ways in which its id is written."""

    family: str
    form: str

    @classmethod
    def of(cls, said: str, families: Sequence[str]) -> LeftOutThing:
        """`FAMILY:ID` as it was typed.

        Raises: BackupError
        """
        family, colon, name = said.partition(":")
        if not colon or not name or family not in families:
            raise BackupError(
                f"{said!r} names no thing: say FAMILY:ID, with one of {', '.join(families)}."
            )
        return cls(family, _form(name.encode()))

    def hashed(self, salt: str) -> str:
        """What tells it from others without its id: that is to be gone."""
        return sha256(f"{salt}|{self.family}|{self.form}".encode()).hexdigest()


def _form(key: bytes | None) -> str:
    text = (key or b"").decode(errors="replace")
    try:
        return canonical(text)
    except ValueError:
        return text


class Restoring:
    """One restore. root: the backup's folder; `without`: things to be left out; they go with events
    only.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        manifest: Manifest,
        things: Sequence[LeftOutThing],
        *,
        events_only: bool,
    ) -> None:
        self._settings, self._root, self._manifest = settings, root, manifest
        finished = manifest.whole()
        self.books = None if things or events_only else finished.books
        self.why_no_books = "as asked for" if things or events_only else finished.why_no_books
        self._left_out = {(events_topic(one.family, settings.space), one.form) for one in things}
        self._topics = {topic for topic, _ in self._left_out}
        self._counts: dict[str, int] = {}
        self.target = Target(settings)
        self.asked = RestoreRequest(
            manifest.id, finished.at, events_only, sorted(one.hashed(manifest.id) for one in things)
        )

    def count(self, progress: Progress) -> int:
        """Read the facts that are to be restored without writing any; how many are left out.

        Raises: BackupError where there is nothing to leave out.
        """
        task = progress.add_task("looking through the facts", total=len(self._manifest.logs))
        left_out, seen = 0, set[tuple[str, str]]()
        for log in self._manifest.logs:
            if log.topic not in self._topics:
                self._counts[name_of(log.source)] = self._manifest.records(self._root, log)
            else:
                kept = 0
                for entry in self._manifest.entries(self._root, log):
                    thing = (log.topic, _form(entry.key))
                    if thing in self._left_out:
                        left_out += 1
                        seen.add(thing)
                    else:
                        kept += 1
                self._counts[name_of(log.source)] = kept
            progress.advance(task)
        if missing := self._left_out - seen:
            names = ", ".join(
                f"{topic.rpartition('.')[2]}:{form}" for topic, form in sorted(missing)
            )
            raise BackupError(
                f"The backup holds no fact of {names}: is the id right? Nothing was restored."
            )
        return left_out

    def entries(self, log: PartitionLog) -> Iterator[ChunkEntry]:
        """The facts of a partition that are to be there."""
        if log.topic not in self._topics:
            yield from self._manifest.entries(self._root, log)
            return
        for entry in self._manifest.entries(self._root, log):
            if (log.topic, _form(entry.key)) not in self._left_out:
                yield entry

    async def events(self, progress: Progress) -> int:
        """Every fact, each once; how many there are.

        Raises: BackupError, and the same restore may be run again.
        """
        total = sum(self._counts.values())
        task, before = progress.add_task("facts", total=total), 0  # facts of the partitions before
        ends = await self.target.ends([log.source for log in self._manifest.logs])
        async with producer(self._settings) as sender:
            for log in self._manifest.logs:
                if log.cut:
                    await self.target.cut_beginning(log.source, empty=not ends[log.source])
                end = max(ends[log.source], int(log.cut))
                there, pour = end - int(log.cut), Pour(sender, log.source, end)
                for number, entry in enumerate(self.entries(log)):
                    if number >= there:
                        await pour.add(entry)
                    if number % 1_000 == 0:
                        progress.update(task, completed=before + number)
                await pour.close()
                before += self._counts[name_of(log.source)]
                progress.update(task, completed=before)
        return total

    async def compare(self, progress: Progress) -> None:
        """Read back what is there.

        Raises: BackupError where a fact is missing, is there twice, or is another, its time
        included.
        """
        task = progress.add_task("reading them back", total=sum(self._counts.values()))
        async with consumer(self._settings, max_partition_fetch_bytes=8 << 20) as reader:
            ends = await reader.end_offsets([log.source for log in self._manifest.logs])
            for log in self._manifest.logs:
                wanted, number = self.entries(log), 0
                async for records in read_between(
                    reader, log.source, int(log.cut), ends[log.source]
                ):
                    for record in records:
                        _check_equal(log, next(wanted, None), record, number + int(log.cut))
                        number += 1
                    progress.advance(task, len(records))
                _check_equal(log, next(wanted, None), None, number)

    async def derive(self, progress: Progress) -> None:
        """States and cells, and the group's offsets, all of them translated to the offsets that
        facts have here.

        Written again after an interruption they are the same: the last row under a key holds.
        """
        assert self.books is not None
        standings = [(one, self.offset(one)) for one in self.books.standings]
        task = progress.add_task(
            "states and cells", total=sum(chunk.records for chunk in self.books.rows.values())
        )
        async with producer(self._settings) as sender:
            for name, chunk in self.books.rows.items():
                topic, _, partition = name.rpartition("/")
                await self._rows(
                    sender,
                    TopicPartition(name_for(topic, self._settings), int(partition)),
                    chunk,
                )
                progress.advance(task, chunk.records)
            for standing, offset in standings:
                await self._standing(sender, standing, offset)
        offsets = {self._source(one): offset for one, offset in standings if offset}
        if offsets:
            await set_group(self._settings, offsets)

    async def _rows(
        self, sender: AIOKafkaProducer, partition: TopicPartition, chunk: Chunk
    ) -> None:
        pour = Pour(sender, partition, (await self.target.ends([partition]))[partition])
        for entry in entries_of(self._root, chunk):
            await pour.add(entry)
        await pour.close()

    async def _standing(
        self, sender: AIOKafkaProducer, standing: FamilyStanding, offset: int
    ) -> None:
        """What a transaction writes last into both topics."""
        books, at = self._settings.books, standing.timestamp
        page = applied_row(
            standing.family, read_applied_page(standing.page)._replace(offset=offset)
        )
        for topic, (key, value) in (
            (state_topic(standing.family, books), applied_state(offset)),
            (cells_topic(books), page),
        ):
            await sender.send_and_wait(
                topic, value, key=key, partition=standing.partition, timestamp_ms=at
            )

    def offset(self, standing: FamilyStanding) -> int:
        """The offset here of the first fact that these books do not stand for."""
        source = self._source(standing)
        log = next(log for log in self._manifest.logs if log.source == source)
        return self._manifest.records(self._root, log, below=standing.offset) + int(log.cut)

    def _source(self, standing: FamilyStanding) -> TopicPartition:
        """The events that these books are of."""
        topic = events_topic(standing.family, self._settings.space)
        return TopicPartition(topic, standing.partition)


def _check_equal(log: PartitionLog, wanted: ChunkEntry | None, found: Any, at: int) -> None:
    if found is None and wanted is None:
        return
    if found is None or wanted is None:
        said = "a fact is missing" if found is None else "a fact too many"
    elif (found.timestamp, found.timestamp_type, found.key, found.value, list(found.headers)) != (
        wanted.timestamp,
        0,
        wanted.key,
        wanted.value,
        wanted.headers,
    ):
        said = "another fact, or another time of it,"
    else:
        return
    raise BackupError(
        f"What was restored is not what the backup holds: {said} at offset {at} of"
        f" {name_of(log.source)}. Did somebody else write there? Start `lgsp kafka` with LGSP_DATA"
        " set to a new folder, and restore into that."
    )


def check_files(root: Path, manifest: Manifest, progress: Progress) -> None:
    """Read every file once.

    Raises: BackupDamaged for the first one that is not as written.
    """
    files = list(manifest.files())
    task = progress.add_task("checking the files", total=sum(chunk.size for chunk in files))
    for chunk in files:
        check_file(root, chunk)
        progress.advance(task, chunk.size)
    for log in manifest.logs:
        for before, after in zip(log.chunks, log.chunks[1:], strict=False):
            if after.first <= before.last:
                raise BackupDamaged(
                    f"The manifest names {after.file} behind {before.file}, and their facts"
                    " overlap: take an older copy."
                )
