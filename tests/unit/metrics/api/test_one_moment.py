"""Questions about a moment and about windows: each is told of the time that was asked for, or
refused with what to ask instead. No answer drops a parameter.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from cubes import INDICATORS
from fastapi import FastAPI
from served import small_metrics

from metrics.figures import absence


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The API over a small province, which questions only read."""
    with small_metrics(tmp_path_factory.mktemp("moments")) as app:
        yield app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://hub"
    ) as client:
        yield client


async def refused(api: httpx.AsyncClient, path: str) -> str:
    answer = await api.get(path)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


@pytest.mark.parametrize(
    "query",
    [
        "from=2025-10-01&to=2025-10-31",
        "to=2025-10-31",
        "window=month",
        "window=all",
        "to=2025-10-31&as_of=2025-10-30",
    ],
)
async def test_another_time_is_refused_of_what_is_told_as_of_now(
    api: httpx.AsyncClient, query: str
) -> None:
    given = re.findall(r"(\w+)=", query)
    names = " and ".join(given)
    for path, what in (
        ("/v1/counts?kind=open&", "kind open"),
        ("/v1/dossiers?kind=open&measure=open&", "kind open"),
        ("/v1/indicators/dossiers_due_soon?", "dossiers_due_soon"),
        ("/v1/tasks?indicator=tasks_overdue&", "tasks_overdue"),
    ):
        assert (
            f"{what} is told as of now, and of no other time: leave out {names}"
            in await refused(api, path + query)
        )
    for path in ("/v1/indicators/dossiers_overdue?", "/v1/dossiers?indicator=dossiers_overdue&"):
        said = await refused(api, path + query)
        window = " and ".join(name for name in given if name != "as_of")
        assert f"is told of one moment, not of a window: leave out {window}" in said
        assert "ask as_of=2025-10-31" in said or {"window", "as_of"} & {*given}


async def test_nor_is_it_compared(api: httpx.AsyncClient) -> None:
    assert "nothing before to compare it with" in await refused(
        api, "/v1/indicators/dossiers_overdue?compare=previous"
    )
    told = {
        one["id"]: one
        for one in (await api.get("/v1/indicators?compare=previous")).json()["indicators"]
    }
    overdue = told["dossiers_overdue"]
    assert (overdue["value"], overdue["compared"]["value"], overdue["missing"]["en"]) == (
        4,
        None,
        "It is a question about this moment, so there is nothing before to compare it with.",
    )


async def test_of_all_indicators_those_of_another_time_are_told_and_the_others_say_why_not(
    api: httpx.AsyncClient,
) -> None:
    told = {
        one["id"]: one
        for one in (await api.get("/v1/indicators?from=2025-11-01&to=2025-11-12&by=agency")).json()[
            "indicators"
        ]
    }
    assert (
        told["dossiers_on_time_share"]["numerator"],
        told["dossiers_on_time_share"]["denominator"],
    ) == (1, 2)
    overdue = told["dossiers_overdue"]
    assert (overdue["value"], overdue["groups"], overdue["window"]) == (
        None,
        [],
        {"from": None, "to": None},
    )
    assert overdue["missing"]["en"] == absence.NOW_ONLY.en
    now = {
        one["id"]: one["value"] for one in (await api.get("/v1/indicators")).json()["indicators"]
    }
    assert now["dossiers_overdue"] == 4


async def test_of_all_indicators_as_of_a_day_those_of_this_instant_say_why_not(
    api: httpx.AsyncClient,
) -> None:
    answers = (await api.get("/v1/indicators?as_of=2025-11-04&window=month")).json()["indicators"]
    told = {one["id"]: one for one in answers}
    assert told["dossiers_received"]["value"] == 5
    assert (told["dossiers_open"]["value"], told["dossiers_open"]["missing"]) == (0, None)
    for id_, why in (
        ("dossiers_due_soon", absence.NOT_AS_OF),
        ("tasks_overdue", absence.NOT_AS_OF),
    ):
        assert (told[id_]["value"], told[id_]["missing"]["en"]) == (None, why.en)


