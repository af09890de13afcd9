"""The map of the code: every room is on it in its own words, and every place it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = (ROOT / "docs" / "code.md").read_text("utf-8")
PAGES = {"docs/code.md": CODE, "CONTRIBUTING.md": (ROOT / "CONTRIBUTING.md").read_text("utf-8")}
PACKAGES = ("schemas", "serving", "connectors", "streams", "metrics", "ops")
NAMED = re.compile(r"`(\w+/[\w/]*\w\.(?:py|yaml))(?::([\w.]+))?`")


def rooms() -> dict[str, str]:
    """Every package with the first paragraph of what it says of itself."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("__init__.py"):
            text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            room = str(path.parent.relative_to(ROOT))
            found[room] = " ".join(text.partition("\n\n")[0].split())
    return found


def test_every_room_is_on_the_map_in_its_own_words() -> None:
    assert dict(re.findall(r"^\| `([\w/]+)/` \| (.*) \|$", CODE, re.MULTILINE)) == rooms()


def defined(path: Path) -> set[str]:
    """The names that a module defines, those of a class behind its own."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        name = getattr(node, "name", None)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found |= {name} | {target.id for target in targets if isinstance(target, ast.Name)}
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            target = getattr(inner, "target", None)
            found.add(f"{name}.{getattr(inner, 'name', getattr(target, 'id', None))}")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    named = NAMED.findall(PAGES[page])
    assert named
    for file, name in named:
        assert (ROOT / file).is_file(), file
        assert not name or name in defined(ROOT / file), (file, name)
