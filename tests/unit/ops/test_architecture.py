"""The shape of the code base: who may import whom, how long files may be, that everything public
says what it is.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("schemas", "serving", "connectors", "streams", "metrics", "ops")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def test_no_package_imports_what_it_may_not() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert f"{len(declared['contracts'])} kept, 0 broken" in done.stdout


def test_files_stay_short() -> None:
    long = [
        name(path) for path in (*MODULES, *TESTS) if len(path.read_text("utf-8").splitlines()) > 400
    ]
    assert long == [], "split them by what their parts are about"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name(path) for path in (*MODULES, *TESTS) if not path.read_text("utf-8").startswith('"""')
    ]
    assert silent == [], "a docstring at the top of each"


def test_properties_share_one_budget_of_examples() -> None:
    """One that set its own number would have no large run where CI is set."""
    # to parse every test would take seconds
    saying = [path for path in TESTS if "max_examples" in path.read_text("utf-8")]
    given = {
        name(path)
        for path in saying
        for one in ast.walk(parsed(path))
        if isinstance(one, ast.keyword) and one.arg == "max_examples"
    }
    assert given == {"tests/conftest.py", "tests/strategies.py"}


def test_public_classes_and_functions_say_what_they_do() -> None:
    silent = [f"{name(path)}: {one}" for path in MODULES for one in undescribed(parsed(path))]
    assert silent == []


def undescribed(tree: ast.Module) -> list[str]:
    """Public classes and functions of a module without a docstring."""
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        node.name
        for node in tree.body
        if isinstance(node, defined) and node.name[0] != "_" and not ast.get_docstring(node)
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "streams" / "families").glob("*.py")), ids=name)
def test_families_know_no_clock(path: Path) -> None:
    """A replay must give the same figures; the import contract can't see a function of
    schemas.clock.
    """
    used = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute | ast.Name)
    }
    assert not used & {"now_ms", "now", "time", "monotonic", "random", "environ"}


def test_few_modules_reach_inside_faust() -> None:
    importers = {name(path) for path in MODULES if "faust" in imported(path)}
    assert importers == {"streams/assignment.py", "streams/batches.py", "streams/worker.py"}


def imported(path: Path) -> set[str]:
    """Top-level names of the packages that a module imports."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
