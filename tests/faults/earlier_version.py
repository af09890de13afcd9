"""The hub as it was landed before, from the repository's own history."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# The last version that wrote how far books have come in the first layout, and recounted whatever it
# found under other rules.
EARLIER = "1d93bf7dcedf0d738a97437f9ca76f914a4d2d9a"
# The last version whose states keep no corrections.
UNCORRECTED = "bf5d57615f4db8dab2fb169c06d1a7530514e5e0"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def earlier(tmp_path: Path) -> list[str]:
    """That version's `lgsp`, as the beginning of a command line."""
    return lgsp_of(EARLIER, tmp_path / "earlier")


@pytest.fixture
def uncorrected(tmp_path: Path) -> list[str]:
    """The same of the version that knew no corrections."""
    return lgsp_of(UNCORRECTED, tmp_path / "uncorrected")


def lgsp_of(commit: str, folder: Path) -> list[str]:
    """The `lgsp` of a commit, put into that folder."""
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=False
    )
    if packed.returncode:
        assert os.environ.get("CI") != "true", packed.stderr.decode()
        pytest.skip("this copy of the repository has no history")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    start = f"import sys; sys.path.insert(0, {str(folder)!r}); from ops.cli import main; main()"
    return [sys.executable, "-c", start]
