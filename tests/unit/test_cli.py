"""The console script itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ops import cli


def test_what_lgsp_writes_is_its_own_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any command runs, so that whatever it starts inherits it."""
    monkeypatch.setattr(cli, "cli", lambda: (tmp_path / "file").write_text("x"))
    before = os.umask(0o022)
    try:
        cli.main()
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
