"""What the codes in a fact are called."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from metrics.figures.naming import Naming
from schemas.codes import AGENCY_PATTERN
from schemas.events import EVENT_TYPES
from schemas.wire import Fields
from serving.directory.names import CodeName


def names_in(kind: str, fields: Fields, naming: Naming) -> dict[str, CodeName]:
    """By code, of the agencies and the procedure in an event's fields; those that have a name."""
    named: dict[str, CodeName | None] = {}
    for field in _agency_fields(kind):
        given = fields[field]
        for code in given if isinstance(given, list) else [given]:
            named[code] = naming.agency(code)
    if (procedure := fields.get("procedure")) is not None:
        named[procedure] = naming.procedure(procedure)
    return {code: name for code, name in named.items() if name is not None}


@cache
def _agency_fields(kind: str) -> tuple[str, ...]:
    """The fields of an event that hold codes of agencies, or lists of them."""
    properties = EVENT_TYPES[kind].model_json_schema(mode="serialization")["properties"]
    return tuple(name for name, described in properties.items() if _holds_agencies(described))


def _holds_agencies(described: Mapping[str, Any]) -> bool:
    choices = described.get("anyOf", [described])
    return any(one.get("items", one).get("pattern") == AGENCY_PATTERN for one in choices)
