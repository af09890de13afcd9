"""`/v1/quarantine`: what was refused, for operators and for the client that sent it. Masked, as it
is kept; originals leave the vault only through the door again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from connectors.gateway import openapi_quarantine
from connectors.gateway.access import GatewayAccess
from connectors.gateway.replay import Replay
from connectors.quarantine.apart import read_apart
from connectors.quarantine.entries import Entry, entries
from connectors.quarantine.finding import drop, find, original_of
from connectors.quarantine.marks import ENTRY_STATES, Mark, PlacedMark
from schemas.clock import now_ms
from schemas.errors import VaultError
from schemas.masking import shown
from schemas.settings import Settings
from serving.access.clients import Identity
from serving.access.permissions import refusals_seen_by
from serving.problems import Problem

MOST_ENTRIES, USUAL_ENTRIES = 1_000, 100  # of one answer
_WAITING = 8  # requests that wait for the topic to be read; it is read for one at a time
_Read = TypeVar("_Read")


@dataclass(slots=True)
class QuarantineRoutes:
    """The routes. Every one is for operators, and for clients about what they sent themselves."""

    settings: Settings
    access: GatewayAccess
    again: Replay
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0

    def add_to(self, app: FastAPI) -> None:
        """Give the application its routes."""
        one = "/v1/quarantine/{origin:path}"
        for path, methods, route, described in (
            ("/v1/quarantine", ["GET", "HEAD"], self.list, openapi_quarantine.LIST_ROUTE),
            (f"{one}/replay", ["POST"], self.replay, openapi_quarantine.REPLAY_ROUTE),
            (f"{one}/drop", ["POST"], self.drop, openapi_quarantine.DROP_ROUTE),
            (one, ["GET", "HEAD"], self.show, openapi_quarantine.SHOW_ROUTE),
        ):
            app.add_api_route(path, route, methods=methods, **described)

    async def list(self, request: Request) -> Response:
        """The newest entries, newest first; the dropped ones only where they are asked for."""
        _, client = self._asker(request)
        state, most = _state(request), _most(request)
        found = await self._read(lambda: _newest(self.settings, client, state, most))
        return _json({"entries": [entry.told() for entry in found]})

    async def show(self, request: Request, origin: str) -> Response:
        """One entry."""
        _, client = self._asker(request)
        return _json((await self._entry(origin, client)).told())

    async def replay(self, request: Request, origin: str) -> Response:
        """Send an entry's original through its door again."""
        identity, client = self._asker(request)
        entry = await self._entry(origin, client)
        if entry.state == "dropped":
            raise Problem("no-original", f"{origin} was dropped: its original is gone.")
        try:
            original = await self._read(lambda: original_of(self.settings, entry))
        except VaultError as error:
            raise Problem("no-original", str(error)) from None
        self.access.buckets.charge(identity, events=0, size=len(original.body))
        rights = self.access.rights_now(entry.client)
        return _marked(entry, await self.again.send(entry, original, rights, identity.name))

    async def drop(self, request: Request, origin: str) -> Response:
        """Forget an entry and its original."""
        identity, client = self._asker(request)
        entry = await self._entry(origin, client)
        mark = await drop(self.again.publisher, self.settings, entry, identity.name)
        return _marked(entry, mark)

    def _asker(self, request: Request) -> tuple[Identity, str | None]:
        """Who asks, and whose entries that sees; None: everybody's."""
        identity = self.access.identify(request)
        client = refusals_seen_by(identity)
        self.access.buckets.admit(identity, 0)
        return identity, client

    async def _entry(self, origin: str, client: str | None) -> Entry:
        matches = await self._read(lambda: find(self.settings, origin, client))
        entry = matches.by_origin.get(origin)
        if entry is None:
            raise Problem(
                "no-such-entry", "Nothing that you may see was refused under this origin."
            )
        return entry

    async def _read(self, reading: Callable[[], Awaitable[_Read]]) -> _Read:
        """What reads topics does so in a thread, one at a time: who sends facts doesn't feel it."""
        if self._waiting >= _WAITING:
            raise Problem("unavailable", "Others read the quarantine: ask again later.")
        self._waiting += 1
        try:
            async with self._turn:
                return await read_apart(self.settings, reading)
        finally:
            self._waiting -= 1


async def _newest(
    settings: Settings, client: str | None, state: str | None, most: int
) -> list[Entry]:
    found: deque[Entry] = deque(maxlen=most)
    async for entry in entries(settings, client=client):
        if entry.state == state or (state is None and entry.state != "dropped"):
            found.append(entry)
    return [*reversed(found)]


def _state(request: Request) -> str | None:
    state = request.query_params.get("state")
    if state is not None and state not in ENTRY_STATES:
        raise Problem(
            "wrong-question", f"state is {shown(state)}: one of {', '.join(ENTRY_STATES)}."
        )
    return state


def _most(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL_ENTRIES))
    if not (
        text.isascii() and text.isdecimal() and len(text) < 9 and 0 < int(text) <= MOST_ENTRIES
    ):
        raise Problem("wrong-question", f"limit is {shown(text)}: 1 to {MOST_ENTRIES:,}.")
    return int(text)


def _marked(entry: Entry, mark: Mark) -> Response:
    placed = PlacedMark(max(entry.at, now_ms()), mark)
    return _json(replace(entry, marked=placed).told())


def _json(answer: Any) -> Response:
    return Response(
        msgspec.json.encode(answer),
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
