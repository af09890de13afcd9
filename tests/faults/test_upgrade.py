"""From the last landed version to this one as docs/upgrade.md says it, and back: no fact is lost on
either way.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from backups import cells, elsewhere, exact, facts, lgsp
from earlier_version import earlier
from harness import Hub
from test_workers_killed import publish, simulated

from ops.backup.manifest import required

__all__ = ["earlier", "elsewhere"]


@pytest.mark.faults
@pytest.mark.parametrize("dossiers", [600, pytest.param(30_000, marks=pytest.mark.long)])
async def test_up_and_back_by_restoring(
    hub: Hub, elsewhere: Hub, earlier: list[str], tmp_path: Path, dossiers: int
) -> None:
    """No fact is lost: the older version counts those that it can read and keeps the others for
    when it goes up again, and each version says that all is exact.
    """
    stories = simulated(dossiers)
    half = len(stories) // 2
    hub.service("worker", "worker", program=earlier)
    await publish(hub, stories[:half], 1)
    await hub.counted()
    hub.services.pop("worker").stop()
    before, after = tmp_path / "before", tmp_path / "after"
    await asyncio.to_thread(lgsp, hub, "backup", str(before))
    assert sum(required(before).whole().ends.values()) == half
    await asyncio.to_thread(lgsp, hub, "mend", "--from-zero", "--yes")
    hub.service("worker", "worker")
    await publish(hub, stories[half:], 1)
    assert exact(await hub.settle()) == len(stories)
    hub.services.pop("worker").stop()

    await asyncio.to_thread(lgsp, hub, "backup", str(after))
    assert required(after).whole().books is not None
    await asyncio.to_thread(lgsp, elsewhere, "restore", str(after), "--events-only")
    assert await facts(elsewhere) == await facts(hub)
    elsewhere.service("worker", "worker", program=earlier)
    await elsewhere.counted()
    told = await asyncio.to_thread(lgsp, elsewhere, "recount", program=earlier)
    assert "agree" in told
    elsewhere.services.pop("worker").stop()
    await asyncio.to_thread(lgsp, elsewhere, "mend", "--from-zero", "--yes")
    elsewhere.service("worker", "worker")  # and up again
    # once more, which changes nothing; the group moves only after the take-over
    await publish(elsewhere, stories[:10], 0.1)
    assert exact(await elsewhere.settle()) == len(stories) + 10
    assert await cells(elsewhere) == await cells(hub)


@pytest.mark.faults
async def test_back_in_the_same_folder(hub: Hub, earlier: list[str]) -> None:
    """Where nothing is damaged, no restore is needed: new books by an older version count every
    fact anew.
    """
    stories = simulated(300)
    hub.service("worker", "worker")
    await publish(hub, stories, 1)
    assert exact(await hub.settle()) == len(stories)
    hub.services.pop("worker").stop()
    await asyncio.to_thread(lgsp, hub, "mend", "--from-zero", "--yes")
    hub.service("worker", "worker", program=earlier)
    await hub.counted()
    assert "agree" in await asyncio.to_thread(lgsp, hub, "recount", program=earlier)
