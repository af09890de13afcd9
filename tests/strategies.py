"""Hypothesis strategies made from the event models themselves, so that a new field or event is tested without a word here."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.codes import THING_ID
from schemas.events import EVENTS, Event

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]

PRINTABLE = st.characters(codec="utf-8", min_codepoint=32, exclude_characters="|\x7f")
MORE = 10 if os.environ.get("CI") else 1


def examples(count: int) -> Callable[[Any], Any]:
    """Decorator: this many examples, ten times as many where CI is set."""
    return settings(max_examples=count * MORE, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def of_schema(schema: Json) -> Strategy:
    """Values that a field's JSON schema allows: the kinds that event models use."""
    if "anyOf" in schema:
        return st.one_of(*(of_schema(option) for option in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return st.sampled_from([schema["const"]] if "const" in schema else schema["enum"])
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema.get("maximum", schema.get("exclusiveMaximum", 0) - 1))
    if schema["type"] == "array":
        return st.lists(of_schema(schema["items"]), min_size=schema.get("minItems", 0), max_size=4)
    if schema["type"] == "string":
        return texts(schema["pattern"], schema.get("maxLength", 128))
    return {"boolean": st.booleans(), "null": st.none()}[schema["type"]]


def texts(pattern: str, longest: int) -> Strategy:
    """Texts of a pattern; ids directly, since they are most of the fields."""
    if pattern == THING_ID:
        return st.text(PRINTABLE, min_size=1, max_size=longest)
    return st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True).filter(lambda text: len(text) <= longest)


@cache
def fields_of(model: type[Event]) -> dict[str, Strategy]:
    """A strategy for every field of a model."""
    described = model.model_json_schema(mode="serialization")["properties"]
    return {name: of_schema(schema) for name, schema in described.items()}


def events(model: type[Event], **chosen: Strategy) -> Strategy:
    """Events of one type: any that the model allows, or narrower where a field's strategy is given."""
    fields = fields_of(model)
    return st.builds(model, **fields | {name: strategy for name, strategy in chosen.items() if name in fields})


ANY_EVENT: Strategy = st.sampled_from(sorted(EVENTS)).flatmap(lambda name: events(EVENTS[name]))
