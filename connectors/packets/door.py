"""The packets' door at the gateway: one route for every address below /packets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from connectors.packets.access import PacketAccess, PacketClient
from connectors.packets.answers import Refused, packet_response, refusal_answer, success
from connectors.packets.feed import KnowsPackets, PacketFeed, PacketsBehind
from connectors.packets.keeping import PacketKeeper
from connectors.packets.register import KnownDirectory
from connectors.packets.requests import LoginAsked, ServiceAsked, read_request
from connectors.packets.services import PacketAnswer, PacketServices
from connectors.packets.sessions import Sessions
from connectors.packets.tally import PacketTally
from connectors.packets.wrong import PacketRefused
from connectors.publishing.senders import Tells
from connectors.quarantine.excerpts import UNREADABLE
from schemas.digests import digest_of
from schemas.errors import KafkaUnavailable, RecordTooLarge
from schemas.masking import shown
from schemas.quarantine import Quarantined, excerpt_of, structure_of
from schemas.settings import Settings
from serving.access.errors import AccessUnknown, OverLimit

log = logging.getLogger(__name__)

PACKETS_PATH = "/packets"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

ReadBody = Callable[[Request], AbstractAsyncContextManager[bytes]]
# what was refused, and the client in whose sandbox it is kept; None: in the hub's own space
KeepRefused = Callable[[Sequence[Quarantined], str | None], Awaitable[object]]


class PacketSandbox(Protocol):
    """Where the packets of new clients go."""

    space: str

    def services(self, client: PacketClient) -> PacketServices:
        """What answers that client's packets."""

    async def require(self, client: str) -> None:
        """Return if the client is in the sandbox even now.

        Raises: ClientMoving, KafkaUnavailable
        """


class PacketDoor:
    """Everything that the door needs, made for one process. What the gateway has already (reading
    bodies within bounds, the quarantine) comes from there.
    """

    def __init__(
        self,
        settings: Settings,
        publisher: Tells,
        access: PacketAccess,
        feed: KnowsPackets | None = None,
        directory: KnownDirectory | None = None,
        sandbox: Callable[[], PacketSandbox] | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._settings, self._access = settings, access
        self._feed = feed or PacketFeed(settings)
        self._directory = directory or KnownDirectory(settings)
        self._sessions = Sessions(publisher, self._feed)
        keeper = PacketKeeper(publisher, self._feed)
        self._services = PacketServices(settings, keeper, self._directory)
        self.tally = PacketTally()

    async def stop(self) -> None:
        """Let go of what the door follows."""
        await self._feed.stop()
        self._directory.stop()
        self._access.close()

    async def answer(
        self, request: Request, read_body: ReadBody, keep_refused: KeepRefused
    ) -> Response:
        """The answer to any request below the door's path: HTTP 200 with a JSON object.

        Raises: Problem where the gateway's own limits answer (a body too large, too slow …).
        """
        request_id = str(uuid4())
        async with read_body(request) as body:
            answer = await self._guarded(request, request_id, body, keep_refused)
        return packet_response(answer, {"X-Request-Id": request_id})

    async def _guarded(
        self, request: Request, request_id: str, body: bytes, keep_refused: KeepRefused
    ) -> dict[str, Any]:
        client: PacketClient | None = None
        service = "-"
        try:
            asked = read_request(
                request.method, request.url.path, request.query_params, request.headers, body
            )
            if isinstance(asked, LoginAsked):
                service = "login"
                answer = await self._login(asked)
                self.tally.answered(service, "done")
                return answer
            service = asked.service
            client = await self._client(asked)
            items = len(asked.data) if isinstance(asked.data, list) else 1
            self._access.admit(client, items, len(body))
            if client.in_sandbox:
                found = await self._tried(request, client, asked)
            else:
                found = await self._services.answer(client, asked)
                self.tally.took(found.taken)
            self.tally.answered(service, "items" if found.refused else "done")
            await self._keep_quietly(
                list(self._refusals(client, service, request_id, found)),
                client.name if client.in_sandbox else None,
                keep_refused,
            )
            return found.answer
        except Refused as refused:
            if refused.kind == "not_json":
                kept = excerpt_of(body, digest_of(self._settings.data), UNREADABLE)
                await self._keep_quietly(
                    [Quarantined(f"http:{request_id}", UNREADABLE, "not_json", kept)],
                    None,
                    keep_refused,
                )
            return self._refused(service, refused, client)
        except OverLimit:
            return self._refused(service, Refused("over_limit"), client)
        except (PacketsBehind, AccessUnknown):
            return self._refused(service, Refused("starting"), client)
        except (KafkaUnavailable, RecordTooLarge) as error:
            log.debug("packets could not be kept: %s", error)
            return self._refused(service, Refused("unavailable"), client)
        except Exception:  # a system that gets HTTP 500 would show its users nothing
            log.exception("A packet failed in an unforeseen way")
            return self._refused(service, Refused("failed"), client)

    async def _tried(
        self, request: Request, client: PacketClient, asked: ServiceAsked
    ) -> PacketAnswer:
        """The answer to who is in the sandbox, once it is known that it still was when all was
        kept.
        """
        if self._sandbox is None:
            raise KafkaUnavailable(f"{client.name} is in the sandbox, and this gateway has none.")
        sandbox = self._sandbox()
        request.state.space = sandbox.space
        found = await sandbox.services(client).answer(client, asked)
        await sandbox.require(client.name)
        return found

    def _refused(
        self, service: str, refused: Refused, client: PacketClient | None
    ) -> dict[str, Any]:
        self.tally.answered(service, refused.kind)
        return refusal_answer(refused, client)

    async def _login(self, asked: LoginAsked) -> dict[str, Any]:
        client = await self._access.login(asked.user, asked.password)
        if client is None:
            raise Refused("login")
        return success(client, session=await self._sessions.begin(client.name))

    async def _client(self, asked: ServiceAsked) -> PacketClient:
        name = await self._sessions.client_of(asked.session)
        client = await self._access.client(name) if name is not None else None
        if client is None:
            raise Refused("session")
        return client

    def _refusals(
        self, client: PacketClient, service: str, request_id: str, found: PacketAnswer
    ) -> Iterator[Quarantined]:
        digest = digest_of(self._settings.data)
        for index, item, why in found.refused:
            kept = excerpt_of(
                msgspec.json.encode(item),
                digest,
                structure_of(item),
                source=client.source,
                type=service,
                fields=_known(item),
            )
            kinds = "+".join(sorted({one.kind for one in why.mistakes}))
            yield Quarantined(f"http:{request_id}/{index}", _reason(why), kinds, kept)

    async def _keep_quietly(
        self, kept: Sequence[Quarantined], client: str | None, keep_refused: KeepRefused
    ) -> None:
        """What is good was taken in, and the sender is told what was not, whether that can be kept
        or not.
        """
        if not kept:
            return
        try:
            await keep_refused(kept, client)
        except KafkaUnavailable as error:
            log.debug("refused packets could not be noted: %s", error)


def _known(item: Any) -> dict[str, str]:
    """Which dossier it is of, as it may be told."""
    has_code = isinstance(item, dict) and "MaHoSo" in item
    return {"MaHoSo": shown(item["MaHoSo"])} if has_code else {}


def _reason(why: PacketRefused) -> str:
    return "; ".join(f"{one.field}: {one.kind}" for one in why.mistakes)
