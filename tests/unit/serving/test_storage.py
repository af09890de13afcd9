"""A disk that is full, read-only or fails: files are kept and told as they are, and everything goes
on by itself.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from cubes import NOW, FedCube, cell
from test_feed import LOG, PARTITIONS, Drained, Reader

from metrics.application import Books
from metrics.cube.cube import Cube
from metrics.cube.feed import cube_options
from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import Readers
from metrics.cube.tables import TABLES
from metrics.prometheus.exposition import head
from metrics.prometheus.storage import storage_text
from metrics.prometheus.table import STORAGE_FREE, STORAGE_TROUBLE
from metrics.tracing.service import Tracing
from ops.meanings import meanings
from schemas import storage
from schemas.errors import EnvironmentBroken, StorageTrouble
from schemas.pauses import LEAST, MOST, Pauses
from schemas.settings import Settings
from schemas.storage import require_writable, trouble_of
from schemas.windows import EVER
from serving.store.background import Background
from serving.store.disposable import Snapshots, Unreadable, Untrusted
from serving.store.follower import Follower

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
FIRST = cell("dossiers|received|A|P1|20251103", 5)


@pytest.fixture
def cube(tmp_path: Path) -> Iterator[FedCube]:
    made = FedCube(tmp_path / "cube.sqlite")
    made.open("one", NOW)
    made.say([FIRST], {0: 1})
    yield made
    made.close()


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(f"error {code}")
    error.sqlite_errorcode = code
    return error


def received(readers: Readers) -> int:
    with readers.snapshot() as snapshot:
        return snapshot.total(TABLES["dossiers", "received"], cover_days(EVER), ["received"])[0]


def many(cube: FedCube) -> None:
    """More than fits into a few pages."""
    cube.say(
        [cell(f"dossiers|received|A{number}|P|20251103", 1) for number in range(2_000)], {0: 9}
    )


def connection(cube: Cube) -> sqlite3.Connection:
    assert cube._connection is not None
    return cube._connection


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


def fail(code: int) -> NoReturn:
    raise failure(code)


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


# The feeds


async def test_a_feed_waits_ever_longer_and_goes_on_by_itself(
    cube: FedCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was complete stays told, with what it waits for beside it."""
    fed = Follower(Settings(), cube, cube_options(), lambda: NOW)
    pauses: list[float] = []
    fed._retries = Pauses(clock=lambda: 10.0 * len(pauses) ** 2)
    said: list[tuple[bool, str]] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        said.append((fed.progress.ready, fed.progress.doing))
        if len(pauses) == 8:
            connection(cube).execute("PRAGMA max_page_count = 1000000")

    await complete(fed)
    monkeypatch.setattr("serving.store.background.asyncio.sleep", sleep)
    connection(cube).execute("PRAGMA max_page_count = 1")
    log = {
        0: [
            FIRST.record,
            *[
                cell(f"dossiers|received|A{number}|P|20251103", 1, offset=number).record
                for number in range(1, 400)
            ],
        ]
    }
    with pytest.raises(Drained):
        await fed._feed(Reader(log), "one", PARTITIONS)  # type: ignore[arg-type]
    fed._loop.close()
    assert pauses[0] <= LEAST < pauses[2] < pauses[-1] <= MOST  # each is a quarter shorter at most
    assert len(pauses) == 8
    assert all(ready and doing.startswith("Disk full: the cube") for ready, doing in said)
    assert (fed.progress.ready, fed.progress.doing, cube.trouble) == (True, "following", None)
    assert received(Readers(cube)) == 5 + 399
    assert cube.rebuilds == 1


async def test_another_topic_of_the_same_cluster_is_not_told_as_complete(
    cube: FedCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed = Follower(Settings(), cube, cube_options(), lambda: NOW)
    await complete(fed)
    ready: list[bool] = []
    monkeypatch.setattr(
        cube, "rebuild", lambda *_: ready.append(fed.progress.ready) or fail(sqlite3.SQLITE_ERROR)
    )
    with pytest.raises(sqlite3.OperationalError):
        await fed._feed(Reader(LOG, first=5), "one", PARTITIONS)  # type: ignore[arg-type]
    fed._loop.close()
    assert ready == [False]


async def test_a_file_that_is_gone_when_kafka_comes_back_is_not_told_as_complete(
    cube: FedCube,
) -> None:
    fed, ready = Follower(Settings(), cube, cube_options(), lambda: NOW), []

    class Looking(Reader):
        """When it is told what to read, the file has been opened."""

        def assign(self, partitions: list[Any]) -> None:
            ready.append(fed.progress.ready)

    await complete(fed)
    cube.path.unlink()
    with pytest.raises(Drained):
        await fed._feed(Looking({0: [FIRST.record]}, control=0), "one", PARTITIONS)  # type: ignore[arg-type]
    fed._loop.close()
    assert (ready, fed.progress.ready, cube.rebuilds) == ([False], True, 2)


async def complete(fed: Follower) -> None:
    """Feed it with what the cube has been told."""
    with pytest.raises(Drained):
        await fed._feed(Reader({0: [FIRST.record]}, control=0), "one", PARTITIONS)  # type: ignore[arg-type]
    assert fed.progress.ready


class Broken(Background):
    """A feed that fails a few times, each time in an unforeseen way, and then as when Kafka is
    away.
    """

    def __init__(self, *, vital: bool) -> None:
        super().__init__(Settings(), "listing", vital=vital)
        self.left = 3

    async def _follow(self) -> None:
        self.left -= 1
        if self.left:
            raise RuntimeError("a bug")
        raise asyncio.CancelledError


@pytest.mark.parametrize("vital", [True, False])
def test_only_a_vital_feed_ends_by_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, vital: bool
) -> None:
    """The other one says that it failed, once in the log, and is tried again."""

    async def nothing(_: object) -> None:
        return None

    monkeypatch.setattr("serving.store.background.ensure_topics", nothing)
    monkeypatch.setattr("serving.store.background.asyncio.sleep", nothing)
    feed, ended = Broken(vital=vital), []
    feed.start(when_ended=lambda: ended.append(True))
    feed._thread.join(20)
    assert ended == [True]
    assert isinstance(feed.failure, RuntimeError) == vital
    assert feed.left == (2 if vital else 0)
    assert vital or (feed.progress.ready, feed.progress.doing) == (
        False,
        "feeding it failed and is tried again: RuntimeError('a bug')",
    )
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_figures_rest_on_cube_and_directory_only(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    tracing = Tracing(settings, meanings())
    feeds = [*Books(settings, {}, {}, meanings(), tracing).feeds, *tracing.feeds]
    assert {feed._name for feed in feeds if feed.vital} == {"cube", "directory"}
    assert {feed._name for feed in feeds if not feed.vital} == {
        "listing",
        "index of facts",
        "reader of facts",
    }
    for feed in feeds:
        feed._loop.close()
