"""The kinds of problems that the gateway answers with, which drive OpenAPI and send-events.md."""

from __future__ import annotations

from serving.problems import SERVER_PROBLEMS, ProblemKind

GATEWAY_PROBLEMS: dict[str, ProblemKind] = {
    "not-json": ProblemKind(
        400, "The body can't be read as JSON", "Mend the sender; sending it again changes nothing."
    ),
    "not-found": ProblemKind(
        404,
        "There is nothing at this address",
        "Correct the address: events go to POST /v1/events.",
    ),
    "method-not-allowed": ProblemKind(
        405, "This address does not take this method", "Use the method named in Allow."
    ),
    "too-slow": SERVER_PROBLEMS["too-slow"],
    "wrong-space": ProblemKind(
        409,
        "The gateway is of another space",
        "Send it to a gateway of the space that the header LGSP-Space names; nothing was taken in.",
    ),
    "too-large": ProblemKind(
        413, "The request is too large", "Split it: the detail names the limit."
    ),
    "unsupported-media-type": ProblemKind(
        415,
        "The gateway does not read this kind of body",
        "Send application/cloudevents+json, cloudevents-batch+json or application/json,"
        " uncompressed.",
    ),
    "refused-items": ProblemKind(
        422,
        "Items were refused",
        "Mend the items named and send them again; the others were taken in.",
    ),
    "head-too-large": SERVER_PROBLEMS["head-too-large"],
    "http-error": SERVER_PROBLEMS["http-error"],
    "internal-error": ProblemKind(
        500, "The gateway failed", "Send it again; tell the hub's operators if it persists."
    ),
    "unavailable": SERVER_PROBLEMS["unavailable"],
}
