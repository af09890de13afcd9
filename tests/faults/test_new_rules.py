"""A new definition is computed by replaying from the first event, beside the running one and under load; then both stand, each exact."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from harness import Hub
from new_rules_worker import TOMORROW
from test_workers_killed import publish, simulated

from ops.recount import Verdict, recount
from streams.families import FAMILIES


def differing(verdicts: list[Verdict]) -> int:
    """Cells that differ, of all partitions."""
    return sum(len(verdict.differences) for verdict in verdicts)


@pytest.mark.faults
async def test_a_new_definition_is_counted_beside_the_running_one(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events come in all the while, and the worker that replays is killed once."""
    facts = simulated(8_000)
    beside = hub.settings.model_copy(update={"app_id": "lgsp-2"})
    hub.service("worker", "worker")
    await publish(hub, facts[: len(facts) // 2], 2)
    load = asyncio.create_task(publish(hub, facts[len(facts) // 2 :], 30))
    hub.service("new-rules", program=[sys.executable, str(Path(__file__).with_name("new_rules_worker.py"))], LGSP_APP_ID=beside.app_id)
    await asyncio.sleep(12)
    hub.kill("new-rules")
    await load
    today = await hub.settle()
    assert sum(verdict.events for verdict in today) == len(facts)
    assert differing(today) == 0
    replayed = await hub.settle(beside)
    assert sum(verdict.events for verdict in replayed) == len(facts)
    assert differing(replayed) > 1_000, "counted by today's rules, tomorrow's cells must differ"
    monkeypatch.setitem(FAMILIES, "dossiers", TOMORROW["dossiers"])
    assert differing(await recount(beside)) == 0
    assert differing(await recount(hub.settings)) > 1_000
