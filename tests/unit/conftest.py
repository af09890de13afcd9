"""What tests of figures have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cubes import province

from metrics.cube.cube import Cube


@pytest.fixture
def cube(tmp_path: Path) -> Iterator[Cube]:
    """One that holds the province of cubes.py."""
    made = province(tmp_path)
    yield made
    made.close()
