"""No code of an agency or a procedure stands in an answer without its name, where that is known:
the name of the day that is told of.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from agencies import MERGER, Items, agency, state
from cubes import table
from facts import ms, told
from traces import Hub

from metrics.catalogue.indicators import Agency, Name
from serving.directory.directory import Directory

ID = "d1"
OLD, NEW = {"vi": "Sở cũ", "en": None}, {"vi": "Sở mới", "en": "New department"}
PROCEDURE = {"vi": "Thủ tục mẫu", "en": "Sample procedure"}
FACTS = [
    told("dossier.received", "06-02 09:00", dossier_id=ID, procedure="p", agency="A"),
    told("dossier.finished", "11-03 09:00", dossier_id=ID, agency="A"),
]


def items() -> Items:
    """Agency A, which is called otherwise from a day on; procedure p."""
    found = agency({}, "P", "province", name_vi="Tỉnh mẫu")
    agency(found, "A", "department", "P", until=MERGER, name_vi="Sở cũ")
    agency(found, "A", "department", "P", MERGER, alias=["A.1"], said=1, **_names(NEW))
    fields = {"procedure": "p", "field": "land", **_names(PROCEDURE)}
    return state(found, "procedure/p", "procedure.registered", "A", "2020-01-01", **fields)


def _names(of: dict[str, str]) -> dict[str, str]:
    return {f"name_{language}": name for language, name in of.items()}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    hub = Hub(tmp_path, ms("11-20 10:00"))
    hub.directory = Directory(items())
    hub.count(FACTS)
    async with hub.client() as client:
        yield client
    hub.close()


async def ask(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rows(api: httpx.AsyncClient, path: str) -> list[dict[str, str]]:
    return table((await api.get(path)).text)


@pytest.mark.parametrize(
    ("window", "name"), [("from=2025-06-01&to=2025-06-30", OLD), ("window=year", NEW)]
)
async def test_a_window_has_the_names_of_its_last_day(
    api: httpx.AsyncClient, window: str, name: dict[str, str | None]
) -> None:
    about = f"agency=A&by=agency&{window}"
    indicator = await ask(api, f"/v1/indicators/dossiers_online_share?{about}")
    counts = await ask(api, f"/v1/counts?kind=received&{about}")
    listed = await ask(api, f"/v1/dossiers?kind=received&measure=received&agency=A&{window}")
    score = await ask(api, f"/v1/scores/766?agency=A&{window}")
    for answer in (indicator, counts, listed, score):
        assert answer["agency_name"] == name
    [thing] = listed["things"]
    assert (thing["agency_name"], thing["category_name"]) == (name, PROCEDURE)
    (group,) = counts["kinds"][0]["groups"]
    assert (group["group"], group["name"]) == ("A", name)


async def test_groups_have_names_where_they_are_agencies_or_procedures(
    api: httpx.AsyncClient,
) -> None:
    address = "/v1/indicators/dossiers_on_time_share?window=year&by="
    for by, group, name in (("agency", "A", NEW), ("category", "p", PROCEDURE)):
        [found] = (await ask(api, address + by))["groups"]
        assert (found["group"], found["name"]) == (group, name)
    [day] = (await ask(api, address + "day"))["groups"]
    assert day["name"] is None


async def test_files_have_the_names_beside_the_codes(api: httpx.AsyncClient) -> None:
    whole, group = await rows(
        api, "/v1/indicators/dossiers_on_time_share?by=category&window=year&format=csv"
    )
    assert (whole["group"], whole["group_name_vi"]) == ("", "")
    assert (group["group"], group["group_name_vi"]) == ("p", "Thủ tục mẫu")
    counts = await rows(api, "/v1/counts?kind=closed&by=agency&agency=A&window=year&format=csv")
    assert counts[-1]["agency_name_en"] == counts[-1]["group_name_en"] == "New department"
    assert counts[0]["group_name_en"] == ""
    [thing] = await rows(api, "/v1/dossiers?kind=closed&measure=closed&window=year&format=csv")
    assert (thing["agency_name_vi"], thing["category_name_vi"]) == ("Sở mới", "Thủ tục mẫu")
    scored = await rows(api, "/v1/scores/766?agency=A&format=csv")
    assert scored[0]["agency_name_vi"] == "Sở mới"
    [procedure] = await rows(api, "/v1/procedures?format=csv")
    assert (procedure["name_vi"], procedure["agency_name_vi"]) == ("Thủ tục mẫu", "Sở mới")


async def test_a_trace_has_the_names_of_each_day(api: httpx.AsyncClient) -> None:
    trace = await ask(api, f"/v1/dossiers/{ID}")
    received, finished = trace["facts"]
    assert received["names"] == {"A": OLD, "p": PROCEDURE}
    assert finished["names"] == {"A": NEW}
    cells = {cell["kind"]: cell for cell in trace["state"]["counts_for"]}
    assert cells["received"]["agency_name"] == OLD
    assert cells["closed"]["agency_name"] == NEW
    assert cells["closed"]["category_name"] == PROCEDURE
    facts = await rows(api, f"/v1/dossiers/{ID}?format=csv")
    assert json.loads(facts[1]["names"]) == {"A": NEW}


async def test_an_item_is_called_by_its_own_name(tmp_path: Path) -> None:
    hub, item = Hub(tmp_path, ms("11-20 10:00")), "procedure/p"
    hub.directory = Directory(items())
    hub.count([told("procedure.registered", "06-02 09:00", item_id=item, procedure="p", level=2)])
    async with hub.client() as client:
        missing = "/v1/inventory?indicator=procedures_online_share&part=missing"
        [thing] = (await ask(client, missing))["things"]
        trace = await ask(client, f"/v1/inventory/{item}")
    hub.close()
    assert thing["name"] == trace["name"] == PROCEDURE
    assert thing["category_name"] is None, "the category of a procedure is its field"


async def test_the_directory_names_whom_it_speaks_of(api: httpx.AsyncClient) -> None:
    one = await ask(api, "/v1/agencies/A?day=2025-06-01")
    assert (one["name"], one["names"]) == (OLD, {"P": {"vi": "Tỉnh mẫu", "en": None}})
    assert (await ask(api, "/v1/agencies/A.1"))["name"] == NEW
    [procedure] = (await ask(api, "/v1/procedures"))["procedures"]
    assert (procedure["name"], procedure["agency_name"]) == (PROCEDURE, NEW)


def test_what_is_not_valid_is_called_as_last_or_as_first() -> None:
    found = items()
    item, fields = ("procedure/q", "procedure.registered", "A"), {"procedure": "q"}
    state(found, *item, "2024-01-01", "2025-01-01", name_vi="Cũ", **fields)
    state(found, *item, "2026-01-01", name_vi="Mới", **fields)
    names = Directory(found).names
    by_year = [names.procedure("q", date(year, 6, 1)) for year in (2020, 2024, 2025, 2026)]
    assert [one.vi if one else None for one in by_year] == ["Cũ", "Cũ", "Cũ", "Mới"]
    assert names.procedure("nobody", date(2025, 6, 1)) is None


@pytest.mark.parametrize(
    ("declared", "name"),
    [("Sở khai", {"vi": "Sở khai", "en": None}), (Name(vi="Sở", en="D"), {"vi": "Sở", "en": "D"})],
)
async def test_while_nobody_registers_the_settings_say_the_names(
    tmp_path: Path, declared: str | Name, name: dict[str, str | None]
) -> None:
    hub = Hub(tmp_path, ms("11-20 10:00"))
    hub.declared = {"A": Agency(code="A", name=declared)}
    hub.count(FACTS)
    async with hub.client() as client:
        found = await ask(client, "/v1/counts?kind=closed&by=agency&window=year")
    hub.close()
    assert found["kinds"][0]["groups"][0]["name"] == name
