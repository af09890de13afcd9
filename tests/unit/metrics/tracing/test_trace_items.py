"""What exists and what was done, traced like dossiers: their facts, and the figures they are in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from facts import ms, told
from registered import JULY
from traces import Hub

ITEM = "procedure/1.000001.SAMPLE"
FIRST = told(
    "procedure.registered",
    "06-01 09:00",
    item_id=ITEM,
    procedure="1.000001.SAMPLE",
    level=2,
    valid_from="2025-01-01 00:00",
)
THEN = told(
    "procedure.registered",
    "06-20 09:00",
    item_id=ITEM,
    procedure="1.000001.SAMPLE",
    level=4,
    valid_from=JULY,
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path, ms("11-20 10:00"))
    yield hub
    hub.close()


async def ask(hub: Hub, path: str) -> Any:
    async with hub.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_item_is_told_with_each_period_and_the_figures_of_it(hub: Hub) -> None:
    hub.count([FIRST, THEN])
    answer = await ask(hub, f"/v1/inventory/{ITEM}")
    assert [fact["standing"] for fact in answer["facts"]] == ["counted", "counted"]
    periods = [(cell["at"], cell["until"]) for cell in answer["state"]["counts_for"]]
    assert periods == [("2025-01-01", "2025-07-01"), ("2025-07-01", None)]
    assert answer["state"]["dates"]["valid_from"] == "2025-07-01T00:00:00+07:00"


async def test_the_addresses_of_an_items_figures_have_it(hub: Hub) -> None:
    hub.count([FIRST, THEN])
    cells = (await ask(hub, f"/v1/inventory/{ITEM}"))["state"]["counts_for"]
    asked = [one for cell in cells for one in cell["figures"]]
    assert {one["indicator"] for one in asked} >= {"procedures_online_share"}
    for cell in cells:
        for one in cell["figures"]:
            assert (await ask(hub, one["figure"]))[one["part"]] == one["adds"], one
            listed = await ask(hub, one["list"])
            assert [thing["id"] for thing in listed["things"]] == [ITEM], one
        assert (await ask(hub, cell["list"]))["figure"] == 1


async def test_an_activity_is_told_too(hub: Hub) -> None:
    hub.count([told("activity.work_record_handled", "11-03 09:00", activity_id="w 1")])
    answer = await ask(hub, "/v1/activities/w%201")
    (cell,) = answer["state"]["counts_for"]
    assert (cell["kind"], cell["at"], cell["until"]) == ("work_records", "2025-11-03", None)
    assert answer["state"]["flags"] == []


async def test_of_an_item_what_the_directory_tells_stands_though_no_figure_hangs_on_it(
    hub: Hub,
) -> None:
    renamed = told(
        "procedure.registered",
        "06-21 09:00",
        item_id=ITEM,
        procedure="1.000001.SAMPLE",
        level=4,
        valid_from=JULY,
        name_vi="Thủ tục mẫu",
    )
    hub.count([FIRST, THEN, renamed])
    first, then, last = (await ask(hub, f"/v1/inventory/{ITEM}"))["facts"]
    assert [one["standing"] for one in (first, then, last)] == ["counted", "outdone", "counted"]
    assert "2" in then["why"]["en"]
