"""The hub that fault tests kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with a broker and no services yet."""
    hub = Hub(tmp_path)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
