"""Errors in one shape on every port, RFC 9457 problem details; and what the server answers before
any application sees the request.

Each door has a table of the kinds of problems that it answers with. It drives the answers, OpenAPI
and the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 5


class ProblemKind(NamedTuple):
    """A kind of problem: its HTTP status, its title, and what the sender does about it."""

    status: int
    title: str
    do: str

    def uri(self, name: str) -> str:
        """The problem's `type`."""
        return f"urn:lgsp:problem:{name}"


SERVER_PROBLEMS: dict[str, ProblemKind] = {
    "http-error": ProblemKind(400, "The request can't be answered", "See the detail."),
    "too-slow": ProblemKind(
        408,
        "The request did not arrive in time",
        "Send it again, in smaller requests on a slow line.",
    ),
    "head-too-large": ProblemKind(
        431, "The request's head is too large", "Send fewer or shorter headers."
    ),
    "unavailable": ProblemKind(
        503,
        "The hub can't take this at the moment",
        "Send the same request again after Retry-After seconds.",
    ),
}


class Problem(Exception):
    """Ends a request with a problem document. `name` is one of the door's kinds; `more` are further
    members, such as the items refused or the parameters at fault; `headers` go with it.
    """

    def __init__(
        self,
        name: str,
        detail: str,
        more: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.name, self.detail, self.more = name, detail, more or {}
        self.headers = headers or {}


def problem_response(
    kinds: Mapping[str, ProblemKind],
    problem: Problem,
    instance: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    retry_seconds: int = _RETRY_SECONDS,
) -> Response:
    """The problem as a response of the door that has these kinds; `instance` is this occurrence's
    URI.
    """
    kind = kinds[problem.name]
    if status is not None:
        kind = kind._replace(status=status)
    retry = {"Retry-After": str(retry_seconds)} if kind.status == 503 else {}
    body = _document(problem, kind, instance)
    sent = {**retry, **problem.headers, **(headers or {})}
    return Response(body, kind.status, sent, MEDIA_TYPE)


def server_response(name: str, detail: str) -> bytes:
    """A problem of the server's own as a whole HTTP response, the connection's last."""
    kind = SERVER_PROBLEMS[name]
    body = _document(Problem(name, detail), kind, f"urn:uuid:{uuid4()}")
    retry = f"retry-after: {_RETRY_SECONDS}\r\n" if kind.status == 503 else ""
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n{retry}content-type:"
        f" {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _document(problem: Problem, kind: ProblemKind, instance: str) -> bytes:
    members = {
        "type": kind.uri(problem.name),
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": instance,
    }
    return msgspec.json.encode({**members, **problem.more})


def problem_table(kinds: Mapping[str, ProblemKind]) -> str:
    """Kinds of problems for a page: status, `type`, title, and what to do."""
    ordered = sorted(kinds.items(), key=lambda item: item[1].status)
    rows = [
        f"| {kind.status} | `{kind.uri(name)}` | {kind.title} | {kind.do} |"
        for name, kind in ordered
    ]
    return "\n".join(["| status | `type` | means | do |", "|---|---|---|---|", *rows])


def problem_schema(kinds: Mapping[str, ProblemKind], instance: str, **more: Any) -> dict[str, Any]:
    """What OpenAPI says of the documents of these kinds. instance: what it names; more: the schemas
    of further members.
    """
    return {
        "type": "object",
        "description": "RFC 9457 problem details",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"enum": [kind.uri(name) for name, kind in kinds.items()]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": instance},
            **more,
        },
    }
