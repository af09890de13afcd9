"""Settings in words for whoever sets them: what a variable was given, what it takes, how a value is
written.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo


def sentence(name: str, field: FieldInfo | None, error: Any) -> str:
    """One of pydantic's errors about the setting of that name, without pydantic's words."""
    variable = f"LGSP_{name.upper()}"
    if field is None or error["type"] == "extra_forbidden":
        return f"{variable} is no setting"
    if error["type"] == "value_error":
        return f"{variable} is {error['input']!r}: {error['ctx']['error']}"
    return f"{variable} is {error['input']!r}: it takes {takes(field)}"


def takes(field: FieldInfo) -> str:
    """What a setting takes, from its type and its bounds."""
    kinds = _kinds(field.annotation)
    for kind in kinds:
        if get_origin(kind) is Literal:
            *others, last = get_args(kind)
            return f"{', '.join(others)} or {last}"
    if bool in kinds:
        return "1 or 0"
    if int in kinds:
        return f"a whole number{_bounds(field)}"
    if float in kinds:
        return f"a number{_bounds(field)}"
    return "a text"


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)


def _bounds(field: FieldInfo) -> str:
    found = {
        name: getattr(rule, name)
        for rule in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(rule, name)
    }
    if "ge" in found and "le" in found:
        return f" from {found['ge']:g} to {found['le']:g}"
    words = {
        "ge": "of at least {:g}",
        "gt": "greater than {:g}",
        "le": "of at most {:g}",
        "lt": "less than {:g}",
    }
    return "".join(f" {words[name].format(bound)}" for name, bound in found.items())


def setting_text(value: object) -> str:
    """A setting's value as one would write it into its variable; empty for what is not set."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:g}" if isinstance(value, float) else str(value)
