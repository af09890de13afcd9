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

from schemas.errors import EXIT_REFUSED

SUPERVISOR = "LGSP_SUPERVISOR_PID"
STOP_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.5, 10.0, 30.0
REFUSED_PAUSE = 60.0  # after an end that a fresh start can't mend


@dataclass
class Service:
    """One `lgsp` command (or another `program`) as a child process with its own log file."""

    name: str
    arguments: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    program: list[str] = field(default_factory=lambda: [sys.executable, "-m", "ops.cli"])
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _pause: float = FIRST_PAUSE
    _retry_at: float | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that a terminal's Ctrl-C reaches the supervisor alone."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [*self.program, *self.arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, env=os.environ | self.environment | {SUPERVISOR: str(os.getpid())},
            )  # fmt: skip
        self._started, self._retry_at = time.monotonic(), None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def keep(self) -> None:
        """Start it again if it ended, after a pause that grows while it keeps ending soon."""
        now = time.monotonic()
        if self.running:
            return
        if self._retry_at is None:
            self._pause = FIRST_PAUSE if now - self._started > STEADY else min(self._pause * 2, LONGEST_PAUSE)
            refused = self.process is not None and self.process.returncode == EXIT_REFUSED
            self._retry_at = now + (REFUSED_PAUSE if refused else self._pause)
        elif now >= self._retry_at:
            self.restarts += 1
            self.start()

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
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        """The last line of its log."""
        try:
            lines = [line for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        except OSError:
            return ""
        return lines[-1] if lines else ""


def follow_supervisor() -> None:
    """In a child: end when the supervisor is gone, so that its kill -9 leaves no orphans on the ports."""
    supervisor = int(os.environ.get(SUPERVISOR, "0"))
    if not supervisor:
        return

    def follow() -> None:
        while os.getppid() == supervisor:
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, daemon=True, name="follow-supervisor").start()
