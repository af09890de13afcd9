"""Every error of the API in one shape: RFC 9457 problem details, with the parameters at fault in
`errors`.

Messages are read by clerks: they say what was sent, what is wrong with it and what to send instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from metrics.errors import (
    Fault,
    NotFound,
    NotReady,
    QueryError,
    QuestionError,
    UnknownIndicator,
    instead,
)
from schemas.masking import shown
from serving.access.errors import AccessError, AccessUnknown
from serving.access.problems import ACCESS_PROBLEMS, access_problem
from serving.problems import MEDIA_TYPE, Problem, ProblemKind, problem_response, problem_schema
from serving.store.disposable import Unreadable

_NAMED = "The nearest id or address is named; `GET /v1/catalogue` lists the ids."
API_PROBLEMS: dict[str, ProblemKind] = {
    "not-known": ACCESS_PROBLEMS["not-known"],
    "not-allowed": ACCESS_PROBLEMS["not-allowed"],
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
_OF_ERRORS: dict[type[QuestionError], str] = {
    QueryError: "wrong-parameter",
    UnknownIndicator: "unknown-indicator",
    NotFound: "not-found",
    NotReady: "not-ready",
}
_READING = "GET, HEAD"
_RETRY_SECONDS = 2
_QUOTED = re.compile("'([^']*)'")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of answers with these statuses."""
    titles = {
        status: "; ".join(kind.title for kind in API_PROBLEMS.values() if kind.status == status)
        for status in statuses
    }
    return {
        status: {"description": title, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status, title in titles.items()
    }


def problem_of(error: QuestionError) -> Problem:
    """The hub's own error as a problem."""
    errors = [fault._asdict() for fault in error.faults]
    return Problem(_OF_ERRORS[type(error)], str(error), {"errors": errors} if errors else None)


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


def refusal(request: Request, error: AccessError) -> Response:
    """Who may not read, or is not known yet."""
    if isinstance(error, AccessUnknown):
        return response(request, Problem("not-ready", str(error)))
    return response(request, access_problem(error))


async def on_access_error(request: Request, error: Exception) -> Response:
    """A question that its reader may not ask."""
    assert isinstance(error, AccessError)
    return refusal(request, error)


async def on_question_error(request: Request, error: Exception) -> Response:
    """A question that can't be answered, as whoever answers it says."""
    assert isinstance(error, QuestionError)
    return response(request, problem_of(error))


async def on_invalid(request: Request, error: Exception) -> Response:
    """Parameters of the wrong type, or unknown ones."""
    assert isinstance(error, RequestValidationError)
    mistakes = sorted(error.errors(), key=lambda found: str(found["loc"]))
    known = _parameters(request)
    faults = [Fault(shown(str(one["loc"][-1])), _message(one, known)) for one in mistakes]
    return response(request, problem_of(QueryError(faults)))


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
