"""uvicorn's HTTP protocol with two things added: a bound on a request's head, and problem documents for what is no HTTP at all."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.gateway.problems import Problem, problem_response

HEAD_LIMIT = 64 << 10  # bytes of request line and headers; the parser itself would collect them without end


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._head = 0  # bytes of the head so far, not counting what came with the end of the message before

    def data_received(self, data: bytes) -> None:
        """Feed the parser; end the connection when a head does not end."""
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(Problem("head-too-large", f"The request's line and headers are longer than {HEAD_LIMIT:,} bytes."))

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head begins."""
        self._in_head, self._head = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document too."""
        self._refuse(Problem("http-error", f"{msg} The gateway speaks HTTP/1.1."))

    def _refuse(self, problem: Problem) -> None:
        answer = problem_response(problem, f"urn:uuid:{uuid4()}", headers={"Connection": "close"})
        head = [f"HTTP/1.1 {answer.status_code} {problem.kind.title}".encode(), *(b": ".join(header) for header in answer.raw_headers)]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.transport.close()
