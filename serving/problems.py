"""What the server itself answers before any application sees the request: RFC 9457 problem details, the same on every port."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple
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
    "too-slow": Kind(408, "The request did not arrive in time", "Send it again, in smaller requests on a slow line."),
    "head-too-large": Kind(431, "The request's head is too large", "Send fewer or shorter headers."),
    "unavailable": Kind(503, "The hub can't take this at the moment", "Send the same request again after Retry-After seconds."),
}  # fmt: skip


def response(name: str, detail: str) -> bytes:
    """The problem as a whole HTTP response, the connection's last."""
    kind = KINDS[name]
    document = {"type": kind.uri(name), "title": kind.title, "status": kind.status, "detail": detail, "instance": f"urn:uuid:{uuid4()}"}
    body = msgspec.json.encode(document)
    retry = f"retry-after: {RETRY_SECONDS}\r\n" if kind.status == 503 else ""
    head = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n{retry}content-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
