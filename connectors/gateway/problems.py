"""The kinds of problems that the gateway answers with, which drive OpenAPI and send-events.md."""

from __future__ import annotations

from serving.access.problems import ACCESS_PROBLEMS
from serving.problems import SERVER_PROBLEMS, ProblemKind

GATEWAY_PROBLEMS: dict[str, ProblemKind] = {
    "not-json": ProblemKind(
        400, "The body can't be read as JSON", "Mend the sender; sending it again changes nothing."
    ),
    "not-known": ACCESS_PROBLEMS["not-known"],
    "not-allowed": ACCESS_PROBLEMS["not-allowed"],
    "forbidden-items": ProblemKind(
        403,
        "The client may not send these items",
        "Send what the items named say that it may, or ask the hub's operators; the others were"
        " taken in.",
    ),
    "not-found": ProblemKind(
        404,
        "There is nothing at this address",
        "Correct the address: events go to POST /v1/events.",
    ),
    "no-such-client": ProblemKind(
        404, "There is no such client", "GET /v1/clients lists those that are registered."
    ),
    "no-such-entry": ProblemKind(
        404,
        "There is no such refusal",
        "GET /v1/quarantine lists those that you may see; entries go after 14 days.",
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
    "no-original": ProblemKind(
        410,
        "The original is not there any more",
        "Have its sender send it again; the detail says why it is gone.",
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
    "wrong-client": ProblemKind(
        422,
        "The client can't be registered or changed like this",
        "Mend what the detail names; nothing was changed.",
    ),
    "wrong-question": ProblemKind(
        422, "A parameter can't be used", "Correct the parameter that the detail names."
    ),
    "over-limit": ACCESS_PROBLEMS["over-limit"],
    "head-too-large": SERVER_PROBLEMS["head-too-large"],
    "http-error": SERVER_PROBLEMS["http-error"],
    "internal-error": ProblemKind(
        500, "The gateway failed", "Send it again; tell the hub's operators if it persists."
    ),
    "unavailable": SERVER_PROBLEMS["unavailable"],
}
