"""The whole hub: from a dossier to its facts and to the figures it is in, as its users ask; and
every listed thing can be asked.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any
from urllib.parse import quote

import httpx
from harness import Hub, until

from connectors.publishing.publisher import Publisher
from ops.simulate.run import START
from ops.simulate.whole import whole_province
from schemas.clock import iso
from schemas.events import Event
from schemas.families import LISTED_FAMILIES

ID = "TST/H35?1#2 %41"
SENT = [  # the finish comes before the reception, and comes twice
    ("3", "dossier.finished", "2025-11-10T16:30:00+07:00", {}),
    (
        "1",
        "dossier.received",
        "2025-11-03T09:00:00+07:00",
        {"procedure": "SAMPLE.001", "channel": "online", "due_at": "2025-11-10T17:00:00+07:00"},
    ),
    ("3", "dossier.finished", "2025-11-10T16:30:00+07:00", {}),
    (
        "4",
        "dossier.corrected",
        "2025-11-12T09:00:00+07:00",
        {
            "procedure": "SAMPLE.002",
            "channel": "online",
            "received_at": "2025-11-03T09:00:00+07:00",
            "due_at": "2025-11-10T10:00:00+07:00",
        },
    ),
]


# one, since a new one for each of hundreds of questions takes longer than their answers
CLIENT = httpx.Client(timeout=60.0)


def get(hub: Hub, path: str, status: int = 200) -> Any:
    answer = CLIENT.get(f"http://127.0.0.1:{hub.settings.metrics_port}{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def send(hub: Hub, id_: str, kind: str, time: str, data: dict[str, Any]) -> None:
    event = {
        "specversion": "1.0",
        "id": id_,
        "source": "one-stop",
        "type": kind,
        "time": time,
        "data": {"dossier_id": ID, "agency": "SAMPLE.A", **data},
    }
    answer = httpx.post(
        f"http://127.0.0.1:{hub.settings.gateway_port}/v1/events",
        json=event,
        headers={"content-type": "application/cloudevents+json"},
    )
    assert answer.status_code == 202, answer.text


def start(hub: Hub, *names: str) -> None:
    for name in names:
        hub.service(name, name)
    gateway, metrics = hub.settings.gateway_port, hub.settings.metrics_port
    until(lambda: "gateway" not in names or answers(f"http://127.0.0.1:{gateway}/readyz"))
    until(lambda: answers(f"http://127.0.0.1:{metrics}/readyz"))
    until(lambda: answers(f"http://127.0.0.1:{metrics}/v1/dossiers?indicator=dossiers_overdue"))


def test_a_figure_is_followed_to_the_facts_and_back(hub: Hub) -> None:
    start(hub, "gateway", "worker", "metrics")
    path = f"/v1/dossiers/{quote(ID, safe='')}"
    for fact in SENT:
        send(hub, *fact)
        last = get(hub, path)["facts"][-1]
        assert (last["id"], last["type"], last["occurred_at"]) == fact[:3], (
            "what was accepted is there at once"
        )

    def standings() -> list[str]:
        return [fact["standing"] for fact in get(hub, path)["facts"]]

    # the correction states all that the reception said
    until(lambda: standings() == ["counted", "outdone", "duplicate", "counted"])
    answer = get(hub, path)
    assert [fact["id"] for fact in answer["facts"]] == [id_ for id_, *_ in SENT]
    for fact, (_, _, _, data) in zip(answer["facts"], SENT, strict=True):
        assert data.items() <= fact["data"].items()
    [closed] = [cell for cell in answer["state"]["counts_for"] if cell["kind"] == "closed"]
    assert (closed["category"], closed["at"], closed["agency"], closed["counts"]["late"]) == (
        "SAMPLE.002",
        "2025-11-10",
        "SAMPLE.A",
        1,
    )
    for figure in closed["figures"]:
        # there is no other dossier; what is carried over is made of two of its cells
        if "to=" in figure["figure"]:
            assert get(hub, figure["figure"])[figure["part"]] == figure["adds"]
        if figure["list"] is not None:
            assert {thing["id"] for thing in get(hub, figure["list"])["things"]} == {ID}
    assert (
        "lgsp_facts_ready 1"
        in httpx.get(f"http://127.0.0.1:{hub.settings.metrics_port}/metrics").text
    )
    assert "Nothing was ever told" in get(hub, "/v1/dossiers/TST.1", 404)["detail"]


async def test_every_listed_thing_can_be_asked_with_all_of_its_facts(hub: Hub) -> None:
    told: list[Event] = [event for _, event in whole_province(3, 60, START, 30)]
    async with Publisher(hub.settings) as publisher:
        await publisher.publish(told)
    hub.service("worker", "worker")
    await hub.settle()
    start(hub, "metrics")
    with sqlite3.connect(hub.settings.data / "listing.sqlite") as listing:
        things = [
            (family, thing)
            for family in LISTED_FAMILIES
            for (thing,) in listing.execute(f"SELECT thing FROM {family}")
        ]
    told_of = {(event.family, event.thing) for event in told if event.family in LISTED_FAMILIES}
    assert set(things) <= told_of
    for family, thing in told_of - set(things):  # an activity that was cancelled counts nowhere
        assert family == "activities"
        assert get(hub, f"/v1/{family}/{quote(thing, safe='')}")["state_missing"] is not None
    assert Counter(family for family, _ in things).keys() == set(LISTED_FAMILIES)
    for family, thing in things:
        answer = get(hub, f"/v1/{family}/{quote(thing, safe='')}")
        mine = [event for event in told if (event.family, event.thing) == (family, thing)]
        assert [
            (fact["id"], fact["source"], fact["type"], fact["occurred_at"])
            for fact in answer["facts"]
        ] == [(event.event_id, event.source, event.type, iso(event.occurred_at)) for event in mine]
        first: dict[tuple[str, str], Event] = {}
        same = [first.setdefault((one.source, one.event_id), one) == one for one in mine]
        again = sum(same) - len(first)  # an id that was used for something else is no duplicate
        standing = Counter(fact["standing"] for fact in answer["facts"])
        assert standing["duplicate"] == again
        assert standing["counted"] + standing["outdone"] == len(mine) - again
        assert (answer["left"], answer["facts_missing"], answer["state_missing"]) == (0, None, None)
    for family, thing in things[::20]:
        for cell in get(hub, f"/v1/{family}/{quote(thing, safe='')}")["state"]["counts_for"]:
            for figure in cell["figures"]:
                if figure["list"] is not None:
                    assert thing in {
                        one["id"] for one in get(hub, figure["list"] + "&limit=1000")["things"]
                    }, figure
