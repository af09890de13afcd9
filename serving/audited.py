"""What every port notes for the audit: who was refused for want of right, and who opened what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.masking import shown
from serving.access.audit import AuditLog
from serving.access.clients import NOBODY

_REFUSED = frozenset({401, 403, 429})
# of a question, what tells whose and which; the rest says nothing of whom it was about
_TOLD = ("indicator", "kind", "measure", "part", "agency", "own", "from", "to", "window", "as_of")
_ANOTHER = "another address"
Opening = Callable[[str], bool]


class Audited:
    """Notes what a request came to. `opens` says of an address whether it opens a list or a thing.

    Whoever finds out who asks says so as `request.state.client`; who refuses a part of a request
    only, as `request.state.denied`.
    """

    def __init__(
        self, app: ASGIApp, audit: AuditLog, opens: Opening = lambda address: False
    ) -> None:
        self._app, self._audit, self._opens = app, audit, opens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, state, int(message["status"]))
            await send(message)

        await self._app(scope, receive, noted)

    def _note(self, scope: Scope, state: Mapping[str, Any], status: int) -> None:
        client, peer = str(state.get("client", NOBODY)), scope.get("client")
        address = peer[0] if peer else ""
        if status in _REFUSED or state.get("denied"):
            what = f"{scope['method']} {_address(scope)}"
            refused = status if status in _REFUSED else 403
            self._audit.refused(client, what, refused, address)
        elif status == 200 and self._opens(found := _address(scope)):
            self._audit.opened(client, f"GET {found}", _question(scope), address)


def _address(scope: Scope) -> str:
    """The address as it is described; never what stands in it, which could be anything."""
    if (route := scope.get("route")) is not None:
        return str(route.path_format)
    if (app := scope.get("app")) is None:
        return _ANOTHER
    described, path = app.openapi()["paths"], scope["path"]
    if path in described:
        return str(path)
    return next((one for one in described if _pattern(one).fullmatch(path)), _ANOTHER)


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    """Of the addresses that a description such as `/v1/dossiers/{id}` stands for."""
    fixed = re.split(r"\{\w+\}", template)
    return re.compile(".+".join(map(re.escape, fixed)))


def _question(scope: Scope) -> str:
    request = Request(scope)
    told = [
        f"{name}={shown(value)}" for name, value in request.query_params.items() if name in _TOLD
    ]
    if (thing := request.path_params.get("id")) is not None:
        told.insert(0, f"id={shown(thing)}")
    return " ".join(told)
