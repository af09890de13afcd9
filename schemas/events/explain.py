"""What is wrong with an event's field, in words: the one place that turns a validator's errors into
what people read, by any door.

Each explanation goes on behind the field's name: `data.level: should be one of 2, 3, 4`. None
repeats the value: it may be what must not be kept.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from schemas.events.base import Correctable, Event
from schemas.masking import name_shown

_LONGEST_GUESSED = 40  # characters of a name that a like one is looked for
_QUOTED = ", without quotes"
_CORRECTED_OTHERWISE = (
    "it is put right in another way: a reception by dossier.corrected, whatever was entered by"
    " mistake by dossier.voided, document.voided, task.voided or activity.voided"
)

Words = Callable[[type[Event], str, ErrorDetails], str]


def explain(model: type[Event], field: str, error: ErrorDetails, *, guess: bool = True) -> str:
    """What is wrong with a field, as a predicate ("is missing"), of one of pydantic's errors, with
    its context and input.

    `guess` False: no name is looked for that is like one that does not exist.
    """
    if error["type"] == "extra_forbidden":
        return unknown_field(model, field, guess=guess)
    words = _WORDS.get(error["type"])
    return "does not fit this field" if words is None else words(model, field, error)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one may be a typing mistake of."""
    return None if len(name) > _LONGEST_GUESSED else _nearest(name.lower(), tuple(known))


@lru_cache(maxsize=4_096)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    found = difflib.get_close_matches(name, known, 1, 0.65)
    return found[0] if found else None


def literals(annotation: Any) -> tuple[Any, ...]:
    """The values of an annotation that is a list of values, or may be one."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for argument in get_args(annotation) for value in literals(argument))


def unknown_field(model: type[Event], name: str, *, guess: bool = True) -> str:
    """What to say of a field that this event does not have."""
    if name in Correctable.__annotations__:
        return f"{name} is no field of {model.type}; {_CORRECTED_OTHERWISE}"
    like = nearest(name, model.model_fields) if guess else None
    hint = f"did you mean {like}?" if like else "personal data must not be sent"
    return f"{name_shown(name)} is no field of {model.type}; {hint}"


def _choices(model: type[Event], field: str, error: ErrorDetails) -> str:
    return choose(model, field, error["input"])


def choose(model: type[Event], field: str, given: Any) -> str:
    """What to say of a value that is none of those of a field's list."""
    values = literals(model.model_fields[field].annotation)
    listed = ", ".join(map(str, values))
    if isinstance(values[0], int):
        return (
            f"should be a whole number{_QUOTED if isinstance(given, str) else ''}: one of {listed}"
        )
    like = nearest(given, values) if isinstance(given, str) else None
    return f"should be one of {listed}{f'; did you mean {like}?' if like else ''}"


def _number(_: type[Event], _field: str, error: ErrorDetails) -> str:
    return f"should be a whole number{_QUOTED if isinstance(error['input'], str) else ''}"


def _truth(_: type[Event], _field: str, error: ErrorDetails) -> str:
    return f"should be true or false{_QUOTED if isinstance(error['input'], str) else ''}"


def _bound(words: str, key: str) -> Words:
    return lambda _model, _field, error: f"should be {words} {error['ctx'][key]:,}"


def _entries(_: type[Event], _field: str, error: ErrorDetails) -> str:
    context: Mapping[str, Any] = error["ctx"]
    if "min_length" in context:
        return f"needs at least {context['min_length']:,} entry"
    return f"has more than {context['max_length']:,} entries"


def _said(_: type[Event], _field: str, error: ErrorDetails) -> str:
    return str(error["ctx"]["error"])


def _always(words: str) -> Words:
    return lambda _model, _field, _error: words


_WORDS: dict[str, Words] = {
    "missing": lambda model, _field, _error: f"is missing: {model.type} needs it",
    "literal_error": _choices,
    "string_type": _always("should be text"),
    "string_unicode": _choices,  # half a character; text that is no list of values says so itself
    "int_parsing_size": _choices,  # thousands of digits, likewise
    "int_type": _number,
    "bool_type": _truth,
    "list_type": _always('should be a list, such as ["…", "…"]'),
    "too_short": _entries,
    "too_long": _entries,
    "greater_than_equal": _bound("no less than", "ge"),
    "less_than_equal": _bound("no more than", "le"),
    "value_error": _said,
}


def known_errors() -> Iterator[str]:
    """The kinds of errors that have words of their own."""
    yield from ("extra_forbidden", *_WORDS)
