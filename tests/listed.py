"""The API over a cube and a listing of the same facts about a few dossiers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cubes import INDICATORS
from facts import Heard, family_state_of, ms, told
from fastapi import FastAPI
from listings import empty, feed, paced, pages, states

from metrics.api.app import create_app
from metrics.api.lists import listing_routes
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.lists.listing import Listing
from metrics.lists.questions import Lists
from metrics.prometheus.exporter import Exporter
from ops.meanings import meanings
from serving.store.progress import Progress

World = SimpleNamespace
NOW = ms("11-20 10:00")


def one(number: int, *facts: Heard) -> list[Heard]:
    """The facts about one dossier of many."""
    return [(event.model_copy(update={"dossier_id": f"d{number}"}), at) for event, at in facts]


RECEIVED = told("dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00")
FACTS = [
    # on time, reported late: looked overdue
    *one(1, RECEIVED, told("dossier.finished", "11-10 16:30", heard="11-12 08:00")),
    *one(2, RECEIVED, told("dossier.finished", "11-11 09:00")),  # late
    # on time
    *one(
        3,
        told("dossier.received", "11-04 09:00", agency="B", due_at="11-10 17:00"),
        told("dossier.finished", "11-09 09:00"),
    ),
    *one(4, RECEIVED),  # overdue
    *one(5, RECEIVED, told("dossier.supplement_requested", "11-05 09:00")),  # waits
    *one(
        6, RECEIVED, told("dossier.paid", "11-05 09:00"), told("dossier.withdrawn", "11-06 09:00")
    ),
]


Files = tuple[Cube, Listing]


@contextmanager
def files_in(folder: Path) -> Iterator[Files]:
    """Files that were told the facts."""
    cube, listing = Cube(folder / "cube.sqlite"), empty(folder)
    cube.open("one", NOW)
    tell((cube, listing), FACTS)
    yield cube, listing
    cube.close()
    listing.close()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    """A test's own, which it may change."""
    with files_in(tmp_path) as files:
        yield files


def tell(files: Files, facts: list[Heard], figures: bool = True) -> None:
    """Facts as figures (unless these are still to come) and as a list."""
    books = family_state_of(facts)
    if figures:
        files[0].apply(pages(books), {0: 9})
    feed(files[1], states(books))


WORLD = SimpleNamespace()


@pytest.fixture
def world() -> World:
    """What a test may change while the API runs, as it is at first."""
    WORLD.progress = Progress(ready=True, percent=100.0, partitions=1)
    return WORLD


def application(files: Files) -> FastAPI:
    """The API over these files, in that world."""
    ready, clock = Progress(ready=True, percent=100.0, partitions=1), (lambda: NOW)
    views = Views(Readers(files[0]), INDICATORS, {}, progress=lambda: ready, clock=clock)
    lists = Lists(views, paced(*files), meanings(), progress=lambda: WORLD.progress)
    return create_app(views, Exporter(files[0], views), [listing_routes(lists)])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Over files that nobody changes: to make an application takes longer than to ask it."""
    with files_in(tmp_path_factory.mktemp("shared")) as files:
        yield application(files)


@pytest.fixture
async def api(request: pytest.FixtureRequest, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Over the test's own files where it takes `files`."""
    own = "files" in request.fixturenames
    app = (
        application(request.getfixturevalue("files")) if own else request.getfixturevalue("shared")
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str = "/v1/dossiers", **parameters: Any) -> Any:
    answer = await api.get(
        path, params={name.rstrip("_"): value for name, value in parameters.items()}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(api: httpx.AsyncClient, indicator: str, **parameters: Any) -> list[str]:
    return [thing["id"] for thing in (await ask(api, indicator=indicator, **parameters))["things"]]


async def problem(
    api: httpx.AsyncClient, status: int, path: str = "/v1/dossiers", **parameters: Any
) -> str:
    answer = await api.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])
