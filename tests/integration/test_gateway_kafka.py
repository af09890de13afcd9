"""The gateway as a process of its own, on real sockets and a real Kafka."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from gateway_process import Process, gateway
from topic_reader import Ends, ends_of, records_since

from connectors.gateway.examples import EXAMPLES
from connectors.gateway.modes import BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from schemas.settings import Settings
from schemas.topics import QUARANTINE

DOSSIERS = "lgsp.dossiers"
MEGABYTE = 1 << 20
PATIENCE = 60.0  # seconds; other tests run beside


@pytest.fixture(scope="module")
def running(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with gateway(kafka, tmp_path_factory.mktemp("gateway")) as process:
        process.await_status("/readyz", 200)
        yield process


def sample(identity: str, kind: str = "dossier.received", **data: Any) -> dict[str, Any]:
    example = EXAMPLES[kind]
    return {**example, "id": identity, "data": {**example["data"], "dossier_id": identity, **data}}


def keys_since(kafka: str, topic: str, ends: Ends | None = None) -> list[str]:
    return [
        record.key.decode()
        for record in asyncio.run(records_since(Settings(kafka_servers=kafka), topic, ends))
    ]


def test_every_mode_ends_in_kafka_and_refused_items_in_the_quarantine(
    running: Process, kafka: str
) -> None:
    run = uuid4().hex
    before = {
        topic: asyncio.run(ends_of(Settings(kafka_servers=kafka), topic))
        for topic in (DOSSIERS, QUARANTINE)
    }
    with httpx.Client(base_url=running.url) as client:
        structured = client.post(
            "/v1/events", json=sample(f"{run}-1"), headers={"Content-Type": STRUCTURED_TYPE}
        )
        batch = client.post(
            "/v1/events",
            json=[sample(f"{run}-2"), sample(f"{run}-3", channel="pigeon")],
            headers={"Content-Type": BATCH_TYPE},
        )
        event = sample(f"{run}-4")
        attributes = {
            f"ce-{name}": quote(value, safe=":/+")
            for name, value in event.items()
            if name != "data"
        }
        binary = client.post(
            "/v1/events", json=event["data"], headers={"Content-Type": JSON_TYPE, **attributes}
        )
        head = client.head("/metrics")
    assert (structured.status_code, batch.status_code, binary.status_code) == (202, 422, 202)
    assert (head.status_code, head.content) == (200, b"")
    assert [item["status"] for item in batch.json()["items"]] == [202, 422]
    stored = keys_since(kafka, DOSSIERS, before[DOSSIERS])
    assert {key for key in stored if key.startswith(run)} == {f"{run}-1", f"{run}-2", f"{run}-4"}
    request = batch.json()["instance"].removeprefix("urn:uuid:")
    assert f"http:{request}/1" in keys_since(kafka, QUARANTINE, before[QUARANTINE])


def test_a_hundred_megabytes_or_a_million_items_leave_the_memory_flat(running: Process) -> None:
    before = running.memory()
    chunk = b" " * MEGABYTE

    def body() -> Iterator[bytes]:
        yield from (chunk for _ in range(100))

    for headers in ({}, {"Content-Length": str(100 * MEGABYTE)}):
        answer = httpx.post(
            f"{running.url}/v1/events",
            content=body(),
            headers={"Content-Type": JSON_TYPE, **headers},
            timeout=60,
        )
        assert answer.status_code == 413
    items = b"[" + b"[]," * 2_000_000 + b"[]]"
    assert (
        httpx.post(
            f"{running.url}/v1/events",
            content=items,
            headers={"Content-Type": BATCH_TYPE},
            timeout=60,
        ).status_code
        == 413
    )
    deep = b"[" + b'{"a":' * 1_000_000
    assert (
        httpx.post(
            f"{running.url}/v1/events",
            content=deep,
            headers={"Content-Type": BATCH_TYPE},
            timeout=60,
        ).status_code
        == 400
    )
    assert running.memory() - before < 48 * MEGABYTE


@pytest.mark.parametrize(
    ("begins", "goes_on", "status", "problem"),
    [
        (b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Long: ", b"a", 431, "head-too-large"),
        (b"POST /v1/events HTTP/1.1\r\nHost: x\r\n", b"X-Many: a\r\n", 431, "head-too-large"),
        (b"POST /", b"a", 431, "head-too-large"),
        (b"\x16\x03\x01", b"\x00", 400, "http-error"),
    ],
)
def test_a_head_without_end_or_no_http_at_all_is_a_problem_too(
    running: Process, begins: bytes, goes_on: bytes, status: int, problem: str
) -> None:
    before = running.memory()
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        with suppress(ConnectionError):
            client.sendall(begins)
            for _ in range(100):
                client.sendall(goes_on * (MEGABYTE // len(goes_on)))
        with suppress(ConnectionResetError):  # it may close before all was sent
            head, _, body = client.recv(65_536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status)
            assert json.loads(body)["type"] == f"urn:lgsp:problem:{problem}"
    assert running.memory() - before < 16 * MEGABYTE
    assert httpx.get(f"{running.url}/healthz").status_code == 200


def test_a_lying_content_length_harms_nobody_else(running: Process) -> None:
    with ExitStack() as stack:
        for length in (500, 8 * MEGABYTE):
            liar = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            liar.sendall(
                b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type:"
                b" application/json\r\nContent-Length: %d\r\n\r\n[" % length
            )
        assert httpx.post(f"{running.url}/v1/events", json=sample(uuid4().hex)).status_code == 202


def test_many_requests_at_once_are_all_answered_for_themselves(running: Process) -> None:
    run, answers = uuid4().hex, dict[int, httpx.Response]()

    def send(number: int) -> None:
        events = [sample(f"{run}-{number}-{place}") for place in range(50)]
        answers[number] = httpx.post(f"{running.url}/v1/events", json=events, timeout=30)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert answers[number].json()["items"] == [
            {"index": n, "id": f"{run}-{number}-{n}", "status": 202} for n in range(50)
        ]


def test_sigterm_finishes_the_request_in_flight(kafka: str, tmp_path: Path) -> None:
    body = json.dumps(sample(uuid4().hex)).encode()
    with gateway(kafka, tmp_path) as process:
        process.await_status("/readyz", 200)
        with socket.create_connection(("127.0.0.1", process.port)) as client:
            head = (
                "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type:"
                f" application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            client.sendall(head.encode() + body[:10])
            assert "lgsp_gateway_buffer_bytes 0.0" not in process.await_status("/metrics", 200).text
            process.process.send_signal(signal.SIGTERM)
            await_refusal(process.port)
            client.sendall(body[10:])
            assert client.recv(4096).startswith(b"HTTP/1.1 202 ")
        out, err = process.process.communicate(timeout=PATIENCE)
    assert process.process.returncode == 0
    assert out == f"gateway: {process.url}/v1/events\n"
    assert "Traceback" not in err


def await_refusal(port: int) -> None:
    """Wait until nobody listens any more."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_port_in_use_is_one_sentence(kafka: str, tmp_path: Path, running: Process) -> None:
    with gateway(kafka, tmp_path, gateway_port=running.port) as second:
        out, err = second.process.communicate(timeout=PATIENCE)
    assert second.process.returncode == 1
    assert (out, err) == (
        "",
        (
            f"127.0.0.1:{running.port} is in use: stop what listens there, or set LGSP_GATEWAY_PORT"
            " to a free port.\n"
        ),
    )


