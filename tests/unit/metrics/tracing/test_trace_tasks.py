"""GET /v1/tasks/{id}: what a task says of itself in words, and the days that it is overdue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from facts import ms, told
from traces import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path, ms("11-20 10:00"))
    yield hub
    hub.close()


@pytest.fixture
async def api(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    async with hub.client() as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_task_says_its_document_and_agencies_and_each_day_it_is_overdue(
    hub: Hub, api: httpx.AsyncClient
) -> None:
    said = {"document_number": "12/TB-SAMPLE", "document_at": "11-01 00:00", "product": "Report"}
    hub.count([told("task.assigned", "11-03 09:00", due_at="11-10 17:00", **said)])
    state = (await ask(api, "/v1/tasks/thing"))["state"]
    assert state["dates"]["document_at"] == "2025-11-01T00:00:00+07:00"
    assert state["texts"] == {
        "document_number": "12/TB-SAMPLE",
        "lead_agency": "B",
        "product": "Report",
    }
    (cell,) = (cell for cell in state["counts_for"] if cell["kind"] == "open")
    adds = {part["indicator"]: part["adds"] for part in cell["figures"]}
    figure = (await api.get("/v1/indicators/tasks_days_overdue")).json()
    assert adds["tasks_days_overdue"] == figure["numerator"] > adds["tasks_overdue"] == 1


async def test_a_voided_task_says_who_did_it_and_when(hub: Hub, api: httpx.AsyncClient) -> None:
    hub.count([told("task.assigned", "11-03 09:00")])
    hub.count([told("task.voided", "11-04 09:00", agency="C")])
    state = (await ask(api, "/v1/tasks/thing"))["state"]
    assert [cell["kind"] for cell in state["counts_for"]] == ["voided"]
    assert state["dates"]["voided_at"] == "2025-11-04T09:00:00+07:00"
    assert state["texts"]["voided_by"] == "C"