async def test_when_somebody_last_reported_is_known_of_this_instant_only(
    api: httpx.AsyncClient,
) -> None:
    (now,) = (await api.get("/v1/coverage")).json()["agencies"]
    (then,) = (await api.get("/v1/coverage?as_of=2025-11-04")).json()["agencies"]
    assert now["last_event"] is not None
    assert (then["last_event"], then["silent_since"]) == (None, None)
    assert (now["days_with_counts"], then["days_with_counts"]) == (2, 1)


async def test_so_do_the_raw_counts(api: httpx.AsyncClient) -> None:
    kinds = (await api.get("/v1/counts?family=dossiers&from=2025-11-01&by=agency")).json()["kinds"]
    found = {kind["kind"]: kind for kind in kinds}
    assert found["received"]["counts"]["received"] == 5
    assert (found["open"]["counts"], found["open"]["groups"]) == (
        {"open": None, "waiting": None},
        [],
    )
    assert "one moment" in found["open"]["missing"]["en"]


async def test_who_reports_is_compared_with_those_expected_then(api: httpx.AsyncClient) -> None:
    """In 2014 nobody was registered yet."""
    answer = (
        await api.get("/v1/indicators/coverage?from=2015-01-01&to=2015-12-31&compare=last_year")
    ).json()
    assert (answer["denominator"], answer["compared"]["denominator"]) == (1, 0)


# Every address


TIMES = {"from", "to", "window", "as_of"}
NAMED = {
    "/v1/dossiers": "indicator=dossiers_received",
    "/v1/documents": "kind=sent&measure=documents",
    "/v1/tasks": "kind=assigned&measure=assigned",
    "/v1/activities": "kind=inspections&measure=inspections",
    "/v1/inventory": "kind=systems&measure=systems",
}


async def with_times(api: httpx.AsyncClient) -> list[str]:
    """Every address that takes a time, ready for more parameters."""
    described = (await api.get("/openapi.json")).json()["paths"]
    found = []
    for path, methods in described.items():
        names = {one["name"] for one in methods["get"].get("parameters", [])}
        if not names & TIMES:
            continue
        assert names >= TIMES, f"{path} takes some of {TIMES} and not the others"
        ids = INDICATORS if "{id}" in path else [""]
        found += [f"{path.replace('{id}', id_)}?{NAMED.get(path, '')}&" for id_ in ids]
    return [address.replace("?&", "?") for address in found]


async def test_every_address_that_takes_a_time_tells_of_that_time_or_refuses(
    api: httpx.AsyncClient,
) -> None:
    addresses = await with_times(api)
    assert len(addresses) > len(INDICATORS)
    days = {"from": "2025-10-01", "to": "2025-10-31"}
    for address in addresses:
        answer = await api.get(f"{address}from=2025-10-01&to=2025-10-31")
        if answer.status_code == 422:
            assert "leave out from and to" in answer.json()["detail"], address
            continue
        for told in figures(answer.json()):
            window = told["window"]
            exists = "inventory" in (told.get("family"), address.split("?")[0].split("/")[-1])
            if exists and window["from"] is None:
                window = window | {
                    "from": days["from"]
                }  # what exists is told as of the window's last day
            assert window == days or told["missing"], (address, told)
            by_date = "reports" in address  # forms always are
            rule = ("by_date", days["to"]) if by_date else ("to_the_instant", None)
            assert (told["rule"], told["day"]) == rule, address


async def test_every_address_that_takes_a_time_tells_as_of_a_day_or_refuses(
    api: httpx.AsyncClient,
) -> None:
    for address in await with_times(api):
        answer = await api.get(f"{address}as_of=2025-10-31")
        if answer.status_code == 422:
            assert "leave out as_of" in answer.json()["detail"], address
            continue
        for told in figures(answer.json()):
            assert (told["rule"], told["day"]) == ("by_date", "2025-10-31"), address
            assert told["window"]["to"] == "2025-10-31" or told["missing"], (address, told)
        for late in ("2025-11-12", "2026-01-01"):
            said = await refused(api, f"{address}as_of={late}")
            assert f"as_of: {late} is not over yet" in said
            assert "ask as_of=2025-11-11" in said


def figures(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of an answer that say of which time they are."""
    if "indicators" in answer:
        return list(answer["indicators"])
    shared = {"missing": None, "rule": answer["rule"], "day": answer["day"]}
    return [shared | one for one in answer.get("kinds", [answer])]
