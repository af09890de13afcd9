"""The folder of a backup: what is named there is whole, what was interrupted is gone on with, what
was harmed is found.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError
from rich.progress import Progress

from ops.backup import commands, copying
from ops.backup.chunks import ChunkEntry, ChunkWriter, entries_of
from ops.backup.copying import LogCopy
from ops.backup.folder import alone, require_unused, tidy
from ops.backup.manifest import (
    FILE,
    MANIFEST_LAYOUT,
    BooksCopy,
    FamilyStanding,
    Finished,
    Manifest,
    PartitionLog,
    load_manifest,
    required,
    save_manifest,
)
from ops.backup.restoring import LeftOutThing, Restoring, check_files
from schemas.errors import BackupDamaged, BackupError, RestoreUnfinished
from schemas.settings import Settings
from schemas.topics import RESTORING, events_topic

TOPIC, NAME = "lgsp.dossiers", "lgsp.dossiers/0"


def entry(offset: int, key: str = "SAMPLE-1") -> ChunkEntry:
    return ChunkEntry(
        offset,
        1_767_546_000_000 + offset,
        key.encode(),
        b"\0value",
        [("ce_type", b"dossier.received"), ("empty", None)],
    )


def begun() -> Manifest:
    return Manifest(MANIFEST_LAYOUT, "a", "0.1.0", 1, {}, [PartitionLog(TOPIC, 0)])


def copied(root: Path, manifest: Manifest, *entries: ChunkEntry) -> None:
    copy = LogCopy(root, manifest, manifest.logs[0])
    for one in entries:
        copy.add(one)
    copy.close()


def finished(root: Path, manifest: Manifest, end: int, *standings: FamilyStanding) -> None:
    manifest.finished = Finished(
        "2026-11-30T00:00:00Z", {NAME: end}, BooksCopy("books/x", {}, list(standings))
    )
    save_manifest(root, manifest)


def kept(root: Path) -> list[ChunkEntry]:
    manifest = required(root)
    return list(manifest.entries(root, manifest.logs[0]))


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    manifest, entries = (
        begun(),
        [entry(7), ChunkEntry(9, 1, None, b""), ChunkEntry(12, 2, b"k", None)],
    )
    copied(tmp_path, manifest, *entries)
    finished(tmp_path, manifest, 13)
    assert kept(tmp_path) == entries
    assert (manifest.logs[0].next, manifest.logs[0].cut) == (13, True)


def test_a_small_chunk_is_filled_up_and_a_full_one_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "CHUNK_BYTES", 300)
    manifest = begun()
    for start in range(0, 12, 2):
        copied(tmp_path, manifest, entry(start), entry(start + 1))
        finished(tmp_path, manifest, start + 2)
    assert [one.offset for one in kept(tmp_path)] == list(range(12))
    assert 1 < len(manifest.logs[0].chunks) < 6
    assert len(list(tmp_path.glob("events/*/*/*"))) == len(manifest.logs[0].chunks)


def test_what_an_interrupted_run_added_is_kept_and_not_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup is what its last whole run says, also where that ends within a chunk filled up
    since; the next run goes on behind.
    """
    monkeypatch.setattr(copying, "CHUNK_BYTES", 300)
    manifest = begun()
    copied(tmp_path, manifest, entry(0))
    finished(tmp_path, manifest, 1)
    copy = LogCopy(tmp_path, manifest, manifest.logs[0])
    for offset in range(1, 8):
        copy.add(entry(offset))  # and the run is killed
    found = required(tmp_path)
    assert [one.offset for one in kept(tmp_path)] == [0]
    assert 1 < found.logs[0].next < 8
    tidy(tmp_path, found)
    assert not list(tmp_path.rglob("*.part"))
    copied(tmp_path, found, *map(entry, range(found.logs[0].next, 8)))
    finished(tmp_path, found, 8)
    assert [one.offset for one in kept(tmp_path)] == list(range(8))


def test_a_run_that_never_finished_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="holds no backup"):
        required(tmp_path)
    copied(tmp_path, begun(), entry(0))
    with pytest.raises(BackupError, match=r"never finished.*again"):
        required(tmp_path)


