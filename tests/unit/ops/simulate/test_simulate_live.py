"""The live stream of the simulated province, and the command that publishes history and stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from hub_rules import hub_counts

from ops.simulate import run
from ops.simulate.live import LiveProvince
from ops.simulate.run import ENDS, START, Past, days_of_history, read_past, simulate, write_past
from ops.simulate.truth import Truth
from ops.simulate.whole import whole_province
from schemas.clock import DAY_MS, ZONE, day, to_datetime, to_ms
from schemas.errors import EnvironmentBroken, KafkaUnavailable
from schemas.events import Event
from schemas.settings import Settings

Told = list[tuple[int, Event]]


# The live stream


def live(seed: int, number: int, started: int = START) -> tuple[Told, LiveProvince]:
    world = LiveProvince(seed, started)
    clock = count(started, 200)
    return [(now, world.next(now)) for now in (next(clock) for _ in range(number))], world


def test_live_facts_are_of_the_moment_or_reported_late_and_never_of_the_future() -> None:
    told, _ = live(1, 5_000)
    first = {event.event_id: now for now, event in reversed(told)}
    lags = [first[event.event_id] - event.occurred_at for _, event in told]
    assert min(lags) == 0
    assert 0.02 < sum(lag > 60_000 for lag in lags) / len(lags) < 0.2
    assert max(lags) <= 3 * 3_600_000


def test_the_live_truth_is_exact_at_any_moment() -> None:
    told, world = live(2, 6_000)
    truth = world.truth()
    sums, _ = hub_counts(told)
    assert truth.total("dossiers", "closed", "closed") > 500
    assert truth.total("dossiers", "closed", "late") > 0
    assert any(not getattr(event, "holds", True) for _, event in told)
    assert any(getattr(event, "effective_at", None) for _, event in told)
    for key, number in truth.counts.items():
        assert sums[key] == number, key
    assert world.truth().counts == truth.counts  # asking changes nothing


def test_a_restarted_live_stream_speaks_of_other_things() -> None:
    first, second = live(1, 500)[0], live(1, 500, START + 1)[0]
    assert {event.thing for _, event in first}.isdisjoint(event.thing for _, event in second)


# The command


class Kept:
    """A sink that keeps what it is given, and can end the run or fail after so many events."""

    def __init__(self, stop: asyncio.Event | None = None, enough: int = 0, fails: int = 0) -> None:
        self.events: list[Event] = []
        self.stop, self.enough, self.fails = stop, enough, fails

    async def publish(self, told: Sequence[Event]) -> None:
        self.events.extend(told)
        if self.fails and len(self.events) >= self.fails:
            raise KafkaUnavailable("No Kafka answers.")
        if self.stop and len(self.events) >= self.enough:
            self.stop.set()
        await asyncio.sleep(0)


async def test_simulate_publishes_everything_and_knows_it(tmp_path: Path) -> None:
    sink = Kept()
    truth = await simulate(Settings(data=tmp_path), seed=4, dossiers=200, days=10, publisher=sink)
    assert sink.events == [event for _, event in whole_province(4, 200, ENDS - 10 * DAY_MS, 10)]
    assert truth.events == len(sink.events)
    assert read_past(tmp_path / run.MARKER) is None


@pytest.mark.parametrize(
    ("today", "begins"),
    [
        ("2026-12-01", "2024-12-15"),
        ("2026-12-14", "2024-12-15"),
        ("2026-12-15", "2025-12-15"),
        ("2027-01-01", "2025-12-15"),
    ],
)
def test_live_history_holds_the_whole_reporting_year_before(today: str, begins: str) -> None:
    now = to_ms(datetime.fromisoformat(f"{today}T09:00").replace(tzinfo=ZONE))
    begun = to_datetime(now - days_of_history(now) * DAY_MS)
    assert begun.date().isoformat() == begins


async def run_live(folder: Path, enough: int, fails: int = 0) -> tuple[list[Event], Truth]:
    stop = asyncio.Event()
    sink = Kept(stop, enough, fails)
    truth = await simulate(
        Settings(data=folder), dossiers=100, days=10, rate=1e6, live=True, publisher=sink, stop=stop
    )
    return sink.events, truth


async def test_history_comes_once_and_is_marked_as_such(tmp_path: Path) -> None:
    first, truth = await run_live(tmp_path, 3_000)
    history = [event for event in first if event.backfill]
    assert len({event.thing for event in history if event.family == "dossiers"}) >= 90
    assert first[: len(history)] == history
    assert truth.total("dossiers", "received", "backfilled") > 80
    assert truth.events >= len(first)
    past = read_past(tmp_path / run.MARKER)
    assert past is not None
    assert past.told
    second, _ = await run_live(tmp_path, 3_000)
    assert not any(event.backfill for event in second)


async def test_history_cut_short_is_told_again_the_very_same(tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable):
        await run_live(tmp_path, 0, fails=1)
    past = read_past(tmp_path / run.MARKER)
    assert past is not None
    assert not past.told
    again, _ = await run_live(tmp_path, 3_000)
    expected = [
        event
        for _, event in whole_province(
            past.seed, past.dossiers, past.start, past.days, backfill=True
        )
    ]
    assert [event for event in again if event.backfill] == expected
    assert day(past.start) < day(again[-1].occurred_at)


def test_a_damaged_marker_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "folder" / run.MARKER
    assert read_past(path) is None
    write_past(path, Past(1, 2, 3, START))
    assert read_past(path) == Past(1, 2, 3, START)
    path.write_text("{")
    with pytest.raises(EnvironmentBroken, match="damaged"):
        read_past(path)
