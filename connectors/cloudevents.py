"""CloudEvents 1.0 as the hub's events: id → event_id, source → source, time → occurred_at, subject = the thing's id, data → the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import ValidationError

from connectors.jsonitems import Item
from schemas.events import ACCEPTED, Event

ENVELOPE: dict[str, str] = {"event_id": "id", "source": "source", "occurred_at": "time"}  # event's field → CloudEvents attribute
SHOWN_ERRORS = 20  # of one item
SHOWN_NAME = 100  # characters of a field's name

Kind = Literal["not_an_event", "unknown_type", "missing_field", "unknown_field", "wrong_value", "future_time", "repeated_name"]
_KINDS: dict[str, Kind] = {"missing": "missing_field", "extra_forbidden": "unknown_field"}


class FieldError(NamedTuple):
    """What is wrong with one field; `field` is its path in the CloudEvent, such as `data.procedure`, or empty for the whole."""

    field: str
    message: str
    kind: Kind


class Refused(Exception):
    """The item can't be taken in; names every field that is wrong."""

    def __init__(self, errors: list[FieldError]) -> None:
        self.errors = errors[:SHOWN_ERRORS]
        super().__init__("; ".join(f"{error.field or 'event'}: {error.message}" for error in self.errors))


def event_of(item: Item, *, latest: int) -> Event:
    """The event that a structured CloudEvent stands for; `latest` is the greatest time it may have (epoch ms).

    Raises: Refused
    """
    if item.repeated:
        raise Refused([FieldError(_shown(name), "stands twice in one object", "repeated_name") for name in item.repeated])
    if not isinstance(item.value, dict):
        raise Refused([FieldError("", "should be a CloudEvent: a JSON object with specversion, id, source, type…", "not_an_event")])
    return build(item.value, latest=latest)


def build(attributes: Mapping[str, Any], *, latest: int) -> Event:
    """The event of CloudEvents attributes, `data` among them.

    Raises: Refused
    """
    errors = list(_envelope_errors(attributes))
    kind, data = attributes.get("type"), attributes.get("data")
    model = ACCEPTED.get(kind) if isinstance(kind, str) else None
    if model is None or not isinstance(data, dict):
        unnamed = [name for name in ("id", "source") if not isinstance(attributes.get(name), str)]
        raise Refused(errors + [_missing_or(attributes, name, "should be text") for name in unnamed])
    fields, wrong = _fields(model, attributes, data)
    errors.extend(wrong)
    event = _validated(model, fields, errors)
    if event is not None and event.occurred_at > latest:
        errors.append(FieldError("time", "lies in the future: check the clock and time zone of the source", "future_time"))
    if event is None or errors:
        raise Refused(errors)
    return event


def shown_id(value: Any) -> str | None:
    """The item's id as an answer may repeat it; None if it has none."""
    identity = value.get("id") if isinstance(value, dict) else None
    return identity.encode("utf-8", "replace").decode()[:128] if isinstance(identity, str) else None


def _envelope_errors(attributes: Mapping[str, Any]) -> Iterator[FieldError]:
    if attributes.get("specversion") != "1.0":
        yield _missing_or(attributes, "specversion", 'should be "1.0"')
    kind = attributes.get("type")
    if not isinstance(kind, str) or kind not in ACCEPTED:
        yield FieldError("type", "should be one of the hub's event types, which /openapi.json lists", "unknown_type")
    if not isinstance(attributes.get("time"), str):
        yield _missing_or(attributes, "time", "should be RFC 3339 text such as 2026-11-03T09:00:00+07:00")
    if not _is_json(attributes.get("datacontenttype", "application/json")):
        yield FieldError("datacontenttype", "should be application/json: the hub reads `data` as JSON", "wrong_value")
    if not isinstance(attributes.get("data"), dict):
        hint = ", not data_base64" if "data_base64" in attributes else ""
        yield _missing_or(attributes, "data", f"should be a JSON object{hint}")


def _missing_or(attributes: Mapping[str, Any], name: str, message: str) -> FieldError:
    present = name in attributes
    return FieldError(name, message if present else f"is missing; it {message}", "wrong_value" if present else "missing_field")


def _is_json(content_type: Any) -> bool:
    kind = content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _fields(model: type[Event], attributes: Mapping[str, Any], data: dict[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The model's fields, and what no model could notice."""
    errors = [
        FieldError(f"data.{name}", f"belongs into the CloudEvents attribute {attribute}", "unknown_field")
        for name, attribute in ENVELOPE.items()
        if name in data
    ]
    fields = {**data, **{name: attributes[attribute] for name, attribute in ENVELOPE.items() if attribute in attributes}}
    subject = attributes.get("subject")
    if subject is not None and fields.setdefault(model.key, subject) != subject:
        errors.append(FieldError("subject", f"should be the same as data.{model.key}, or left out", "wrong_value"))
    for name in _whole_numbers(model):
        if isinstance(fields.get(name), (bool, float)):  # Python counts True as 1 and 1.0 as 1
            errors.append(FieldError(f"data.{name}", "should be a whole number", "wrong_value"))
    return fields, errors


def _validated(model: type[Event], fields: dict[str, Any], errors: list[FieldError]) -> Event | None:
    try:
        return model.model_validate(fields, strict=True)
    except ValidationError as error:
        known = {problem.field for problem in errors}
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors.extend(problem for one in found if (problem := _field_error(one)).field not in known)
        return None


def _field_error(error: Any) -> FieldError:
    first, *rest = error["loc"] or ("",)
    path = ".".join([ENVELOPE.get(first) or f"data.{first}", *map(str, rest)])
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return FieldError(_shown(path), message, _KINDS.get(error["type"], "wrong_value"))


def _shown(name: str) -> str:
    return name[:SHOWN_NAME].encode("utf-8", "replace").decode()


@lru_cache
def _whole_numbers(model: type[Event]) -> tuple[str, ...]:
    """Fields whose values are a list of whole numbers, which pydantic compares as Python does."""
    return tuple(name for name, info in model.model_fields.items() if any(type(value) is int for value in _literals(info.annotation)))


def _literals(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for argument in get_args(annotation) for value in _literals(argument))
