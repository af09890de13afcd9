"""A backup taken while everything runs, restored elsewhere: the same facts, times, figures and
lags, whatever interrupts it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from backups import cells, elsewhere, exact, facts, lgsp, sources
from harness import Hub
from load import Load, known_dossiers
from test_workers_killed import publish, simulated

from ops.backup.manifest import required
from ops.recount.compare import recount
from schemas.errors import RestoreUnfinished
from schemas.kafka.clients import admin
from schemas.kafka.reading import committed_offsets
from schemas.kafka.topics import ensure_topics, settings_of
from schemas.topics import RESTORING, events_topic

__all__ = ["elsewhere"]


@pytest.mark.faults
async def test_a_backup_under_load_is_the_same_hub_elsewhere(
    hub: Hub, elsewhere: Hub, tmp_path: Path
) -> None:
    """Taken twice, the second adds what is new; the restored hub publishes what the first one's
    facts and their times say, and goes on.
    """
    folder = tmp_path / "backup"
    hub.service("gateway", "gateway")
    hub.service("worker", "worker")
    await publish(hub, simulated(300), 1)
    async with Load(hub) as load:
        await load.until_accepted(20)
        await asyncio.to_thread(lgsp, hub, "backup", str(folder))
        first = sum(required(folder).whole().ends.values())
        await load.until_accepted(20)
        await asyncio.to_thread(lgsp, hub, "backup", str(folder))
        ends = required(folder).whole().ends
    books = required(folder).whole().books
    assert books is not None, required(folder).whole().why_no_books
    assert sum(ends.values()) > first > 0
    assert sum(one.offset for one in books.standings) > 0
    assert [path for path in folder.rglob("*") if path.stat().st_mode & 0o077] == []
    assert "states agree" in await asyncio.to_thread(lgsp, elsewhere, "restore", str(folder))
    before = await facts(hub)
    assert await facts(elsewhere) == {
        source: before[source][: ends[f"{source.topic}/{source.partition}"]] for source in before
    }
    elsewhere.service("gateway", "gateway")
    elsewhere.service("worker", "worker")
    assert exact(await elsewhere.settle()) == sum(ends.values())
    load.hub = elsewhere
    await load.again()
    exact(await elsewhere.settle())
    assert await known_dossiers(elsewhere) >= load.dossiers


@pytest.mark.faults
async def test_a_restore_killed_in_the_middle_goes_on_exactly(
    hub: Hub, elsewhere: Hub, tmp_path: Path
) -> None:
    """Meanwhile nothing else of the hub starts there, and no other restore goes there."""
    folder, stories = tmp_path / "backup", simulated(500)
    worker = hub.service("worker", "worker")
    await publish(hub, stories, 1)
    exact(await hub.settle())
    worker.stop()
    lgsp(hub, "backup", str(folder))
    killer = (
        sys.executable,
        str(Path(__file__).with_name("killed_restore.py")),
        str(len(stories) // 2),
    )
    lgsp(elsewhere, str(folder), code=-9, program=killer)
    assert 0 < sum((await elsewhere.ends()).values()) < len(stories)
    with pytest.raises(RestoreUnfinished, match="lgsp restore"):
        await ensure_topics(elsewhere.settings)
    assert "Another restore was begun" in lgsp(
        elsewhere, "restore", str(folder), "--events-only", code=1
    )
    assert "states agree" in lgsp(elsewhere, "restore", str(folder))
    assert await facts(elsewhere) == await facts(hub)
    assert await cells(elsewhere) == await cells(hub)
    group = [
        await committed_offsets(one.settings, "lgsp", sources(one)) for one in (hub, elsewhere)
    ]
    assert {source: offset or 0 for source, offset in group[0].items()} == {
        source: offset or 0 for source, offset in group[1].items()
    }
    async with admin(elsewhere.settings) as client:
        assert RESTORING not in await client.list_topics()
        (found,) = (await settings_of(client, [events_topic("dossiers")])).values()
    assert (found["message.timestamp.type"].value, found["message.timestamp.after.max.ms"].own) == (
        "LogAppendTime",
        False,
    )
    assert "is not empty (lgsp.cells, lgsp.documents," in lgsp(
        elsewhere, "restore", str(folder), code=1
    )
    lgsp(elsewhere, "backup", str(tmp_path / "of-the-restored"))


@pytest.mark.faults
async def test_what_is_left_out_is_nowhere(hub: Hub, elsewhere: Hub, tmp_path: Path) -> None:
    """Its facts are in no topic, workers count the others anew with the times at which they were
    first heard, and say the same of them.
    """
    folder, stories = tmp_path / "backup", simulated(300)
    await publish(hub, stories, 1)
    lgsp(hub, "backup", str(folder))
    erased = stories[0].thing
    family = stories[0].family
    assert "holds no fact of dossiers:SAMPLE-NONE" in lgsp(
        elsewhere, "restore", str(folder), "--without", "dossiers:SAMPLE-NONE", code=1
    )
    said = lgsp(elsewhere, "restore", str(folder), "--without", f"{family}:{erased}")
    gone = [one for one in stories if (one.family, one.thing) == (family, erased)]
    assert f"{len(gone)} facts were left out. This backup, older ones" in said
    left = {
        source: [one for one in found if one[1] != erased.encode()]
        for source, found in (await facts(hub)).items()
    }
    assert await facts(elsewhere) == left
    elsewhere.service("worker", "worker")
    assert exact(await elsewhere.settle()) == len(stories) - len(gone)
    assert "another hub" in lgsp(elsewhere, "backup", str(folder), code=1)


@pytest.mark.faults
async def test_a_log_that_lost_its_beginning_is_known_as_such_elsewhere(
    hub: Hub, elsewhere: Hub, tmp_path: Path
) -> None:
    """States hold facts that the log has no more: they are restored at offsets of their own, and
    nobody may count them anew unwarned.
    """
    folder, stories, source = tmp_path / "backup", simulated(300), sources(hub)[0]
    hub.service("worker", "worker")
    await publish(hub, stories, 1)
    exact(await hub.settle())
    hub.services.pop("worker").stop()
    async with admin(hub.settings) as client:
        await client.delete_records({source: RecordsToDelete(before_offset=20)})
    lgsp(hub, "backup", str(folder))
    assert "begins at offset 1" in lgsp(elsewhere, "restore", str(folder), code=1)
    assert await cells(elsewhere) == await cells(hub)
    elsewhere.service("worker", "worker")
    await publish(elsewhere, simulated(310), 1)
    await elsewhere.counted()
    verdicts = {
        TopicPartition(events_topic(one.family), one.partition): one
        for one in await recount(elsewhere.settings)
    }
    assert verdicts.pop(source).begins == 1
    assert not any(one.faults or one.wrong for one in verdicts.values())
