"""CloudEvents 1.0 as the hub's events: id → event_id, source → source, time → occurred_at, subject
= the thing's id, data → the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connectors.cloudevents.jsonitems import JsonItem
from schemas.events import ACCEPTED, Event
from schemas.events.explain import choose, explain, literals, nearest
from schemas.ids import canonical
from schemas.masking import name_shown, shown
from schemas.personal import personal_numbers
from schemas.times import SAMPLE_TIME

# event's field → CloudEvents attribute
ATTRIBUTE_OF: dict[str, str] = {"event_id": "id", "source": "source", "occurred_at": "time"}
SHOWN_ERRORS = 20  # of one item
# of an event's attributes, and of its data: no event has half as many, and each unknown one would
# cost an error
MOST_MEMBERS = 64
_MOST_ENTRIES = 1_000  # of a list in them, likewise
_GUESSED = 3  # of them, those for which a name like the wrong one is looked for: that takes a while

_Kind = Literal[
    "not_an_event",
    "unknown_type",
    "missing_field",
    "unknown_field",
    "wrong_value",
    "future_time",
    "repeated_name",
    "unreadable",
    "too_many_fields",
    "personal_number",
    "not_allowed",
]
_KINDS: dict[str, _Kind] = {"missing": "missing_field", "extra_forbidden": "unknown_field"}


class FieldError(NamedTuple):
    """What is wrong with one field; `field` is its path in the CloudEvent, such as
    `data.procedure`, or empty for the whole.
    """

    field: str
    message: str
    kind: _Kind


class ItemRefused(Exception):
    """The item can't be taken in; names the fields that are wrong, the first ones of many. `more`
    are errors that are not in the list.
    """

    def __init__(self, errors: Sequence[FieldError], more: int = 0) -> None:
        shown = list(errors[:SHOWN_ERRORS])
        self._all = len(errors) + more
        self.errors = self._cut(shown)
        super().__init__(_in_words(self.errors))

    @property
    def first(self) -> list[FieldError]:
        """The first error, and how many more there are."""
        return self._cut(self.errors[:1])

    def _cut(self, shown: list[FieldError]) -> list[FieldError]:
        more = self._all - len(shown)
        if not more:
            return shown
        message = "and 1 more error" if more == 1 else f"and {more:,} more errors"
        return [*shown, FieldError("", message, shown[-1].kind)]


def _in_words(errors: Iterable[FieldError]) -> str:
    """The errors in one line."""
    return "; ".join(f"{error.field or 'event'}: {error.message}" for error in errors)


def event_of(item: JsonItem, *, latest: int) -> Event:
    """The event that a structured CloudEvent stands for; `latest` is the greatest time it may have
    (epoch ms).

    Raises: ItemRefused
    """
    if item.problem:
        raise ItemRefused([FieldError("", item.problem, "unreadable")])
    if item.repeated:
        shown = [
            FieldError(name_shown(name), "stands twice in one object", "repeated_name")
            for name in item.repeated[:SHOWN_ERRORS]
        ]
        raise ItemRefused(shown, len(item.repeated) - len(shown))
    if not isinstance(item.value, dict):
        message = "should be a CloudEvent: a JSON object with specversion, id, source, type…"
        raise ItemRefused([FieldError("", message, "not_an_event")])
    return build(item.value, latest=latest)


def build(attributes: Mapping[str, Any], *, latest: int) -> Event:
    """The event of CloudEvents attributes, `data` among them.

    Raises: ItemRefused
    """
    if (much := _too_much("", "attributes", attributes)) is not None:
        raise ItemRefused([much])
    if None in attributes.values():  # CloudEvents 1.0, JSON format 2.2: as if it was left out
        attributes = {name: value for name, value in attributes.items() if value is not None}
    errors = list(_envelope_errors(attributes))
    kind, data = attributes.get("type"), attributes.get("data")
    model = ACCEPTED.get(kind) if isinstance(kind, str) else None
    if model is None or not isinstance(data, dict):
        unnamed = [name for name in ("id", "source") if not isinstance(attributes.get(name), str)]
        raise ItemRefused(
            errors + [_missing_or(attributes, name, "should be text") for name in unnamed]
        )
    if (much := _too_much("data", "fields", data)) is not None:
        raise ItemRefused([*errors, much])
    fields, wrong = _fields(model, attributes, data)
    errors.extend(wrong)
    event, more = _validated(model, fields, errors)
    if event is not None and event.occurred_at > latest:
        message = "lies in the future: check the clock and time zone of the source"
        errors.append(FieldError("time", message, "future_time"))
    if event is None or errors:
        raise ItemRefused(errors, more)
    return event


def kept_as(value: Any, event: Event) -> dict[str, Any]:
    """What a taken-in item says in another form than the canonical one that the hub keeps: by
    place, the form that is kept.
    """
    kept, found = event.__dict__, {}
    attributes = (("id", event.event_id), ("source", event.source), ("subject", event.thing))
    for attribute, form in attributes:
        if value.get(attribute) not in (None, form):
            found[attribute] = form
    given = value["data"].items()
    if given <= kept.items():
        return found
    for name, said in given:
        form = kept[name]
        # a time that was text is a number now
        if form != said and form.__class__ is said.__class__:
            found[f"data.{name}"] = form
    return found


def shown_id(value: Any) -> str | None:
    """The item's id as the answer that refuses it may repeat it; None if it has none."""
    identity = value.get("id") if isinstance(value, dict) else None
    return shown(identity) if isinstance(identity, str) else None


