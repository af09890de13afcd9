"""docs/agencies.md: its events are taken in, and figures, problems and coverage are as it says."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from cubes import INDICATORS, NOW, filled
from starlette.datastructures import Headers

from connectors.cloudevents.decode import event_of
from connectors.gateway.modes import items_of
from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.directory_questions import AgenciesAsked, CoverageAsked, ProceduresAsked
from metrics.api.directory_shapes import AgenciesAnswer, AgencyAnswer, CoverageAnswer
from metrics.api.questions import Questions
from metrics.cube.snapshot import Readers
from metrics.prometheus.exporter import Exporter
from metrics.prometheus.table import AGENCIES_UNKNOWN, DIRECTORY_PROBLEMS
from schemas.clock import LATEST_MS
from schemas.settings import Settings
from schemas.states import Item
from schemas.windows import Window
from schemas.wire import Decoder, encode
from serving.directory.directory import Directory
from serving.directory.items import MistakeKind
from serving.store.progress import Progress
from streams.families import FAMILIES

PAGE = (Path(__file__).parents[4] / "docs" / "agencies.md").read_text("utf-8")
COMMANDS = [
    shlex.split(found)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    for found in re.split(r"\n(?=curl )", block)
]
SENT = [command for command in COMMANDS if "--data" in command]
ASKED = [command[1] for command in COMMANDS if "--data" not in command]
ROWS = re.findall(r"^\| `agency=(\S+?)((?:&\w+=true)*)` \| (.+?) \| (.+?) \|$", PAGE, re.M)


def items() -> dict[str, Item]:
    """What the page's events leave of the inventory."""
    family, found = FAMILIES["inventory"], dict[str, Item]()
    for command in SENT:
        headers = Headers(dict([command[command.index("-H") + 1].split(": ", 1)]))
        for item in items_of(
            command[command.index("--data") + 1].encode(), headers, Settings().batch_limit
        ):
            event = event_of(item, latest=LATEST_MS)
            kind, fields = Decoder("inventory")(encode(event))
            family.merges[kind](
                found.setdefault(event.thing, Item(statements={})), fields, event.occurred_at
            )
    return found


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory(items())


@pytest.fixture
def app(tmp_path: Path, directory: Directory) -> Iterator[Any]:
    cube = filled(tmp_path, [])
    shared: Any = {
        "progress": lambda: Progress(ready=True, partitions=1),
        "clock": lambda: NOW,
        "directory": lambda: directory,
    }
    questions = Questions(Readers(cube), INDICATORS, {}, **shared)
    yield create_app(
        questions, Exporter(cube, {}, worker_lag=dict, **shared), [directory_routes(questions)]
    )
    cube.close()


def get(app: Any, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://hub"
        ) as client:
            return await client.get(path)

    return asyncio.run(ask())


def test_the_events_are_taken_in_and_hold(directory: Directory) -> None:
    assert len(SENT) == 3
    assert directory.mistakes == []
    assert directory.agencies(date(2025, 7, 1)) == ["SAMPLE.N", "SAMPLE.P"]
    assert [one.fields.procedure for one in directory.procedures_on(date(2025, 7, 1))] == [
        "1.000001.SAMPLE"
    ]


@pytest.mark.parametrize(("agency", "how", "before", "after"), ROWS)
def test_a_figure_holds_what_the_page_says(
    directory: Directory, agency: str, how: str, before: str, after: str
) -> None:
    options = dict.fromkeys(re.findall(r"&(\w+)=true", how), True)
    said = [set(before.split()), set((before if after == "the same" else after).split())]
    days = (date(2025, 6, 30), date(2025, 7, 1))
    assert [set(directory.spans(agency, Window(day, day), **options)[0][1]) for day in days] == said


def test_all_ways_to_ask_are_shown() -> None:
    assert [how for _, how, _, _ in ROWS] == ["", "", "", "&history=true", "&own=true"]


@pytest.mark.parametrize("address", ASKED)
def test_the_questions_are_answered(app: Any, address: str) -> None:
    answer = get(app, address)
    assert answer.status_code == 200, answer.text
    if "coverage" in address:
        (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
        told = answer.json()
        told["as_of"]["instant"] = "2025-11-12T10:00:00.000+07:00"
        assert told == json.loads(shown)


def test_every_kind_of_problem_and_every_parameter_is_on_the_page() -> None:
    for word in (
        *get_args(MistakeKind),
        DIRECTORY_PROBLEMS.name,
        AGENCIES_UNKNOWN.name,
        *AgenciesAnswer.model_fields,
        "predecessors",
    ):
        assert f"`{word}`" in PAGE, word
    assert "predecessors" in AgencyAnswer.model_fields
    assert (
        "silent_since"
        in CoverageAnswer.model_fields["agencies"].annotation.__args__[0].model_fields
    )  # type: ignore[union-attr]
    for asked in (AgenciesAsked, ProceduresAsked):
        assert [
            name for name in asked.model_fields if f"`{name}`" not in PAGE and name != "format"
        ] == []
    assert "`family`" in PAGE
    assert "family" in CoverageAsked.model_fields
