"""Real facts and made-up ones on one Kafka, at the same time: they share no topic, no group and no
figure, and each space is recounted by itself.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from accesses import PEPPER, draft
from harness import Hub, until

from connectors.publishing.publisher import Publisher
from ops.access.run import HERE
from ops.backup.commands import run_backup, run_restore
from ops.kafka.ports import free_port
from ops.kafka.topics import delete_topics
from ops.recount.verdict import Verdict
from ops.simulate.stream import events
from schemas.kafka.clients import admin
from schemas.kafka.topics import ensure_topics, topics_there
from schemas.settings import Settings
from schemas.spaces import SIMULATED
from schemas.topics import topics_of
from serving.access.changes import added
from serving.access.topic import change_client, read_clients

START = 1_767_546_000_000
DOSSIERS = 150


def simulate(hub: Hub, space: str, figures: Path) -> tuple[int, str]:
    """`lgsp simulate` in a space: its exit code, and what it said is wrong."""
    command = ["simulate", "--dossiers", str(DOSSIERS), "--days", "20", "--figures", str(figures)]
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", *command],
        env=hub.environment | {"LGSP_SPACE": space, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stderr


def answer(settings: Settings) -> tuple[str, dict[str, Any]]:
    """The space that the answer names in its head, and all dossiers received as it tells them."""
    url = f"http://127.0.0.1:{settings.metrics_port}/v1/counts?family=dossiers&window=all"
    with urllib.request.urlopen(url, timeout=10) as found:
        return found.headers["LGSP-Space"], json.load(found)


def received(settings: Settings) -> int:
    """Dossiers received, as a hub's API tells them."""
    _, told = answer(settings)
    (kind,) = [one for one in told["kinds"] if one["kind"] == "received"]
    return int(kind["counts"]["received"])


def told(verdicts: list[Verdict]) -> int:
    """How many events were recounted; nothing may be wrong."""
    assert [verdict for verdict in verdicts if verdict.wrong] == []
    return sum(verdict.events for verdict in verdicts)


async def test_two_spaces_share_nothing_but_kafka(hub: Hub, tmp_path: Path) -> None:
    simulated = hub.settings.model_copy(update={"space": SIMULATED, "metrics_port": free_port()})
    figures = tmp_path / "figures.json"

    code, said = simulate(hub, "official", figures)
    assert (code, "Set LGSP_SPACE=simulated" in said) == (1, True)
    assert sum((await hub.ends()).values()) == 0
    assert simulate(hub, SIMULATED, figures) == (0, "")
    assert sum((await hub.ends()).values()) == 0, "no fact of it is official"
    made_up = sum((await hub.ends(simulated)).values())
    assert made_up > DOSSIERS

    hub.service("worker", "worker")
    hub.service("simulated", "worker", LGSP_SPACE=SIMULATED)
    real = [event for _, event in events(3, 5, START, 10)]
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(real)
    assert told(await hub.settle()) == len(real)
    assert told(await hub.settle(simulated)) == made_up

    hub.service("metrics", "metrics")
    port = str(simulated.metrics_port)
    hub.service("metrics-2", "metrics", LGSP_SPACE=SIMULATED, LGSP_METRICS_PORT=port)
    ours = len({event.thing for event in real if event.type == "dossier.received"})
    until(lambda: received(hub.settings) == ours)
    until(lambda: received(simulated) >= DOSSIERS)
    for settings, space in ((hub.settings, "official"), (simulated, SIMULATED)):
        head, found = answer(settings)
        assert (head, found["as_of"]["space"]) == (space, space)
    assert (hub.settings.data / "spaces" / SIMULATED / "cube.sqlite").exists()


async def test_a_space_is_backed_up_and_restored_beside_another(hub: Hub, tmp_path: Path) -> None:
    """The official workers go on while made-up facts are restored: they neither wait for it nor are
    in its way.
    """
    simulated = hub.settings.model_copy(update={"space": SIMULATED})
    facts = [event for _, event in events(4, 30, START, 10)]
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(facts[:20])
    assert simulate(hub, SIMULATED, tmp_path / "figures.json") == (0, "")
    made_up = sum((await hub.ends(simulated)).values())
    worker = hub.service("simulated", "worker", LGSP_SPACE=SIMULATED)
    assert told(await hub.settle(simulated)) == made_up
    worker.stop()
    hub.services.pop("simulated")
    hub.service("worker", "worker")

    folder = tmp_path / "backup"
    assert await asyncio.to_thread(run_backup, simulated, folder) == 0
    await delete_topics(simulated, [topic.name for topic in topics_of(simulated)])
    await ensure_topics(simulated)
    await change_client(simulated, lambda there: added(there, draft("shop"), PEPPER, 0), HERE, "-")
    assert (
        await asyncio.to_thread(run_restore, simulated, folder, events_only=False, without=[]) == 0
    ), "and it was recounted"
    assert {*await read_clients(simulated)} == {"shop"}, "who may is no fact, and stays"
    assert await read_clients(hub.settings) == {}, "and is nobody's in another space"
    assert sum((await hub.ends(simulated)).values()) == made_up
    assert told(await hub.settle()) == 20
    async with admin(hub.settings) as client:
        left = {name for name in await topics_there(client) if name.endswith(".restoring")}
    assert left == set()
