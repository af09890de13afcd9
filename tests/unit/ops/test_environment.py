"""Making the environment: packages by their checksums, by uv or by pip, and progress that is
true.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops import environment
from ops.environment import Failed, StatusLine, make_environment, progress, run_program

VENV = Path("none")


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is run, in words; nothing of it is."""
    ran: list[str] = []

    def record(command: Sequence[str], tick: Callable[[list[str]], None]) -> tuple[int, list[str]]:
        ran.append(" ".join(command))
        tick([])
        failing = any(word in ran[-1] for word in FAILING)
        return (1, ["Collecting x", "ERROR: no route to host"]) if failing else (0, [])

    FAILING.clear()
    monkeypatch.setattr(environment, "run_program", record)
    monkeypatch.setattr(environment.shutil, "which", lambda _: "/bin/uv")
    monkeypatch.setattr(
        environment.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0)
    )
    return ran


FAILING: set[str] = set()


def line() -> StatusLine:
    return StatusLine(terminal=False, width=80)


def test_uv_is_used_where_it_is_at_hand(commands: list[str]) -> None:
    make_environment(VENV, line())
    venv, packages, own = commands
    assert venv.endswith("-m venv --without-pip none")
    assert (
        packages == "/bin/uv pip install --quiet --python none/bin/python --require-hashes -r"
        " requirements.lock"
    )
    assert own.startswith("/bin/uv pip install")
    assert own.endswith("-e .")


def test_pip_is_used_where_it_is_not(commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.shutil, "which", lambda _: None)
    make_environment(VENV, line())
    assert commands[0].endswith("-m venv none")
    assert commands[1].startswith("none/bin/python -m pip install")
    assert commands[1].endswith("--require-hashes -r requirements.lock")


def test_pip_is_used_where_uv_cannot(
    commands: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A mirror that only pip's settings name."""
    FAILING.add("uv pip install")
    make_environment(VENV, line())
    assert [command.split(" ")[0] for command in commands[2:]] == [
        sys.executable,
        "none/bin/python",
        "none/bin/python",
    ]
    assert "uv can't fetch the packages, so pip does" in capsys.readouterr().out


def test_what_fails_is_told_with_what_to_do(commands: list[str]) -> None:
    FAILING.add("pip install")
    with pytest.raises(Failed) as caught:
        make_environment(VENV, line())
    assert str(caught.value).splitlines() == [
        "ERROR: no route to host",
        (
            "The packages of requirements.lock can't be downloaded: check the network (or pip's"
            " index settings), then try again."
        ),
    ]


def test_progress_is_read_from_what_pip_says() -> None:
    lines = ["Collecting a==1", "  Downloading a", "Collecting b==2"]
    assert progress(lines, 96) == "2 of about 96"
    assert progress([*lines, "Installing collected packages: a, b"], 96) == "unpacking 96"


def test_a_step_is_a_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    told = line()
    for number in range(3):
        told.say("Fetching", f"{number} of 3")
    told.end("Done")
    assert capsys.readouterr().out == "Fetching\nDone (0 s).\n"


def test_on_a_terminal_it_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = StatusLine(terminal=True, width=20)
    told.say("Fetching a lot of packages", "1 of 3")
    told.end("Done")
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert max(map(len, text.rstrip("\n").split("\r"))) == 19


def test_a_program_s_lines_are_seen_while_it_runs() -> None:
    seen: list[int] = []
    script = (
        "import sys, time; print('first', flush=True); sys.stdin.read(); print('last'); sys.exit(3)"
    )
    code, lines = run_program([sys.executable, "-c", script], lambda found: seen.append(len(found)))
    assert (code, lines) == (3, ["first", "last"])
    assert seen


def test_it_needs_nothing_but_the_standard_library() -> None:
    """It is run before there is anything else, and apart from the other modules."""
    script = f"import runpy; runpy.run_path({environment.__file__!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], cwd="/", check=True)
