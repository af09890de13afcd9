"""Every error of the API in one shape: RFC 9457 problem details, with the parameters at fault in
`errors`.

Messages are read by clerks: they say what was sent, what is wrong with it and what to send instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypedDict

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

# what a caller sent, as every message of the API may repeat it
from schemas.masking import shown as shown
from serving.problems import MEDIA_TYPE, ProblemKind, problem_response, problem_schema
from serving.problems import Problem as Problem
from serving.store.disposable import Unreadable

_NAMED = "The nearest id or address is named; `GET /v1/catalogue` lists the ids."
API_PROBLEMS: dict[str, ProblemKind] = {
    "unknown-indicator": ProblemKind(404, "There is no such indicator", _NAMED),
    "not-found": ProblemKind(404, "There is nothing at this address", _NAMED),
    "wrong-method": ProblemKind(
        405, "This address is only read", "Ask with GET; events are sent to the gateway."
    ),
    "wrong-parameter": ProblemKind(
        422, "A parameter cannot be used", "Mend the parameters in `errors`."
    ),
    "failed": ProblemKind(
        500, "The reporting API failed", "Tell the hub's operators; the process's log says more."
    ),
    "not-ready": ProblemKind(
        503,
        "The figures are being built",
        "They are built from Kafka, or no worker has counted anything yet: ask again after"
        " Retry-After seconds.",
    ),
}
_ERRORS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["field", "message"],
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    },
}
_SCHEMA = problem_schema(API_PROBLEMS, "The address that was asked", errors=_ERRORS)
_READING = "GET, HEAD"
_RETRY_SECONDS = 2
_QUOTED = re.compile("'([^']*)'")


class FieldError(TypedDict):
    """A parameter and what is wrong with it."""

    field: str
    message: str


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of answers with these statuses."""
    titles = {
        status: "; ".join(kind.title for kind in API_PROBLEMS.values() if kind.status == status)
        for status in statuses
    }
    return {
        status: {"description": title, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status, title in titles.items()
    }


def wrong(field: str, message: str) -> Problem:
    """A parameter that cannot be used."""
    return all_wrong([{"field": field, "message": message}])


def all_wrong(errors: Sequence[FieldError]) -> Problem:
    """Several parameters that cannot be used."""
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return Problem("wrong-parameter", detail, {"errors": errors})


def nearest(given: str, known: Iterable[str]) -> str | None:
    """What was probably meant, capitals or not; None: nothing is near."""
    names = {name.casefold(): name for name in known}
    found = get_close_matches(given.casefold(), names, 1)
    return names[found[0]] if found else None


def instead(given: str, known: Iterable[str]) -> str:
    """What else to send: the nearest of what is known, else all of it."""
    names = list(known)
    near = nearest(given, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names) or 'none'}"


def unknown_indicator(given: str, known: Iterable[str], field: str) -> Problem:
    """No indicator of the catalogue; the nearest one is named, and where to find all."""
    near = nearest(given, known)
    hint = f"did you mean {near}? " if near else ""
    return Problem(
        "unknown-indicator",
        f"{shown(given)} is no indicator: {hint}GET /v1/catalogue lists them all.",
        {"errors": [{"field": field, "message": "is not known"}]},
    )


def response(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None
) -> Response:
    """The problem as the answer to this request."""
    return problem_response(
        API_PROBLEMS,
        problem,
        shown(request.url.path),
        headers=headers,
        retry_seconds=_RETRY_SECONDS,
    )


async def on_problem(request: Request, error: Exception) -> Response:
    """A Problem raised on the way."""
    assert isinstance(error, Problem)
    return response(request, error)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Parameters of the wrong type, or unknown ones."""
    assert isinstance(error, RequestValidationError)
    mistakes = sorted(error.errors(), key=lambda found: str(found["loc"]))
    known = _parameters(request)
    return response(
        request,
        all_wrong(
            [
                {"field": shown(str(found["loc"][-1])), "message": _message(found, known)}
                for found in mistakes
            ]
        ),
    )


def _parameters(request: Request) -> list[str]:
    """The parameters of the address, as it describes them."""
    described = request.app.openapi()["paths"][request.scope["route"].path_format]["get"]
    return [one["name"] for one in described.get("parameters", []) if one["in"] == "query"]


def _message(found: Mapping[str, Any], known: Sequence[str]) -> str:
    """What is wrong, in words of ours: a library's own are for those who call it."""
    kind, given, bounds = str(found["type"]), str(found.get("input", "")), found.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is no parameter of this address: {instead(str(found['loc'][-1]), known)}"
    if kind == "literal_error":
        return (
            f"{shown(given)} cannot be chosen:"
            f" {instead(given, _QUOTED.findall(str(bounds['expected'])))}"
        )
    if kind == "value_error":
        return str(bounds["error"])
    if kind.startswith("bool"):
        return "should be true or false"
    if kind == "greater_than_equal":
        return f"should be {bounds['ge']} or more"
    if kind == "less_than_equal":
        return f"should be {bounds['le']} or less"
    return (
        f"should be a whole number, not {shown(given)}"
        if kind.startswith("int")
        else f"{shown(given)} cannot be used"
    )


async def on_http(request: Request, error: Exception) -> Response:
    """No such path, or not this method."""
    assert isinstance(error, HTTPException)
    path = shown(request.url.path)
    if error.status_code == 405:
        told = (
            f"{path} is only read: ask it with GET (or HEAD), not {request.method}. Events are sent"
            " to the gateway, POST /v1/events."
        )
        return response(request, Problem("wrong-method", told), {"Allow": _READING})
    addresses = [one for one in request.app.openapi()["paths"] if "{" not in one]
    return response(
        request,
        Problem("not-found", f"There is nothing at {path}: {instead(request.url.path, addresses)}"),
    )


async def on_unreadable(request: Request, error: Exception) -> Response:
    """The cube's file (or the list's) turned out to be damaged; it is being made anew."""
    assert isinstance(error, Unreadable)
    return response(request, Problem("not-ready", str(error)))


async def on_failure(request: Request, error: Exception) -> Response:
    """A mistake of ours; the log has the rest."""
    told = (
        "The hub could not answer this, which is its own mistake: tell its operators this address"
        " and the time; its log says more."
    )
    return response(request, Problem("failed", told))
