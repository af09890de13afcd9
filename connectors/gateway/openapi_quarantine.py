"""What the gateway's OpenAPI document says of the quarantine."""

from __future__ import annotations

from typing import Any

from connectors.gateway.openapi_access import OPERATORS, described_problems
from connectors.quarantine.marks import ENTRY_STATES

_Schema = dict[str, Any]
_TEXT: _Schema = {"type": "string"}
_MAYBE: _Schema = {"type": ["string", "null"]}
_INSTANT: _Schema = {"type": "string", "format": "date-time"}
_DONE: _Schema = {
    "type": ["object", "null"],
    "description": "What was done with it last, and by which client",
    "properties": {
        "at": _INSTANT,
        "by": _TEXT,
        "status": {"type": ["integer", "null"], "description": "HTTP status of a replay's answer"},
        "said": _MAYBE,
        "request": {**_MAYBE, "description": "Id of the request that the replay was"},
    },
}
_ENTRY: _Schema = {
    "type": "object",
    "required": ["origin", "at", "state", "reason", "kind", "client", "original", "done"],
    "properties": {
        "origin": {**_TEXT, "description": "http:REQUEST/ITEM, or http:REQUEST of a whole body"},
        "at": _INSTANT,
        "door": _TEXT,
        "source": _TEXT,
        "kind": _TEXT,
        "reason": _TEXT,
        "state": {"enum": [*ENTRY_STATES]},
        "client": {**_MAYBE, "description": "Who sent it"},
        "original": {"type": "boolean", "description": "Whether the vault was given it whole"},
        "done": _DONE,
        "length": {"type": "integer", "description": "Bytes of what came"},
        "digest": _TEXT,
        "digest_key": _TEXT,
        "type": _TEXT,
        "fields": {"type": "object", "description": "Known fields, masked"},
        "unknown": {"type": "integer", "description": "Fields that the hub does not know"},
        "structure": _TEXT,
    },
}
_LIST: _Schema = {
    "type": "object",
    "required": ["entries"],
    "properties": {"entries": {"type": "array", "items": _ENTRY}},
}
_ORIGIN: _Schema = {"name": "origin", "in": "path", "required": True, "schema": _TEXT}
_PARAMETERS: list[_Schema] = [
    {
        "name": "state",
        "in": "query",
        "description": "Only entries that stand so; left out: all but the dropped ones",
        "schema": {"enum": [*ENTRY_STATES]},
    },
    {
        "name": "limit",
        "in": "query",
        "description": "Most entries, the newest ones",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100},
    },
]


def _route(
    summary: str, description: str, schema: _Schema, parameters: list[_Schema], *problems: str
) -> _Schema:
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {
        "summary": summary,
        "response_model": None,
        "responses": {"200": answer, **described_problems(*problems)},
        "openapi_extra": {"security": OPERATORS, "parameters": parameters},
    }


LIST_ROUTE = _route(
    "What was refused and is kept: everything for operators, its own for a client",
    "Newest first",
    _LIST,
    _PARAMETERS,
    "wrong-question",
)
SHOW_ROUTE = _route("One entry", "It", _ENTRY, [_ORIGIN], "no-such-entry")
REPLAY_ROUTE = _route(
    "Send an entry's original through its door again, with its client's rights as of now",
    "The entry with the replay's answer in `done`; refused again, it waits on",
    _ENTRY,
    [_ORIGIN],
    "no-such-entry",
    "no-original",
)
DROP_ROUTE = _route(
    "Forget an entry and its original, for good",
    "The entry",
    _ENTRY,
    [_ORIGIN],
    "no-such-entry",
)
