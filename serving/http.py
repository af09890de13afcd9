"""How the hub's processes serve HTTP: a socket of their own, a quiet uvicorn on it, and an end that
says why in one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import uvicorn

from schemas.errors import HubError
from schemas.kafka.clients import connection
from schemas.listening import cannot_listen, listen
from schemas.settings import Settings
from schemas.spaces import OFFICIAL
from serving.access.opening import refuse_open
from serving.connections import Connections
from serving.protocol import KEEP_ALIVE_SECONDS, Protocol
from serving.spaces import SPACE_HEADER
from serving.tls import ServerTls, TlsLoop

# The system would keep 4 MiB for a client that takes nothing, and for minutes not say that a slow
# one gets on. It doubles this.
_SEND_BYTES = 128 << 10
_TLS_TICKS = 100  # tenths of a second

Port = Literal["gateway_port", "metrics_port"]


def run_server(
    settings: Settings,
    port: Port,
    who: str,
    serve: Callable[[socket.socket], Coroutine[Any, Any, None]],
) -> int:
    """Serve in the foreground on the port of that setting, until asked to stop; the process's exit
    code.

    `who` begins the sentence that is printed if it can't listen.
    """
    try:
        refuse_open(settings, who)
        connection(settings)  # a password or an authority that can't be read is said at once
        with (
            contextlib.closing(_listener(settings, port, who)) as listener,
            asyncio.Runner(loop_factory=TlsLoop) as runner,
        ):
            runner.run(serve(listener))
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _listener(settings: Settings, port: Port, who: str) -> socket.socket:
    """The socket to serve on.

    Raises: EnvironmentBroken when the port is taken or the address is not this machine's.
    """
    number, setting = getattr(settings, port), f"LGSP_{port.upper()}"
    try:
        listener = listen(settings.host, number)
    except OSError as error:
        raise cannot_listen(error, who, settings.host, number, setting) from None
    bound_sending(listener)
    return listener


def bound_sending(listener: socket.socket) -> None:
    """Let its connections keep no more of an answer in the system's memory than _SEND_BYTES."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)


def _naming(space: str, app: Any) -> Any:
    """The application, whose every answer names a space: this one where it names none itself."""
    name, own = SPACE_HEADER.lower().encode(), space.encode()

    async def named(
        scope: Any, receive: Any, send: Callable[[Any], Coroutine[Any, Any, None]]
    ) -> None:
        async def sends(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(one == name for one, _ in headers):
                    message = {**message, "headers": [*headers, (name, own)]}
            await send(message)

        await app(scope, receive, sends)

    return named


class Server(uvicorn.Server):
    """uvicorn, but within limits; signals end it quietly, and it says so itself when it answers."""

    def __init__(
        self,
        app: Any,
        name: str,
        paths: Sequence[str],
        *,
        connections: Connections,
        grace_seconds: int,
        space: str = OFFICIAL,
        tls: ServerTls | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        """`name` and `paths` are what it prints when it answers; `connections` are all of this
        port. Every answer names the `space`. `proxies` are those whose word on a client's address
        is taken.
        """
        # what makes one, which is all that uvicorn does with it
        http: Any = partial(Protocol, connections)
        super().__init__(
            uvicorn.Config(
                _naming(space, app),
                http=http,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=grace_seconds,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                backlog=connections.backlog,
                ssl_context_factory=None if tls is None else lambda *_: tls.context,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=list(proxies),
            )
        )
        self._name = name if space == OFFICIAL else f"{name}, space {space}"
        self._paths, self._connections, self._tls = paths, connections, tls

    def stop_soon(self) -> None:
        """End as on a signal. May be called from any thread."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C finish the requests in flight; the process then ends by itself, with
        its own exit code.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; once a second the connections are looked through, and seldom the
        files of the certificate.
        """
        if counter % 10 == 0:
            self._connections.sweep()
        if counter % _TLS_TICKS == 0 and self._tls is not None:
            self._tls.look()
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then print the addresses."""
        await super().startup(sockets)
        scheme = "http" if self._tls is None else "https"
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            print(
                f"{self._name}:"
                f" {' and '.join(f'{scheme}://{host}:{port}{path}' for path in self._paths)}",
                flush=True,
            )


def spare_collections(objects: int) -> None:
    """Let the garbage collector pass over what stays, and look seldom: first once there are so many
    more objects than before.

    An answer of a thousand rows makes many objects and no cycles; it went through everything that
    the process holds, which took longer than the answer. Requests do leave cycles, which stay until
    it looks: a hundred thousand objects are some 45 MB of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects, 50, 100)
