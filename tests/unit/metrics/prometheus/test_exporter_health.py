"""GET /metrics about the hub itself: freshness, health, no figure that would be wrong, and what is
kept between scrapes.
"""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from cubes import NOW, FedCube, cell, counted
from exported_cubes import exporter, samples, world

from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.prometheus import table as told
from metrics.prometheus.cache import Cache
from metrics.prometheus.exporter import Exporter
from schemas.clock import DAY_MS
from serving.store.progress import Progress

__all__ = ["exporter", "world"]


AHEAD = NOW + 2 * DAY_MS


def test_a_heartbeat_of_a_clock_that_ran_ahead_blinds_nobody(
    cube: Cube, exporter: Exporter, world: SimpleNamespace
) -> None:
    """It is as fresh as the last record of its partition; when nothing comes any more freshness
    ages.
    """
    cube.say(
        [
            cell("heartbeats|beat|hub|-|0", AHEAD, partition=number, timestamp=NOW - 300)
            for number in (0, 1)
        ],
        {0: 41, 1: 8},
    )
    # the records before came at this very moment
    assert samples(exporter.render(), told.FRESHNESS) == {(): 0}
    world.now += 60_000
    assert samples(exporter.render(), told.FRESHNESS) == {(): 60}
    cube.say(
        [
            cell("dossiers|received|A|P1|20251112", 1, partition=number, timestamp=NOW + 59_000)
            for number in (0, 1)
        ],
        {0: 42, 1: 9},
    )
    assert samples(exporter.render(), told.FRESHNESS) == {(): 1}


def test_nor_do_records_of_such_a_clock(tmp_path: Path, world: SimpleNamespace) -> None:
    """A worker two days ahead: what it wrote is taken as of when it came, and whoever sent it is
    not fresh for as long.
    """
    cube = FedCube(tmp_path / "cube.sqlite", lambda: NOW)
    cube.open("one", NOW)
    beat = cell("heartbeats|beat|hub|-|0", AHEAD, timestamp=AHEAD)
    cube.say([counted("dossiers|received|A|P1|20251112", received=1), beat], {0: 2})
    for at_ms, fresh in ((NOW - 5_000, 0.0), (NOW + 5_000, 5.0)):
        questions = Views(
            Readers(cube),
            {},
            {},
            progress=lambda: Progress(ready=True, partitions=1),
            clock=lambda at_ms=at_ms: at_ms,
        )
        with questions.readers.snapshot() as snapshot:
            view = questions.of(snapshot)
            assert view.as_of.instant_ms == min(at_ms, NOW)
            assert at_ms - (view.freshness_ms or 0) == fresh * 1_000
            assert snapshot.last_events() == {"A": NOW}
    cube.close()


def test_freshness_and_last_events(exporter: Exporter, world: SimpleNamespace) -> None:
    text = exporter.render()
    assert samples(text, told.FRESHNESS) == {(): 1.5}
    assert samples(text, told.LAST_EVENT) == {
        ("A",): NOW / 1000,
        ("B",): NOW / 1000,
        ("C",): NOW / 1000,
    }
    world.progress = Progress(ready=True, percent=100.0, partitions=3)
    text = exporter.render()
    assert samples(text, told.FRESHNESS) == {}
    assert samples(text, told.CUBE_LAG) == {}


def test_health(exporter: Exporter, world: SimpleNamespace) -> None:
    world.lag = {("lgsp.dossiers", 1): 7, ("lgsp.dossiers", 0): 0}
    exporter.requests.add(("/v1/indicators", "200"), 0.25)
    exporter.requests.add(("/v1/indicators", "200"), 0.5)
    text = exporter.render()
    assert samples(text, told.WORKER_LAG) == {("lgsp.dossiers", "0"): 0, ("lgsp.dossiers", "1"): 7}
    assert samples(text, told.CUBE_READY) == samples(text, told.CUBE_PROGRESS) == {(): 1}
    assert samples(text, told.CUBE_LAG) == {(): 3}
    assert 'lgsp_api_request_seconds_sum{route="/v1/indicators",status="200"} 0.75\n' in text
    assert "lgsp_cube_apply_seconds_count 1\n" in text
    assert "process_cpu_seconds_total" in text


def test_no_figure_while_the_cube_is_built(exporter: Exporter, world: SimpleNamespace) -> None:
    world.progress = Progress(percent=40.0, partitions=2)
    text = exporter.render()
    assert samples(text, told.CUBE_READY) == {(): 0}
    assert samples(text, told.CUBE_PROGRESS) == {(): 0.4}
    assert not re.search(r"^lgsp_(indicator|dossiers|count|freshness|last)", text, re.M)


def test_no_figure_from_a_cube_that_is_gone(cube: Cube, exporter: Exporter) -> None:
    cube.close()
    assert "lgsp_indicator" not in exporter.render()


async def test_scrapes_that_wait_share_one_render_that_begins_after_they_asked(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, renders = threading.Semaphore(0), threading.Semaphore(0), []

    def render() -> str:
        renders.append(len(renders))
        begun.release()
        go.acquire()
        return f"render {len(renders)}"

    monkeypatch.setattr(exporter, "render", render)
    first = asyncio.create_task(exporter.text())
    await asyncio.to_thread(begun.acquire)
    late = [asyncio.create_task(exporter.text()) for _ in range(5)]
    late[0].cancel()  # a scraper that hangs up takes nobody else's answer away
    go.release(2)
    assert await first == "render 1"
    assert await asyncio.gather(*late[1:]) == ["render 2"] * 4
    assert renders == [0, 1]


def test_what_is_kept_is_made_again_only_when_the_world_changed() -> None:
    cache, made = Cache(), iter(range(9))
    assert [cache.get("a", version, lambda: next(made)) for version in (1, 1, 2, 2, 1)] == [
        0,
        0,
        1,
        1,
        2,
    ]
