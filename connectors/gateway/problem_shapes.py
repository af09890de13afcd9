"""What the gateway's OpenAPI document says of problems."""

from __future__ import annotations

from typing import Any

from connectors.gateway.problems import GATEWAY_PROBLEMS
from serving.problems import MEDIA_TYPE


def problem_answer(*names: str) -> dict[str, Any]:
    """An answer that is one of these problems, all of one status."""
    headers: dict[str, Any] = {}
    if {"unavailable", "over-limit"} & {*names}:
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds"}
    if "not-known" in names:
        headers["WWW-Authenticate"] = {
            "schema": {"type": "string"},
            "description": "How to say who sends it: Basic or Bearer",
        }
    said = "; ".join(
        f"{GATEWAY_PROBLEMS[name].title}. {GATEWAY_PROBLEMS[name].do}" for name in names
    )
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": said, "headers": headers, "content": content}
