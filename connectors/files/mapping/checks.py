"""What a mapping says against what the events take: every field, constant and code is checked
before the first row is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from connectors.files.mapping.model import EventRule, Mapping, ValueSource
from connectors.files.mapping.notation import Numbers, overridden
from connectors.files.mapping.values import FieldKind, field_kind
from schemas.declarations import Declaration, Location
from schemas.events import ACCEPTED, Event
from schemas.events.explain import explain

_GIVEN = ("event_id", "source")  # by `id` and `source` of the mapping


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field of one event: where its value comes from, what it takes, and where the mapping says
    so.
    """

    model: type[Event]
    name: str
    value: ValueSource
    kind: FieldKind
    required: bool
    adapter: TypeAdapter[Any]
    location: Location


def field_rules(mapping: Mapping, index: int, declaration: Declaration) -> list[FieldRule]:
    """The fields of one event, each checked.

    Raises: CatalogueError for the first that cannot hold.
    """
    rule = mapping.events[index]
    model = ACCEPTED[rule.event]
    _check_names(rule, model, index, declaration)
    rules = [
        _field_rule(model, name, value, location)
        for name, value, location in _values(mapping, rule, index, model)
    ]
    given = {found.name for found in rules}
    for name, info in model.model_fields.items():
        if info.is_required() and name not in given and name not in _GIVEN:
            raise declaration.error(
                ("events", index, "fields"), f"{rule.event} needs {name}, which is not given"
            )
    for found in rules:
        _check_value(found, mapping, declaration)
    return rules


def check_every_event(mapping: Mapping, declaration: Declaration) -> None:
    """Raises: CatalogueError for a common field that none of the events has."""
    models = [ACCEPTED[rule.event] for rule in mapping.events]
    for name in mapping.every_event:
        if name in _GIVEN or not any(name in model.model_fields for model in models):
            raise declaration.error(
                ("every_event", name), "is no field that one of the events could take from here"
            )


def _check_names(rule: EventRule, model: type[Event], index: int, declaration: Declaration) -> None:
    known = [name for name in model.model_fields if name not in _GIVEN]
    for name in rule.fields:
        if name not in known:
            raise declaration.error(
                ("events", index, "fields", name),
                f"is no field of {rule.event}, which takes {', '.join(known)}",
            )


def _values(
    mapping: Mapping, rule: EventRule, index: int, model: type[Event]
) -> Iterator[tuple[str, ValueSource, Location]]:
    for name, value in mapping.every_event.items():
        if name in model.model_fields and name not in rule.fields:
            yield name, value, ("every_event", name)
    for name, value in rule.fields.items():
        yield name, value, ("events", index, "fields", name)


def _field_rule(model: type[Event], name: str, value: ValueSource, location: Location) -> FieldRule:
    info = model.model_fields[name]
    annotation: Any = (
        Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    )
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return FieldRule(model, name, value, field_kind(info), info.is_required(), adapter, location)


def _check_value(rule: FieldRule, mapping: Mapping, declaration: Declaration) -> None:
    value, location = rule.value, rule.location
    if value.table is not None and value.table not in mapping.tables:
        known = ", ".join(mapping.tables) or "none is declared"
        raise declaration.error(
            (*location, "table"), f"there is no code table {value.table!r} ({known})"
        )
    if value.time is not None and (rule.kind != "time" or value.table is not None):
        raise declaration.error((*location, "time"), f"{rule.name} is not read as a time")
    if value.number is not None:
        _check_number(rule, value.number, mapping, declaration)
    if value.split is not None and rule.kind != "list":
        raise declaration.error((*location, "split"), f"{rule.name} is not a list")
    if value.optional and rule.required:
        raise declaration.error(
            (*location, "optional"),
            f"the event can't go without {rule.name}; give a default or a condition",
        )
    for code, where in _codes(rule, mapping):
        _check_code(rule, code, where, declaration)


def _check_number(
    rule: FieldRule, own: Numbers, mapping: Mapping, declaration: Declaration
) -> None:
    location = (*rule.location, "number")
    if rule.kind != "number" or rule.value.table is not None:
        raise declaration.error(location, f"{rule.name} is not read as a number")
    try:
        overridden(mapping.numbers, own)
    except ValidationError as error:
        problem = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        raise declaration.error(location, f"with `numbers` of the mapping it {problem}") from error


def _codes(rule: FieldRule, mapping: Mapping) -> Iterator[tuple[Any, Location]]:
    """Every value that the mapping itself states for the field."""
    value = rule.value
    if value.constant is not None:
        yield value.constant, rule.location
    if value.default is not None:
        yield value.default, (*rule.location, "default")
    if value.table is not None:
        table = mapping.tables[value.table]
        for text, code in table.values.items():
            yield code, ("tables", value.table, "values", text)
        if table.otherwise != "reject":
            yield table.otherwise, ("tables", value.table, "otherwise")


def _check_code(rule: FieldRule, code: Any, where: Location, declaration: Declaration) -> None:
    try:
        rule.adapter.validate_python([code] if rule.kind == "list" else code)
    except ValidationError as error:
        problem = explain(rule.model, rule.name, error.errors(include_url=False)[0])
        raise declaration.error(
            where, f"{code!r} does not fit {rule.name}: it {problem}"
        ) from error
