"""A pydantic event model as an Avro schema.

The thing's id is not in the record: it is the Kafka key, so the two can't disagree. Enumerations
travel as strings, since an Avro enum that gains a symbol can't be read by old readers. Instants are
plain longs (epoch milliseconds).
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from schemas.errors import ContractError
from schemas.events.base import Event

PRIMITIVES: dict[type, str] = {str: "string", int: "long", bool: "boolean", float: "double"}


def avro_schema(event: type[Event]) -> dict[str, Any]:
    """The Avro record of an event type; optional fields default to null, the others to the model's
    default.
    """
    noun, _, verb = event.type.partition(".")
    return {
        "type": "record",
        "name": verb,
        "namespace": f"lgsp.{noun}",
        "fields": [
            _field(name, info) for name, info in event.model_fields.items() if name != event.key
        ],
    }


def _field(name: str, info: FieldInfo) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, "type": avro_type(info.annotation)}
    if not info.is_required():
        described["default"] = info.default
    return described


def avro_type(annotation: Any) -> Any:
    """The Avro type of an annotation: primitives, literals, lists and optionals of them."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return avro_type(arguments[0])
    if origin in (Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not types.NoneType]
        if len(inner) != 1:
            raise ContractError(
                f"{annotation} is a union of several types: an event's field has one type, or one"
                " and null."
            )
        return ["null", avro_type(inner[0])]
    if origin is Literal:
        return PRIMITIVES[type(arguments[0])]
    if origin is list:
        return {"type": "array", "items": avro_type(arguments[0])}
    if annotation in PRIMITIVES:
        return PRIMITIVES[annotation]
    raise ContractError(
        f"{annotation} has no Avro type here: use text, whole numbers, booleans, or lists of them."
    )
