"""Where what a client sends goes: into the hub's space, or into the sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from connectors.publishing.senders import Publishes
from connectors.sandbox.place import Sandbox
from schemas.errors import KafkaUnavailable
from serving.access.clients import Identity
from serving.access.errors import ClientMoving
from serving.spaces import SPACE_HEADER

OpenSandbox = Callable[[], Sandbox]


class Place:
    """Where one request's facts go, and whether they stand there when everything was written."""

    def __init__(
        self, space: str, publisher: Publishes, require: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.space, self.publisher = space, publisher
        self._require = require

    async def stands(self) -> None:
        """Return if what was written may be told to have been taken in.

        Raises: ClientMoving, KafkaUnavailable
        """
        if self._require is not None:
            await self._require()


class Places:
    """Which place is whose. Without a sandbox everybody's is the hub's own."""

    def __init__(self, space: str, publisher: Publishes, sandbox: OpenSandbox | None) -> None:
        self._own = Place(space, publisher)
        self._sandbox = sandbox

    def of(self, identity: Identity) -> Place:
        """Raises: ClientMoving while it is neither here nor there; KafkaUnavailable"""
        client = identity.client
        if client is None or client.stage == "live":
            return self._own
        if client.stage == "moving":
            raise ClientMoving(client.name)
        return self.in_sandbox(client.name)

    def in_sandbox(self, name: str) -> Place:
        """The place of a client that is in the sandbox.

        Raises: KafkaUnavailable where this process has none
        """
        if self._sandbox is None:
            raise KafkaUnavailable(f"{name} is in the sandbox, and this gateway has none.")
        sandbox = self._sandbox()
        return Place(sandbox.space, sandbox.writer(name), lambda: sandbox.require(name))

    def named(self, request: Request, response: Response) -> Response:
        """The response with the space that its client is in, where that is not the hub's own."""
        space = getattr(request.state, "space", self._own.space)
        if space != self._own.space:
            response.headers[SPACE_HEADER] = space
        return response
