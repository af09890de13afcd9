"""Who asks the reporting API: every request but a few open ones says which client reads, before
anything else of it is looked at.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metrics.api import problems
from metrics.figures.readers import EVERYTHING, Reader, reader_of
from schemas.families import LISTED_FAMILIES
from serving.access.audit import AuditLog
from serving.access.errors import AccessError
from serving.access.gate import Gate
from serving.access.scraping import PROXIED, Scraping

OPEN_PATHS = ("/healthz", "/readyz", "/openapi.json")
SCRAPED = "/metrics"


class ReadingAccess:
    """Without a gate access is open: everybody reads everything."""

    def __init__(
        self,
        gate: Gate | None = None,
        scraping: Scraping | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        """`audit` is told of refusals, and of what is opened."""
        self._gate, self._scraping, self.audit = gate, scraping or Scraping(), audit

    @property
    def required(self) -> bool:
        """Whether a reader has to say who it is."""
        return self._gate is not None

    def reader(self, request: Request) -> Reader:
        """Who reads by this request.

        Raises: NotKnown, NotAllowed, AccessUnknown
        """
        path = request.url.path
        if path == SCRAPED:
            self._scraping.require(
                request.client.host if request.client else "",
                request.headers.get("authorization"),
                proxied=any(name in request.headers for name in PROXIED),
            )
            return EVERYTHING
        if self._gate is None or path in OPEN_PATHS:
            return EVERYTHING
        identity = self._gate.identify(request.headers.get("authorization"))
        request.state.client = identity.name
        return reader_of(identity)


class ReadersOnly:
    """Lets in who may read, as `request.state.reader`. What it answers is for that reader alone:
    no cache may give it to another.
    """

    def __init__(self, app: ASGIApp, access: ReadingAccess) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        sending = _for_one_reader(send) if self._access.required else send
        try:
            request.state.reader = self._access.reader(request)
        except AccessError as error:
            await problems.refusal(request, error)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)


def _for_one_reader(send: Send) -> Send:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Cache-Control"] = "no-store"
            headers.add_vary_header("Authorization")
        await send(message)

    return marked


async def _reader(request: Request) -> Reader:
    found = request.state.reader
    assert isinstance(found, Reader)
    return found


ByReader = Annotated[Reader, Depends(_reader)]


_OPENED = {f"/v1/{family}" for family in LISTED_FAMILIES}


def opens(address: str) -> bool:
    """Whether an address (its template) opens a list or one thing."""
    return address in _OPENED or address.removesuffix("/{id}") in _OPENED
