"""Every error of the API in one shape: RFC 9457 problem details, with the parameters at fault in `errors`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from metrics.disposable import Unreadable

MEDIA_TYPE = "application/problem+json"
Name = Literal["unknown-indicator", "wrong-parameter", "not-ready", "not-found", "failed"]
KINDS: dict[Name, tuple[int, str]] = {
    "unknown-indicator": (404, "There is no such indicator"),
    "wrong-parameter": (422, "A parameter cannot be used"),
    "not-ready": (503, "The figures are being built"),
    "not-found": (404, "There is nothing at this address"),
    "failed": (500, "The reporting API failed"),
}


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
    return Problem("wrong-parameter", f"{field}: {message}", [{"field": field, "message": message}])


def response(request: Request, problem: Problem, status: int | None = None) -> Response:
    """The problem as the answer to this request."""
    usual, title = KINDS[problem.name]
    document: dict[str, Any] = {
        "type": f"urn:lgsp:problem:{problem.name}", "title": title, "status": status or usual,
        "detail": problem.detail, "instance": request.url.path,
    }  # fmt: skip
    if problem.errors:
        document["errors"] = problem.errors
    headers = {"Retry-After": "2"} if usual == 503 else {}
    return JSONResponse(jsonable_encoder(document), document["status"], headers, MEDIA_TYPE)


async def on_problem(request: Request, error: Exception) -> Response:
    """A Problem raised on the way."""
    assert isinstance(error, Problem)
    return response(request, error)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Parameters of the wrong type, or unknown ones."""
    assert isinstance(error, RequestValidationError)
    mistakes = sorted(error.errors(), key=lambda found: str(found["loc"]))
    errors: list[FieldError] = [{"field": str(found["loc"][-1]), "message": _message(found)} for found in mistakes]
    detail = "; ".join(f"{found['field']}: {found['message']}" for found in errors)
    return response(request, Problem("wrong-parameter", detail, errors))


def _message(found: dict[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "is no parameter of this address; see /openapi.json"
    return str(found["msg"]).removeprefix("Value error, ")


async def on_http(request: Request, error: Exception) -> Response:
    """No such path, or not this method."""
    assert isinstance(error, HTTPException)
    return response(request, Problem("not-found", f"{request.method} {request.url.path}: {error.detail}."), error.status_code)


async def on_unreadable(request: Request, error: Exception) -> Response:
    """The cube's file (or the list's) turned out to be damaged; it is being made anew."""
    assert isinstance(error, Unreadable)
    return response(request, Problem("not-ready", str(error)))


async def on_failure(request: Request, error: Exception) -> Response:
    """A mistake of ours; the log has the rest."""
    return response(request, Problem("failed", f"An unforeseen {type(error).__name__}; this process's log says more."))
