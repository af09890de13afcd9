"""What the gateway's OpenAPI document says of tokens and clients."""

from __future__ import annotations

from typing import Any

from connectors.gateway.oauth import FORM_TYPE, GRANT
from connectors.gateway.problem_shapes import problem_answer
from connectors.gateway.problems import GATEWAY_PROBLEMS
from serving.access.changes import FAMILY_NAMES, LONGEST_DAYS
from serving.access.clients import (
    ANY,
    DOORS,
    KEY_DAYS,
    ROLES,
    ROTATION_DAYS,
    STAGES,
    ClientLimits,
)
from serving.access.described import KEY_SCHEMES, SCRAPE_SCHEME

_Schema = dict[str, Any]

SECURITY_SCHEMES: _Schema = {
    **KEY_SCHEMES,
    **SCRAPE_SCHEME,
    "oauth": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
    },
}
# where access is open nothing is asked for
SECURITY: list[_Schema] = [{"key": []}, {"bearer": []}, {"oauth": []}, {}]
OPERATORS: list[_Schema] = [{"key": []}, {"bearer": []}, {"oauth": []}]

_TEXT: _Schema = {"type": "string"}
_INSTANT: _Schema = {"type": ["string", "null"], "format": "date-time"}
_TITLES: _Schema = {"type": "object", "properties": {"vi": _TEXT, "en": _TEXT}}


def _list(item: _Schema, description: str) -> _Schema:
    return {"type": "array", "items": item, "description": description}


_RIGHTS: _Schema = {
    "agencies": _list(
        _TEXT, f"Codes that it speaks for, with what is below them on the day; {ANY}: all"
    ),
    "sources": _list(_TEXT, f"CloudEvents sources that it may use; a {ANY} may stand at the end"),
    "doors": _list({"enum": [*DOORS]}, "Where it may come in"),
    "families": _list({"enum": [*FAMILY_NAMES, ANY]}, "What it may send"),
    "role": {
        "enum": [*ROLES, None],
        "description": "What it may read; an operator manages clients",
    },
}
_LIMIT: _Schema = {"type": "integer", "minimum": 0}
_KEY: _Schema = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "standing": {"enum": ["valid", "ended", "revoked"]},
        "created_at": _INSTANT,
        "expires_at": _INSTANT,
        "revoked_at": _INSTANT,
        "last_used_at": _INSTANT,
    },
}
_CLIENT: _Schema = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "title": _TITLES,
        **_RIGHTS,
        "limits": {
            "type": "object",
            "properties": {"events_a_second": _LIMIT, "bytes_a_second": _LIMIT},
        },
        "packets": {"type": ["object", "null"]},
        "keys": {"type": "array", "items": _KEY},
        "stage": {
            "enum": [*STAGES],
            "description": "Where its facts go: the sandbox, nowhere while those are moved, live",
        },
        "created_at": _INSTANT,
        "revoked_at": _INSTANT,
        "key": {"type": "string", "description": "A new key, shown this once"},
    },
}
_DAYS: _Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": LONGEST_DAYS,
    "default": KEY_DAYS,
    "description": "Days that the new key holds",
}
_NEW: _Schema = {
    "type": "object",
    "required": ["name", "title_vi", "title_en"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
        "title_vi": {**_TEXT, "description": "What officials call it, in Vietnamese"},
        "title_en": {**_TEXT, "description": "The same in English"},
        **_RIGHTS,
        "events_a_second": {**_LIMIT, "default": ClientLimits().events},
        "bytes_a_second": {**_LIMIT, "default": ClientLimits().bytes},
        "days": _DAYS,
        "live": {
            "type": "boolean",
            "default": False,
            "description": "What it sends counts at once; else it begins in the sandbox",
        },
    },
}
_CHANGE: _Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        name: schema
        for name, schema in _NEW["properties"].items()
        if name not in ("name", "days", "live")
    },
}
_ROTATION: _Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "days": _DAYS,
        "old_until": {
            "type": ["integer", "null"],
            "description": (
                f"When the other keys end, epoch ms; {ROTATION_DAYS} days from now if left out"
            ),
        },
    },
}
_REVOCATION: _Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"key": {"type": ["string", "null"], "description": "Its id; left out: all"}},
}
_NAME: _Schema = {"name": "name", "in": "path", "required": True, "schema": _TEXT}


