"""Feeds of files whose disk is full or fails: they wait, go on by themselves, and tell nothing as
complete that is not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cubes import NOW, FedCube, cell
from test_feed import LOG, PARTITIONS, Drained, Reader
from troubled import FIRST, connection, cube, fail, received

from metrics.api.access import ReadingAccess
from metrics.application import ServedBooks
from metrics.cube.feed import cube_options
from metrics.cube.snapshot import Readers
from metrics.tracing.service import Tracing
from ops.meanings import meanings
from schemas.pauses import LEAST_PAUSE, MOST_PAUSE, Pauses
from schemas.settings import Settings
from serving.store.background import Background
from serving.store.follower import Follower

__all__ = ["cube"]


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
    assert (
        pauses[0] <= LEAST_PAUSE < pauses[2] < pauses[-1] <= MOST_PAUSE
    )  # each is a quarter shorter at most
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
    feeds = [
        *ServedBooks(settings, {}, {}, meanings(), tracing, ReadingAccess()).feeds,
        *tracing.feeds,
    ]
    assert {feed._name for feed in feeds if feed.vital} == {"cube", "directory"}
    assert {feed._name for feed in feeds if not feed.vital} == {
        "listing",
        "index of facts",
        "reader of facts",
    }
    for feed in feeds:
        feed._loop.close()
