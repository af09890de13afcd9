"""A disk that is full, read-only or fails: files are kept and told as they are, and everything goes
on by itself.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from cubes import NOW, FedCube, cell
from troubled import connection, cube, fail, failure, received

from metrics.cube.snapshot import Readers
from metrics.prometheus.exposition import head
from metrics.prometheus.storage import storage_text
from metrics.prometheus.table import STORAGE_FREE, STORAGE_TROUBLE
from schemas import storage
from schemas.errors import EnvironmentBroken, StorageTrouble
from schemas.storage import require_writable, trouble_of
from serving.store.disposable import Snapshots, Unreadable, Untrusted

__all__ = ["cube"]


KEPT = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_READONLY_DBMOVED: "read-only",
    sqlite3.SQLITE_CANTOPEN: "denied",
    sqlite3.SQLITE_IOERR: "failing",
    sqlite3.SQLITE_IOERR_WRITE: "failing",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
}
DAMAGE = [
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
]


def many(cube: FedCube) -> None:
    """More than fits into a few pages."""
    cube.say(
        [cell(f"dossiers|received|A{number}|P|20251103", 1) for number in range(2_000)], {0: 9}
    )


def test_a_full_disk_keeps_the_file_and_heals_when_there_is_room(
    cube: FedCube, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once, and once when it is over, however often it is tried."""
    readers, generation = Readers(cube), cube.generation
    assert received(readers) == 5
    connection(cube).execute("PRAGMA max_page_count = 1")  # SQLite takes the present size instead
    for _ in range(3):
        with pytest.raises(
            StorageTrouble,
            match=r"Disk full: the cube .*cube.sqlite \([\d.]+ MiB left\)\. Make room",
        ):
            many(cube)
        assert cube.open("one", NOW)[0].next == 1
        assert received(readers) == received(Readers(cube)) == 5
    assert (cube.generation, cube.rebuilds) == (generation, 1)
    assert (
        storage_text([cube], {}).splitlines()[2]
        == 'lgsp_storage_trouble{store="cube",reason="full"} 1.0'
    )
    connection(cube).execute("PRAGMA max_page_count = 1000000")
    many(cube)
    assert received(readers) == 2_005
    assert (cube.trouble, STORAGE_TROUBLE.name in storage_text([cube], {})) == (None, False)
    assert [record.levelno for record in caplog.records if "cube.sqlite" in record.message] == [
        logging.ERROR,
        logging.WARNING,
    ]


def test_a_file_that_became_read_only_is_opened_again(cube: FedCube) -> None:
    """SQLite would keep to what the disk was when the file was opened."""
    readers = Readers(cube)
    connection(cube).execute("PRAGMA query_only = 1")
    with pytest.raises(StorageTrouble, match="Disk read-only"):
        many(cube)
    assert received(readers) == 5
    assert cube.open("one", NOW)[0].next == 1
    many(cube)
    assert (received(readers), cube.rebuilds, cube.trouble) == (2_005, 1, None)


@pytest.mark.parametrize(("code", "reason"), KEPT.items())
def test_what_is_no_damage_keeps_the_file(
    cube: FedCube, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    readers, inode = Readers(cube), cube.path.stat().st_ino
    received(readers)
    for method in ("_write", "_page"):
        with monkeypatch.context() as patch:
            patch.setattr(cube, method, lambda *_: fail(code))
            with pytest.raises(StorageTrouble) as met:
                many(cube)
        assert met.value.reason == reason
        assert cube.open("one", NOW)[0].next == 1
        assert received(readers) == 5
    assert (cube.path.stat().st_ino, cube.rebuilds) == (inode, 1)


@pytest.mark.parametrize("code", DAMAGE)
def test_damage_makes_it_anew(cube: FedCube, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(cube, "_write", lambda *_: fail(code))
    with pytest.raises(Untrusted):
        many(cube)
    with pytest.raises(Unreadable), Readers(cube).snapshot():
        raise failure(code)
    with pytest.raises(Untrusted, match="reading it failed"):
        cube.check()


@pytest.mark.parametrize("code", KEPT)
def test_a_reader_that_the_disk_fails_suspects_nothing(cube: FedCube, code: int) -> None:
    readers = Readers(cube)
    with pytest.raises(Unreadable, match="the cube"), readers.snapshot():
        raise failure(code)
    cube.check()
    assert received(readers) == 5


def test_a_reader_without_room_to_sort_suspects_nothing(cube: FedCube) -> None:
    """SQLite then ends the transaction by itself, and rolling it back would be the next error,
    which looks like damage.
    """
    with (
        pytest.raises(Unreadable, match="Disk full"),
        Snapshots(cube, "The figures").snapshot() as connection,
    ):
        sort_without_room(connection)
    cube.check()
    assert received(Readers(cube)) == 5


def sort_without_room(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TEMP TABLE sorted (row)")
    connection.execute("PRAGMA temp.max_page_count = 3")
    connection.execute("INSERT INTO sorted VALUES (zeroblob(100000))")


def test_a_rebuild_without_room_is_tried_until_it_succeeds(
    cube: FedCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile who asks is told why there is nothing."""
    real = sqlite3.connect

    def without_room(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made = real(*arguments, **options)
        made.execute("PRAGMA max_page_count = 3")
        return made

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", without_room)
        for _ in range(2):
            with pytest.raises(StorageTrouble, match="Disk full"):
                cube.rebuild("one", NOW, "a test asks for it")
            with pytest.raises(Unreadable, match="Disk full"), Readers(cube).snapshot():
                pass
    assert cube.open("one", NOW) == {}
    cube.say([cell("dossiers|received|A|P1|20251103", 6)], {0: 1})
    assert (received(Readers(cube)), cube.trouble) == (6, None)


def test_a_disk_without_room_or_writing_is_named_so_whatever_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite says of a full disk that it can't open, extend or sync a file, too."""
    disk = SimpleNamespace(f_bavail=15, f_frsize=4096, f_flag=0, f_files=0, f_favail=0)
    monkeypatch.setattr(storage.os, "statvfs", lambda _: disk)
    errors = [
        failure(sqlite3.SQLITE_CANTOPEN),
        failure(sqlite3.SQLITE_IOERR),
        OSError(errno.EIO, "I/O error"),
        OSError(errno.ENOSPC, ""),
    ]
    assert [told.reason for error in errors if (told := trouble_of(error, tmp_path, "it"))] == [
        "full"
    ] * 4
    disk.f_bavail, disk.f_flag = 1_000_000, storage.os.ST_RDONLY
    assert [told.reason for error in errors if (told := trouble_of(error, tmp_path, "it"))] == [
        "read-only"
    ] * 3 + ["full"]
    assert trouble_of(failure(sqlite3.SQLITE_CORRUPT), tmp_path, "it") is None
    assert trouble_of(sqlite3.ProgrammingError("closed"), tmp_path, "it") is None


def test_the_room_left_is_told_of_folders_that_are_still_to_be_made(tmp_path: Path) -> None:
    told = storage_text([], {"kafka": tmp_path / "deep" / "kafka"})
    assert told.startswith(head(STORAGE_FREE))
    assert int(told.split()[-1]) > 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(
        EnvironmentBroken,
        match=(
            r"^metrics can't write its folder .*file/data \(.+\): make it writable, or set"
            r" LGSP_DATA"
        ),
    ):
        require_writable(tmp_path / "file" / "data", "metrics")
    require_writable(tmp_path / "new" / "data", "metrics")
    assert not list((tmp_path / "new" / "data").iterdir())


def test_a_full_folder_is_no_reason_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.tempfile, "TemporaryFile", full)
    require_writable(tmp_path, "metrics")
