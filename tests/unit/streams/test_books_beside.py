"""Several books served by one process: the parameter `books` chooses, and every answer says whose
it is and by which rules.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cubes import NOW, FedCube, Record, at, by_rules, counted, table
from prometheus_client.parser import text_string_to_metric_families

from metrics.api.access import ReadingAccess
from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.lists import listing_routes
from metrics.application import ByBooks
from metrics.catalogue.indicators import load_indicators
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.prometheus.exporter import Exporter
from metrics.workers import Backlog
from schemas.settings import Settings
from serving.store.progress import Progress

TODAY = counted("dossiers|closed|A|P1|20251110", closed=4, finished=4, on_time=3, late=1)
TOMORROW = counted("dossiers|closed|A|P1|20251110", closed=4, finished=4, on_time=1, late=3)
ON_TIME = "/v1/indicators/dossiers_on_time_share"
EVERY = ("/v1/indicators", ON_TIME, "/v1/scores/766", "/v1/counts", "/v1/coverage")
DIRECTORY = ("/v1/agencies", "/v1/agencies/A", "/v1/procedures")
INDICATORS = load_indicators()
NONE_WAIT = Backlog(0, None)


def application(
    folder: Path, name: str, found: list[Record], backlog: Backlog | None = NONE_WAIT
) -> tuple[FedCube, Any]:
    """The books of that name, with these pages, as they are served."""
    folder = folder / name
    folder.mkdir()
    cube, progress = (
        FedCube(folder / "cube.sqlite"),
        Progress(ready=True, percent=100.0, partitions=1),
    )
    cube.open("one", NOW)
    cube.apply(found, {0: 1})
    shared: Any = {"books": name, "progress": lambda: progress, "clock": lambda: NOW}
    questions = Views(Readers(cube), INDICATORS, {}, backlog=lambda: backlog, **shared)
    exporter = Exporter(cube, questions)
    return cube, create_app(
        questions, exporter, [directory_routes(questions), listing_routes(None)]
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByBooks]:
    """`lgsp` with today's rules, `lgsp-2` with tomorrow's, which are still being replayed on one
    partition.
    """
    today = [
        TODAY.record,
        by_rules("dossiers", 2),
        by_rules("dossiers", 2, partition=1),
        by_rules("tasks", 1),
    ]
    tomorrow = [TOMORROW.record, by_rules("dossiers", 3), by_rules("dossiers", 2, partition=1)]
    folder = tmp_path_factory.mktemp("books")
    made = {
        "lgsp": application(folder, "lgsp", today),
        "lgsp-2": application(
            folder, "lgsp-2", tomorrow, backlog=Backlog(70, at("2025-11-12T08:00"))
        ),
    }
    yield ByBooks({name: app for name, (_, app) in made.items()}, ReadingAccess())
    for cube, _ in made.values():
        cube.close()


@pytest.fixture
async def api(both: ByBooks) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(both, raise_app_exceptions=False), base_url="http://hub"
    ) as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str, **parameters: str) -> Any:
    answer = await api.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_address_answers_for_both(api: httpx.AsyncClient) -> None:
    assert (await ask(api, ON_TIME))["value"] == 0.75
    assert (await ask(api, ON_TIME, books="lgsp"))["value"] == 0.75
    assert (await ask(api, ON_TIME, books="lgsp-2"))["value"] == 0.25


async def test_every_answer_says_by_which_books_and_rules(api: httpx.AsyncClient) -> None:
    # as of which all was counted
    now, before = "2025-11-12T10:00:00.000+07:00", "2025-11-12T07:59:59.999+07:00"
    wanted = {
        "lgsp": {
            "books": "lgsp",
            "rules": {"dossiers": [2], "tasks": [1]},
            "behind": 0,
            "instant": now,
        },
        "lgsp-2": {
            "books": "lgsp-2",
            "rules": {"dossiers": [2, 3]},
            "behind": 70,
            "instant": before,
        },
    }
    for name, as_of in wanted.items():
        for path in EVERY:
            found = await ask(api, path, books=name)
            told = (found.get("indicators") or [found])[0]["as_of"]
            assert {field: told[field] for field in as_of} == as_of, path
        for path in DIRECTORY:
            assert (await ask(api, path, books=name))["books"] == name
        assert (await ask(api, "/readyz", books=name))["books"] == name


@pytest.mark.parametrize("path", EVERY)
async def test_a_file_says_it_too(api: httpx.AsyncClient, path: str) -> None:
    text = (await api.get(path, params={"books": "lgsp-2", "format": "csv"})).text
    rows = table(text)
    assert {(row["books"], row["rules"], row["behind"]) for row in rows} == {
        ("lgsp-2", "dossiers=2/3", "70")
    }


async def test_prometheus_is_told_of_the_books_asked_for(api: httpx.AsyncClient) -> None:
    found = {}
    for name in ("lgsp", "lgsp-2"):
        text = (await api.get("/metrics", params={"books": name})).text
        samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]
        late = next(
            one.value
            for one in samples
            if one.name == "lgsp_counts"
            and (one.labels["measure"], one.labels["window"], one.labels["kind"])
            == ("late", "all", "closed")
            and one.labels["family"] == "dossiers"
        )
        versions = [
            (one.labels["books"], one.labels["family"], one.labels["version"])
            for one in samples
            if one.name == "lgsp_rules_info"
        ]
        found[name] = late, versions
        assert not any(one.labels.get("kind") == "applied" for one in samples), (
            "the hub's own bookkeeping counts nothing"
        )
    assert found == {
        "lgsp": (1, [("lgsp", "dossiers", "2"), ("lgsp", "tasks", "1")]),
        "lgsp-2": (3, [("lgsp-2", "dossiers", "2"), ("lgsp-2", "dossiers", "3")]),
    }


@pytest.mark.parametrize("path", EVERY)
async def test_books_that_nobody_keeps_have_no_figures(tmp_path: Path, path: str) -> None:
    """Rather than figures that are all 0: their name may be mistyped."""
    cube = FedCube(tmp_path / "cube.sqlite")
    cube.open("one", NOW)
    progress = Progress(ready=True, percent=100.0, partitions=1)
    shared: Any = {"books": "lgsp-9", "progress": lambda: progress, "clock": lambda: NOW}
    questions = Views(Readers(cube), INDICATORS, {}, **shared)
    exporter = Exporter(cube, questions)
    app = create_app(questions, exporter, [directory_routes(questions)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://hub"
    ) as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:lgsp:problem:not-ready")
        assert "LGSP_APP_ID=lgsp-9" in answer.json()["detail"]
        assert "lgsp_counts" not in (await client.get("/metrics")).text
    cube.close()


@pytest.mark.parametrize(
    "path", [*EVERY, *DIRECTORY, "/v1/dossiers", "/v1/catalogue", "/metrics", "/readyz"]
)
async def test_unknown_books_are_refused_with_those_that_there_are(
    api: httpx.AsyncClient, path: str
) -> None:
    answer = await api.get(path, params={"books": "lgsp-3"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"] == "books: there are no books lgsp-3 here; did you mean lgsp-2?"
    assert answer.json()["errors"][0]["field"] == "books"
    assert answer.json()["instance"] == path


async def test_machines_are_told_of_the_parameter(api: httpx.AsyncClient) -> None:
    paths = json.loads((await api.get("/openapi.json")).text)["paths"]
    without = [
        path
        for path, found in paths.items()
        if "books" not in {one["name"] for one in found["get"].get("parameters", [])}
    ]
    assert without == []


def test_the_settings_of_each_books() -> None:
    assert [one.app_id for one in Settings().served] == ["lgsp"]
    served = Settings(
        data=Path("d"), app_id="b", books_beside="lgsp,b,c,lgsp", metrics_port=9
    ).served
    assert [(one.app_id, one.read_models, one.metrics_port) for one in served] == [
        ("b", Path("d/b"), 9),
        ("lgsp", Path("d"), 9),
        ("c", Path("d/c"), 9),
    ]
