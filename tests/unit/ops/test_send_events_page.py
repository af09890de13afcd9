"""docs/send-events.md says what the gateway does."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from connectors.cloudevents.decode import event_of
from connectors.cloudevents.jsonitems import EVENT_LIMIT
from connectors.gateway.modes import items_of
from connectors.gateway.problems import GATEWAY_PROBLEMS
from connectors.gateway.reference import events_table
from schemas.clock import LATEST_MS
from schemas.events import ACCEPTED
from schemas.settings import Settings
from serving.problems import problem_table

PAGE = (Path(__file__).parents[3] / "docs" / "send-events.md").read_text("utf-8")
COMMANDS = re.findall(r"```sh\n(curl .*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("part", "table"), [("events", events_table()), ("problems", problem_table(GATEWAY_PROBLEMS))]
)
def test_the_tables_are_those_of_the_models(part: str, table: str) -> None:
    (found,) = re.findall(f"<!-- {part} -->\n(.*)\n<!-- /{part} -->", PAGE, re.DOTALL)
    assert found == table.rstrip(), (
        "run `python -m connectors.gateway.reference` and paste its output"
    )


def test_every_event_type_and_field_stands_in_the_table() -> None:
    sections = dict(
        re.findall(
            r"^\*\*`(.+?)`\*\* – (.*?)(?=^\*\*`|\Z)", events_table(), re.DOTALL | re.MULTILINE
        )
    )
    assert set(sections) == set(ACCEPTED)
    for kind, event in ACCEPTED.items():
        named = set(re.findall(r"^\| `(\w+)`", sections[kind], re.MULTILINE))
        assert named == set(event.model_fields) - {
            "event_id",
            "source",
            "occurred_at",
            "agency",
            "backfill",
            "effective_at",
            "holds",
            event.key,
        }
        assert ("Can be corrected" in sections[kind]) == ("holds" in event.model_fields)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_are_taken_in(command: str) -> None:
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["curl", f"http://127.0.0.1:{Settings().gateway_port}/v1/events"]
    options = list(zip(words[2::2], words[3::2], strict=True))
    headers = Headers(dict(value.split(": ", 1) for option, value in options if option == "-H"))
    (body,) = (value for option, value in options if option == "--data")
    for item in items_of(body.encode(), headers, Settings().batch_limit):
        assert event_of(item, latest=LATEST_MS).type in PAGE


def test_all_three_modes_are_shown() -> None:
    assert len(COMMANDS) == 3
    assert [
        kind in PAGE for kind in ("cloudevents+json", "cloudevents-batch+json", "ce-specversion")
    ] == [True] * 3


def test_the_answers_shown_are_of_the_right_shape() -> None:
    accepted, problem = (
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    )
    assert accepted["accepted"] == len(accepted["items"]) == 1
    kind = GATEWAY_PROBLEMS["refused-items"]
    shown: dict[str, Any] = {
        "type": kind.uri("refused-items"),
        "title": kind.title,
        "status": kind.status,
    }
    assert problem | shown == problem
    assert problem["accepted"] + problem["refused"] == len(problem["items"])


def test_the_limits_named_are_the_defaults() -> None:
    assert f"{Settings().batch_limit:,} events (`LGSP_BATCH_LIMIT`)" in PAGE
    assert f"{Settings().body_limit >> 20} MiB (`LGSP_BODY_LIMIT`)" in PAGE
    assert f"{EVENT_LIMIT >> 10} KiB" in PAGE
