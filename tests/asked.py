"""The reporting API over a cube filled by hand, which tests share unless they change it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cubes import INDICATORS, NOW, province
from fastapi import FastAPI

from metrics.api.app import create_app
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.prometheus.exporter import Exporter
from serving.store.progress import Progress

World = SimpleNamespace


WORLD = SimpleNamespace(agencies={}, indicators={})


@pytest.fixture
def world() -> World:
    """What a test may change while the API runs, as it is at first."""
    WORLD.now, WORLD.progress = NOW, Progress(ready=True, percent=100.0, partitions=2)
    WORLD.agencies.clear()
    WORLD.indicators.clear()
    WORLD.indicators.update(INDICATORS)
    return WORLD


def application(cube: Cube) -> FastAPI:
    """The API over a cube, in that world."""
    progress, clock = (lambda: WORLD.progress), (lambda: WORLD.now)
    views = Views(Readers(cube), WORLD.indicators, WORLD.agencies, progress=progress, clock=clock)
    return create_app(views, Exporter(cube, views))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Over a cube that nobody changes: to make an application takes longer than to ask it."""
    cube = province(tmp_path_factory.mktemp("shared"))
    yield application(cube)
    cube.close()


@pytest.fixture
async def api(request: pytest.FixtureRequest, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Over the test's own cube where it takes `cube`, which it may change then."""
    own = "cube" in request.fixturenames
    app = application(request.getfixturevalue("cube")) if own else request.getfixturevalue("shared")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str, **parameters: str) -> Any:
    answer = await api.get(
        path, params={name.rstrip("_"): value for name, value in parameters.items()}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def figures(
    api: httpx.AsyncClient, **parameters: str
) -> dict[str, tuple[int, int | None, float | None]]:
    found = (await ask(api, "/v1/indicators", **parameters))["indicators"]
    return {one["id"]: (one["numerator"], one["denominator"], one["value"]) for one in found}


async def groups(
    api: httpx.AsyncClient, id_: str, by: str, **parameters: str
) -> dict[str, tuple[int, int | None, float | None]]:
    found = (await ask(api, f"/v1/indicators/{id_}", by=by, **parameters))["groups"]
    assert [group["group"] for group in found] == sorted(group["group"] for group in found)
    return {
        group["group"]: (group["numerator"], group["denominator"], group["value"])
        for group in found
    }
