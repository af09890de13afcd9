"""The sandbox's processes: there while a client is in it, counted anew as they begin and once a
day, and gone when none is left.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ops.kafka.ports import free_port
from ops.up import sandbox
from ops.up.parts import HubPart
from ops.up.run import addresses
from ops.up.sandbox import SandboxParts, clients_in_sandbox
from ops.up.supervise import Service
from schemas.settings import Settings

WAITS = "import time; time.sleep(60)"
ENDS = "pass"


class Made:
    """The parts of a hub whose processes are scripts, a clock, and whether there are clients."""

    def __init__(self, folder: Path, access: str = "required") -> None:
        self.settings = Settings(data=folder, access=access)
        self.now, self.wanted = 0.0, False
        self.parts: list[HubPart] = []
        self.begun: list[Service] = []
        self.sandbox = SandboxParts(
            self.settings, self.parts, lambda _: self.wanted, lambda: self.now
        )

    def names(self) -> list[str]:
        return [part.name for part in self.parts]

    def look_until(self, names: list[str]) -> None:
        for _ in range(2_000):
            self.now += 3
            self.sandbox.look()
            if self.names() == names and not self.sandbox.services:
                return
            for service in self.sandbox.services:  # each of them ends
                if service.process is not None:
                    service.process.wait(20)
        raise AssertionError(self.names())


BOTH = ["sandbox-worker", "sandbox-metrics"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Made]:
    one = Made(tmp_path)

    def service(name: str, arguments: list[str], log: Path, environment: dict[str, str]) -> Service:
        script = ENDS if arguments[0] == "mend" else WAITS
        found = Service(name, [], log, environment, program=[sys.executable, "-c", script])
        found.said = arguments  # type: ignore[attr-defined]
        one.begun.append(found)
        return found

    monkeypatch.setattr(sandbox, "Service", service)
    yield one
    for found in one.begun:
        found.kill()


def test_nothing_of_it_runs_without_clients_or_where_access_is_open(made: Made) -> None:
    made.look_until([])
    made.settings.access, made.wanted = "open", True
    made.sandbox.look()
    assert made.begun == []


def test_it_is_counted_anew_and_begins_with_the_first_client_and_ends_with_the_last(
    made: Made,
) -> None:
    made.wanted = True
    made.look_until(BOTH)
    first, *others = [one.said for one in made.begun]  # type: ignore[attr-defined]
    assert first == ["mend", "--from-zero", "--skip-missing", "--yes"]
    assert others == [["worker"], ["metrics"]]
    assert made.sandbox.there
    made.wanted = False
    made.look_until([])
    assert not any(one.running for one in made.begun)
    assert not made.sandbox.there


def test_once_a_day_it_is_counted_anew(made: Made) -> None:
    made.wanted = True
    made.look_until(BOTH)
    before = list(made.begun)
    made.sandbox.look()
    assert made.begun == before
    made.now += 86_401
    made.sandbox.look()
    made.look_until(BOTH)
    assert len(made.begun) == 2 * len(before)
    assert not any(one.running for one in before)


def test_a_gateway_that_does_not_answer_ends_nothing(made: Made) -> None:
    made.wanted = True
    made.look_until(BOTH)
    made.wanted = None  # type: ignore[assignment]
    made.now += 10
    made.sandbox.look()
    assert made.names() == BOTH


def test_it_is_of_the_hubs_own_sandbox_with_ports_of_its_own(made: Made) -> None:
    made.settings.space = "simulated"
    made.wanted = True
    made.look_until(BOTH)
    for one in made.begun:
        assert one.environment == {
            "LGSP_SPACE": "simulated.sandbox",
            "LGSP_METRICS_PORT": "8091",
            "LGSP_WORKER_PORT": "8092",
        }
    assert "http://127.0.0.1:8091/v1/indicators" in "".join(addresses(made.settings, sandbox=True))
    assert "8091" not in "".join(addresses(made.settings))


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ('lgsp_gateway_clients{stage="sandbox"} 1.0', True),
        (
            'lgsp_gateway_clients{stage="sandbox"} 0.0\nlgsp_gateway_clients{stage="moving"} 2.0',
            True,
        ),
        (
            'lgsp_gateway_clients{stage="sandbox"} 0.0\nlgsp_gateway_clients{stage="live"} 3.0',
            False,
        ),
        ("another 1.0", None),
    ],
)
def test_the_gateway_is_asked_who_is_in_it(told: str, wanted: bool | None) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(told.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.handle_request).start()
        settings = Settings(gateway_port=server.server_address[1])
        assert clients_in_sandbox(settings) is wanted
    assert clients_in_sandbox(Settings(gateway_port=free_port())) is None
