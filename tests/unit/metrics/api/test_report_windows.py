"""Reporting periods by name: when their report is due, and what they are compared with."""

from __future__ import annotations

import httpx
from asked import api, shared, world

__all__ = ["api", "shared", "world"]


async def test_a_closed_reporting_period_says_when_its_report_is_due(
    api: httpx.AsyncClient,
) -> None:
    """Of figures that are told of the window; overdue is told of this moment."""
    days = {"from": "2025-09-15", "to": "2025-10-14"}
    for address in ("/v1/indicators/dossiers_online_share", "/v1/scores/766"):
        closed = (await api.get(address, params={"window": "report:2025-10"})).json()
        assert closed["window"] == {**days, "due": "2025-10-16"}
        assert (await api.get(address, params=days)).json()["window"] == days
        running = (await api.get(address, params={"window": "report:2025-11"})).json()
        assert running["window"] == {"from": "2025-10-15", "to": "2025-11-14"}


async def test_a_reporting_period_is_compared_with_the_one_before(api: httpx.AsyncClient) -> None:
    asked = {"window": "report:2025-Q4", "compare": "previous"}
    answer = (await api.get("/v1/indicators/dossiers_online_share", params=asked)).json()
    assert answer["compared"]["window"] == {"from": "2025-06-15", "to": "2025-09-14"}
