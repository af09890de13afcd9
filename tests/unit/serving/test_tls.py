"""TLS of the hub's ports, on real sockets: files that can't be used are one sentence, a certificate
is renewed without a stop, and the hub's own programs ask the port as others do.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from certificates import Pair, certificate
from served import until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ops.kafka.ports import free_port
from ops.up.live_table import fetch
from ops.up.parts import answers_well
from schemas.errors import HubError, SettingsError
from schemas.settings import Settings
from serving import tls
from serving.connections import Connections
from serving.http import Server, run_server
from serving.tls import ServerTls, TlsLoop, base_url, own_context


def files(pair: Pair, **more: Any) -> Settings:
    return Settings(tls_cert=pair.cert, tls_key=pair.key, **more)


def said(settings: Settings) -> str:
    with pytest.raises(HubError) as caught:
        ServerTls.of(settings)
    return str(caught.value)


def test_without_files_there_is_no_tls() -> None:
    assert ServerTls.of(Settings()) is None
    assert own_context(Settings()) is None
    assert base_url(Settings(host="0.0.0.0"), 8080) == "http://127.0.0.1:8080"


def test_one_file_without_the_other_is_refused(tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    for chosen in ({"tls_cert": pair.cert}, {"tls_key": pair.key}):
        with pytest.raises(SettingsError, match="name both files, or none"):
            ServerTls.of(Settings(**chosen))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    pair = certificate(tmp_path)
    pair.key.chmod(mode)
    assert f"mode {mode:03o}" in said(files(pair))
    pair.key.chmod(0o640)  # of the group that keeps certificates
    assert ServerTls.of(files(pair)) is not None


def test_a_key_of_another_certificate_is_one_sentence(tmp_path: Path) -> None:
    one, other = certificate(tmp_path, "one"), certificate(tmp_path, "other")
    text = said(files(Pair(one.cert, other.key)))
    assert text.startswith(f"The key in {other.key} (LGSP_TLS_KEY) is not that of the certificate")


def test_files_that_hold_something_else_are_one_sentence(tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    locked = certificate(tmp_path, "locked", password=b"secret")
    assert "without a password" in said(files(locked))
    pair.cert.write_text("no certificate")
    assert "are no certificate and key" in said(files(pair))
    pair.cert.unlink()
    assert f"The certificate in {pair.cert} (LGSP_TLS_CERT) can't be read" in said(files(pair))
    pair.key.unlink()
    assert "LGSP_TLS_KEY" in said(files(pair))


def test_its_end_is_told(tmp_path: Path) -> None:
    for days, low in ((90, 89), (-3, -4)):
        found = ServerTls.of(files(certificate(tmp_path, days=days)))
        assert found is not None
        value = float(found.text().splitlines()[-1].split()[-1])
        assert low * 86_400 < value <= days * 86_400


@asynccontextmanager
async def serving(server_tls: ServerTls | None, **chosen: Any) -> AsyncIterator[int]:
    """A server that says who asks it and how, on a port of its own."""

    async def who(request: Request) -> JSONResponse:
        assert request.client is not None
        return JSONResponse(
            {"indicators": [], "who": request.client.host, "how": request.url.scheme}
        )

    app = Starlette(routes=[Route("/healthz", who), Route("/v1/indicators", who)])
    server = Server(
        app, "test", ["/"], connections=Connections(64), grace_seconds=1, tls=server_tls, **chosen
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await running


async def ask(port: int, context: ssl.SSLContext | None, *headers: str) -> tuple[Any, bytes]:
    """What the server says, and its certificate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    lines = ["GET /healthz HTTP/1.1", "Host: hub", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    secured = writer.get_extra_info("ssl_object")
    shown = b"" if secured is None else secured.getpeercert(binary_form=True)
    writer.close()
    return json.loads(body), shown


def on_loop(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=TlsLoop) as runner:
        runner.run(work)


def test_a_certificate_is_renewed_without_a_stop_and_a_wrong_one_is_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair = certificate(tmp_path)
    found = ServerTls.of(files(pair))
    assert found is not None

    async def work() -> None:
        async with serving(found) as port:
            answer, first = await ask(port, own_context(files(pair)))
            assert answer["how"] == "https"
            certificate(tmp_path)  # into the same files
            found.look()
            _, second = await ask(port, own_context(files(pair)))
            assert second != first
            pair.cert.write_bytes(certificate(tmp_path, "other").cert.read_bytes())
            found.look()
            found.look()
            context = own_context(files(pair))
            assert context is not None
            context.verify_mode = ssl.CERT_NONE
            _, third = await ask(port, context)
            assert third == second

    on_loop(work())
    told = [text for text in caplog.messages if text.startswith("The certificate that was read")]
    assert len(told) == 1


def test_the_hubs_own_programs_take_nobody_else_for_the_hub(tmp_path: Path) -> None:
    pair, other = certificate(tmp_path), certificate(tmp_path, "other")

    async def work() -> None:
        async with serving(ServerTls.of(files(pair))) as port:

            def of(known: Pair) -> Settings:
                return files(known, metrics_port=port, data=tmp_path)

            well = await asyncio.to_thread(answers_well, of(pair), port, "/healthz")
            told = await asyncio.to_thread(fetch, of(pair), {})
            assert (well, told.indicators, told.problem) == (True, [], "")
            assert not await asyncio.to_thread(answers_well, of(other), port, "/healthz")
            plain = Settings(data=tmp_path)
            assert not await asyncio.to_thread(answers_well, plain, port, "/healthz")

    on_loop(work())


def test_who_does_not_finish_the_handshake_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_SECONDS", 0.05)

    async def work() -> None:
        async with serving(ServerTls.of(files(certificate(tmp_path)))) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()

    on_loop(work())


def test_a_server_with_tls_says_so_in_its_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = files(certificate(tmp_path), metrics_port=free_port())

    async def serve(listener: socket.socket) -> None:
        server = Server(
            Starlette(),
            "sample",
            ["/a"],
            connections=Connections(16),
            grace_seconds=1,
            tls=ServerTls.of(settings),
        )
        threading.Timer(0, server.stop_soon).start()
        await server.serve([listener])

    assert run_server(settings, "metrics_port", "The sample", serve) == 0
    assert capsys.readouterr().out == f"sample: https://127.0.0.1:{settings.metrics_port}/a\n"


def test_a_wrong_file_ends_the_start_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = files(Pair(tmp_path / "no.pem", tmp_path / "no.key"), metrics_port=free_port())

    async def serve(_: socket.socket) -> None:
        ServerTls.of(settings)

    assert run_server(settings, "metrics_port", "The sample", serve) == 1
    assert capsys.readouterr().err.count("\n") == 1


# Proxies


@pytest.mark.parametrize(
    ("proxies", "who"),
    [
        ((), "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7"),
        (("127.0.0.0/8",), "203.0.113.7"),
        (("10.0.0.5",), "127.0.0.1"),
    ],
)
def test_a_proxy_is_believed_where_it_is_named_and_nowhere_else(
    proxies: tuple[str, ...], who: str
) -> None:
    async def work() -> None:
        async with serving(None, proxies=proxies) as port:
            answer, _ = await ask(port, None, "X-Forwarded-For: 203.0.113.7")
            assert answer["who"] == who

    on_loop(work())


def test_of_several_addresses_the_last_that_is_no_proxy_is_told() -> None:
    """What a client says of itself stands in front of it."""

    async def work() -> None:
        async with serving(None, proxies=("127.0.0.1", "10.0.0.0/24")) as port:
            given = "X-Forwarded-For: 127.0.0.1, 198.51.100.1, 203.0.113.7, 10.0.0.9"
            answer, _ = await ask(port, None, given)
            assert answer["who"] == "203.0.113.7"

    on_loop(work())


def test_the_environment_of_the_server_names_no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")

    async def work() -> None:
        async with serving(None, proxies=("10.0.0.5",)) as port:
            answer, _ = await ask(port, None, "X-Forwarded-For: 203.0.113.7")
            assert answer["who"] == "127.0.0.1"

    on_loop(work())


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("none", ()),
        ("10.0.0.5", ("10.0.0.5",)),
        ("10.0.0.0/24,2001:db8::1", ("10.0.0.0/24", "2001:db8::1")),
    ],
)
def test_proxies_are_addresses_and_networks(text: str, proxies: tuple[str, ...]) -> None:
    assert Settings(trusted_proxies=text).proxies == proxies
    assert Settings().proxies == ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    "text", ["", "*", "hub.example", "10.0.0.5, 10.0.0.6", "0.0.0.0/0", "::/0", "10.0.0.1/24"]
)
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|address"):
        Settings(trusted_proxies=text)
