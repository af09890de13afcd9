"""uvicorn's HTTP protocol with bounds: of a head, of what is sent before an answer is read, and of
time.

The parser gets one request at a time. A head is handed over when it is complete (so one that does
not end costs its limit and no more), a body as it comes; what stands behind a request waits unread
in its socket until that request is answered and the client has taken the answer. So a connection
never has more in memory than one request, one answer and one read of its socket.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.connections import Connections
from serving.logs import CLIENTS
from serving.problems import server_response

HEAD_LIMIT = 16 << 10  # bytes of request line and headers
HEADERS_LIMIT = 100
HEAD_SECONDS = 15.0  # from a head's first byte (or from the beginning of the connection) to its end
KEEP_ALIVE_SECONDS = 65  # longer than the usual 60 s of proxies in front, so that they close first
UNREAD_SECONDS = 30.0  # in which an answer has to get on by UNREAD_BYTES, or to be taken whole
UNREAD_BYTES = 16 << 10
STEPS = 512  # pieces for the parser before other connections get their turn

HEAD_END = b"\r\n\r\n"
BEGINS = re.compile(rb"[A-Z\r\n]")  # how a request can begin
# Other protocols are not spoken; to the parser such a request would have no body (Java's client
# offers HTTP/2 with each first one).
UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)

_clients = logging.getLogger(CLIENTS)


class Flow(FlowControl):
    """Reading goes on only when nothing of what was read waits."""

    held = False

    def resume_reading(self) -> None:
        """As uvicorn wants it, unless it is held."""
        if not self.held:
            super().resume_reading()


class Protocol(HttpToolsProtocol):
    """One connection, of all `connections` of its server."""

    flow: Flow

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = _clients
        self._all = connections
        self._unfed, self._at = b"", 0  # what was read, and from where on the parser has not had it
        self._in_head = True
        self._left: int | None = None  # of a body whose length is known
        # what the parser had last of a body in chunks: its end may stand in two reads
        self._ending = b""
        # bytes of such a body since the last that belong to it: chunks' names, and headers behind
        # the last chunk
        self._no_body = 0
        # when what the client owes has begun; None: it owes nothing
        self._begun: float | None = None
        # when an answer last got on, and how much of it was left
        self._seen: tuple[float, int] | None = None
        self._blocked = False  # what was read waits for what is in front of it

    @property
    def address(self) -> str:
        """The client's address."""
        return self.client[0] if self.client else "?"

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._begun = self._all.clock()
        if not self._all.enter(self):
            self._refuse("unavailable", "Too many connections are open: try again later.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything."""
        self._all.leave(self)
        self._unfed, self._at = b"", 0
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser as far as there is nothing to be waited for."""
        if self._at < len(self._unfed):
            data, self._at = self._unfed[self._at :] + data, 0
        self._unfed, self._at = data, 0
        self._go_on()

    def check(self, now: float) -> None:
        """End if a head does not come, or an answer is not taken."""
        if self._is_stuck(now):
            self._all.met("unread", self.address)
            self.drop()
        elif (
            self._begun is not None
            and now - self._begun > HEAD_SECONDS
            and not self.transport.is_closing()
        ):
            self._late()

    def drop(self) -> None:
        """End at once; what was not sent is not sent any more."""
        self.transport.abort()

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._in_head, self._begun = False, None
        self._all.waits(self)
        self._ending, self._no_body = b"", 0
        lengths = [value.strip() for name, value in self.headers if name == b"content-length"]
        self._left = int(lengths[0]) if lengths and lengths[0].isdigit() else None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._no_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next head begins."""
        self._in_head, self._left = True, None
        self._all.goes_on(self)
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait_for_next()

    def on_response_complete(self) -> None:
        """Go on with what waited; of a body that nobody wants the rest is taken for a while, so
        that the answer arrives.
        """
        # it was made since the client took what was in front of it, so the client gets on
        self._seen = None
        self._wait_for_next()
        super().on_response_complete()
        if self._at < len(self._unfed):
            self._all.in_turn(self._go_on)
        else:
            self._go_on()

    def resume_writing(self) -> None:
        """The client takes the answer: go on with what waited for that."""
        super().resume_writing()
        self._go_on()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document too."""
        self._all.met("no_http", self.address)
        self._refuse("http-error", f"{msg} The hub speaks HTTP/1.1.")

    def _go_on(self) -> None:
        for _ in range(STEPS):
            piece = self._piece()
            if not piece:
                break
            super().data_received(piece)
        else:
            self._blocked = True
            self.loop.call_soon(self._go_on)
        self._hold(self._blocked)

    def _piece(self) -> bytes:
        """What the parser gets next; empty while something has to come first."""
        self._blocked = False
        if self._at >= len(self._unfed) or self.transport.is_closing():
            return b""
        if self._in_head:
            return b"" if self._is_busy() else self._head()
        if self._left is None:
            return self._of_chunks()
        piece = self._taken(self._at + self._left)
        self._left -= len(piece)
        return piece

    def _of_chunks(self) -> bytes:
        """A body in chunks no further than where it can end: the parser would take a next head,
        however long, for more of the same.
        """
        if self._no_body > HEAD_LIMIT:
            return self._too_large(f"longer than {HEAD_LIMIT:,} bytes")
        before = len(self._ending)
        seam = (self._ending + self._unfed[self._at : self._at + len(HEAD_END) - 1]).find(HEAD_END)
        end = self._unfed.find(HEAD_END, self._at) if seam < 0 else self._at + seam - before
        piece = self._taken(len(self._unfed) if seam < 0 and end < 0 else end + len(HEAD_END))
        self._ending = (self._ending + piece)[1 - len(HEAD_END) :]
        self._no_body += len(piece)
        return piece

    def _head(self) -> bytes:
        """A whole head; empty until it is there, or when there is too much of it."""
        if self._begun is None:
            self._begun = self._all.clock()
            self._all.waits(self)
        if not BEGINS.match(self._unfed, self._at):
            return self._taken(len(self._unfed))  # the parser says what is wrong with it
        end = self._unfed.find(HEAD_END, self._at, self._at + HEAD_LIMIT)
        if end < 0 and len(self._unfed) - self._at < HEAD_LIMIT:
            return b""
        if end < 0:
            return self._too_large(f"longer than {HEAD_LIMIT:,} bytes")
        head = self._taken(end + len(HEAD_END))
        if head.count(b"\r\n") > HEADERS_LIMIT + 2:
            return self._too_large(f"of more than {HEADERS_LIMIT} headers")
        return UPGRADE.sub(b"\r\nx-upgrade:", head)

    def _taken(self, end: int) -> bytes:
        piece = self._unfed[self._at : end]
        self._at += len(piece)
        return piece

    def _is_busy(self) -> bool:
        """Whether the request in front is not answered, or its answer not taken."""
        busy = self.cycle is not None and (
            not self.cycle.response_complete or self.flow.write_paused
        )
        if busy and not self.flow.held:
            self._all.met("pipelined", self.address)
        self._blocked = busy
        return busy

    def _hold(self, held: bool) -> None:
        """Read no more from the socket while something of what was read has to wait."""
        was, self.flow.held = self.flow.held, held
        if held:
            self.flow.pause_reading()
        elif was and (self.cycle is None or len(self.cycle.body) <= HIGH_WATER_LIMIT):
            self.flow.resume_reading()

    def _wait_for_next(self) -> None:
        """The client may ask again, or owes the rest of a body that is answered already."""
        self._all.waits(self)
        self._begun = None if self._in_head else self._all.clock()

    def _is_stuck(self, now: float) -> bool:
        """Whether what waits to be sent did not get on."""
        left = self.unsent
        if not left:
            self._seen = None
        elif self._seen is None or not self._seen[1] - UNREAD_BYTES < left <= self._seen[1]:
            self._seen = now, left
        return self._seen is not None and now - self._seen[0] > UNREAD_SECONDS

    def _late(self) -> None:
        self._all.met("head_time", self.address)
        if self._in_head and self._at < len(self._unfed):
            self._refuse(
                "too-slow", f"The request's head did not arrive within {HEAD_SECONDS:g} s."
            )
        else:
            self.drop()

    def _too_large(self, how: str) -> bytes:
        self._all.met("head_size", self.address)
        if not self._in_head and self.cycle.response_started:
            self.drop()  # the answer that is under way is no place for another
        else:
            self._refuse("head-too-large", f"The request's line and headers are {how}.")
        return b""

    def _refuse(self, name: str, detail: str) -> None:
        self.transport.write(server_response(name, detail))
        self.transport.close()
