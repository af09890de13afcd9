"""Workers of several versions on the same books: the older one refuses by name, and changes no
figure.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from backups import lgsp
from earlier_version import earlier
from harness import Hub, until
from new_rules_worker import TOMORROW
from test_workers_killed import publish, simulated

from ops.recount.compare import recount
from streams.families import FAMILIES

__all__ = ["earlier"]


async def ended(hub: Hub, name: str) -> str:
    """Wait until that service ends by itself; what it said."""
    service = hub.services.pop(name)
    process = service.process
    assert process is not None
    await asyncio.to_thread(until, lambda: process.poll() is not None)
    assert process.returncode
    return service.log.read_text()


@pytest.mark.faults
async def test_a_worker_of_an_earlier_version_changes_nothing(hub: Hub, earlier: list[str]) -> None:
    """Beside today's under load, and alone: it takes partitions, finds books that it can't read as
    its own, and ends.
    """
    facts = simulated(600)
    half = len(facts) // 2
    hub.service("worker", "worker")
    await publish(hub, facts[:half], 1)
    await hub.settle()
    hub.service("beside", "worker", program=earlier)
    load = asyncio.create_task(publish(hub, facts[half:], 10))
    assert "but group lgsp at" in await ended(hub, "beside")
    await load
    verdicts = await hub.settle()
    assert sum(verdict.events for verdict in verdicts) == len(facts)
    assert not any(verdict.wrong for verdict in verdicts)
    hub.services.pop("worker").stop()
    hub.service("alone", "worker", program=earlier)
    assert "the books stand at offset -2" in await ended(hub, "alone")
    again = await recount(hub.settings)
    assert [(one.applied, one.cells, one.wrong) for one in again] == [
        (one.applied, one.cells, False) for one in verdicts
    ]


@pytest.mark.faults
async def test_todays_worker_leaves_the_books_of_an_earlier_one(
    hub: Hub, earlier: list[str]
) -> None:
    """They lack what today's rules need: it says what to do and changes nothing, so that the
    earlier version can go on with them.
    """
    facts = simulated(600)
    half = len(facts) // 2
    hub.service("worker", "worker", program=earlier)
    await publish(hub, facts[:half], 1)
    await hub.counted()
    hub.services.pop("worker").stop()
    hub.service("today", "worker")
    assert "run `lgsp mend --from-zero`" in await ended(hub, "today")
    hub.service("worker", "worker", program=earlier)
    await publish(hub, facts[half:], 1)
    await hub.counted()
    assert "agree" in await asyncio.to_thread(lgsp, hub, "recount", program=earlier)


@pytest.mark.faults
async def test_todays_worker_changes_nothing_that_tomorrows_has_counted(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses before it writes anything, and says by which version the books are kept."""
    program = [sys.executable, str(Path(__file__).with_name("new_rules_worker.py"))]
    hub.service("tomorrow", program=program)
    await publish(hub, simulated(300), 1)
    await hub.settle()
    hub.services.pop("tomorrow").stop()
    with monkeypatch.context() as patched:
        patched.setitem(FAMILIES, "dossiers", TOMORROW["dossiers"])
        before = await recount(hub.settings)
    hub.service("today", "worker")
    said = await ended(hub, "today")
    version = FAMILIES["dossiers"].version
    assert (
        f"version {version + 1} of the rules counted these books, and this worker has version"
        f" {version}" in said
    )
    monkeypatch.setitem(FAMILIES, "dossiers", TOMORROW["dossiers"])
    after = await recount(hub.settings)
    assert not any(verdict.wrong for verdict in after)
    assert [(one.applied, one.cells) for one in after] == [
        (one.applied, one.cells) for one in before
    ]