@pytest.mark.parametrize("place", [0, 20, -9, -1])
def test_a_flipped_bit_is_found_by_name(tmp_path: Path, place: int) -> None:
    manifest = begun()
    copied(tmp_path, manifest, *map(entry, range(50)))
    finished(tmp_path, manifest, 50)
    file = tmp_path / manifest.logs[0].chunks[0].file
    data = bytearray(file.read_bytes())
    data[place] ^= 4
    file.write_bytes(data)
    with pytest.raises(BackupDamaged, match=file.name):
        check_files(tmp_path, manifest, Progress())


@pytest.mark.parametrize("left", [0, 10, 100])
def test_a_file_cut_short_is_found_while_it_is_read(tmp_path: Path, left: int) -> None:
    writer = ChunkWriter(tmp_path, "events/a/0")
    for offset in range(200):
        writer.add(entry(offset))
    chunk = writer.seal()
    (tmp_path / chunk.file).write_bytes((tmp_path / chunk.file).read_bytes()[:left])
    with pytest.raises(BackupDamaged, match="damaged"):
        list(entries_of(tmp_path, chunk))


def test_a_file_that_ends_within_a_record_s_length_is_damaged(tmp_path: Path) -> None:
    writer = ChunkWriter(tmp_path, "events/a/0")
    writer.add(entry(1))
    writer._gathered += b"\1\2"
    with pytest.raises(BackupDamaged, match="ends within a record"):
        list(entries_of(tmp_path, writer.seal()))


def test_a_manifest_that_was_changed_or_is_newer_is_refused(tmp_path: Path) -> None:
    manifest = begun()
    finished(tmp_path, manifest, 0)
    file = tmp_path / FILE
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b'"partitions": 1', b'"partitions": 2'))
    with pytest.raises(BackupDamaged, match="manifest"):
        load_manifest(tmp_path)
    file.write_bytes(whole[:-20])
    with pytest.raises(BackupDamaged, match="manifest"):
        load_manifest(tmp_path)
    manifest.layout = MANIFEST_LAYOUT + 1
    save_manifest(tmp_path, manifest)
    with pytest.raises(BackupError, match=r"newer version.*use that version"):
        load_manifest(tmp_path)


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    """Tidying up must never delete what no backup wrote."""
    with alone(tmp_path):
        require_unused(tmp_path)
        (tmp_path / "events").mkdir()
        with pytest.raises(BackupError, match=r"other files \(events\)"):
            require_unused(tmp_path)


