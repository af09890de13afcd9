"""A new definition is computed by replaying from the first event, beside the running one and under
load; then both stand, each exact.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from harness import Hub, until
from new_rules_worker import TOMORROW
from test_workers_killed import publish, simulated

from ops.recount.compare import recount
from ops.recount.verdict import Verdict
from schemas.settings import Settings
from streams.families import FAMILIES

Asked = Callable[[str], Any]


def asking(hub: Hub, books: str) -> Asked:
    """Asks `lgsp metrics` for the books of this name."""

    def asked(path: str) -> Any:
        joined = "&" if "?" in path else "?"
        with urlopen(
            f"http://127.0.0.1:{hub.settings.metrics_port}{path}{joined}books={books}", timeout=30
        ) as answer:
            return json.load(answer)

    return asked


def differing(verdicts: list[Verdict]) -> int:
    """Cells that differ, of all partitions."""
    return sum(len(verdict.differences) for verdict in verdicts)


def counts(books: Asked) -> tuple[int, int]:
    """Dossiers received, and those counted as refused, of all days."""
    kinds = {
        kind["kind"]: kind["counts"]
        for kind in books("/v1/counts?family=dossiers&window=all")["kinds"]
    }
    return kinds["received"]["received"], kinds["refused"]["refused"]


def ask_both(hub: Hub, beside: Settings) -> None:
    """One process answers for both, each by its own rules, and has no list of what it does not know
    the rules of.
    """
    today, tomorrow = asking(hub, hub.settings.app_id), asking(hub, beside.app_id)
    for books in (today, tomorrow):
        until(lambda books=books: books("/v1/coverage")["as_of"]["behind"] == 0)  # type: ignore[misc]
    version = FAMILIES["dossiers"].version
    assert today("/v1/coverage")["as_of"]["rules"]["dossiers"] == [version]
    assert tomorrow("/v1/coverage")["as_of"]["rules"]["dossiers"] == [version + 1]
    # what is counted is in the cube a moment later
    until(lambda: sum(counts(today)) == sum(counts(tomorrow)))
    (received, _), (online, _) = counts(today), counts(tomorrow)
    assert 0 < online < received
    behind = "/v1/dossiers?kind=received&measure=received&window=all&limit=1"
    until(lambda: today(behind)["rows"] == received)
    assert "counted by version" in tomorrow(behind)["missing"]["en"]


@pytest.mark.faults
async def test_a_new_definition_is_counted_beside_the_running_one(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events come in all the while, and the worker that replays is killed once."""
    facts = simulated(8_000)
    beside = hub.settings.model_copy(update={"app_id": "lgsp-2"})
    hub.service("worker", "worker")
    hub.service("metrics", "metrics", LGSP_BOOKS_BESIDE=beside.app_id)
    await publish(hub, facts[: len(facts) // 2], 2)
    load = asyncio.create_task(publish(hub, facts[len(facts) // 2 :], 30))
    hub.service(
        "new-rules",
        program=[sys.executable, str(Path(__file__).with_name("new_rules_worker.py"))],
        LGSP_APP_ID=beside.app_id,
    )
    await asyncio.sleep(12)
    hub.kill("new-rules")
    await load
    today = await hub.settle()
    assert sum(verdict.events for verdict in today) == len(facts)
    assert differing(today) == 0
    replayed = await hub.settle(beside)
    assert sum(verdict.events for verdict in replayed) == len(facts)
    assert differing(replayed) > 1_000, "counted by today's rules, tomorrow's cells must differ"
    ask_both(hub, beside)
    monkeypatch.setitem(FAMILIES, "dossiers", TOMORROW["dossiers"])
    assert differing(await recount(beside)) == 0
    assert differing(await recount(hub.settings)) > 1_000
