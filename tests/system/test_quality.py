"""The code is typed and linted as pyproject.toml says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", [["mypy"], ["ruff", "check", "."]], ids=["mypy", "ruff"])
def test_nothing_is_found(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_tests_that_share_something_go_to_one_process(request: pytest.FixtureRequest) -> None:
    """xdist tells them by a mark behind their names; a pytest that does not take it would tear
    modules apart without a word.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@test_quality")
