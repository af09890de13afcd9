"""`/v1/clients`: operators manage clients at the gateway, as `lgsp client` does on the hub's own
machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from connectors.gateway import openapi_access
from connectors.gateway.access import GatewayAccess
from schemas.clock import now_ms
from schemas.masking import shown
from schemas.settings import Settings
from serving.access import changes, topic
from serving.access.audit import Actor
from serving.access.changes import ClientDraft, ClientMistake, NoSuchClient
from serving.access.clients import KEY_DAYS, Client, ClientLimits
from serving.access.keys import KeyText, Pepper
from serving.access.permissions import require_operator
from serving.access.secrets import pepper_of
from serving.access.told import client_told
from serving.problems import Problem

LONGEST_REQUEST = 64 << 10  # bytes of a body
_Asked = TypeVar("_Asked")
Changing = Callable[[Mapping[str, Client], Pepper, int], tuple[Client, KeyText | None]]


class NewClientRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A client to add. A login for packets has a password, and is given with `lgsp client` only."""

    name: str
    title_vi: str
    title_en: str
    agencies: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    role: str | None = None
    events_a_second: int = ClientLimits().events
    bytes_a_second: int = ClientLimits().bytes
    days: int = KEY_DAYS
    live: bool = False


class ChangeRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Other rights of a client; what is left out stays as it is."""

    title_vi: str | msgspec.UnsetType = msgspec.UNSET
    title_en: str | msgspec.UnsetType = msgspec.UNSET
    agencies: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    sources: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    doors: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    families: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    role: str | msgspec.UnsetType | None = msgspec.UNSET
    events_a_second: int | msgspec.UnsetType = msgspec.UNSET
    bytes_a_second: int | msgspec.UnsetType = msgspec.UNSET


class RotationRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A new key: how many days it holds, and until when the old ones do (epoch ms)."""

    days: int = KEY_DAYS
    old_until: int | None = None


class RevocationRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The key to revoke, by its id; without one all of the client."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class ClientRoutes:
    """The routes. Every one is for operators only."""

    settings: Settings
    access: GatewayAccess

    def add_to(self, app: FastAPI) -> None:
        """Give the application its routes."""
        for path, methods, route, described in (
            ("/v1/clients", ["GET", "HEAD"], self.list, openapi_access.LIST_ROUTE),
            ("/v1/clients", ["POST"], self.add, openapi_access.ADD_ROUTE),
            ("/v1/clients/{name}", ["GET", "HEAD"], self.show, openapi_access.SHOW_ROUTE),
            ("/v1/clients/{name}", ["PATCH"], self.change, openapi_access.CHANGE_ROUTE),
            ("/v1/clients/{name}/rotate", ["POST"], self.rotate, openapi_access.ROTATE_ROUTE),
            ("/v1/clients/{name}/revoke", ["POST"], self.revoke, openapi_access.REVOKE_ROUTE),
        ):
            app.add_api_route(path, route, methods=methods, **described)

    async def list(self, request: Request) -> Response:
        """Every client, with what it may and its keys' ends and last uses."""
        self._operator(request)
        clients = await topic.read_clients(self.settings)
        used = await topic.read_used(self.settings)
        return _json({"clients": [client_told(clients[one], used) for one in sorted(clients)]})

    async def show(self, request: Request, name: str) -> Response:
        """One client."""
        self._operator(request)
        clients = await topic.read_clients(self.settings)
        used = await topic.read_used(self.settings)
        try:
            return _json(client_told(changes.found(clients, name), used))
        except ClientMistake as mistake:
            raise _problem(mistake) from None

    async def add(self, request: Request) -> Response:
        """Register a client; the answer shows its key, which nothing else ever does."""
        by = self._operator(request)
        asked = await _asked(request, NewClientRequest)
        draft = ClientDraft(**msgspec.structs.asdict(asked))
        return await self._change(
            lambda there, pepper, now: changes.added(there, draft, pepper, now), by, "added", 201
        )

    async def change(self, request: Request, name: str) -> Response:
        """Give a client other rights; what the request leaves out, and its keys, stay."""
        by = self._operator(request)
        asked = msgspec.structs.asdict(await _asked(request, ChangeRequest))
        rights = {field: one for field, one in asked.items() if one is not msgspec.UNSET}
        return await self._change(
            lambda there, _, now: (changes.changed(there, name, now, **rights), None),
            by,
            changes.rights_changed(rights),
        )

    async def rotate(self, request: Request, name: str) -> Response:
        """Give a client a new key; those that it has end after a week, or when the request says."""
        by = self._operator(request)
        asked = await _asked(request, RotationRequest)
        return await self._change(
            lambda there, pepper, now: changes.rotated(
                changes.found(there, name),
                pepper,
                now,
                days=asked.days,
                old_until=asked.old_until,
            ),
            by,
            "given a new key",
        )

    async def revoke(self, request: Request, name: str) -> Response:
        """Revoke one key of a client, or all of it, at once."""
        by = self._operator(request)
        asked = await _asked(request, RevocationRequest)
        return await self._change(
            lambda there, _, now: (
                changes.revoked(changes.found(there, name), now, asked.key),
                None,
            ),
            by,
            changes.revocation(asked.key),
        )

    def _operator(self, request: Request) -> Actor:
        """Who manages clients by this request."""
        identity = self.access.identify(request)
        operator = require_operator(identity)
        self.access.buckets.admit(identity, 0)
        return Actor(operator.name, "gateway", request.client.host if request.client else "")

    async def _change(
        self, changing: Changing, by: Actor, what: str, status: int = 200
    ) -> Response:
        pepper, now = Pepper(pepper_of(self.settings)), now_ms()
        try:
            client, key = await topic.change_client(
                self.settings, lambda there: changing(there, pepper, now), by, what
            )
        except ClientMistake as mistake:
            raise _problem(mistake) from None
        told = client_told(client, {})
        return _json(told if key is None else {**told, "key": str(key)}, status)


async def _asked(request: Request, shape: type[_Asked]) -> _Asked:
    """The body as it should be.

    Raises: Problem
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            "unsupported-media-type",
            f"Content-Type is {shown(kind) or 'missing'}: send application/json.",
        )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_REQUEST:
            raise Problem("too-large", f"The body is longer than {LONGEST_REQUEST:,} bytes.")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise Problem("wrong-client", f"The body can't be used: {error}.") from None
    except msgspec.DecodeError:
        raise Problem("not-json", "The body can't be read as JSON.") from None


def _problem(mistake: ClientMistake) -> Problem:
    if isinstance(mistake, NoSuchClient):
        return Problem("no-such-client", mistake.message)
    errors = [{"field": mistake.field, "message": mistake.message}]
    return Problem("wrong-client", str(mistake), {"errors": errors})


def _json(answer: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(answer),
        status,
        {"Cache-Control": "no-store"},
        media_type="application/json",
    )
