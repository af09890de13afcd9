"""Settings in words for whoever sets them: what a variable was given, what it takes, how a value is
written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from schemas.errors import SettingsError

# Read elsewhere: the settings file, a child's supervisor, a broker for tests.
_SECRET = re.compile(r"secret|pepper|password|passwd|token|(^|_)key", re.IGNORECASE)
_OTHER_VARIABLES = ("LGSP_CONFIG", "LGSP_SUPERVISOR_PID", "LGSP_TEST_KAFKA")


def sentence(name: str, field: FieldInfo | None, error: Any) -> str:
    """One of pydantic's errors about the setting of that name, without pydantic's words."""
    variable = f"LGSP_{name.upper()}"
    if field is None or error["type"] == "extra_forbidden":
        if _SECRET.search(name):
            return (
                f"{name} in the settings file is a secret, and secrets don't stand there: put it"
                " into a file that only the hub's user may read, and name that file"
                " (LGSP_PEPPER_FILE, LGSP_TOKEN_KEY_FILE); take it out here, and replace it"
            )
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


def refuse_unknown(environment: Iterable[str], fields: Iterable[str]) -> None:
    """A mistyped variable must not pass for a default; `fields` are the settings' names.

    Raises: SettingsError naming the nearest setting.
    """
    known = [*(f"LGSP_{name.upper()}" for name in fields), *_OTHER_VARIABLES]
    for name in environment:
        if name.startswith("LGSP_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "`lgsp settings` lists them all."
            raise SettingsError(f"{name} is no setting: unset it; {hint}")


def settings_table(fields: Mapping[str, FieldInfo]) -> str:
    """The table of docs/settings.md, one row a setting."""
    return "\n".join(["| variable | default | what it sets |", "|---|---|---|", *_rows(fields)])


def _rows(fields: Mapping[str, FieldInfo]) -> Iterable[str]:
    for name, field in fields.items():
        default = setting_text(field.default)
        shown = f"`{default}`" if default else "(empty)"
        described = (field.description or "").replace("|", r"\|")
        yield f"| `LGSP_{name.upper()}` | {shown} | {described} |"
