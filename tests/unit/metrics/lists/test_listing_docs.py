"""docs/api.md, "What is behind a figure?": its example is asked and answered as it says, and every
parameter and date is there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cubes import INDICATORS
from example_facts import EXAMPLE
from facts import books_of, ms
from listings import empty, feed, paced, pages, states

from metrics.api.app import create_app
from metrics.api.lists import listing_routes
from metrics.api.questions import Questions
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.lists.questions import Lists
from metrics.lists.subjects import ListAsked
from metrics.lists.tables import FAMILIES
from metrics.prometheus.exporter import Exporter
from ops.meanings import meanings
from serving.store.progress import Progress

PAGE = (Path(__file__).parents[4] / "docs" / "api.md").read_text("utf-8")
FOUND = re.search(r"^## What is behind a figure\?\n(.*?)(?=^## )", PAGE, re.M | re.S)
assert FOUND is not None
SECTION = FOUND[1]


async def asked(tmp_path: Path, path: str) -> httpx.Response:
    """What the API answers after the example's facts."""
    cube, listing, now = Cube(tmp_path / "cube.sqlite"), empty(tmp_path), ms("11-20 10:00")
    cube.open("one", now)
    books, ready = books_of(EXAMPLE), Progress(ready=True, percent=100.0, partitions=1)
    cube.apply(pages(books), {0: 14})
    feed(listing, states(books))
    questions = Questions(Readers(cube), INDICATORS, {}, progress=lambda: ready, clock=lambda: now)
    lists = Lists(questions, paced(cube, listing), meanings(), progress=lambda: ready)
    exporter = Exporter(
        cube, INDICATORS, progress=lambda: ready, worker_lag=dict, clock=lambda: now
    )
    transport = httpx.ASGITransport(
        create_app(questions, exporter, [listing_routes(lists)]), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        return await client.get(path)


def addresses() -> list[str]:
    """What the section's commands ask, without the host."""
    found = [urlsplit(url) for url in re.findall(r"curl '(http://127\.0\.0\.1:8081/\S+)'", SECTION)]
    return [f"{url.path}?{url.query}" for url in found]


async def test_the_example_is_answered_as_the_page_says(tmp_path: Path) -> None:
    said = re.search(r"```json\n(.*?)```", SECTION, re.S)
    assert said is not None
    answer = await asked(tmp_path, addresses()[0])
    assert answer.json() == json.loads(said[1])


@pytest.mark.parametrize("address", addresses())
async def test_every_command_of_the_section_is_answered(tmp_path: Path, address: str) -> None:
    answer = await asked(tmp_path, address)
    assert answer.status_code == 200, answer.text


def test_every_parameter_date_and_address_is_documented() -> None:
    parameters = {field.alias or name for name, field in ListAsked.model_fields.items()}
    dates = {name for meaning in meanings() for name in meaning.date_names}
    for word in parameters | dates:
        assert f"`{word}`" in SECTION, word
    for family in FAMILIES:
        assert f"/v1/{family}" in SECTION
