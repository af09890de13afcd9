"""Who has a port or a folder of this machine, and whether that is what a killed `lgsp up` left
behind: its processes end by themselves within seconds, all others have to be stopped by somebody.

Only Linux tells; elsewhere nobody is known to have anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ops.up.supervise import SUPERVISOR

_PROCESSES = Path("/proc")
_LISTENS = "0A"  # of the states in /proc/net/tcp


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has what somebody else wants."""

    pid: int

    @property
    def left_behind(self) -> bool:
        """Whether it was started by an `lgsp up` that is no more, or has ended meanwhile itself."""
        try:
            supervisor = self._supervisor()
        except PermissionError:
            return False
        except OSError:
            return True
        return bool(supervisor) and not _is_hub(supervisor)

    def words(self) -> str:
        """Who it is, as a sentence; empty where nobody can tell."""
        try:
            supervisor = self._supervisor()
            # without arguments, which may hold secrets
            program = (_PROCESSES / str(self.pid) / "comm").read_text("utf-8", "replace").strip()
        except OSError:
            return ""
        if supervisor and _is_hub(supervisor):
            return f"It belongs to a running `lgsp up` (process {supervisor})."
        return f"It is {program} (process {self.pid})."

    def _supervisor(self) -> str:
        """The number of the `lgsp up` that started it; empty if none did."""
        environment = (_PROCESSES / str(self.pid) / "environ").read_bytes()
        begin = f"{SUPERVISOR}=".encode()
        for variable in environment.split(b"\0"):
            if variable.startswith(begin):
                return os.fsdecode(variable.removeprefix(begin))
        return ""


def can_be_told() -> bool:
    """Whether this machine tells who has what."""
    return (_PROCESSES / "self" / "fd").is_dir()


def holder_of(port: int) -> Holder | None:
    """The process that listens on a TCP port; None if it is another user's, or nobody does."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in _PROCESSES.glob("[0-9]*") if sockets else ():
        try:
            files = [os.readlink(file) for file in (process / "fd").iterdir()]
        except OSError:  # another user's, or it has ended
            continue
        if not sockets.isdisjoint(files):
            return Holder(int(process.name))
    return None


def _listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen there."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROCESSES / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for cells in map(str.split, lines):
            if cells[3] == _LISTENS and int(cells[1].rpartition(":")[2], 16) == port:
                yield cells[9]


def _is_hub(pid: str) -> bool:
    """Whether that is a process of the hub: numbers of processes are used again."""
    try:
        command = (_PROCESSES / pid / "cmdline").read_bytes()
    except OSError:
        return False
    return b"lgsp" in command or b"ops." in command
