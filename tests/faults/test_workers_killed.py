"""Workers are killed and frozen under load; an independent recount must agree cell by cell, and
disagree with a broken engine.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from harness import FREEZE, Hub

from connectors.publishing.publisher import Publisher
from ops.simulate.stream import events
from schemas.events import Event

START = 1_767_546_000_000
# the recount of so many takes most of the test
DOSSIERS = 30_000 if os.environ.get("FAULTS") == "long" else 10_000


def simulated(dossiers: int) -> list[Event]:
    """A few weeks of a province, with duplicates and late reports."""
    return [event for _, event in events(3, dossiers, START, 40)]


async def publish(hub: Hub, facts: list[Event], seconds: float) -> None:
    """Send them spread over about that time."""
    parts = [facts[start : start + 500] for start in range(0, len(facts), 500)]
    async with Publisher(hub.settings) as publisher:
        for part in parts:
            await publisher.publish(part)
            await asyncio.sleep(seconds / len(parts))


@pytest.mark.faults
async def test_figures_are_exact_after_kills_and_a_freeze(hub: Hub) -> None:
    """Four kill -9 and one freeze beyond the session timeout, while events come in."""
    facts = simulated(DOSSIERS)
    for name in ("worker-1", "worker-2"):
        hub.service(name, "worker")
    load = asyncio.create_task(publish(hub, facts, 45))
    for victim in ("worker-1", "worker-2", "worker-1"):
        await asyncio.sleep(7)
        hub.kill(victim)
    await asyncio.sleep(5)
    thaw = hub.freeze("worker-2")
    await asyncio.sleep(FREEZE)
    thaw()
    await asyncio.sleep(4)
    hub.kill("worker-1")
    await load
    verdicts = await hub.settle()
    assert sum(verdict.events for verdict in verdicts) == len(facts)
    assert [verdict.differences for verdict in verdicts] == [[] for _ in verdicts]
    assert sum(verdict.cells for verdict in verdicts) > 1_000


@pytest.mark.faults
async def test_recount_finds_an_engine_that_commits_without_its_states(hub: Hub) -> None:
    """The same fault with a worker that loses states: the recount must differ, or it proves
    nothing.
    """
    facts = simulated(6_000)
    hub.service(
        "broken", program=[sys.executable, str(Path(__file__).with_name("broken_worker.py"))]
    )
    await publish(hub, facts[: len(facts) // 2], 4)
    await wait_for_cells(hub)
    hub.kill("broken")
    await publish(hub, facts[len(facts) // 2 :], 1)
    verdicts = await hub.settle()
    assert any(verdict.differences for verdict in verdicts)


async def wait_for_cells(hub: Hub, seconds: float = 60.0) -> None:
    """Until the first half is applied, so that the take-over has states to miss."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(verdict.events > 100 for verdict in await hub.settle()):
            return
    raise AssertionError("no cells were published")
