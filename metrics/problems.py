"""Every error of the API in one shape: RFC 9457 problem details, with the parameters at fault in `errors`.

Messages are read by clerks: they say what was sent, what is wrong with it and what to send instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, TypedDict

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from metrics.disposable import Unreadable
from schemas.masking import shown as shown  # what a caller sent, as every message of the API may repeat it

MEDIA_TYPE = "application/problem+json"
Name = Literal["unknown-indicator", "wrong-parameter", "not-ready", "not-found", "wrong-method", "failed"]
KINDS: dict[Name, tuple[int, str]] = {
    "unknown-indicator": (404, "There is no such indicator"),
    "wrong-parameter": (422, "A parameter cannot be used"),
    "not-ready": (503, "The figures are being built"),
    "not-found": (404, "There is nothing at this address"),
    "wrong-method": (405, "This address is only read"),
    "failed": (500, "The reporting API failed"),
}
READING = "GET, HEAD"
QUOTED = re.compile("'([^']*)'")


class FieldError(TypedDict):
    """A parameter and what is wrong with it."""

    field: str
    message: str


class Problem(Exception):
    """Answered as a problem document."""

    def __init__(self, name: Name, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.name, self.detail, self.errors = name, detail, list(errors)


def wrong(field: str, message: str) -> Problem:
    """A parameter that cannot be used."""
    return all_wrong([{"field": field, "message": message}])


def all_wrong(errors: Sequence[FieldError]) -> Problem:
    """Several parameters that cannot be used."""
    return Problem("wrong-parameter", "; ".join(f"{one['field']}: {one['message']}" for one in errors), errors)


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
        [{"field": field, "message": "is not known"}],
    )


def response(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as the answer to this request."""
    status, title = KINDS[problem.name]
    document: dict[str, Any] = {
        "type": f"urn:lgsp:problem:{problem.name}", "title": title, "status": status,
        "detail": problem.detail, "instance": shown(request.url.path),
    }  # fmt: skip
    if problem.errors:
        document["errors"] = problem.errors
    retry = {"Retry-After": "2"} if status == 503 else {}
    return JSONResponse(jsonable_encoder(document), status, {**retry, **(headers or {})}, MEDIA_TYPE)


async def on_problem(request: Request, error: Exception) -> Response:
    """A Problem raised on the way."""
    assert isinstance(error, Problem)
    return response(request, error)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Parameters of the wrong type, or unknown ones."""
    assert isinstance(error, RequestValidationError)
    mistakes = sorted(error.errors(), key=lambda found: str(found["loc"]))
    known = _parameters(request)
    return response(request, all_wrong([{"field": shown(str(found["loc"][-1])), "message": _message(found, known)} for found in mistakes]))


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
        return f"{shown(given)} cannot be chosen: {instead(given, QUOTED.findall(str(bounds['expected'])))}"
    if kind == "value_error":
        return str(bounds["error"])
    if kind.startswith("bool"):
        return "should be true or false"
    if kind == "greater_than_equal":
        return f"should be {bounds['ge']} or more"
    if kind == "less_than_equal":
        return f"should be {bounds['le']} or less"
    return f"should be a whole number, not {shown(given)}" if kind.startswith("int") else f"{shown(given)} cannot be used"


async def on_http(request: Request, error: Exception) -> Response:
    """No such path, or not this method."""
    assert isinstance(error, HTTPException)
    path = shown(request.url.path)
    if error.status_code == 405:
        told = f"{path} is only read: ask it with GET (or HEAD), not {request.method}. Events are sent to the gateway, POST /v1/events."
        return response(request, Problem("wrong-method", told), {"Allow": READING})
    addresses = [one for one in request.app.openapi()["paths"] if "{" not in one]
    return response(request, Problem("not-found", f"There is nothing at {path}: {instead(request.url.path, addresses)}"))


async def on_unreadable(request: Request, error: Exception) -> Response:
    """The cube's file (or the list's) turned out to be damaged; it is being made anew."""
    assert isinstance(error, Unreadable)
    return response(request, Problem("not-ready", str(error)))


async def on_failure(request: Request, error: Exception) -> Response:
    """A mistake of ours; the log has the rest."""
    told = "The hub could not answer this, which is its own mistake: tell its operators this address and the time; its log says more."
    return response(request, Problem("failed", told))
