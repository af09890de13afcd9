"""Views about figures that are wrong, or asked too early."""

from __future__ import annotations

import sqlite3

import httpx
import pytest
from asked import World, api, ask, shared, world

from metrics.cube.cube import Cube
from serving.store.progress import Progress

__all__ = ["api", "shared", "world"]


@pytest.mark.parametrize(
    "path, status, field",
    [
        ("/v1/indicators?bye=agency", 422, "bye"),
        ("/v1/indicators?by=month", 422, "by"),
        ("/v1/indicators?from=20250101", 422, "from"),
        ("/v1/indicators?from=2025-02-30", 422, "from"),
        ("/v1/indicators?to=tomorrow", 422, "to"),
        ("/v1/indicators?to=2025-01-01T00:00:00", 422, "to"),
        ("/v1/indicators?from=2025-02-02&to=2025-02-01", 422, "from"),
        ("/v1/indicators?window=decade", 422, "window"),
        ("/v1/indicators?window=year&from=2025-01-01", 422, "window"),
        ("/v1/indicators?agency=Nobody", 422, "agency"),
        ("/v1/indicators?format=xml", 422, "format"),
        ("/v1/indicators/satisfaction?family=dossiers", 422, "family"),
        ("/v1/indicators/satisfactio", 404, "id"),
        ("/v1/indicators?level=county", 422, "level"),
        ("/v1/indicators?compare=tomorrow", 422, "compare"),
        ("/v1/indicators?compare=previous&window=all", 422, "compare"),
        ("/v1/indicators?compare=last_year&from=2025-01-01", 422, "compare"),
        ("/v1/scores/766?by=agency", 422, "by"),
        ("/v1/counts?by=levels", 422, "by"),
        ("/v1/counts?family=heartbeats", 422, "family"),
        ("/v1/counts?family=documents&kind=open", 422, "kind"),
        ("/v1/counts?agency=Nobody", 422, "agency"),
    ],
)
async def test_a_wrong_question_names_the_field(
    api: httpx.AsyncClient, path: str, status: int, field: str
) -> None:
    answer = await api.get(path)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "instance", "errors"}
    assert problem["instance"] == path.split("?")[0]
    assert problem["type"].startswith("urn:lgsp:problem:")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_every_wrong_field_is_named_at_once(api: httpx.AsyncClient) -> None:
    problem = (await api.get("/v1/indicators?by=x&from=y&nonsense=z")).json()
    assert [error["field"] for error in problem["errors"]] == ["by", "from", "nonsense"]


async def test_no_such_address_or_method(api: httpx.AsyncClient) -> None:
    for answer, status in ((await api.get("/v2"), 404), (await api.post("/v1/indicators"), 405)):
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"] == "GET, HEAD"
    assert "ask it with GET (or HEAD), not POST" in answer.json()["detail"]
    assert (await api.get("/v1/indicator")).json()[
        "detail"
    ] == "There is nothing at /v1/indicator: did you mean /v1/indicators?"


async def test_no_figure_until_they_are_complete(api: httpx.AsyncClient, world: World) -> None:
    assert (await ask(api, "/readyz"))["status"] == "ready"
    world.progress = Progress(ready=False, percent=43.25, partitions=2, doing="catching up")
    for path in ("/readyz", "/v1/indicators", "/v1/indicators/satisfaction", "/v1/counts"):
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "43.2 %" in answer.json()["detail"]
    assert (await ask(api, "/healthz")) == {"status": "alive"}
    assert (await ask(api, "/v1/catalogue"))["indicators"]


async def test_a_damaged_file_is_a_503_and_told_to_the_writer(
    api: httpx.AsyncClient, cube: Cube
) -> None:
    with sqlite3.connect(cube.path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cube.path.write_bytes(b"damaged" * 10_000)
    answer = await api.get("/v1/indicators")
    assert answer.status_code == 503
    with pytest.raises(Exception, match="reading it failed"):
        cube.check()


async def test_a_mistake_of_ours_is_a_500_in_the_same_shape(
    api: httpx.AsyncClient, world: World
) -> None:
    world.now = "not a number"
    answer = await api.get("/v1/indicators")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "tell its operators" in answer.json()["detail"]
