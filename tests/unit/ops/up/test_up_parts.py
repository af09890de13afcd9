"""`lgsp up` without its processes: who fails holds up nobody else, and all are stopped in order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from aiokafka.errors import NotControllerError
from rich.console import Console

from ops.kafka import storage
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from ops.up import run
from ops.up.live_table import LiveAnswers, fetch
from ops.up.parts import HubPart, answers_well, hub_parts
from ops.up.run import Hub, Plain
from ops.up.supervise import Service
from schemas import listening
from schemas.errors import (
    EXIT_REFUSED,
    EnvironmentBroken,
    KafkaUnavailable,
)
from schemas.listening import connects, open_to_others
from schemas.settings import Settings

FAILS = "print('No space left on device'); raise SystemExit(1)"
REFUSES = f"print('run `lgsp mend`'); raise SystemExit({EXIT_REFUSED})"
WAITS = "import time; time.sleep(60)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
    " time.sleep(60)"
)


def part(folder: Path, name: str, script: str, *after: str, level: int = 1) -> HubPart:
    service = Service(name, [], folder / f"{name}.log", program=[sys.executable, "-c", script])
    return HubPart(name, name, service, lambda: True, after, level)


def console() -> Console:
    return Console(file=StringIO(), width=200)


def printed(console: Console) -> str:
    return str(console.file.getvalue())  # type: ignore[attr-defined]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """A hub of the parts it is given."""
    made: list[Hub] = []

    def make(*parts: HubPart) -> Hub:
        monkeypatch.setattr(run, "hub_parts", lambda *_, **__: list(parts))
        monkeypatch.setattr(run, "fetch", lambda *_: LiveAnswers([]))
        monkeypatch.setattr(Hub, "_look_at_topics", lambda _: None)
        made.append(Hub(Settings(data=tmp_path), simulate=False))
        return made[-1]

    yield make
    for one in made:
        for found in one.parts:
            found.service.kill()


def tick_until(hub: Hub, holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        hub.tick()
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


def test_a_broker_that_never_starts_holds_up_nobody_and_says_why(
    hub: Callable[..., Hub], tmp_path: Path
) -> None:
    kafka, worker = (
        part(tmp_path, "kafka", FAILS, level=0),
        part(tmp_path, "worker", WAITS, "kafka"),
    )
    kafka.answers = lambda: False
    one = hub(kafka, worker)
    tick_until(one, lambda: worker.service.running)
    assert worker.service.process is not None
    worker.service.process.send_signal(signal.SIGKILL)
    tick_until(one, lambda: worker.service.restarts == 1 and worker.service.running)
    tick_until(one, lambda: not kafka.service.running)
    assert kafka.words().startswith("ended, starts again in ")
    assert kafka.words().endswith(": No space left on device")


def test_a_kafka_that_waits_for_room_says_so_wherever_its_log_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = hub_parts(Settings(data=tmp_path), simulate=False)[0]
    kafka.service.program, kafka.service.arguments = [sys.executable, "-c", WAITS], []
    kafka.begin()
    try:
        assert kafka.words().startswith("starting")
        monkeypatch.setattr(storage, "free_bytes", lambda _: 5 << 20)
        assert kafka.words().startswith(
            f"Disk full: Kafka waits for 64 MiB of room, and {tmp_path / 'kafka'} has 5.0 MiB left."
        )
    finally:
        kafka.service.kill()


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\n{",
        b"no HTTP\r\n",
    ],
)
def test_an_answer_that_breaks_off_ends_nobody(tmp_path: Path, said: bytes) -> None:
    """As when who answers is killed half-way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        answering = threading.Thread(target=lambda: [answer_once(listener, said) for _ in range(2)])
        answering.start()
        told = fetch(Settings(data=tmp_path, metrics_port=port), {})
        well = answers_well(Settings(data=tmp_path), port, "/healthz")
        answering.join(20)
    assert (told.indicators, bool(told.problem)) == ([], True)
    assert well == (b" 200 " in said)


