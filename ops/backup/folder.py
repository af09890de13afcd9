"""The folder of a backup while somebody writes there: one writer at a time, and nothing is left of
what was given up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.backup.chunks import PART, make_folder
from ops.backup.manifest import FILE, Manifest
from schemas.errors import BackupError


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the folder.

    Raises: BackupError while another command writes there, or where nothing may be written.
    """
    try:
        make_folder(root)
        lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unwritable(root, error) from error
    try:
        _hold(lock, root)
        yield
    finally:
        os.close(lock)


def _hold(lock: int, root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BackupError(f"Another `lgsp backup` writes to {root}: wait for its end.") from error


def unwritable(root: Path, error: OSError) -> BackupError:
    """The one sentence for a disk that is full or a folder that is not ours."""
    return BackupError(
        f"{root} can't be written ({error.strerror or error}): make room or make it writable, then"
        " run the same command again; it goes on where it stopped."
    )


def require_unused(root: Path) -> None:
    """A new backup begins in a folder of its own.

    Raises: BackupError
    """
    if others := sorted(
        file.name for file in root.iterdir() if file.name not in ("lock", f"{FILE}{PART}")
    ):
        raise BackupError(
            f"{root} holds other files ({', '.join(others[:3])}) and no backup: name an empty"
            " folder, or one not made yet."
        )


def tidy(root: Path, manifest: Manifest) -> None:
    """Delete what an interrupted run left, and what a newer chunk has taken the place of: whatever
    the manifest does not name.
    """
    named = {root / chunk.file for chunk in manifest.files()}
    for file in [*root.glob("events/*/*/*"), *root.glob("books/*/*")]:
        if file not in named:
            file.unlink()
    for folder in root.glob("books/*"):
        if not any(folder.iterdir()):
            shutil.rmtree(folder)
