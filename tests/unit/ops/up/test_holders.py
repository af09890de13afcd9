"""Whose a taken port or folder is: what a killed `lgsp up` left behind is waited for, all else is
told at once.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ops.kafka.ports import free_port
from ops.up import preflight
from ops.up.holders import Holder, can_be_told, holder_of
from ops.up.preflight import check_machine
from ops.up.supervise import SUPERVISOR
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings

pytestmark = pytest.mark.skipif(not can_be_told(), reason="only Linux tells who has a port")

WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"
LISTENS = "import socket; taken = socket.create_server(('127.0.0.1', PORT)); " + WAITS
LOCKS = "import fcntl; lock = open('FILE'); fcntl.flock(lock, fcntl.LOCK_EX); " + WAITS


@contextmanager
def process(script: str, supervisor: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a script, which waits for the end of its input."""
    environment = {name: said for name, said in os.environ.items() if name != SUPERVISOR}
    if supervisor is not None:
        environment[SUPERVISOR] = str(supervisor)
    with subprocess.Popen(
        [sys.executable, "-c", script, "ops.cli"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
        yield one
        one.kill()


@pytest.fixture
def ended() -> int:
    """The number of a process that is no more."""
    with process(WAITS) as one:
        pass
    return one.pid


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(preflight, "classpath", lambda **_: [])
    ports = {f"{name}_port": free_port() for name in ("gateway", "metrics", "worker", "kafka")}
    return Settings(data=tmp_path, **ports)  # type: ignore[arg-type]


def on_wait(monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]) -> None:
    """A clock of the module's own: other threads of this process sleep as ever."""
    clock = SimpleNamespace(sleep=lambda _: what(), monotonic=time.monotonic)
    monkeypatch.setattr(preflight, "time", clock)


def told(settings: Settings) -> str:
    """What is said of a machine where something is taken."""
    with pytest.raises(EnvironmentBroken) as caught:
        check_machine(settings, Console(file=StringIO()))
    return str(caught.value)


@pytest.mark.parametrize("name", ["worker", "kafka"])
def test_another_program_s_port_is_told_at_once_with_who_has_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    on_wait(monkeypatch, lambda: pytest.fail("waited"))
    port = getattr(settings, f"{name}_port")
    with process(LISTENS.replace("PORT", str(port))) as other:
        program = Path(f"/proc/{other.pid}/comm").read_text().strip()
        said = told(settings)
        assert said.startswith(f"127.0.0.1:{port} is in use: stop what listens there")
        assert said.endswith(f"free port. It is {program} (process {other.pid}).")


def test_so_is_that_of_another_hub_which_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_wait(monkeypatch, lambda: pytest.fail("waited"))
    listens = LISTENS.replace("PORT", str(settings.gateway_port))
    with process(WAITS) as up, process(listens, up.pid):
        assert f"It belongs to a running `lgsp up` (process {up.pid})." in told(settings)


def test_the_port_of_a_process_whose_lgsp_up_was_killed_is_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ended: int
) -> None:
    with process(LISTENS.replace("PORT", str(settings.metrics_port)), ended) as left:
        on_wait(monkeypatch, left.communicate)
        check_machine(settings, Console(file=StringIO()))
        assert left.returncode == 0


@pytest.mark.parametrize("left_behind", [True, False])
def test_the_folder_of_a_broker_is_waited_for_only_if_its_lgsp_up_was_killed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ended: int, left_behind: bool
) -> None:
    lock = settings.data / "kafka" / "owner.lock"
    lock.parent.mkdir()
    lock.touch()
    with process(LOCKS.replace("FILE", str(lock)), ended if left_behind else None) as keeper:
        lock.write_text(f"{keeper.pid}\n")
        on_wait(monkeypatch, keeper.communicate if left_behind else lambda: pytest.fail("waited"))
        if left_behind:
            check_machine(settings, Console(file=StringIO()))
        else:
            assert told(settings).count(f"process {keeper.pid})") == 1


def test_who_cannot_be_seen_gets_a_moment_to_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's process; or one that ended between being met and being looked for."""
    monkeypatch.setattr(preflight, "holder_of", lambda _: None)
    with socket.create_server(("127.0.0.1", settings.worker_port)) as taken:
        on_wait(monkeypatch, taken.close)
        check_machine(settings, Console(file=StringIO()))
    monkeypatch.setattr(preflight, "_QUIET_SECONDS", -1.0)
    on_wait(monkeypatch, lambda: pytest.fail("waited"))
    with socket.create_server(("127.0.0.1", settings.worker_port)):
        assert told(settings).endswith("to a free port.")


def test_nobody_has_a_free_port_and_who_ended_is_waited_for_no_longer(ended: int) -> None:
    assert holder_of(free_port()) is None
    assert Holder(ended).left_behind
    assert Holder(ended).words() == ""
