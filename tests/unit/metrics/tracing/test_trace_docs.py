"""docs/api.md, "What was told of one dossier?": its example is asked and answered as it says, and
every field and parameter is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from example_facts import EXAMPLE
from facts import ms
from traces import Hub

from metrics.api.parameters import TraceParameters
from metrics.api.trace_shapes import CellOf, FactOf, StateOf, TraceAnswer, TraceAsOf

PAGE = (Path(__file__).parents[4] / "docs" / "api.md").read_text("utf-8")
FOUND = re.search(r"^## What was told of one dossier\?\n(.*?)(?=^## )", PAGE, re.M | re.S)
assert FOUND is not None
SECTION = FOUND[1]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The example of docs/figures.md, its finish sent twice."""
    hub = Hub(tmp_path, ms("11-20 10:00"))
    hub.count([*EXAMPLE, EXAMPLE[-1]])
    yield hub
    hub.close()


def addresses() -> list[str]:
    found = [urlsplit(url) for url in re.findall(r"curl '(http://127\.0\.0\.1:8081/\S+)'", SECTION)]
    return [f"{url.path}?{url.query}" if url.query else url.path for url in found]


def shortened(answer: Any) -> Any:
    """With the last fact, the first cell and the first figure only, as the page has it."""
    answer["facts"] = answer["facts"][-1:]
    answer["state"]["counts_for"] = answer["state"]["counts_for"][:1]
    for cell in answer["state"]["counts_for"]:
        cell["figures"] = cell["figures"][:1]
    return answer


async def test_the_example_is_answered_as_the_page_says(hub: Hub) -> None:
    said = re.search(r"```json\n(.*?)```", SECTION, re.S)
    async with hub.client() as client:
        answer = await client.get(addresses()[0])
    assert said is not None
    assert shortened(answer.json()) == json.loads(said[1])


@pytest.mark.parametrize("address", addresses())
async def test_every_command_of_the_section_is_answered(hub: Hub, address: str) -> None:
    async with hub.client() as client:
        answer = await client.get(address)
    assert answer.status_code == 200, answer.text


def test_every_parameter_and_field_is_there() -> None:
    fields = {
        found.serialization_alias or name
        for model in (TraceAnswer, StateOf, CellOf, FactOf, TraceAsOf)
        for name, found in model.model_fields.items()
    }
    standings = ("counted", "duplicate", "refused", "waiting")
    for word in TraceParameters.model_fields.keys() | set(standings):
        assert f"`{word}`" in SECTION, word
    for word in fields:
        assert f"`{word}`" in SECTION or f'"{word}"' in SECTION, word
