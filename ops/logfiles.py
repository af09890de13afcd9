"""Log files of bounded size, for processes that write into a file which somebody else opened for
them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from itertools import pairwise
from pathlib import Path

_LARGEST = 10 << 20  # bytes
_OLDER = 3  # files kept beside the newest: name.1 is the newest of them
_TAIL = 8 << 10


def rotate(file: Path, largest: int = _LARGEST, older: int = _OLDER) -> None:
    """Once it is larger than that, keep what it holds in `file.1` and let it begin anew.

    It is copied and emptied, not renamed: the process that writes has it open (to append, so it
    goes on at the new end), and goes on writing whatever becomes of who rotates. A line written
    between copying and emptying is lost. Where there is no room to copy, the file is emptied all
    the same: a log must not be what keeps a disk full.
    """
    try:
        if file.stat().st_size <= largest:
            return
    except OSError:
        return
    with contextlib.suppress(OSError):
        _keep(file, older)
    with contextlib.suppress(OSError):
        os.truncate(file, 0)


def _keep(file: Path, older: int) -> None:
    names = [file.with_name(f"{file.name}.{number}") for number in range(1, older + 1)]
    for newer, name in reversed([*pairwise(names)]):
        if newer.exists():
            os.replace(newer, name)
    part = file.with_name(f"{file.name}.part")
    try:
        shutil.copyfile(file, part)
        os.replace(part, names[0])
    finally:
        part.unlink(missing_ok=True)


def last_line(file: Path) -> str:
    """The last line that says anything; empty if there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _TAIL))
            text = stream.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
