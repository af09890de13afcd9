"""The broker's process as the operating system knows it: its number, whose it is, its end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.05


def end_process(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Politely, then after `timeout` seconds, or once it is interrupted itself, by force."""
    try:
        process.terminate()
        process.wait(timeout)
    except BaseException as error:
        process.kill()
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise


def java_environment() -> dict[str, str]:
    """What every Java program of Kafka is started with."""
    # a Java in the C locale cannot open a folder with Vietnamese letters
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def read_pid(file: Path) -> int | None:
    """The process number that a file holds; None if it holds none."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def is_broker_of(pid: int, data: Path) -> bool:
    """Whether the process is a broker that the hub started on this folder: process numbers are used
    again.
    """
    return f" -Dlgsp.kafka={data} " in _command_line(pid)


def _command_line(pid: int) -> str:
    """The command line of a process, its words parted by blanks; empty if there is none or it has
    ended.
    """
    if not Path("/proc/self").exists():  # not Linux
        return subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
    except OSError:
        return ""


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it came to hold within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def first_complaint(output: str) -> str:
    """The first line of a Java program's output that is no mere warning: later ones only follow
    from it.
    """
    lines = (line.strip().rstrip(".") for line in output.splitlines())
    return next(
        (line for line in lines if line and not line.startswith(("WARNING", "Bootstrap metadata"))),
        "it gave no reason",
    )
