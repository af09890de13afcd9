"""docs/threats.md names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
PAGE = (TESTS.parent / "docs" / "threats.md").read_text("utf-8")


def test_every_row_names_a_test_that_there_is() -> None:
    files = {
        str(path.relative_to(TESTS.parent)): path.read_text("utf-8")
        for path in TESTS.rglob("test_*.py")
    }
    there = {name for text in files.values() for name in re.findall(r"def (test_\w+)", text)} | set(
        files
    )
    there |= {Path(name).name for name in files}
    for row in (line for line in PAGE.splitlines() if re.match(r"\| (?!threat )", line)):
        named = re.findall(r"`((?:tests/[\w/]+/)?test_\w+(?:\.py)?)`", row.split("|")[-2])
        assert named, row
        assert set(named) <= there, row
