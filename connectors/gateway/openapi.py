"""The gateway's OpenAPI document, with the real event models: each type's fields, a sample of each,
and the shape of problems.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from connectors.cloudevents.decode import ATTRIBUTE_OF
from connectors.gateway.examples import EXAMPLES
from connectors.gateway.modes import ATTRIBUTES, BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE
from connectors.gateway.openapi_access import SECURITY, SECURITY_SCHEMES
from connectors.gateway.problem_shapes import problem_answer
from connectors.gateway.problems import GATEWAY_PROBLEMS
from schemas.events import ACCEPTED, Event
from serving.problems import problem_schema
from serving.spaces import SPACE_HEADER

_Schema = dict[str, Any]

_SUMMARY = (
    "Facts in. The bodies are CloudEvents 1.0: structured, batch or binary (attributes as `ce-`"
    " headers, `data` as the body). Codes in the examples are samples."
)


def event_name(event: type[Event]) -> str:
    """The event type's name among the components, such as `DossierReceivedEvent`."""
    return f"{event.__name__}Event"


def data_schema(event: type[Event]) -> _Schema:
    """The schema of `data`: the model without what the CloudEvents attributes say."""
    schema = event.model_json_schema(mode="validation")
    properties = {
        name: field for name, field in schema["properties"].items() if name not in ATTRIBUTE_OF
    }
    required = [
        name for name in schema["required"] if name not in ATTRIBUTE_OF and name != event.key
    ]
    properties[event.key]["description"] += "; may be left to the attribute `subject`"
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _event_schema(event: type[Event]) -> _Schema:
    """The schema of an event type's CloudEvent."""
    fields = event.model_json_schema(mode="validation")["properties"]
    return {
        "type": "object",
        "title": event.type,
        "description": event.__doc__,
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": fields["event_id"],
            "source": fields["source"],
            "type": {"const": event.type},
            "time": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened, by the source's clock, with its zone",
            },
            "subject": {
                **fields[event.key],
                "description": f"The same as data.{event.key}, or instead of it",
            },
            "datacontenttype": {"type": "string", "description": "application/json, or left out"},
            "data": data_schema(event),
        },
    }


def _components() -> _Schema:
    names = {event.type: f"#/components/schemas/{event_name(event)}" for event in ACCEPTED.values()}
    one_of = {
        "oneOf": [{"$ref": name} for name in names.values()],
        "discriminator": {"propertyName": "type", "mapping": names},
    }
    return {
        **{event_name(event): _event_schema(event) for event in ACCEPTED.values()},
        "CloudEvent": one_of,
        "Batch": {"type": "array", "items": {"$ref": "#/components/schemas/CloudEvent"}},
        "Accepted": _ACCEPTED,
        "Problem": _PROBLEM,
    }


_FIELDS: _Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["field", "message"],
        "properties": {
            "field": {"type": "string", "examples": ["data.procedure"]},
            "message": {"type": "string"},
        },
    },
}
_ENTRY: _Schema = {
    "type": "object",
    "required": ["index", "id", "status"],
    "properties": {
        "index": {"type": "integer", "description": "Place in the request, from 0"},
        "id": {
            "type": ["string", "null"],
            "description": "The CloudEvents id, if it had one; masked if refused and no plain code",
        },
        "status": {
            "enum": [202, 403, 422],
            "description": "202 taken in, 422 refused, 403 not for this client to send",
        },
        "kept_as": {
            "type": "object",
            "description": (
                "The canonical forms, by place (`data.dossier_id`), where an id or a code came in"
                " another one"
            ),
        },
        "errors": _FIELDS,
        "warnings": {
            **_FIELDS,
            "description": "Fields that were taken in, but look like a citizen's number or a phone",
        },
    },
}
_ACCEPTED: _Schema = {
    "type": "object",
    "required": ["accepted", "items"],
    "properties": {"accepted": {"type": "integer"}, "items": {"type": "array", "items": _ENTRY}},
}
_PROBLEM: _Schema = problem_schema(
    GATEWAY_PROBLEMS,
    "This occurrence, as the gateway's log and the quarantine name it",
    accepted={"type": "integer"},
    refused={"type": "integer"},
    items={"type": "array", "items": _ENTRY},
    errors=_FIELDS,
)