@pytest.mark.parametrize(
    ("said", "away"),
    [
        ("Kafka at 127.0.0.1:9 does not answer: send the same request again later.", True),
        ("Too many connections are open: try again later.", False),
    ],
)
def test_who_answers_without_kafka_is_not_told_to_be_well(
    tmp_path: Path, said: str, away: bool
) -> None:
    problem = json.dumps({"detail": said}).encode()
    answer = b"HTTP/1.1 503 No\r\nContent-Length: %d\r\n\r\n%s" % (len(problem), problem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        parts = hub_parts(
            Settings(data=tmp_path, gateway_port=port, kafka_servers="127.0.0.1:9"), simulate=False
        )
        worker, _, gateway = parts
        answering = threading.Thread(target=answer_once, args=(listener, answer))
        answering.start()
        assert not gateway.answers()
        answering.join(20)
    for one in (worker, gateway):
        one.service.program, one.service.arguments = [sys.executable, "-c", WAITS], []
        one.begin()
    try:
        worker.answers_now = worker.answered = True
        assert worker.well is not away
        waits = "no Kafka answers at 127.0.0.1:9; waits for it"
        assert worker.words() == (waits if away else "ok")
        gateway.service.kill()
        assert worker.well, "what it said last is of before"
    finally:
        worker.service.kill()
        gateway.service.kill()


def answer_once(listener: socket.socket, said: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(said)


@pytest.mark.parametrize(
    "error", [NotControllerError(), KafkaUnavailable("no broker"), ConnectionResetError()]
)
def test_a_kafka_that_comes_or_goes_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    async def ensure(_: Settings) -> None:
        raise error

    monkeypatch.setattr(run, "ensure_topics", ensure)
    one = Hub(Settings(data=tmp_path, kafka_servers="127.0.0.1:1"), simulate=False)
    one._look_at_topics()
    assert not one._topics_known


def test_who_needs_kafka_waits_for_its_first_answer(
    hub: Callable[..., Hub], tmp_path: Path
) -> None:
    kafka, worker = (
        part(tmp_path, "kafka", WAITS, level=0),
        part(tmp_path, "worker", WAITS, "kafka"),
    )
    kafka.answers = lambda: False
    one = hub(kafka, worker)
    for _ in range(3):
        one.tick()
    assert (kafka.service.running, worker.begun) == (True, False)
    kafka.answers = lambda: True
    tick_until(one, lambda: worker.service.running)
    assert one.screen.started


def test_parts_are_stopped_in_order_and_it_is_said(hub: Callable[..., Hub], tmp_path: Path) -> None:
    parts = [
        part(tmp_path, name, WAITS, level=level)
        for name, level in (("Kafka", 0), ("worker", 1), ("gateway", 1), ("simulation", 2))
    ]
    one, output = hub(*parts), console()
    tick_until(one, lambda: all(found.service.running for found in parts))
    one.stop(output)
    assert printed(output).splitlines() == [
        "Stopping simulation …",
        "Stopping gateway, worker …",
        "Stopping Kafka …",
        "Stopped. Figures are kept; start again any time.",
    ]
    assert not any(found.service.running for found in parts)


def test_another_ctrl_c_ends_what_does_not_listen(
    hub: Callable[..., Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka's broker too, which is no child of who stops but of the keeper that is killed."""
    deaf = part(tmp_path, "gateway", DEAF)
    one, output = hub(deaf), console()
    tick_until(one, lambda: deaf.service.last_words() == "deaf")
    (tmp_path / "kafka").mkdir()
    broker = subprocess.Popen(
        [sys.executable, "-c", WAITS, f"-Dlgsp.kafka={tmp_path / 'kafka'}", "end"]
    )
    (tmp_path / "kafka" / "broker.pid").write_text(str(broker.pid))

    def interrupted(_: Service) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Service, "stop", interrupted)
    one.stop(output)
    assert "Stopping by force …" in printed(output)
    assert (deaf.service.running, broker.wait(20)) == (False, -signal.SIGKILL)


def test_without_a_terminal_each_part_is_told_once_and_the_addresses_too(
    hub: Callable[..., Hub], tmp_path: Path
) -> None:
    one, output = hub(part(tmp_path, "Kafka", WAITS)), console()
    plain = Plain(output, one.screen)
    tick_until(one, lambda: one.screen.started)
    for _ in range(3):
        plain.tell()
    assert printed(output).count("Kafka answers (after 0 s).") == 1
    assert printed(output).count("/v1/events") == 1
    assert printed(output).count("The whole province") == 1


def test_without_a_terminal_a_refusal_is_told_whole_and_once_before_all_have_started(
    hub: Callable[..., Hub], tmp_path: Path
) -> None:
    one, output = hub(part(tmp_path, "worker", REFUSES)), console()
    one.parts[0].answers = lambda: False
    plain = Plain(output, one.screen)
    tick_until(one, lambda: one.parts[0].service.refused)
    for _ in range(3):
        plain.tell()
    assert printed(output).count("worker can't go on until somebody acts: run `lgsp mend`") == 1
    assert not one.screen.started


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.0.2.7", True),
        ("hub.example", True),
    ],
)
def test_every_address_but_loopback_is_warned_of(host: str, warned: bool) -> None:
    assert bool(open_to_others("The gateway", host)) is warned


def test_a_client_that_reaches_itself_has_reached_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel gives a client the very port that it wants to reach, that succeeds."""
    port = free_port()

    def to_itself(address: tuple[str, int], _: float) -> socket.socket:
        itself = socket.socket()
        itself.bind(address)
        itself.connect(address)
        return itself

    monkeypatch.setattr(listening.socket, "create_connection", to_itself)
    assert not connects("127.0.0.1", port)


def test_a_free_port_is_none_that_clients_are_given() -> None:
    ports = [free_port() for _ in range(50)]
    assert len({*ports}) == 50
    assert max(ports) < 32_768, "what Linux gives to clients, unless set otherwise"


def test_a_broker_that_ended_is_waited_for_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may end after its port was seen open, or a client reached itself there."""
    kafka, runs = EmbeddedKafka(tmp_path, port=free_port()), iter([1, 1])
    kafka.output.parent.mkdir()
    kafka.output.write_text("ERROR no memory")
    monkeypatch.setattr(EmbeddedKafka, "pid", property(lambda _: next(runs, None)))
    monkeypatch.setattr("ops.kafka.embedded.connects", lambda *_: True)
    with pytest.raises(EnvironmentBroken, match=r"ended while starting \(ERROR no memory\)"):
        kafka._await_answer(time.monotonic() + 60)
