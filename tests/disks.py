"""Small disks of their own (tmpfs), to be filled and emptied, or that can only be read."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

BALLAST = "ballast"
CHUNK = b"x" * (64 << 10)


class SmallDisk:
    """What is mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """To the last byte, whatever else is written meanwhile."""
        with suppress(OSError), (self.folder / BALLAST).open("ab", buffering=0) as ballast:
            while ballast.write(CHUNK):
                pass
        assert shutil.disk_usage(self.folder).free < len(CHUNK)

    def empty(self) -> None:
        """Of what filled it."""
        (self.folder / BALLAST).unlink()


@contextmanager
def small_disk(folder: Path, mib: int, options: str = "rw") -> Iterator[SmallDisk]:
    """A disk of that size on a folder; without the right to mount, the test is skipped, and fails
    where CI=true.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m,{options}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"a small disk can't be mounted, which only root may: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
