"""YAML read so that nothing is guessed: keys and dates stay as written, a key given twice is an
error, places have line numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import CatalogueError

Place = tuple[str | int, ...]


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
    """A YAML file's content, and where each part of it stands."""

    path: Path
    content: Any
    root: yaml.Node | None

    def error(self, place: Sequence[str | int], problem: str) -> CatalogueError:
        """The one sentence for a part that cannot hold."""
        where = "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in place
        ).lstrip(".")
        return CatalogueError(
            f"{self.path.name}, line {self._line(place)}, {where or 'the whole file'}: {problem}."
        )

    def _line(self, place: Sequence[str | int]) -> int:
        """The line of the deepest part of the place that is there (a missing key is looked for
        where it should be).
        """
        node, line = self.root, 1
        for step in place:
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


def load(path: Path) -> Declaration:
    """Read a YAML file.

    Raises: CatalogueError for a file that is missing or no YAML, with its line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CatalogueError(
            f"{path.name} can't be read ({reason}): name a readable YAML file."
        ) from error
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return Declaration(
            path, loader.construct_document(root) if root is not None else None, root
        )
    except (yaml.YAMLError, RecursionError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        raise CatalogueError(
            f"{path.name}, line {mark.line + 1 if mark else 1}: {problem or error} (this is no"
            " valid YAML)."
        ) from error
    finally:
        loader.dispose()
