"""`lgsp up` as a person uses it: start, send a fact, see it move, stop, start again; and what it
says when it can't.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from harness import until

from ops.kafka.ports import free_port


class Up:
    """A running `lgsp up`."""

    def __init__(self, data: Path) -> None:
        self.gateway, self.metrics, self.kafka = free_port(), free_port(), free_port()
        ports = {
            "GATEWAY": self.gateway,
            "METRICS": self.metrics,
            "KAFKA": self.kafka,
            "WORKER": free_port(),
        }
        self.environment = (
            os.environ
            | {f"LGSP_{name}_PORT": str(port) for name, port in ports.items()}
            | {"LGSP_DATA": str(data)}
        )
        self.log = data.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, simulate: str) -> None:
        """In the background, its output in a file."""
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", "up"],
                env=self.environment | {"SIMULATE": simulate},
                stdout=out,
                stderr=out,
            )

    def children(self, name: str) -> list[psutil.Process]:
        """The processes of that name that it keeps."""
        assert self.process is not None
        found = psutil.Process(self.process.pid).children()
        return [
            child
            for child in found
            if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == [name]
        ]

    def said(self) -> str:
        """What it printed since the last start."""
        return self.log.read_text(encoding="utf-8")

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def received(self, agency: str = "") -> int:
        """Dossiers received by an agency, or by all, from the API."""
        url = f"http://127.0.0.1:{self.metrics}/v1/counts?family=dossiers&kind=received&window=all"
        url += f"&agency={agency}" if agency else ""
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(json.load(answer)["kinds"][0]["counts"]["received"])

    def send(self, number: int) -> int:
        """Send a reception; the status of the answer."""
        event = {
            "specversion": "1.0",
            "id": f"event-{number}",
            "source": "test",
            "type": "dossier.received",
            "time": "2026-11-03T09:00:00+07:00",
            "data": {
                "dossier_id": f"SAMPLE-{number}",
                "agency": "SAMPLE.TEST",
                "procedure": "SAMPLE.1",
                "channel": "online",
            },
        }
        headers = {"Content-Type": "application/cloudevents+json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gateway}/v1/events", json.dumps(event).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """`lgsp up`, not started yet; whatever it started is gone afterwards."""
    up = Up(tmp_path / "var")
    yield up
    if up.process is not None and up.process.poll() is None:
        children = psutil.Process(up.process.pid).children(recursive=True)
        for process in (psutil.Process(up.process.pid), *children):
            process.kill()


def has(up: Up, agency: str, count: int) -> Callable[[], bool]:
    """The API shows that count."""
    return lambda: up.received(agency) == count


def assert_nothing_alarms(data: Path) -> None:
    """No log of a normal first start has an error, nor the hub's own a warning.

    A busy machine makes Kafka say that it was slow, as an error or with an exception's name in a
    line of information: that is no alarm.
    """
    own = [
        line
        for log in (data / "logs").glob("*.log")
        for line in log.read_text("utf-8").splitlines()
    ]
    assert not [line for line in own if re.search("WARNING|ERROR|CRITICAL|Traceback", line)]
    kafka = [
        line
        for log in (data / "kafka" / "logs").iterdir()
        for line in log.read_text("utf-8").splitlines()
    ]
    slow = "Exceptionally slow|TimeoutException"
    assert not [
        line
        for line in kafka
        if re.search("ERROR|FATAL|Exception", line) and not re.search(slow, line)
    ]


def test_facts_survive_a_stop_and_a_killed_supervisor(up: Up, tmp_path: Path) -> None:
    """A first start alarms of nothing; neither Ctrl-C nor a killed supervisor leaves a process;
    figures are there at each start. What was simulated is in no official figure.
    """
    up.start(simulate="1")
    until(lambda: up.send(1) == 202)
    until(has(up, "SAMPLE.TEST", 1))
    assert up.process is not None
    children = psutil.Process(up.process.pid).children(recursive=True)
    assert len(children) >= 6  # Kafka's keeper and its broker, worker, metrics, gateway, simulation
    assert_nothing_alarms(tmp_path / "var")
    assert up.interrupt() == 0
    assert "Stopped." in up.said()
    assert not [child for child in children if child.is_running()]

    up.start(simulate="0")
    until(lambda: up.send(1) == 202)
    assert up.send(1) == up.send(2) == 202  # the first one again
    until(has(up, "SAMPLE.TEST", 2))
    assert up.received() == 2, "of all agencies: the simulated ones have another space"
    up.process.kill()
    up.process.wait()

    up.start(simulate="0")
    until(lambda: "Ctrl-C stops everything." in up.said())
    until(has(up, "SAMPLE.TEST", 2))
    assert up.interrupt() == 0


def test_a_broker_killed_while_it_starts_and_one_that_cannot_start_hold_up_nobody(
    up: Up, tmp_path: Path
) -> None:
    """Whatever befalls Kafka is retried; the others go on, and what was accepted stays."""
    logs, pid_file = tmp_path / "var" / "logs", tmp_path / "var" / "kafka" / "broker.pid"
    up.start(simulate="0")
    for _ in range(2):
        until(lambda: kill(pid_file))
    until(lambda: "Ctrl-C stops everything." in up.said(), 120)
    assert up.said().count("Kafka answers") == 1
    until(lambda: up.send(1) == 202)
    until(has(up, "SAMPLE.TEST", 1))

    until(lambda: kill(pid_file))
    with taken(up.kafka):
        until(lambda: f":{up.kafka} is in use" in (logs / "kafka.log").read_text("utf-8"))
        [killed] = up.children("gateway")
        killed.kill()
        until(lambda: [found.pid for found in up.children("gateway")] not in ([], [killed.pid]))
        assert up.received("SAMPLE.TEST") == 1, "figures are told while Kafka is away"
    until(lambda: up.send(2) == 202, 120)
    until(has(up, "SAMPLE.TEST", 2))
    assert up.interrupt() == 0


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody else has the port of a broker that was killed a moment ago."""
    found: list[socket.socket] = []
    until(lambda: bool(found.append(socket.create_server(("127.0.0.1", port))) or found))
    with found[0]:
        yield


def kill(pid_file: Path) -> bool:
    """kill -9 the broker; false while there is none."""
    try:
        os.kill(int(pid_file.read_text("ascii")), signal.SIGKILL)
    except (OSError, ValueError):
        return False
    pid_file.unlink(missing_ok=True)  # so that the next one is told from it
    return True


def test_a_wrong_setting_is_told_before_anything_is_started(up: Up, tmp_path: Path) -> None:
    up.environment |= {"LGSP_DAYS_OFF": "02/09/2026"}
    up.start(simulate="0")
    assert up.process is not None
    assert up.process.wait(60) == 1
    said = (
        "LGSP_DAYS_OFF is '02/09/2026': '02/09/2026' is no day: write days such as"
        " 2026-01-02,2026-02-13."
    )
    assert up.said() == f"{said} docs/settings.md lists every setting.\n"
    assert not (tmp_path / "var").exists()


def test_a_port_in_use_is_one_sentence(up: Up) -> None:
    """Which port, of what, and what to do."""
    with socket.create_server(("127.0.0.1", up.gateway)):
        up.start(simulate="0")
        assert up.process is not None
        assert up.process.wait(60) == 1
    assert f"127.0.0.1:{up.gateway} is in use" in up.said()
    assert "LGSP_GATEWAY_PORT" in up.said()
    assert "Traceback" not in up.said()
