"""Declarations in YAML (mappings, catalogues, lists of agencies), read so that nothing is guessed.

Keys, dates and decimals stay as written (a procedure's code may be 1.001234), yes and no are words,
a key given twice is an error, and every mistake is named with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from schemas.errors import CatalogueError

Location = tuple[str | int, ...]

_DECIMAL = re.compile(r"-?\d+\.\d+")


def _from_text(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


# for models of declarations, in which a decimal is text until somebody asks for a number
Decimal = Annotated[float, BeforeValidator(_from_text), Field(strict=True, allow_inf_nan=False)]


class _Loader(yaml.SafeLoader):
    """Plain scalars are text unless they are whole numbers, true, false or null: no dates, no yes
    and no, no octal numbers.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own class attribute)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Keys are the text that stands there, so that a code table may hold 01, no or
        2026-11-03.
        """
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key has to be one word or text", key.start_mark
                )
            if key.value in found:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            found[key.value] = self.construct_object(value, deep=True)
        return found


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^(?:0|-?[1-9][0-9]*)$"), list("-0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""]
)


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A YAML file's content, and where each part of it stands. `name` is the file's in messages."""

    name: str
    content: Any
    root: yaml.Node | None

    def error(self, location: Sequence[str | int], problem: str) -> CatalogueError:
        """The one sentence for a part that cannot hold."""
        where = "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in location
        ).lstrip(".")
        return CatalogueError(
            f"{self.name}, line {self.line(location)}, {where or 'the whole file'}: {problem}."
        )

    def line(self, location: Sequence[str | int]) -> int:
        """The line of the deepest part of the location that is there (a missing key is looked for
        where it should be).
        """
        node = self.root
        line = node.start_mark.line + 1 if node is not None else 1
        for step in location:
            found = _child(node, step)
            if found is None:
                break
            mark, node = found
            line = mark.line + 1
        return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(
            ((key.start_mark, value) for key, value in node.value if key.value == str(step)), None
        )
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def load_declaration(path: Path, name: str | None = None) -> Declaration:
    """Read a YAML file; in messages it is called `name`, or by its path.

    Raises: CatalogueError for a file that is missing or no YAML, with its line.
    """
    called = name or str(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CatalogueError(
            f"{called} can't be read ({reason}): name a readable YAML file."
        ) from error
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        content = loader.construct_document(root) if root is not None else None
        return Declaration(called, content, root)
    except (yaml.YAMLError, RecursionError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        raise CatalogueError(
            f"{called}, line {mark.line + 1 if mark else 1}: {problem or error} (this is no"
            " valid YAML)."
        ) from error
    finally:
        loader.dispose()


def load_entries(path: Path, shape: Any, key: str) -> list[Any]:
    """The entries of a file that is a list of models (`shape`), each of which `key` names once.

    Raises: CatalogueError naming file, line and entry of each mistake.
    """
    declaration = load_declaration(path)
    try:
        entries: list[Any] = TypeAdapter(shape).validate_python(declaration.content)
    except ValidationError as error:
        mistakes = [
            (item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()
        ]
    else:
        mistakes = list(_named_twice(entries, key))
    if not mistakes:
        return entries
    sentences = [
        f"{declaration.name}, line {declaration.line(location)},"
        f" {_path(declaration.content, location, key)}: {problem}"
        for location, problem in mistakes
    ]
    raise CatalogueError(f"{'; '.join(sentences)}.")


def _named_twice(entries: Sequence[Any], key: str) -> Iterator[tuple[Location, str]]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        name = getattr(entry, key)
        if name in seen:
            yield (index, key), f"{name} is there twice"
        seen.add(name)


def _path(content: Any, location: Location, key: str) -> str:
    """`dossiers_overdue.numerator.kind`: the entry by its id where it has one."""
    if not location:
        return "the whole file"
    first, *rest = location
    if isinstance(first, int):
        entry = content[first] if isinstance(content, list) else None
        names = entry if isinstance(entry, dict) else {}
        first = names.get(key, f"entry {first + 1}")
    return ".".join(str(part) for part in (first, *rest))
