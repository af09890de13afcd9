"""Communes that became one on 1 July 2025, through the running hub: told over HTTP at the gateway,
asked at the API and at /metrics.

Codes are samples. Districts T and U ended; T is succeeded by N.1. Communes T.1 and T.2 became N.1,
T.3 and U.1 became N.2, U.2 went on under the province. 000.T1.P and 000.N1.P are forms of T.1's and
N.1's codes after TT 10/2016. The dossiers, with what is digitised:

| dossier | received | ended | what is special | |---|---|---|---| | 1 | 000.T1.P, 10 June | T.1, 20
June, digitised | all before; two forms of one code | | 2 | T.3, 25 June | P.D, 4 July, digitised |
moved to the department on 3 July: receiving and handling agency differ | | 3 | T.2, 28 June | T.2,
2 July | ended under a code that was no more: N.1 answers for it | | 4 | N.2, 5 July | N.2, 8 July,
digitised | all after | | 5 | 000.N1.P, 7 July | N.1, 9 July, late | two forms of one code | | 6 |
U.2, 20 June | U.2, 10 July, digitised | the same commune, under a district and then under the
province | | 7 | X.9, 12 July | – | nobody registered X.9; no due time | | 8 | T.1, 29 June | – |
was due on 30 July: overdue, and N.1's | | 9 | T, 2 June | T, 12 June, digitised | the district's
own | | 10 | T, 20 June | T, 25 June | the district's own |
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from harness import Hub, until
from prometheus_client.parser import text_string_to_metric_families

Json = dict[str, Any]
BEGAN, MERGED = "2015-01-01T00:00:00+07:00", "2025-07-01T00:00:00+07:00"
YEAR = {"from": "2025-01-01", "to": "2025-12-31"}
BEFORE = {"from": "2025-01-01", "to": "2025-06-30"}
JULY = {"from": "2025-07-01", "to": "2025-07-31"}


def fact(type_: str, day: str, agency: str, source: str = "one-stop", **data: Any) -> Json:
    """An event of 8:00 on a day of 2025; times in `data` are days too."""
    times = {name: f"2025-{data[name]}T17:00:00+07:00" for name in ("due_at",) if name in data}
    thing = data.get("dossier_id") or data["item_id"]
    return {
        "specversion": "1.0",
        "id": f"{type_}@{day}@{thing}@{data.get('valid_from', '')}",
        "source": f"/sample/{source}",
        "type": type_,
        "time": f"2025-{day}T08:00:00+07:00",
        "data": {"agency": agency, **data, **times},
    }


def dossier(number: int, *facts: tuple[str, str, str, Json]) -> list[Json]:
    """The facts about a dossier: what, when, by whom, and more."""
    return [
        fact(f"dossier.{what}", day, agency, dossier_id=f"SAMPLE-{number}", **more)
        for what, day, agency, more in facts
    ]


def received(day: str, agency: str, due: str | None) -> tuple[str, str, str, Json]:
    return (
        "received",
        day,
        agency,
        {"procedure": "SAMPLE.1", "channel": "counter", **({"due_at": due} if due else {})},
    )


def finished(day: str, agency: str, digitised: bool = False) -> tuple[str, str, str, Json]:
    return "finished", day, agency, {"digitised": digitised}


MOVED = (
    "transferred",
    "07-03",
    "N.2",
    {"from_agency": "T.3", "to_agency": "P.D", "electronic": True},
)
STEP = ("step_taken", "07-08", "N.1", {})
DOSSIERS = [
    *dossier(
        1,
        received("06-10", "000.T1.P", "06-25"),
        ("step_taken", "06-11", "T.1", {}),
        finished("06-20", "T.1", True),
    ),
    *dossier(2, received("06-25", "T.3", "07-05"), MOVED, finished("07-04", "P.D", True)),
    *dossier(3, received("06-28", "T.2", "07-10"), finished("07-02", "T.2")),
    *dossier(4, received("07-05", "N.2", "07-15"), finished("07-08", "N.2", True)),
    *dossier(5, received("07-07", "000.N1.P", "07-08"), STEP, finished("07-09", "N.1")),
    *dossier(6, received("06-20", "U.2", "07-20"), finished("07-10", "U.2", True)),
    *dossier(7, received("07-12", "X.9", None)),
    *dossier(8, received("06-29", "T.1", "07-30")),
    *dossier(9, received("06-02", "T", "06-20"), finished("06-12", "T", True)),
    *dossier(10, received("06-20", "T", "06-30"), finished("06-25", "T")),
]


def registered(code: str, level: str, parent: str | None, **fields: Any) -> Json:
    """An agency as the department of home affairs registers it, in October 2025: long after the
    merger.
    """
    stated = {"valid_from": BEGAN} | fields | ({"parent": parent} if parent else {})
    return fact(
        "agency.registered",
        "10-01",
        code,
        "home-affairs",
        item_id=f"agency/{code}",
        level=level,
        **stated,
    )


REGISTER = [
    registered("P", "province", None),
    registered("P.D", "department", "P"),
    registered("T", "district", "P", valid_to=MERGED, successor="N.1"),
    registered("U", "district", "P", valid_to=MERGED),
    registered("T.1", "commune", "T", valid_to=MERGED, successor="N.1", alias=["000.T1.P"]),
    registered("T.2", "commune", "T", valid_to=MERGED, successor="N.1"),
    registered("T.3", "commune", "T", valid_to=MERGED, successor="N.2"),
    registered("U.1", "commune", "U", valid_to=MERGED, successor="N.2"),
    registered("U.2", "commune", "U", valid_to=MERGED),
    registered("U.2", "commune", "P", valid_from=MERGED),
    registered("N.1", "commune", "P", valid_from=MERGED, alias=["000.N1.P"]),
    registered("N.2", "commune", "P", valid_from=MERGED),
]


def send(hub: Hub, events: list[Json]) -> None:
    """A batch, as an agency's system sends it."""
    address = f"http://127.0.0.1:{hub.settings.gateway_port}/v1/events"
    answer = httpx.post(
        address,
        json=events,
        headers={"content-type": "application/cloudevents-batch+json"},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text


def ask(hub: Hub, path: str, **asked: Any) -> httpx.Response:
    answer = httpx.get(
        f"http://127.0.0.1:{hub.settings.metrics_port}{path}", params=asked, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return answer


def up(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def counts(hub: Hub, kind: str, **asked: Any) -> dict[str, int]:
    """A kind's count of its own name: the total (under the empty text), and each group's. Of the
    year; what is open, of now.
    """
    when = {} if kind == "open" else YEAR
    (found,) = ask(hub, "/v1/counts", family="dossiers", kind=kind, **(when | asked)).json()[
        "kinds"
    ]
    groups = {
        group["group"]: group["counts"][kind] for group in found["groups"] if group["counts"][kind]
    }
    return groups | {"": found["counts"][kind]}


def flow(hub: Hub, agency: str, **asked: Any) -> tuple[int, int]:
    """What an agency received, and what ended at it."""
    return counts(hub, "received", agency=agency, **asked)[""], counts(
        hub, "closed", agency=agency, **asked
    )[""]


def indicator(hub: Hub, id_: str, **asked: Any) -> Any:
    return ask(hub, f"/v1/indicators/{id_}", **asked).json()


def digitised(hub: Hub, **asked: Any) -> dict[str, tuple[int, int, float | None]]:
    """By level: results digitised, results, target."""
    groups = indicator(hub, "results_digitised_share", by="level", **asked)["groups"]
    return {one["group"]: (one["numerator"], one["denominator"], one["target"]) for one in groups}


def settled(hub: Hub) -> None:
    until(
        lambda: (
            up(f"http://127.0.0.1:{hub.settings.metrics_port}/v1/counts?family=dossiers")
            and counts(hub, "received")[""] == 10
        )
    )
    until(lambda: counts(hub, "closed")[""] == 8 and counts(hub, "open")[""] == 2)


@pytest.fixture
async def merged(hub: Hub) -> Hub:
    """A hub that heard of the dossiers first, and then of the agencies."""
    for name in ("gateway", "worker", "metrics"):
        hub.service(name, name)
    until(lambda: up(f"http://127.0.0.1:{hub.settings.gateway_port}/readyz"))
    send(hub, DOSSIERS[::-1])  # in the wrong order too
    settled(hub)
    # Nobody is registered yet: every code stands for itself, and none can be called unknown.
    assert counts(hub, "received", by="agency") == {
        "000.T1.P": 1,
        "T.1": 1,
        "T.2": 1,
        "T.3": 1,
        "U.2": 1,
        "T": 2,
        "000.N1.P": 1,
        "N.2": 1,
        "X.9": 1,
        "": 10,
    }
    assert ask(hub, "/v1/agencies").json()["unknown"] == []
    send(hub, REGISTER)
    send(hub, REGISTER + DOSSIERS)  # once more changes nothing
    until(
        lambda: (
            [one["code"] for one in ask(hub, "/v1/agencies").json()["agencies"]]
            == ["P", "N.1", "N.2", "P.D", "U.2"]
        )
    )
    assert not [verdict for verdict in await hub.settle() if verdict.differences]
    return hub


async def test_figures_before_and_after_the_merger(merged: Hub) -> None:
    hub = merged
    assert ask(hub, "/v1/agencies").json()["problems"] == []
    by_the_hierarchy_of_the_day(hub)
    with_and_without_history(hub)
    by_level(hub)
    unknown_codes(hub)
    once_each(hub)
    as_prometheus_sees_it(hub)


def by_the_hierarchy_of_the_day(hub: Hub) -> None:
    # 1, 2, 3, 8 came in below it, 9 and 10 at itself; 1, 9 and 10 ended while it was there
    assert flow(hub, "T") == (6, 3)
    assert flow(hub, "T", own="true") == (2, 2)
    assert flow(hub, "U") == (1, 0)  # 6 came in under it and ended under the province
    assert flow(hub, "T.3") == (1, 0)
    # 2: what ended is the handling agency's, what came in the receiving one's
    assert flow(hub, "P.D") == (0, 1)
    assert flow(hub, "P") == (9, 8)  # all but the unknown X.9
    assert (flow(hub, "P", **BEFORE), flow(hub, "P", **JULY)) == ((7, 3), (2, 5))
    assert (flow(hub, "T", **BEFORE), flow(hub, "T", **JULY)) == ((6, 3), (0, 0))


def with_and_without_history(hub: Hub) -> None:
    assert flow(hub, "N.1") == (1, 2)  # 5; 5, and 3 under a code that had become N.1
    # 1, 3 and 8 of its communes and 9 and 10 of its district as well, not 2 of T.3
    assert flow(hub, "N.1", history="true") == (6, 5)
    assert flow(hub, "N.2") == (1, 1)
    # with 2 of T.3, which ended at the department
    assert flow(hub, "N.2", history="true") == (2, 1)
    assert flow(hub, "000.N1.P") == flow(hub, "N.1")
    assert flow(hub, "000.T1.P", own="true") == flow(hub, "T.1", own="true") == (2, 1)  # 1 and 8; 1
    share = indicator(hub, "dossiers_on_time_share", agency="N.1", history="true", **YEAR)
    assert (share["numerator"], share["denominator"]) == (4, 5)  # all but 5
    overdue = {
        agency: indicator(hub, "dossiers_overdue", agency=agency)["numerator"]
        for agency in ("N.1", "T", "T.1", "P")
    }
    # 8 is asked of today's hierarchy; its former code leads to it
    assert overdue == {"N.1": 1, "T": 0, "T.1": 1, "P": 1}


def by_level(hub: Hub) -> None:
    # 9 of 9 and 10, and 1; a district has a target until 30 June 2025, and none after
    assert digitised(hub, **BEFORE) == {
        "province": (0, 0, 1),
        "district": (1, 2, 1),
        "commune": (1, 1, 0.95),
    }
    # 2 at the department; of 3, 4, 5 and 6 two
    assert digitised(hub, **JULY) == {
        "province": (1, 1, 1),
        "district": (0, 0, None),
        "commune": (2, 4, 0.95),
    }
    assert digitised(hub, **YEAR)["district"] == (1, 2, None)
    assert indicator(hub, "results_digitised_share", level="district", **YEAR)["gap"] is None
    whole = indicator(hub, "results_digitised_share", **YEAR)
    assert (whole["numerator"], whole["denominator"], whole["target"]) == (5, 8, None)


def unknown_codes(hub: Hub) -> None:
    assert [one["code"] for one in ask(hub, "/v1/agencies").json()["unknown"]] == ["X.9"]
    assert flow(hub, "X.9") == (1, 0)
    groups = indicator(hub, "information_not_asked_again_share", by="agency", **YEAR)["groups"]
    assert {one["group"] for one in groups if not one["known"]} == {"X.9"}


def once_each(hub: Hub) -> None:
    own_received = {"T.1": 2, "T.2": 1, "T.3": 1, "U.2": 1, "T": 2, "N.1": 1, "N.2": 1, "X.9": 1}
    assert counts(hub, "received", by="agency") == own_received | {"": 10}
    # Each under its own code, so 3 under T.2; rolled up, it is N.1's.
    assert counts(hub, "closed", by="agency") == {
        "T.1": 1,
        "T.2": 1,
        "T": 2,
        "P.D": 1,
        "N.1": 1,
        "N.2": 1,
        "U.2": 1,
        "": 8,
    }
    assert counts(hub, "closed", by="agency", roll_up="commune") == {
        "T.1": 1,
        "T": 2,
        "P.D": 1,
        "N.1": 2,
        "N.2": 1,
        "U.2": 1,
        "": 8,
    }
    assert counts(hub, "received", by="agency", roll_up="district") == {
        "T": 6,
        "U": 1,
        "N.1": 1,
        "N.2": 1,
        "X.9": 1,
        "": 10,
    }
    assert counts(hub, "closed", by="agency", roll_up="province") == {"P": 8, "": 8}
    levels = [
        indicator(hub, "dossiers_on_time_share", level=level, **YEAR)["denominator"]
        for level in ("province", "district", "commune")
    ]
    assert levels == [1, 2, 5]


def as_prometheus_sees_it(hub: Hub) -> None:
    """Each agency's own, whichever form of its code was used; what is below it or has become it is
    told by the API.
    """
    samples = [
        one
        for family in text_string_to_metric_families(ask(hub, "/metrics").text)
        for one in family.samples
    ]

    def told(name: str, **labels: str) -> dict[str, float]:
        """What is not nothing, by agency or else by name."""
        found = [
            one
            for one in samples
            if one.name == name and labels.items() <= one.labels.items() and one.value
        ]
        return {one.labels.get("agency", name): one.value for one in found}

    closed = told("lgsp_indicator_denominator", indicator="dossiers_on_time_share", window="all")
    assert closed == {"all": 8, "T.1": 1, "T.2": 1, "T": 2, "P.D": 1, "N.1": 1, "N.2": 1, "U.2": 1}
    assert sum(closed.values()) == 2 * closed["all"]  # every one once, and all of them together
    assert told("lgsp_dossiers_overdue") == {"all": 1, "T.1": 1}
    assert told("lgsp_agencies_unknown") == {"lgsp_agencies_unknown": 1}
    assert told(
        "lgsp_counts", kind="received", measure="received", window="all", family="dossiers"
    ) == {"lgsp_counts": 10}
