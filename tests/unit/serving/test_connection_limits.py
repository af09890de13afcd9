"""How many connections and requests there may be at once, that limits are told, and what the server
stands on.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from served import Clock, Port, held, on_uvloop, problem_of, served, until
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving import connections
from serving.connections import CONNECTION_METRICS, KEPT_FILES, Connections, most


def test_a_system_that_allows_no_more_files_is_served_with_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert connections.raise_open_files() == 256


@asynccontextmanager
async def busy(most: int) -> AsyncIterator[tuple[Port, asyncio.Event]]:
    """A server whose answers take until the event."""
    go = asyncio.Event()

    async def app(_: Any, __: Any, send: Any) -> None:
        await go.wait()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        )
        await send({"type": "http.response.body", "body": b""})

    async with served(lambda _: app, most=most) as port:
        yield port, go


def test_beyond_the_limit_of_requests_under_way_the_next_is_told_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        async with busy(4) as (port, go):
            asked = [asyncio.create_task(port.ask()) for _ in range(4)]
            await until(
                lambda: len(held(port)) == 4 and all(one.cycle is not None for one in held(port))
            )
            for _ in range(30):
                assert problem_of(await port.ask()) == "unavailable"
            assert port.met("connections") == 30
            go.set()
            assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 4
            assert (await port.ask())[0] == 200

    with caplog.at_level(logging.WARNING):
        on_uvloop(work())
    assert [one.getMessage() for one in caplog.records if "no room" in one.getMessage()] == [
        "From 127.0.0.1: there was no room for another connection; lgsp_http_limited_total counts"
        " them."
    ]


def test_a_limit_is_said_again_after_a_while_with_how_often_it_was_met(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    door = Connections(16, 1_000, clock)
    for seconds in (0, 1, 58, 2):
        clock.now += seconds
        door.met("no_http", "192.0.2.1")
    assert [one.getMessage() for one in caplog.records] == [
        "From 192.0.2.1: something came that is not HTTP; lgsp_http_limited_total counts them.",
        (
            "From 192.0.2.1: something came that is not HTTP (and 2 times more since this was last"
            " said); lgsp_http_limited_total counts them."
        ),
    ]


@pytest.mark.parametrize(
    ("wanted", "files", "found"),
    [
        (1_024, 65_536, 1_024),
        (1_024, 1_024, 1_024 - KEPT_FILES),
        (1_024, 256, 128),
        (1_024, 64, 32),
        (16, 65_536, 16),
        (16, 1, 1),
    ],
)
def test_there_are_no_more_connections_than_open_files_allow(
    wanted: int, files: int, found: int
) -> None:
    assert most(wanted, files) == found
    door = Connections(wanted, files)
    assert door.limit == found
    assert files < 64 or found + door.backlog <= files


def test_a_process_that_may_open_few_files_says_how_many_connections_it_has() -> None:
    """As its own process, since a limit once lowered stays so."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 256))\n"
        "from serving.connections import Connections\n"
        "print(Connections(1024).limit, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["128", "256"]
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0


def test_every_metric_of_the_server_is_told_as_it_is_declared() -> None:
    text = Connections(16).text()
    for metric in CONNECTION_METRICS:
        assert f"# HELP {metric.name} {metric.means} {metric.do}\n" in text


def test_uvicorn_has_what_the_protocol_stands_on() -> None:
    """Its names and habits are no promise of uvicorn's: when one goes, this says which, before an
    attacker does.
    """
    for name in (
        "connection_made",
        "connection_lost",
        "data_received",
        "on_headers_complete",
        "on_message_complete",
        "on_response_complete",
        "resume_writing",
        "send_400_response",
    ):
        assert callable(getattr(HttpToolsProtocol, name)), name
    fields = inspect.getsource(HttpToolsProtocol.__init__) + inspect.getsource(
        RequestResponseCycle.__init__
    )
    for name in (
        "transport",
        "flow",
        "cycle",
        "client",
        "headers",
        "logger",
        "loop",
        "body",
        "response_complete",
    ):
        assert f"self.{name}" in fields, name
    assert "self.flow = FlowControl(transport)" in inspect.getsource(
        HttpToolsProtocol.connection_made
    )
    assert "self.flow.resume_reading()" in inspect.getsource(RequestResponseCycle.receive)
    assert "self.on_response()" in inspect.getsource(RequestResponseCycle.send)
    assert {"read_paused", "write_paused"} <= set(vars(FlowControl(asyncio.Transport())))