def test_two_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(BackupError, match="wait for its end"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "backup"
    manifest = begun()
    copied(root, manifest, entry(0))
    finished(root, manifest, 1)
    assert [
        path for path in (root.parent, *root.parent.rglob("*")) if path.stat().st_mode & 0o077
    ] == []


@pytest.mark.parametrize(
    ("offsets", "applied", "here"),
    [
        (range(10), 4, 4),
        (range(10), 0, 0),
        (range(10), 10, 10),
        ((0, 1, 5, 6), 6, 3),
        ((0, 1, 5, 6), 3, 2),  # other producers' transactions took offsets
        # the log had lost its beginning: here it begins at 1
        (range(20, 30), 25, 6),
        (range(20, 30), 20, 1),
    ],
)
def test_what_books_stand_for_is_translated_to_the_offsets_here(
    tmp_path: Path, offsets: range, applied: int, here: int
) -> None:
    manifest = begun()
    copied(tmp_path, manifest, *map(entry, offsets))
    standing = FamilyStanding("dossiers", 0, applied, b"", 0)
    finished(tmp_path, manifest, offsets[-1] + 1, standing)
    restoring = Restoring(Settings(partitions=1), tmp_path, manifest, [], events_only=False)
    assert restoring.offset(standing) == here


def test_a_thing_is_left_out_in_every_spelling_and_no_other(tmp_path: Path) -> None:
    """One that the backup does not hold is refused: a mistyped id would erase nothing."""
    manifest = begun()
    keys = ["SAMPLE-Hồ", "SAMPLE-Ho\u0302\u0300", " SAMPLE-Hồ", "SAMPLE-Ho", "SAMPLE-Hồ1"]
    copied(tmp_path, manifest, *(entry(offset, key) for offset, key in enumerate(keys)))
    finished(tmp_path, manifest, len(keys))
    thing = LeftOutThing.of("dossiers:SAMPLE-Hồ", ["dossiers", "tasks"])
    restoring = Restoring(Settings(partitions=1), tmp_path, manifest, [thing], events_only=False)
    assert restoring.count(Progress()) == 3
    assert [one.offset for one in restoring.entries(manifest.logs[0])] == [3, 4]
    assert restoring.books is None
    other = Restoring(
        Settings(partitions=1),
        tmp_path,
        manifest,
        [LeftOutThing("tasks", "SAMPLE-Hồ")],
        events_only=False,
    )
    with pytest.raises(BackupError, match="no fact of tasks:SAMPLE-Hồ"):
        other.count(Progress())
    for said in ("dossiers", "dossiers:", "letters:1"):
        with pytest.raises(BackupError, match="FAMILY:ID"):
            LeftOutThing.of(said, ["dossiers", "tasks"])


def test_standings_outlast_the_manifest(tmp_path: Path) -> None:
    standing = FamilyStanding("dossiers", 0, 7, msgspec.msgpack.encode({"applied|-": {0: -2}}), 5)
    finished(tmp_path, begun(), 0, standing)
    books = required(tmp_path).whole().books
    assert books is not None
    assert books.standings == [standing]


async def test_a_hub_that_is_being_restored_is_not_backed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was restored so far would be a whole backup, and the next restore would lose the rest
    without a word.
    """

    class Half:
        async def describe_topics(self) -> list[dict[str, Any]]:
            names = (*(events_topic(name) for name in copying.RECOUNTED), RESTORING)
            return [
                {"topic": name, "error_code": 0, "partitions": [{"partition": 0}]} for name in names
            ]

    @asynccontextmanager
    async def admin(_: Settings) -> AsyncIterator[Half]:
        yield Half()

    monkeypatch.setattr(copying, "admin", admin)
    with pytest.raises(RestoreUnfinished, match="run `lgsp restore` with the same folder again"):
        await copying.take_backup(Settings(), tmp_path, Progress())
    assert load_manifest(tmp_path) is None


async def test_a_backup_is_of_one_space_and_goes_back_into_that_alone(tmp_path: Path) -> None:
    """Made-up facts would be real ones after a restore, or be backed up among them. Neither asks
    Kafka anything before it is sure.
    """
    manifest = begun()
    assert manifest.space == "official", "those of earlier versions say nothing of it"
    manifest.space = "simulated"
    finished(tmp_path, manifest, 0)
    found = load_manifest(tmp_path)
    assert found is not None
    assert found.space == "simulated"
    with pytest.raises(BackupError, match="set LGSP_SPACE=simulated"):
        commands.run_restore(Settings(), tmp_path, events_only=False, without=[])
    with pytest.raises(BackupError, match="of the space simulated, not of official"):
        await copying.take_backup(Settings(), tmp_path, Progress())


class Shrinking:
    """A consumer of a log whose beginning is deleted while it is read: it goes on behind the hole
    if it is allowed to.
    """

    def __init__(self, _: Settings, **options: Any) -> None:
        self.resets, self.at = options.get("auto_offset_reset") != "none", 0

    async def __aenter__(self) -> Shrinking:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def assign(self, _: object) -> None: ...

    def seek(self, source: TopicPartition, offset: int) -> None:
        self.at = offset

    async def position(self, source: TopicPartition) -> int:
        return self.at

    async def beginning_offsets(self, sources: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(sources, 0)

    async def end_offsets(self, sources: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(sources, 9)

    async def getmany(
        self, source: TopicPartition, **_: object
    ) -> dict[TopicPartition, list[ChunkEntry]]:
        if not self.resets:
            raise OffsetOutOfRangeError({source: 0})
        self.at = 9
        return {source: [entry(offset) for offset in range(5, 9)]}


async def test_facts_that_are_deleted_while_they_are_read_make_no_finished_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def made(*_: object) -> Manifest:
        return begun()

    async def no_books(*_: object) -> tuple[None, str]:
        return None, "none here"

    for name, instead in (("_begun", made), ("_books", no_books), ("consumer", Shrinking)):
        monkeypatch.setattr(copying, name, instead)
    with pytest.raises(OffsetOutOfRangeError):
        await copying.take_backup(Settings(), tmp_path, Progress())
    with pytest.raises(BackupError, match="never finished"):
        required(tmp_path)
