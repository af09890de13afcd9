"""The server that gateway and metrics share: it says where it answers, ends when told, and names
what it could not have.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings
from serving.connections import Connections
from serving.http import Server, run_server


async def answered(listener: socket.socket, end: Callable[[Server], None]) -> bytes:
    """Serve until `end`, called at the first request, has its effect; what that request was
    answered.
    """

    async def app(_: Any, __: Any, send: Any) -> None:
        end(server)
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
        )
        await send({"type": "http.response.body", "body": b"ok"})

    server = Server(
        app,
        "sample",
        ["/a", "/b"],
        connections=Connections(16),
        grace_seconds=5,
        space="training",
    )
    reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
    writer.write(b"GET / HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
    await server.serve([listener])
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "end",
    [Server.stop_soon, lambda _: os.kill(os.getpid(), signal.SIGTERM)],
    ids=["told", "signal"],
)
def test_it_says_where_it_answers_and_finishes_what_it_began(
    end: Callable[[Server], None], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []

    async def serve(listener: socket.socket) -> None:
        answers.append(await answered(listener, end))

    settings = Settings(metrics_port=free_port())
    assert run_server(settings, "metrics_port", "The sample", serve) == 0
    where = f"http://127.0.0.1:{settings.metrics_port}"
    assert capsys.readouterr().out == f"sample, space training: {where}/a and {where}/b\n"
    assert answers[0].endswith(b"\r\n\r\nok")
    assert b"server:" not in answers[0].lower()
    assert b"\r\nlgsp-space: training\r\n" in answers[0].lower()


async def never(_: socket.socket) -> None:
    raise AssertionError("nothing is served without a socket")


def test_a_taken_port_is_named_with_its_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_server(Settings(gateway_port=port), "gateway_port", "The gateway", never) == 1
    said = (
        f"127.0.0.1:{port} is in use: stop what listens there, or set LGSP_GATEWAY_PORT to a free"
        " port.\n"
    )
    assert tuple(capsys.readouterr()) == ("", said)


def test_an_address_of_another_machine_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(host="203.0.113.9", access="required", metrics_port=free_port())
    assert run_server(settings, "metrics_port", "The reporting API", never) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"The reporting API can't listen on 203.0.113.9:{settings.metrics_port} ("
    )
    assert said.endswith(": correct LGSP_HOST or LGSP_METRICS_PORT).\n")


def test_what_ends_it_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def fails(_: socket.socket) -> None:
        raise KafkaUnavailable("Kafka is gone: start it.")

    assert (
        run_server(
            Settings(data=tmp_path, gateway_port=free_port()), "gateway_port", "The gateway", fails
        )
        == 1
    )
    assert tuple(capsys.readouterr()) == ("", "Kafka is gone: start it.\n")