def _problems(*names: str) -> _Schema:
    by_status: dict[str, list[str]] = {}
    for name in names:
        by_status.setdefault(str(GATEWAY_PROBLEMS[name].status), []).append(name)
    return {status: problem_answer(*found) for status, found in by_status.items()}


def _answer(status: str, description: str, schema: _Schema) -> _Schema:
    return {
        status: {"description": description, "content": {"application/json": {"schema": schema}}}
    }


def described_problems(*names: str) -> _Schema:
    """The answers that are problems, of a route for who is known: those of every such one too."""
    return _problems(*_ALWAYS, *names)


_ALWAYS = ("not-known", "not-allowed", "over-limit", "internal-error", "unavailable")
_BODY = ("not-json", "too-large", "unsupported-media-type", "wrong-client")


def _route(
    summary: str, answer: _Schema, problems: tuple[str, ...], body: _Schema | None, named: bool
) -> _Schema:
    extra: _Schema = {"security": OPERATORS}
    if named:
        extra["parameters"] = [_NAME]
    if body is not None:
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": body}},
        }
    return {
        "summary": summary,
        "status_code": int(next(iter(answer))),
        "response_model": None,
        "responses": {**answer, **described_problems(*problems)},
        "openapi_extra": extra,
    }


LIST_ROUTE = _route(
    "Every client",
    _answer(
        "200",
        "By name",
        {
            "type": "object",
            "required": ["clients"],
            "properties": {"clients": {"type": "array", "items": _CLIENT}},
        },
    ),
    (),
    None,
    named=False,
)
SHOW_ROUTE = _route(
    "One client", _answer("200", "It", _CLIENT), ("no-such-client",), None, named=True
)
ADD_ROUTE = _route(
    "Register a client",
    _answer("201", "The client, and its key, shown this once", _CLIENT),
    _BODY,
    _NEW,
    named=False,
)
CHANGE_ROUTE = _route(
    "Give a client other rights",
    _answer("200", "The client", _CLIENT),
    ("no-such-client", *_BODY),
    _CHANGE,
    named=True,
)
ROTATE_ROUTE = _route(
    "Give a client a new key",
    _answer("200", "The client, and its new key, shown this once", _CLIENT),
    ("no-such-client", *_BODY),
    _ROTATION,
    named=True,
)
REVOKE_ROUTE = _route(
    "Revoke a key of a client, or all of it",
    _answer("200", "The client", _CLIENT),
    ("no-such-client", *_BODY),
    _REVOCATION,
    named=True,
)

_TOKEN: _Schema = {
    "type": "object",
    "required": ["access_token", "token_type", "expires_in"],
    "properties": {
        "access_token": _TEXT,
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer", "description": "Seconds"},
    },
}
_OAUTH_ERROR: _Schema = {
    "allOf": [
        {"$ref": "#/components/schemas/Problem"},
        {
            "type": "object",
            "required": ["error"],
            "properties": {"error": _TEXT, "error_description": _TEXT},
        },
    ]
}


def _oauth_problem(name: str) -> _Schema:
    kind = GATEWAY_PROBLEMS[name]
    return {
        str(kind.status): {
            "description": f"{kind.title}. {kind.do}",
            "content": {"application/json": {"schema": _OAUTH_ERROR}},
        }
    }


TOKEN_ROUTE: _Schema = {
    "summary": "A token for a client's name and key (OAuth 2, client credentials)",
    "response_model": None,
    "responses": {
        **_answer("200", "A token of ten minutes", _TOKEN),
        **_oauth_problem("http-error"),
        **_oauth_problem("not-known"),
        **_oauth_problem("not-allowed"),
        **_oauth_problem("over-limit"),
        **_oauth_problem("unavailable"),
    },
    "openapi_extra": {
        "security": [{"key": []}, {}],
        "requestBody": {
            "required": True,
            "content": {
                FORM_TYPE: {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {"const": GRANT},
                            "client_id": {**_TEXT, "description": "The client's name"},
                            "client_secret": {**_TEXT, "description": "A key of it"},
                        },
                    }
                }
            },
        },
    },
}
