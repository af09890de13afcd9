"""The tables of docs/send-events.md, made from the event models and the table of problems: `python
-m connectors.gateway.reference`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.gateway.openapi import data_schema
from connectors.gateway.problems import GATEWAY_PROBLEMS
from schemas.events import ACCEPTED, Event
from schemas.events.base import Correctable
from serving.problems import problem_table

_COMMON = ("agency", "backfill")  # fields of every event's `data`, besides its thing's id
_OF_CORRECTIONS = tuple(Correctable.__annotations__)  # told once, for all


def events_table() -> str:
    """Every event type: what it says, and its own fields."""
    return "\n".join(line for event in ACCEPTED.values() for line in _section(event))


def _section(event: type[Event]) -> Iterator[str]:
    correctable = " *Can be corrected.*" if issubclass(event, Correctable) else ""
    yield f"**`{event.type}`** – {' '.join((event.__doc__ or '').split())}{correctable}"
    yield ""
    schema = data_schema(event)
    own = schema["properties"].keys() - {*_COMMON, *_OF_CORRECTIONS, event.key}
    if own:
        yield "| field | JSON | |"
        yield "|---|---|---|"
        for name, field in schema["properties"].items():
            if name in own:
                optional = "" if name in schema["required"] else " (optional)"
                yield f"| `{name}`{optional} | {_kind(field)} | {_meaning(field)} |"
        yield ""


def _choices(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]


def _kind(field: dict[str, Any]) -> str:
    choices = _choices(field)
    if {choice.get("type") for choice in choices} == {"string", "integer"}:
        return "time"
    (choice,) = choices
    if "enum" in choice:
        return ", ".join(f"`{value}`" for value in choice["enum"])
    if choice["type"] == "array":
        return f"array of {_kind(choice['items'])}"
    return str(choice["type"])


def _meaning(field: dict[str, Any]) -> str:
    described = [choice["description"] for choice in _choices(field) if "description" in choice]
    meaning = field.get("description") or next(iter(described), "")
    default = field.get("default")
    if default is None:
        return meaning
    return f"{meaning}; `{str(default).lower()}` if left out".removeprefix("; ")


if __name__ == "__main__":
    print(events_table(), problem_table(GATEWAY_PROBLEMS), sep="\n\n")
