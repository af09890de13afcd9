"""Every error of the gateway in one shape: RFC 9457 problem details. The table of problems drives
OpenAPI and docs/send-events.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from serving import problems as serving
from serving.problems import MEDIA_TYPE, Kind, document

_RETRY_AFTER = {"Retry-After": str(serving.RETRY_SECONDS)}

KINDS: dict[str, Kind] = {
    "not-json": Kind(
        400, "The body can't be read as JSON", "Mend the sender; sending it again changes nothing."
    ),
    "not-found": Kind(
        404,
        "There is nothing at this address",
        "Correct the address: events go to POST /v1/events.",
    ),
    "method-not-allowed": Kind(
        405, "This address does not take this method", "Use the method named in Allow."
    ),
    "too-slow": serving.KINDS["too-slow"],
    "too-large": Kind(413, "The request is too large", "Split it: the detail names the limit."),
    "unsupported-media-type": Kind(
        415,
        "The gateway does not read this kind of body",
        "Send application/cloudevents+json, cloudevents-batch+json or application/json,"
        " uncompressed.",
    ),
    "refused-items": Kind(
        422,
        "Items were refused",
        "Mend the items named and send them again; the others were taken in.",
    ),
    "head-too-large": serving.KINDS["head-too-large"],
    "http-error": serving.KINDS["http-error"],
    "internal-error": Kind(
        500, "The gateway failed", "Send it again; tell the hub's operators if it persists."
    ),
    "unavailable": serving.KINDS["unavailable"],
}


class Problem(Exception):
    """Ends a request with a problem document. `more` are further members, such as the items
    refused.
    """

    def __init__(self, name: str, detail: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.name = name
        self.kind = KINDS[name]
        self.detail = detail
        self.more = more or {}


def problem_response(
    problem: Problem,
    instance: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The problem as a response; `instance` is this occurrence's URI."""
    kind = problem.kind if status is None else problem.kind._replace(status=status)
    extra = _RETRY_AFTER if kind.status == 503 else {}
    body = document(problem.name, kind, problem.detail, instance, problem.more)
    return Response(body, kind.status, {**extra, **(headers or {})}, MEDIA_TYPE)
