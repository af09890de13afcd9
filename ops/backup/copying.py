"""Backing up: from Kafka into a folder, while everything runs. Nothing is changed in Kafka.

Books first, then the ends of the events, then the events up to there: so no books stand for a fact
that the backup has not. What was kept before stays, and only what is new is read. The last chunk of
a partition is filled up before another is begun.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.progress import Progress

from ops.backup.chunks import Chunk, ChunkEntry, ChunkWriter, entries_of
from ops.backup.cut import NotOneMoment, books_of, chunk_entry
from ops.backup.folder import require_unused, tidy
from ops.backup.manifest import (
    MANIFEST_LAYOUT,
    BooksCopy,
    Finished,
    Manifest,
    PartitionLog,
    load_manifest,
    name_of,
    save_manifest,
)
from schemas.errors import BackupError
from schemas.kafka.clients import admin, consumer
from schemas.kafka.reading import read_between
from schemas.kafka.topics import require_restored, settings_of, topics_there
from schemas.settings import Settings
from schemas.topics import events_topic, topics_of
from streams.families import FAMILIES

CHUNK_BYTES = 16 << 20  # of facts before compression; at most so much is written again at each run
# whose events are kept for ever
RECOUNTED = tuple(name for name, family in FAMILIES.items() if family.recounted)

_Ends = Mapping[TopicPartition, int]


async def take_backup(settings: Settings, root: Path, progress: Progress) -> tuple[Manifest, int]:
    """Bring the backup up to now; the manifest, and how many facts came new.

    Raises: BackupError for a folder that holds another hub's backup, or where facts of this one are
    gone; whatever Kafka raises.
    """
    found = load_manifest(root)
    if found is None:
        require_unused(root)
    manifest = await _begun(settings, found)
    save_manifest(root, manifest)
    tidy(root, manifest)
    # Where a log begins behind what is to be read, the reading ends: it must not go on behind the
    # hole as if nothing was missing.
    async with consumer(
        settings, max_partition_fetch_bytes=8 << 20, auto_offset_reset="none"
    ) as reader:
        begins = await reader.beginning_offsets([log.source for log in manifest.logs])
        for log in manifest.logs:
            await _check_continues(reader, root, log, begins[log.source])
        books, why = await _books(reader, settings, manifest, root, progress)
        ends = await reader.end_offsets([log.source for log in manifest.logs])
        fresh = await _copy_all(reader, root, manifest, begins, ends, progress)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    manifest.finished = Finished(
        at, {name_of(source): end for source, end in ends.items()}, books, why
    )
    save_manifest(root, manifest)
    tidy(root, manifest)
    return manifest, fresh


async def _begun(settings: Settings, found: Manifest | None) -> Manifest:
    """The manifest to go on with, with the topics as they are now."""
    if found is not None and found.space != settings.space:
        raise BackupError(
            f"This folder's backup is of the space {found.space}, not of {settings.space}: set"
            f" LGSP_SPACE={found.space}, or choose an empty folder."
        )
    names = [events_topic(family, settings.space) for family in RECOUNTED]
    async with admin(settings) as client:
        there = {name: len(partitions) for name, partitions in (await topics_there(client)).items()}
        # or what was restored so far would pass for the whole hub
        require_restored(there, settings)
        missing = [name for name in names if name not in there]
        if missing:
            raise BackupError(
                f"There is nothing to back up of the space {settings.space} at"
                f" {settings.bootstrap}: topics {', '.join(missing)} are missing. Is LGSP_SPACE"
                " right?"
            )
        config = await settings_of(client, names)
    topics = {
        name: {key: one.value for key, one in config[name].items() if one.own} for name in names
    }
    counts = {there[name] for name in names}
    if len(counts) != 1:
        raise BackupError(
            f"Topics of events have different numbers of partitions ({counts}): the hub never makes"
            " such; see `lgsp mend`."
        )
    partitions = counts.pop()
    logs = [PartitionLog(name, partition) for name in names for partition in range(partitions)]
    hub = version("lgsp-hub")
    if found is None:
        return Manifest(
            MANIFEST_LAYOUT,
            uuid.uuid4().hex,
            hub,
            partitions,
            topics,
            logs,
            space=settings.space,
        )
    if found.partitions != partitions:
        raise BackupError(
            f"This folder's backup is of a hub with {found.partitions} partitions, not"
            f" {partitions}: choose an empty folder."
        )
    known = {log.source for log in found.logs}
    found.logs += [log for log in logs if log.source not in known]
    found.topics, found.hub = topics, hub
    return found


async def _check_continues(
    reader: AIOKafkaConsumer, root: Path, log: PartitionLog, begins: int
) -> None:
    """What was kept last is in this log at the same place: it is the same log, and nothing is
    missing between.
    """
    if not log.chunks:
        return
    last = log.chunks[-1].last
    if begins > last + 1:
        raise BackupError(
            f"Facts of {name_of(log.source)} were deleted before they were backed up ({last + 1} to"
            f" {begins - 1}). What this folder has stays; choose an empty folder to back up what is"
            " left, and keep both."
        )
    if begins > last:
        return
    if await _record_at(reader, log.source, last) != _last(root, log.chunks[-1]):
        raise BackupError(
            f"This folder holds the backup of another hub: {name_of(log.source)} has another fact"
            f" at offset {last}, or none. Choose an empty folder (after a restore too, if facts had"
            " been left out)."
        )


def _last(root: Path, chunk: Chunk) -> ChunkEntry:
    *_, last = entries_of(root, chunk)
    return last


async def _record_at(
    reader: AIOKafkaConsumer, source: TopicPartition, offset: int
) -> ChunkEntry | None:
    reader.assign([source])
    if (await reader.end_offsets([source]))[source] <= offset:
        return None
    reader.seek(source, offset)
    return chunk_entry(await reader.getone(source))


async def _books(
    reader: AIOKafkaConsumer,
    settings: Settings,
    manifest: Manifest,
    root: Path,
    progress: Progress,
) -> tuple[BooksCopy | None, str]:
    """States and cells if they could be proved, else why not."""
    wanted = {topic.name for topic in topics_of(settings) if topic.owner == "streams"}
    async with admin(settings) as client:
        if missing := sorted(wanted - set(await client.list_topics())):
            return None, f"no worker has made {', '.join(missing)} yet"
    task = progress.add_task("states and cells", total=None)
    try:
        return await books_of(reader, settings, manifest.partitions, RECOUNTED, root), ""
    except NotOneMoment as error:
        return None, str(error)
    finally:
        progress.remove_task(task)


async def _copy_all(
    reader: AIOKafkaConsumer,
    root: Path,
    manifest: Manifest,
    begins: _Ends,
    ends: _Ends,
    progress: Progress,
) -> int:
    starts = {log.source: max(log.next, begins[log.source]) for log in manifest.logs}
    waiting = {source: max(0, ends[source] - start) for source, start in starts.items()}
    task, fresh = progress.add_task("facts", total=sum(waiting.values())), 0
    for log in manifest.logs:
        if waiting[log.source]:
            copy = LogCopy(root, manifest, log)
            async for records in read_between(
                reader, log.source, starts[log.source], ends[log.source]
            ):
                for record in records:
                    copy.add(chunk_entry(record))
                fresh += len(records)
                progress.advance(task, len(records))
            copy.close()
    return fresh


class LogCopy:
    """Facts of one partition into chunks; each that is full is in the manifest at once, so an
    interrupted run goes on behind it.
    """

    def __init__(self, root: Path, manifest: Manifest, log: PartitionLog) -> None:
        self._root, self._manifest, self._log = root, manifest, log
        self._folder = f"events/{log.topic}/{log.partition}"
        self._replaces: Chunk | None = None
        self._writer: ChunkWriter | None = None

    def add(self, entry: ChunkEntry) -> None:
        """One more fact."""
        if self._writer is None:
            self._writer = self._begin()
        self._writer.add(entry)
        if self._writer.raw >= CHUNK_BYTES:
            self.close()

    def _begin(self) -> ChunkWriter:
        """A new chunk; the last one is taken in if it is not full."""
        writer = ChunkWriter(self._root, self._folder)
        if self._log.chunks and self._log.chunks[-1].raw < CHUNK_BYTES:
            self._replaces = self._log.chunks[-1]
            for entry in entries_of(self._root, self._replaces):
                writer.add(entry)
        return writer

    def close(self) -> None:
        """What was added is kept for good."""
        if self._writer is None:
            return
        chunk, replaced = self._writer.seal(), self._replaces
        kept = [one for one in self._log.chunks if one is not replaced]
        self._log.chunks = [*kept, chunk]
        save_manifest(self._root, self._manifest)
        if replaced is not None:
            (self._root / replaced.file).unlink(missing_ok=True)
        self._writer = self._replaces = None
