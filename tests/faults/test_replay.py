"""From the version that knew no corrections to this one, beside the running books: these count and
answer all the while, and the new ones say how much they have not counted yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

import pytest
from backups import exact, lgsp
from earlier_version import uncorrected
from harness import Hub, until
from test_new_rules import Asked, asking
from test_workers_killed import publish, simulated

from schemas.events.dossiers import DossierVoided
from schemas.kafka.reading import committed_offsets
from schemas.settings import Settings
from streams.families import FAMILIES

__all__ = ["uncorrected"]

# some 7,000 events of the past at once, then of the present until it is stopped
LOAD = ("--live", "--dossiers", "1000", "--days", "40", "--rate", "50")
DOSSIERS = "/v1/counts?family=dossiers&window=all"


def counts(books: Asked) -> dict[str, dict[str, int]]:
    """What is counted of dossiers, of all days, by kind."""
    return {kind["kind"]: kind["counts"] for kind in books(DOSSIERS)["kinds"]}


def received(books: Asked) -> int:
    """Dossiers that these books have heard of; none where nobody keeps them yet."""
    try:
        return counts(books)["received"]["received"]
    except HTTPError as answer:
        if answer.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return 0


def behind(books: Asked) -> int:
    """Events that these books have not counted, as their answers say."""
    told: int = books(DOSSIERS)["as_of"]["behind"]
    return told


async def soon(holds: Callable[[], bool]) -> None:
    """Wait while the load goes on."""
    await asyncio.to_thread(until, holds)


async def replayed(hub: Hub, books: Settings) -> int:
    """Events that the workers of these books have committed."""
    found = await committed_offsets(books, books.books, list(await hub.ends()))
    return sum(offset or 0 for offset in found.values())


async def kill_half_way(hub: Hub, name: str, books: Settings) -> None:
    """kill -9 once that worker has committed some, and before it has all; it stays down."""
    while not await replayed(hub, books):
        pass
    process = hub.services[name].process
    assert process is not None
    process.kill()
    process.wait()
    assert 0 < await replayed(hub, books) < sum((await hub.ends()).values())


def require_todays(told: dict[str, Any], hub: Hub) -> None:
    """The answer is of the books that the older worker keeps."""
    version = FAMILIES["dossiers"].version
    assert told["as_of"]["books"] == hub.settings.app_id
    assert told["as_of"]["rules"]["dossiers"] == [version - 1]


@pytest.mark.faults
async def test_new_books_are_replayed_under_load_while_the_old_ones_answer(
    hub: Hub, uncorrected: list[str]
) -> None:
    """docs/change-a-definition.md, for this upgrade: the version before sends and counts until all
    is switched. The worker that replays is killed half-way; each book is exact by its own rules.
    """
    beside = hub.settings.model_copy(update={"app_id": "lgsp-2"})
    today, tomorrow = asking(hub, hub.settings.app_id), asking(hub, beside.app_id)
    hub.service("worker", "worker", program=uncorrected)
    hub.service("metrics", "metrics", LGSP_BOOKS_BESIDE=beside.app_id)
    hub.service("load", "simulate", *LOAD, program=uncorrected)
    await soon(lambda: received(today) > 0)
    assert received(tomorrow) == 0
    hub.service("replaying", "worker", LGSP_APP_ID=beside.app_id)
    await kill_half_way(hub, "replaying", beside)

    heard = received(today)
    await soon(lambda: received(today) > heard)
    await soon(lambda: behind(tomorrow) > 0)
    require_todays(today(DOSSIERS), hub)
    assert received(today) > received(tomorrow)
    hub.services["replaying"].start()
    await soon(lambda: received(tomorrow) > heard)
    hub.services.pop("load").stop()

    sent = exact(await hub.settle(beside))
    await hub.counted()
    assert "agree" in await asyncio.to_thread(lgsp, hub, "recount", program=uncorrected)
    await soon(lambda: received(today) == received(tomorrow))
    await switch(hub, beside, sent)
    assert received(today) < received(tomorrow)
    assert set(counts(today)["flow"].values()) == {None}, "not counted by those rules, not none"
    assert tomorrow(DOSSIERS)["as_of"]["rules"]["dossiers"] == [FAMILIES["dossiers"].version]


async def switch(hub: Hub, books: Settings, sent: int) -> None:
    """Today's version sends from now on, so that corrections come in, and the new books alone are
    kept: they count those too, and are exact.
    """
    hub.services.pop("worker").stop()
    facts = simulated(600)
    assert any(isinstance(event, DossierVoided) for event in facts)
    await publish(hub, facts, 1)
    assert exact(await hub.settle(books)) == sent + len(facts)
    told = asking(hub, books.app_id)
    await soon(lambda: behind(told) == 0 and counts(told)["voided"]["voided"] > 0)
    flow = counts(told)["flow"]
    assert flow["taken_online"] + flow["taken_other"] > flow["left"] > 0
