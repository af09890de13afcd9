"""Makes the environment that the hub runs in, for `make`: run by a bare Python, so with nothing but
the standard library.

    python ops/environment.py .venv

Packages come from requirements.lock, each by its checksum: by `uv` where there is one, since it is
quicker, else by pip.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_LOCK = Path("requirements.lock")
_USUAL = "usual: 10 s to 1 min; busy machine: to 4 min"
_TICK = 0.2
_INTERRUPTED = 130  # as shells end after Ctrl-C


class Failed(Exception):
    """The sentence that is printed; the program's own last words before it."""


class StatusLine:
    """One line that says what is being done, written over on a terminal; elsewhere a line a
    step.
    """

    def __init__(self, terminal: bool, width: int) -> None:
        self._terminal, self._width = terminal, width - 1
        self._began = time.monotonic()
        self._step = ""

    def say(self, step: str, detail: str = "") -> None:
        """What is being done now, and how far it is."""
        if self._terminal:
            seconds = time.monotonic() - self._began
            text = f"{step}{detail and f', {detail}'} ({seconds:.0f} s)"[: self._width]
            print(f"\r{text:<{self._width}}", end="", flush=True)
        elif step != self._step:
            print(step, flush=True)
        self._step = step

    def end(self, text: str) -> None:
        """The last word on it."""
        seconds = time.monotonic() - self._began
        start, width = ("\r", self._width) if self._terminal else ("", 0)
        print(f"{start}{f'{text} ({seconds:.0f} s).':<{width}}", flush=True)


def run_program(command: Sequence[str], tick: Callable[[list[str]], None]) -> tuple[int, list[str]]:
    """Run a program to its end, calling `tick` with the lines it wrote so far; its exit code, and
    the lines.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        output = process.stdout
        assert output is not None
        reading = threading.Thread(target=_read, args=(output, lines), daemon=True)
        reading.start()
        try:
            while process.poll() is None:
                tick(lines)
                time.sleep(_TICK)
        except BaseException:
            process.terminate()
            raise
        reading.join(5)
    return process.returncode, lines


def _read(output: Iterable[str], lines: list[str]) -> None:
    for line in output:
        lines.append(line.rstrip())


def progress(lines: Sequence[str], total: int) -> str:
    """How far pip is, from what it wrote."""
    if any(line.startswith("Installing collected") for line in lines):
        return f"unpacking {total}"
    found = sum(line.startswith("Collecting ") for line in lines)
    return f"{min(found, total)} of about {total}"


def make_environment(venv: Path, line: StatusLine) -> None:
    """Make it anew, whatever was there.

    Raises: Failed
    """
    installer = _by_uv(venv, line) or _by_pip(venv, line)
    own = f"The hub itself can't be installed into {venv}: is the folder writable?"
    _must(
        [*installer, "--no-deps", "--no-build-isolation", "-e", "."],
        line,
        "Installing the hub itself",
        own,
    )


def _by_uv(venv: Path, line: StatusLine) -> list[str]:
    """The packages by uv; the command it installs with, or nothing if it is not at hand, or can't:
    it knows no settings of pip's.
    """
    uv = shutil.which("uv")
    if not uv or subprocess.run([uv, "--version"], capture_output=True, check=False).returncode:
        return []
    _venv(venv, line, "--without-pip")
    installer = [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python")]
    step = f"Fetching {_locked()} packages with uv"
    code, _ = run_program(
        [*installer, "--require-hashes", "-r", str(_LOCK)], lambda _: line.say(step)
    )
    if code:
        line.end("uv can't fetch the packages, so pip does")
    return [] if code else installer


def _by_pip(venv: Path, line: StatusLine) -> list[str]:
    """The packages by pip; the command it installs with."""
    _venv(venv, line)
    installer = [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
    ]
    failed = (
        "The packages of requirements.lock can't be downloaded: check the network (or pip's index"
        " settings), then try again."
    )
    _must(
        [*installer, "--require-hashes", "-r", str(_LOCK)],
        line,
        "Fetching packages with pip",
        failed,
    )
    return installer


def _venv(venv: Path, line: StatusLine, *options: str) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    failed = (
        f"{sys.executable} can't make environments: install its venv module (Debian: python3-venv),"
        " then try again."
    )
    _must(
        [sys.executable, "-m", "venv", *options, str(venv)], line, "Making the environment", failed
    )


def _must(command: Sequence[str], line: StatusLine, step: str, otherwise: str) -> None:
    total = _locked()
    code, lines = run_program(
        command,
        lambda lines: line.say(step, progress(lines, total) if str(_LOCK) in command else ""),
    )
    if code:
        complaints = [text for text in lines if "ERROR" in text or "error" in text] or lines
        raise Failed("\n".join([*complaints[-5:], otherwise]))


def _locked() -> int:
    """How many packages the lock names; on one machine a few of them are left out."""
    return len(re.findall(r"(?m)^[A-Za-z0-9._-]+==", _LOCK.read_text(encoding="utf-8")))


def _main(venv: Path) -> int:
    """The exit code."""
    line = StatusLine(sys.stdout.isatty(), shutil.get_terminal_size().columns)
    print(f"Making {venv}, once ({_USUAL}).", flush=True)
    try:
        make_environment(venv, line)
    except KeyboardInterrupt:
        line.end("Interrupted; the next make begins anew")
        return _INTERRUPTED
    except (Failed, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    line.end(f"The environment {venv} is made")
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