def test_another_number_of_partitions_ends_the_gateway_with_a_sentence(
    kafka: str, tmp_path: Path, running: Process
) -> None:
    with gateway(kafka, tmp_path, partitions=97) as second:
        _, err = second.process.communicate(timeout=PATIENCE)
    assert second.process.returncode == 1
    assert "the settings say 97: set LGSP_PARTITIONS=" in err
    assert "Traceback" not in err


def test_kafka_may_come_late_go_away_and_come_back(tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "kafka", port=free_port(), heap="256m")
    kept, tried = [], 0
    with (
        gateway(broker.bootstrap, tmp_path, publish_timeout=2, heartbeat_seconds=0.2) as process,
        ExitStack() as stack,
    ):
        process.await_status("/healthz", 200)
        unavailable(process)
        stack.callback(broker.stop)
        for _ in range(2):
            broker.start()
            process.await_status("/readyz", 200)
            for _ in range(20):
                tried += 1
                if (
                    httpx.post(
                        f"{process.url}/v1/events", json=sample(f"late-{tried}"), timeout=30
                    ).status_code
                    == 202
                ):
                    kept.append(f"late-{tried}")
            broker.stop(0.0)
            process.await_status("/readyz", 503)
            unavailable(process)
        broker.start()
        process.await_status("/readyz", 200)
        assert "lgsp_gateway_kafka_up 1.0" in httpx.get(f"{process.url}/metrics").text
        stored = set(keys_since(broker.bootstrap, DOSSIERS))
        process.process.terminate()
        _, err = process.process.communicate(timeout=PATIENCE)
    assert set(kept) <= stored
    assert len(kept) > tried / 2
    assert process.process.returncode == 0
    assert err.count("No Kafka answers") == err.count("Kafka answers again") >= 3, (
        "each absence once"
    )
    # three absences, each begun and ended, of the publisher and of the follower of the vault's keys
    assert len(err.splitlines()) < 16, err


def unavailable(process: Process) -> None:
    answer = httpx.post(f"{process.url}/v1/events", json=sample("never"), timeout=30)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:lgsp:problem:unavailable")
    assert int(answer.headers["Retry-After"]) > 0
