"""Declarations in YAML: read into models, every mistake named by file, line and entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from schemas.errors import CatalogueError

LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = (
    yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
)


def load(path: Path, shape: Any, key: str) -> list[Any]:
    """The entries of a file, each of which `key` names once.

    Raises: CatalogueError naming file, line and entry of each mistake.
    """
    try:
        text = path.read_text("utf-8")
        tree, data = yaml.compose(text, Loader=LOADER), yaml.load(text, Loader=LOADER)
    except OSError as error:
        raise CatalogueError(
            f"{path} cannot be read ({error.strerror}): correct the setting that names it."
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise CatalogueError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    mistakes = list(_twice(tree, ()))
    try:
        entries: list[Any] = TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        mistakes += [
            (item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()
        ]
        entries = []
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        if getattr(entry, key) in seen:
            mistakes.append(((place, key), f"{getattr(entry, key)} is there twice"))
        seen.add(getattr(entry, key))
    if mistakes:
        raise CatalogueError(
            "; ".join(
                f"{path}, line {_line(tree, loc)}, {_path(data, loc, key)}: {what}"
                for loc, what in mistakes
            )
            + "."
        )
    return entries


def _twice(
    node: yaml.Node | None, loc: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Keys that a mapping gives twice, of which YAML would silently take the last."""
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _twice(item, (*loc, place))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if name.value in seen:
                yield (*loc, name.value), "is given twice"
            seen.add(name.value)
            yield from _twice(value, (*loc, name.value))


def _line(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line of the place that an error names, or of the nearest thing around it."""
    line = node.start_mark.line + 1 if node is not None else 1
    if not loc or node is None:
        return line
    children: dict[str, tuple[int, yaml.Node]] = {}
    if isinstance(node, yaml.MappingNode):
        children = {name.value: (name.start_mark.line + 1, value) for name, value in node.value}
    elif isinstance(node, yaml.SequenceNode):
        children = {
            str(place): (item.start_mark.line + 1, item) for place, item in enumerate(node.value)
        }
    if str(loc[0]) not in children:
        return line
    line, child = children[str(loc[0])]
    return _line(child, loc[1:]) if loc[1:] and not isinstance(child, yaml.ScalarNode) else line


def _path(data: Any, loc: tuple[int | str, ...], key: str) -> str:
    """`dossiers_overdue.numerator.kind`: the entry by its id where it has one."""
    if not loc:
        return "the whole file"
    entry = data[loc[0]] if isinstance(data, list) and isinstance(loc[0], int) else None
    first = (
        entry[key]
        if isinstance(entry, dict) and key in entry
        else f"entry {int(loc[0]) + 1}"
        if isinstance(loc[0], int)
        else loc[0]
    )
    return ".".join(str(part) for part in (first, *loc[1:]))
