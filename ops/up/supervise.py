"""Child processes that are kept running: started, watched, started again, stopped in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ops.logfiles import last_line, rotate
from schemas.errors import EXIT_REFUSED

SUPERVISOR = "LGSP_SUPERVISOR_PID"
_STOP_SECONDS = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE, _STEADY = 0.5, 10.0, 30.0
_REFUSED_PAUSE = 60.0  # after an end that a fresh start can't mend


@dataclass
class Service:
    """One `lgsp` command (or another `program`) as a child process with its own log file."""

    name: str
    arguments: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    program: list[str] = field(default_factory=lambda: [sys.executable, "-m", "ops.cli"])
    stop_seconds: float = _STOP_SECONDS
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = None
    failure: str = ""  # why it could not even be started
    _started: float = 0.0
    _pause: float = _FIRST_PAUSE
    _retry_at: float | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that a terminal's Ctrl-C reaches the supervisor
        alone.

        Without room for a log it runs without one. Raises: OSError if the machine starts no further
        process.
        """
        self._started, self._retry_at = time.monotonic(), None
        output = self._open_log()
        try:
            self.process = subprocess.Popen(
                [*self.program, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=os.environ | self.environment | {SUPERVISOR: str(os.getpid())},
            )
        finally:
            if output != subprocess.DEVNULL:
                os.close(output)
        self.failure = ""

    def _open_log(self) -> int:
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError:
            return subprocess.DEVNULL

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def refused(self) -> bool:
        """Whether it ended over what a fresh start can't mend: somebody has to act."""
        return self.process is not None and self.process.poll() == EXIT_REFUSED

    @property
    def age(self) -> float:
        """Seconds since it was last started."""
        return time.monotonic() - self._started

    @property
    def retry_in(self) -> float:
        """Seconds until it is started again, once it has ended."""
        return max(0.0, (self._retry_at or 0.0) - time.monotonic())

    def keep(self) -> None:
        """Once it was started: start it again if it ended, after a pause that grows while it keeps
        ending soon. Bounds its log.
        """
        rotate(self.log)
        now = time.monotonic()
        if self.running or not self._started:
            return
        if self._retry_at is None:
            steady = now - self._started > _STEADY
            self._pause = _FIRST_PAUSE if steady else min(self._pause * 2, _LONGEST_PAUSE)
            self._retry_at = now + (_REFUSED_PAUSE if self.refused else self._pause)
        elif now >= self._retry_at:
            self.restarts += 1
            self.begin()

    def begin(self) -> None:
        """Start it; what hinders that is tried again by `keep`."""
        try:
            self.start()
        except OSError as error:  # too many processes, no memory: that passes
            self.failure = f"the machine starts no further process ({error.strerror})"

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        if self.running and self.process is not None:
            self.process.terminate()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if it does not end in time."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        """Why it ended: who killed it, or the last line of its log."""
        code = self.process.returncode if self.process is not None else None
        if code is not None and code < 0 and not self.failure:
            return f"it was killed ({signal.Signals(-code).name})"
        return self.failure or last_line(self.log)


def follow_supervisor() -> None:
    """In a child: end when the supervisor is gone, so that its kill -9 leaves no orphans on the
    ports.
    """
    supervisor = int(os.environ.get(SUPERVISOR, "0"))
    if not supervisor:
        return

    def follow() -> None:
        while os.getppid() == supervisor:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, daemon=True, name="follow-supervisor").start()
