"""Problem documents: one shape at every door, and only of kinds that the door declares."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from connectors.gateway.problems import GATEWAY_PROBLEMS
from metrics.api.problems import API_PROBLEMS
from serving.problems import (
    SERVER_PROBLEMS,
    Problem,
    ProblemKind,
    problem_response,
    problem_schema,
    server_response,
)

ROOT = Path(__file__).parents[3]
DOORS = {"connectors": GATEWAY_PROBLEMS, "metrics": API_PROBLEMS}
MEMBERS = {"type", "title", "status", "detail", "instance"}


def raised(folder: Path) -> Iterator[tuple[str, str]]:
    """The names of problems that the code of a door makes, and where."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id == "Problem" and isinstance(node.args[0], ast.Constant):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0].value


@pytest.mark.parametrize("door", DOORS)
def test_a_door_makes_only_problems_that_it_declares(door: str) -> None:
    found = dict(raised(ROOT / door))
    assert found
    assert {where: name for where, name in found.items() if name not in DOORS[door]} == {}


@pytest.mark.parametrize("kinds", [SERVER_PROBLEMS, *DOORS.values()])
def test_every_kind_has_the_shape_that_openapi_says(kinds: Mapping[str, ProblemKind]) -> None:
    schema = problem_schema(kinds, "what it names", items={})
    assert set(schema["properties"]) == MEMBERS | {"items"}
    for name, kind in kinds.items():
        answer = problem_response(kinds, Problem(name, "why", {"items": [1]}), "urn:this")
        document = msgspec.json.decode(answer.body)
        assert (answer.status_code, answer.media_type) == (
            kind.status,
            "application/problem+json",
        )
        assert ("Retry-After" in answer.headers) == (kind.status == 503)
        assert document.keys() == MEMBERS | {"items"}
        assert document["type"] in schema["properties"]["type"]["enum"]


@pytest.mark.parametrize("name", SERVER_PROBLEMS)
def test_the_servers_own_answers_have_the_same_shape(name: str) -> None:
    head, _, body = server_response(name, "why").partition(b"\r\n\r\n")
    document = msgspec.json.decode(body)
    assert document.keys() == MEMBERS
    assert head.startswith(f"HTTP/1.1 {document['status']} ".encode())
    assert (b"retry-after" in head) == (document["status"] == 503)
