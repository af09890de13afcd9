"""Errors in one shape on every port, RFC 9457 problem details; and what the server answers before
any application sees the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5


class Kind(NamedTuple):
    """A kind of problem: its HTTP status, its title, and what the sender does about it."""

    status: int
    title: str
    do: str

    def uri(self, name: str) -> str:
        """The problem's `type`."""
        return f"urn:lgsp:problem:{name}"


KINDS: dict[str, Kind] = {
    "http-error": Kind(400, "The request can't be answered", "See the detail."),
    "too-slow": Kind(
        408,
        "The request did not arrive in time",
        "Send it again, in smaller requests on a slow line.",
    ),
    "head-too-large": Kind(
        431, "The request's head is too large", "Send fewer or shorter headers."
    ),
    "unavailable": Kind(
        503,
        "The hub can't take this at the moment",
        "Send the same request again after Retry-After seconds.",
    ),
}


def table(kinds: Mapping[str, Kind]) -> str:
    """Kinds of problems for a page: status, `type`, title, and what to do."""
    ordered = sorted(kinds.items(), key=lambda item: item[1].status)
    rows = [
        f"| {kind.status} | `{kind.uri(name)}` | {kind.title} | {kind.do} |"
        for name, kind in ordered
    ]
    return "\n".join(["| status | `type` | means | do |", "|---|---|---|---|", *rows])


def document(
    name: str, kind: Kind, detail: str, instance: str, more: Mapping[str, Any] | None = None
) -> bytes:
    """A problem document. instance: URI of this occurrence; more: further members, such as the
    items or parameters at fault.
    """
    said = {
        "type": kind.uri(name),
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": instance,
    }
    return msgspec.json.encode({**said, **(more or {})})


def schema(kinds: Iterable[tuple[str, Kind]], instance: str, **more: Any) -> dict[str, Any]:
    """What OpenAPI says of the documents of these kinds. instance: what it names; more: the schemas
    of further members.
    """
    return {
        "type": "object",
        "description": "RFC 9457 problem details",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"enum": [kind.uri(name) for name, kind in kinds]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": instance},
            **more,
        },
    }


def response(name: str, detail: str) -> bytes:
    """The problem as a whole HTTP response, the connection's last."""
    kind = KINDS[name]
    body = document(name, kind, detail, f"urn:uuid:{uuid4()}")
    retry = f"retry-after: {RETRY_SECONDS}\r\n" if kind.status == 503 else ""
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n{retry}content-type:"
        f" {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
