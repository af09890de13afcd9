"""Child processes that are kept running, whatever ends them, with logs of bounded size."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops import logfiles
from ops.logfiles import last_line, rotate
from ops.up import supervise
from ops.up.supervise import Service


def until(holds: Callable[[], bool]) -> None:
    """Within a bound that no healthy machine reaches."""
    for _ in range(3_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A child that writes what it is given, and waits."""
    script = (
        "import sys; print(sys.argv[1], flush=True); sys.stdin.read(); import time; time.sleep(60)"
    )
    service = Service(
        "child", ["begun"], tmp_path / "logs" / "child.log", program=[sys.executable, "-c", script]
    )
    yield service
    service.kill()


def kill(service: Service) -> None:
    assert service.process is not None
    service.process.kill()
    service.process.wait()


def test_one_that_keeps_ending_is_started_again_after_pauses_that_grow(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(supervise, "time", SimpleNamespace(monotonic=lambda: now[0]))
    service.begin()
    pauses = []
    for _ in range(6):
        kill(service)
        service.keep()
        pauses.append(service.retry_in)
        now[0] += service.retry_in
        service.keep()
        assert service.running
    assert pauses == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert service.restarts == 6


def test_one_that_was_never_begun_is_not_started(service: Service) -> None:
    service.keep()
    assert service.process is None


def test_a_machine_that_starts_no_process_is_asked_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many processes, no memory: the supervisor and everybody else go on."""
    popen, now = subprocess.Popen, [1_000.0]

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(supervise, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(supervise.subprocess, "Popen", refuse)
    service.begin()
    assert "Resource temporarily unavailable" in service.last_words()
    monkeypatch.setattr(supervise.subprocess, "Popen", popen)
    service.keep()
    now[0] += service.retry_in
    service.keep()
    assert service.running


def test_without_a_place_for_its_log_it_runs_without_one(service: Service, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder")
    service.begin()
    assert service.running
    assert service.last_words() == ""


def test_a_log_is_rotated_while_its_process_writes_on(tmp_path: Path) -> None:
    script = "import sys\nfor line in sys.stdin: print(line.strip() * 100, flush=True)"
    log = tmp_path / "child.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=out, text=True
        )
    assert process.stdin is not None
    with process:
        for number in range(10):
            process.stdin.write(f"{number}\n" * 60)
            process.stdin.flush()
            until(
                lambda number=number: (
                    last_line(log)[:1] == str(number) and log.stat().st_size == 60 * 101
                )
            )  # type: ignore[misc]
            rotate(log, 5_000, 3)
            assert log.stat().st_size == 0
        process.stdin.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "child.log",
        "child.log.1",
        "child.log.2",
        "child.log.3",
    ]
    assert [last_line(tmp_path / f"child.log.{number}")[:1] for number in (1, 2, 3)] == [
        "9",
        "8",
        "7",
    ]


def test_who_keeps_a_process_keeps_its_log_small(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it runs or waits to be started again: each look empties what has become too large."""
    monkeypatch.setattr(supervise, "rotate", lambda log: rotate(log, 5))
    service.begin()
    until(lambda: last_line(service.log) == "begun")
    service.keep()
    assert (service.log.stat().st_size, service.running) == (0, True)
    kill(service)
    service.log.write_text("its last words")
    service.keep()
    assert service.log.stat().st_size == 0


def test_where_there_is_no_room_to_keep_a_log_it_is_emptied_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(logfiles.shutil, "copyfile", full)
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * 100)
    rotate(log, 99)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0]


def test_of_what_was_killed_it_is_told_that_and_no_old_line(tmp_path: Path) -> None:
    service = Service(
        "waits",
        ["-c", "print('about something else', flush=True); import time; time.sleep(60)"],
        tmp_path / "waits.log",
    )
    service.program = [sys.executable]
    service.start()
    assert service.process is not None
    service.process.kill()
    service.process.wait()
    assert service.last_words() == "it was killed (SIGKILL)"


def test_the_last_words_are_the_last_line_that_says_anything(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_text("x" * 100_000 + "\nit is full\n\n \n")
    assert last_line(log) == "it is full"
    assert last_line(tmp_path / "none") == ""
