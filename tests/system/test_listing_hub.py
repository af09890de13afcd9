"""The whole hub: what workers count and what is listed behind it are the same, for every live
indicator, part and page.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness import Hub, until

from connectors.publishing.publisher import Publisher
from metrics.catalogue.indicators import Indicator, load_indicators
from metrics.lists.reader import applied
from metrics.lists.terms import Part, families_of
from ops.simulate.stream import events
from schemas.clock import DAY_MS, now_ms
from schemas.families import LISTED_FAMILIES
from schemas.topics import state_topic

DAYS = 30
PATIENCE = 180.0
PARTS: tuple[Part, Part] = ("numerator", "denominator")


def live() -> Iterator[tuple[Indicator, Part, str]]:
    """Every part that has a list, with the family that is listed."""
    for indicator in load_indicators().values():
        for part in PARTS:
            families = families_of(indicator, part)
            if (
                indicator.source == "events"
                and len(families) == 1
                and families[0] in LISTED_FAMILIES
            ):
                yield indicator, part, families[0]


def get(hub: Hub, path: str, **parameters: Any) -> Any:
    answer = httpx.get(
        f"http://127.0.0.1:{hub.settings.metrics_port}{path}", params=parameters, timeout=60.0
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


def ready(hub: Hub) -> bool:
    address = f"http://127.0.0.1:{hub.settings.metrics_port}"
    return answers(f"{address}/readyz") and answers(
        f"{address}/v1/dossiers?indicator=dossiers_overdue"
    )


def everything(hub: Hub, family: str, **parameters: Any) -> tuple[Any, list[Any]]:
    """The first page's head, and the things of all pages."""
    head = page = get(hub, f"/v1/{family}", **parameters)
    things = list(page["things"])
    while page["next"] is not None:
        page = get(hub, f"/v1/{family}", **parameters, after=page["next"])
        things += page["things"]
    return head, things


def compare(hub: Hub, indicator: Indicator, part: Part, family: str, **parameters: Any) -> int:
    figure = get(hub, f"/v1/indicators/{indicator.id}", **parameters)
    head, things = everything(
        hub, family, indicator=indicator.id, part=part, limit=500, **parameters
    )
    if figure[part] is None:
        assert (head["figure"], things, bool(head["missing"])) == (None, [], True), (
            indicator.id,
            part,
        )
        return 0
    assert head["same_moment"] is True, (indicator.id, part, head)
    assert (
        sum(thing["adds"] for thing in things) == figure[part] == head["figure"] == head["adds"]
    ), (indicator.id, part)
    assert len(things) == head["rows"]
    return len(things)


@pytest.fixture
async def told(hub: Hub) -> Hub:
    """A hub that was told a month of a small province, up to today."""
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(
            [event for _, event in events(7, 400, now_ms() - DAYS * DAY_MS, DAYS)]
        )
    hub.service("worker", "worker")
    hub.service("metrics", "metrics")
    verdicts = await hub.settle()
    assert not [verdict for verdict in verdicts if verdict.differences]
    until(lambda: ready(hub))
    return hub


async def test_every_figure_is_as_long_as_its_list(told: Hub) -> None:
    with sqlite3.connect(told.settings.data / "listing.sqlite") as listing:
        places = {
            family: applied(listing, state_topic(family)) for family in ("dossiers", "documents")
        }
    assert all(places.values()), "every worker says how far its states are"
    agency = get(told, "/v1/dossiers", indicator="dossiers_on_time_share", window="all")["things"][
        0
    ]["agency"]
    found = {
        (indicator.id, part): compare(
            told, indicator, part, family, **({} if indicator.asks_now else {"window": "all"})
        )
        + compare(told, indicator, part, family, agency=agency)
        for indicator, part, family in live()
        if indicator.by_agency
    }
    assert sum(found.values()) > 1_000
    assert found["dossiers_on_time_share", "denominator"] > 100

    for file in told.settings.data.glob("listing.sqlite*"):
        file.unlink()
    until(lambda: ready(told) and (told.settings.data / "listing.sqlite").exists())
    indicator = load_indicators()["dossiers_on_time_share"]
    assert compare(told, indicator, "denominator", "dossiers", window="all") > 100

    told.kill("metrics")
    until(lambda: ready(told))
    assert compare(told, indicator, "denominator", "dossiers", window="all") > 100


async def test_under_load_figure_and_list_are_of_one_moment(told: Hub) -> None:
    """Lists are asked for until twenty met their figures while these changed; none that stood for
    the same facts was of another length.
    """
    parameters = {"kind": "received", "measure": "received", "window": "all", "limit": 1}
    figures = set[int]()

    async def send() -> None:
        async with Publisher(told.settings) as publisher:
            for number in itertools.count():
                await publisher.publish(
                    [event for _, event in events(100 + number, 20, now_ms() - DAYS * DAY_MS, DAYS)]
                )
                await asyncio.sleep(0.05)  # a load, and not all that a busy machine can do

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(PATIENCE):
            while len(figures) < 20:
                answer = await asyncio.to_thread(get, told, "/v1/dossiers", **parameters)
                assert not sending.done()
                if answer["same_moment"]:
                    assert answer["figure"] == answer["adds"] == answer["rows"]
                    figures.add(answer["figure"])
    finally:
        sending.cancel()
    assert "at the same moment" not in (told.settings.data / "metrics.log").read_text()


def test_lists_can_be_switched_off(hub: Hub) -> None:
    hub.environment["LGSP_LISTING"] = "0"
    hub.service("metrics", "metrics")
    address = f"http://127.0.0.1:{hub.settings.metrics_port}"
    until(lambda: answers(f"{address}/healthz"))
    answer = httpx.get(f"{address}/v1/dossiers", params={"indicator": "dossiers_overdue"})
    assert (answer.status_code, "LGSP_LISTING=1" in answer.json()["detail"]) == (404, True)
    assert not (hub.settings.data / "listing.sqlite").exists()