def _content(schema: str) -> _Schema:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}


def _samples() -> _Schema:
    return {
        kind: {"summary": f"{kind} (sample codes)", "value": example}
        for kind, example in EXAMPLES.items()
    }


def _batch_sample() -> _Schema:
    return {"batch": {"summary": "two events (sample codes)", "value": list(EXAMPLES.values())[:2]}}


def _header(name: str) -> _Schema:
    return {
        "name": f"ce-{name}",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": f"CloudEvents attribute `{name}` in binary mode, percent-encoded",
    }


_SPACE: _Schema = {
    "name": SPACE_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The space that the facts are for; a gateway of another one answers 409",
}
_PLAIN: _Schema = {
    "200": {"description": "Yes", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
EVENTS_ROUTE: _Schema = {
    "summary": "Send events",
    "status_code": 202,
    "response_model": None,
    "responses": {
        "202": {
            "description": "Every event is on all in-sync replicas",
            "content": {JSON_TYPE: _content("Accepted")},
        },
        **{
            str(GATEWAY_PROBLEMS[name].status): problem_answer(name)
            for name in (
                "not-json",
                "not-known",
                "too-slow",
                "wrong-space",
                "too-large",
                "unsupported-media-type",
                "refused-items",
                "over-limit",
                "internal-error",
                "unavailable",
            )
        },
        "403": problem_answer("not-allowed", "forbidden-items"),
    },
    "openapi_extra": {
        "security": SECURITY,
        "parameters": [*(_header(name) for name in ATTRIBUTES), _SPACE],
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED_TYPE: {**_content("CloudEvent"), "examples": _samples()},
                BATCH_TYPE: {**_content("Batch"), "examples": _batch_sample()},
                JSON_TYPE: {
                    "schema": {
                        "description": (
                            "A CloudEvent, an array of them, or with ce- headers the `data` of one"
                        ),
                        "type": ["object", "array"],
                    }
                },
            },
        },
    },
}
HEALTHZ_ROUTE: _Schema = {
    "summary": "Is the process alive?",
    "response_model": None,
    "responses": _PLAIN,
}
READYZ_ROUTE: _Schema = {
    "summary": "Does Kafka acknowledge?",
    "response_model": None,
    "responses": {**_PLAIN, "503": problem_answer("unavailable")},
}
METRICS_ROUTE: _Schema = {
    "summary": "The gateway's own health for Prometheus",
    "response_model": None,
    "responses": {**_PLAIN, "401": problem_answer("not-known")},
    "openapi_extra": {"security": [{"scrape": []}, {}]},
}


def gateway_openapi(app: FastAPI) -> _Schema:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=_SUMMARY,
            routes=list(map(_without_head, app.routes)),
        )
        components = made.setdefault("components", {})
        components.setdefault("schemas", {}).update(_components())
        components["securitySchemes"] = SECURITY_SCHEMES
        for path in made["paths"].values():
            for operation in path.values():
                operation["responses"] = {
                    code: _without_default(answer)
                    for code, answer in operation["responses"].items()
                }
        app.openapi_schema = made
    return app.openapi_schema


def _without_head(route: BaseRoute) -> BaseRoute:
    """HEAD is GET without its body, no operation of its own."""
    described = copy(route)
    if isinstance(described, APIRoute):
        described.methods = (described.methods or set()) - {"HEAD"}
    return described


def _without_default(answer: _Schema) -> _Schema:
    """FastAPI adds an empty JSON body to answers whose content is declared as something else."""
    content = answer.get("content", {})
    declared = {media: body for media, body in content.items() if body.get("schema")}
    return {**answer, "content": declared} if content else answer
