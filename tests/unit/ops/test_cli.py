"""What every command does alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from ops.cli import cli
from ops.entry import SENTENCE
from schemas.errors import EnvironmentBroken


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted. The same command can be run again at any time.\n"),
        (EnvironmentBroken("The folder can't be written."), 1, "The folder can't be written.\n"),
    ],
)
def test_an_end_before_the_end_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, said: str
) -> None:
    def end(_: object) -> NoReturn:
        raise raised

    monkeypatch.setattr("ops.recount.report.run_recount", end)
    done = CliRunner().invoke(cli, ["recount"])
    assert (done.exit_code, done.output) == (code, said)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("default_int_handler", 130, f"{SENTENCE}\n"),
        ("SIG_IGN", 7, ""),
    ],
)
def test_ctrl_c_before_anything_has_begun_is_the_same_sentence(
    tmp_path: Path, answer: str, code: int, said: str
) -> None:
    """While modules are imported; one stands here for all of them. Who ignores Ctrl-C goes on."""
    interrupted = "import os, signal, sys\nos.kill(os.getpid(), signal.SIGINT)\nsys.exit(7)\n"
    (tmp_path / "click.py").write_text(interrupted)
    start = f"import signal, sys; sys.path.insert(0, {str(tmp_path)!r})"
    answered = f"signal.signal(signal.SIGINT, signal.{answer})"
    program = f"{start}; {answered}; from ops.entry import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, said)