def personal_errors(event: Event) -> list[FieldError]:
    """The fields of an event that seem to hold a number of a person, by their places in the
    CloudEvent.
    """
    return [
        FieldError(_place(one.field), one.message, "personal_number")
        for one in personal_numbers(event)
    ]


def _envelope_errors(attributes: Mapping[str, Any]) -> Iterator[FieldError]:
    if attributes.get("specversion") != "1.0":
        yield _missing_or(attributes, "specversion", 'should be "1.0"')
    kind = attributes.get("type")
    if not isinstance(kind, str) or kind not in ACCEPTED:
        yield _unknown_type(attributes)
    if not isinstance(attributes.get("time"), str):
        yield _missing_or(attributes, "time", f"should be text such as {SAMPLE_TIME}")
    if not _is_json(attributes.get("datacontenttype", "application/json")):
        yield FieldError(
            "datacontenttype",
            "should be application/json: the hub reads `data` as JSON",
            "wrong_value",
        )
    if not isinstance(attributes.get("data"), dict):
        hint = ", not data_base64" if "data_base64" in attributes else ""
        yield _missing_or(attributes, "data", f"should be a JSON object{hint}")
    elif "data_base64" in attributes:  # CloudEvents 1.0, JSON format 3.1.1
        yield FieldError(
            "data_base64", "stands beside `data`, and an event has only one of them", "wrong_value"
        )


def _unknown_type(attributes: Mapping[str, Any]) -> FieldError:
    kind = attributes.get("type")
    if not isinstance(kind, str):
        message = "should be the text of an event type, such as dossier.received"
        return _missing_or(attributes, "type", message, "unknown_type")
    like = nearest(kind, ACCEPTED)
    hint = f"did you mean {like}?" if like else "/openapi.json lists them all"
    named = name_shown(kind) if kind else "the empty text"
    return FieldError("type", f"{named} is no event type of the hub; {hint}", "unknown_type")


def _missing_or(
    attributes: Mapping[str, Any], name: str, message: str, kind: _Kind | None = None
) -> FieldError:
    if name in attributes:
        return FieldError(name, message, kind or "wrong_value")
    return FieldError(name, f"is missing; it {message}", kind or "missing_field")


def _is_json(content_type: Any) -> bool:
    kind = content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _fields(
    model: type[Event], attributes: Mapping[str, Any], data: dict[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    """The model's fields, and what no model could notice."""
    errors = [
        FieldError(
            f"data.{name}", f"belongs into the CloudEvents attribute {attribute}", "unknown_field"
        )
        for name, attribute in ATTRIBUTE_OF.items()
        if name in data
    ]
    fields = dict(data)
    for name, attribute in ATTRIBUTE_OF.items():
        if attribute in attributes:
            fields[name] = attributes[attribute]
    subject = attributes.get("subject")
    if subject is not None and not _same(fields.setdefault(model.key, subject), subject):
        errors.append(
            FieldError(
                "subject", f"should be the same as data.{model.key}, or left out", "wrong_value"
            )
        )
    for name in _whole_numbers(model):
        if isinstance(fields.get(name), (bool, float)):  # Python counts True as 1 and 1.0 as 1
            errors.append(
                FieldError(f"data.{name}", choose(model, name, fields[name]), "wrong_value")
            )
    return fields, errors


def _same(one: Any, other: Any) -> bool:
    if one == other or not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    try:
        return canonical(one) == canonical(other)
    except ValueError:
        return False


def _too_much(place: str, what: str, holds: Mapping[str, Any]) -> FieldError | None:
    """What is to be said of more fields, or longer lists, than any event has: one error, before
    each of them costs one.
    """
    if len(holds) > MOST_MEMBERS:
        message = f"has {len(holds):,} {what}, and may have {MOST_MEMBERS}: no event has as many"
        return FieldError(place, message, "too_many_fields")
    for name, value in holds.items():
        if isinstance(value, list) and len(value) > _MOST_ENTRIES:
            path = f"{place}.{name_shown(name)}" if place else name_shown(name)
            message = f"has {len(value):,} entries, and no list may have more than"
            return FieldError(path, f"{message} {_MOST_ENTRIES:,}", "wrong_value")
    return None


def _validated(
    model: type[Event], fields: dict[str, Any], errors: list[FieldError]
) -> tuple[Event | None, int]:
    """The event, or none; then `errors` goes on with what is wrong, and so many more errors are not
    in it.
    """
    try:
        return model.model_validate(fields, strict=True), 0
    except ValidationError as error:
        known = {problem.field for problem in errors}
        found = error.errors(include_url=False)
        named = (
            _field_error(model, one, guess=number < _GUESSED)
            for number, one in enumerate(found[:SHOWN_ERRORS])
        )
        errors.extend(problem for problem in named if problem.field not in known)
        return None, max(0, len(found) - SHOWN_ERRORS)


def _field_error(model: type[Event], error: ErrorDetails, *, guess: bool) -> FieldError:
    first, *rest = map(str, error["loc"])
    return FieldError(
        ".".join([_place(first), *rest]),
        explain(model, first, error, guess=guess),
        _KINDS.get(error["type"], "wrong_value"),
    )


def _place(field: str) -> str:
    """Where an event's field stands in a CloudEvent."""
    return ATTRIBUTE_OF.get(field) or f"data.{name_shown(field)}"


@lru_cache
def _whole_numbers(model: type[Event]) -> tuple[str, ...]:
    """Fields whose values are a list of whole numbers, which pydantic compares as Python does."""
    found = []
    for name, info in model.model_fields.items():
        if int in map(type, literals(info.annotation)):
            found.append(name)
    return tuple(found)
