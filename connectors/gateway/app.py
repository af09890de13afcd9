"""The gateway's HTTP interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID, uuid4

import msgspec
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from connectors.gateway import oauth, openapi, openapi_access
from connectors.gateway.access import GatewayAccess, Visitor
from connectors.gateway.body import announced_length, request_body
from connectors.gateway.clients import ClientRoutes
from connectors.gateway.health import Health, verdict
from connectors.gateway.intake import keep, refused_items, take
from connectors.gateway.modes import check_media_type, is_binary, items_of
from connectors.gateway.places import OpenSandbox, Place, Places
from connectors.gateway.problems import GATEWAY_PROBLEMS
from connectors.gateway.quarantine import QuarantineRoutes
from connectors.gateway.refusals import RefusalKeeper
from connectors.gateway.replay import Replay
from connectors.gateway.room import BodyRoom
from connectors.packets.door import METHODS, PACKETS_PATH, PacketDoor
from connectors.publishing.senders import Publishes
from connectors.quarantine.excerpts import UNREADABLE
from connectors.quarantine.original import Original
from connectors.vault.vault import Vault
from schemas.digests import digest_of
from schemas.errors import KafkaUnavailable, RecordTooLarge
from schemas.masking import shown
from schemas.quarantine import Quarantined, excerpt_of
from schemas.settings import Settings
from serving.access.audit import AuditLog
from serving.access.clients import NOBODY, STAGES, Stage
from serving.access.errors import AccessError
from serving.access.expiry import expiry_text
from serving.access.problems import access_problem
from serving.audited import Audited
from serving.problems import Problem, problem_response
from serving.spaces import SPACE_HEADER
from serving.telemetry import CONTENT_TYPE

_NAMES = {404: "not-found", 405: "method-not-allowed"}
_DETAILS = {
    404: "{path} is no address of the gateway.",
    405: "{path} does not take {method}: use {allowed}.",
}
_ASKED = ["GET", "HEAD"]


def gateway_app(
    settings: Settings,
    publisher: Publishes,
    health: Health | None = None,
    *,
    access: GatewayAccess | None = None,
    audit: AuditLog | None = None,
    vault: Vault | None = None,
    beside: Callable[[], str] = lambda: "",
    packets: PacketDoor | None = None,
    sandbox: OpenSandbox | None = None,
) -> FastAPI:
    """The application over a publisher that someone else starts and stops; without `access` it is
    open, without `vault` it keeps nothing whole. `audit` is told of refusals for want of right;
    `beside` are further metrics, `packets` is the door of one-stop systems, if there is one,
    `sandbox` opens where new clients begin.
    """
    app = FastAPI(
        title="LGSP hub: gateway",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    access = access or GatewayAccess()
    health = health or Health()
    keeper = RefusalKeeper(settings, publisher, health, vault)
    places = Places(settings.space, publisher, sandbox)
    gateway = Gateway(settings, publisher, health, access, keeper, beside, places)
    clients = ClientRoutes(settings, access)
    app.add_api_route("/v1/events", gateway.events, methods=["POST"], **openapi.EVENTS_ROUTE)
    app.add_api_route("/healthz", gateway.healthz, methods=_ASKED, **openapi.HEALTHZ_ROUTE)
    app.add_api_route("/readyz", gateway.readyz, methods=_ASKED, **openapi.READYZ_ROUTE)
    app.add_api_route("/metrics", gateway.metrics, methods=_ASKED, **openapi.METRICS_ROUTE)
    app.add_api_route("/oauth/token", gateway.token, methods=["POST"], **openapi_access.TOKEN_ROUTE)
    clients.add_to(app)
    QuarantineRoutes(settings, access, Replay(settings, publisher, health, keeper)).add_to(app)
    if audit is not None:
        app.add_middleware(Audited, audit=audit)
    app.add_exception_handler(AccessError, _access_error)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(KafkaUnavailable, _unavailable)
    if packets is not None:
        serve = partial(gateway.packets, packets)
        for path in (PACKETS_PATH, f"{PACKETS_PATH}/{{rest:path}}"):
            app.add_route(path, serve, METHODS, include_in_schema=False)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _internal_error)
    app.openapi = lambda: openapi.gateway_openapi(app)  # type: ignore[method-assign]
    return app


class Gateway:
    """The routes, and the memory they share."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publishes,
        health: Health,
        access: GatewayAccess,
        keeper: RefusalKeeper,
        beside: Callable[[], str],
        places: Places,
    ) -> None:
        self.settings, self.access, self.keeper = settings, access, keeper
        self.places = places
        self.beside = beside
        self.publisher = publisher
        self.health = health
        self.bodies = BodyRoom(settings.publish_buffer)
        health.buffer_bytes.set_function(lambda: self.bodies.used + publisher.budget.used)
        health.waiting_requests.set_function(lambda: self.bodies.waiting)
        health.space.labels(settings.space).set(1)
        for stage in STAGES if access.asks else ():
            health.clients.labels(stage).set_function(partial(_at_stage, access, stage))
        health.kafka_up.set_function(lambda: publisher.reachable)
        watch_topics(health, publisher)

    async def events(self, request: Request) -> Response:
        """Take in one CloudEvent or a batch of them. 202 says that every event is on all in-sync
        replicas; each may be sent again without changing anything. Good items of a batch are taken
        in even if others are refused.
        """
        request_id = uuid4()
        response = await self._guarded(request_id, lambda: self._take_in(request, request_id))
        response.headers["X-Request-Id"] = str(request_id)
        self.health.requests.labels(response.status_code).inc()
        self._count(request, response.status_code)
        return self.places.named(request, response)

    async def token(self, request: Request) -> Response:
        """A token of ten minutes for a client's name and key (OAuth 2, client credentials)."""
        response = await oauth.token(request, self.access)
        self._count(request, response.status_code)
        return response

    def _count(self, request: Request, status: int) -> None:
        name = getattr(request.state, "client", NOBODY)
        self.health.client_requests.labels(name, verdict(status)).inc()

    async def healthz(self) -> Response:
        """The process is alive."""
        return PlainTextResponse("alive\n")

    async def readyz(self) -> Response:
        """Kafka acknowledges, and it is known who may: requests can be taken in."""
        if not self.publisher.reachable:
            return _answer(Problem("unavailable", self._away()), uuid4())
        if not self.access.known:
            return _answer(
                Problem("unavailable", "The register of clients is being read: ask again later."),
                uuid4(),
            )
        return PlainTextResponse(f"ready, space {self.settings.space}\n")

    async def metrics(self, request: Request) -> Response:
        """The gateway's own health, in Prometheus' text format."""
        self.access.require_scraper(request)
        return Response(
            self.health.render() + (expiry_text(self.access.clients) + self.beside()).encode(),
            media_type=CONTENT_TYPE,
        )

    async def packets(self, door: PacketDoor, request: Request) -> Response:
        """Take in packets of one-stop systems, and answer what they ask (docs/packets.md)."""
        response = await self._guarded(
            uuid4(),
            lambda: door.answer(
                request,
                lambda asked: request_body(asked, self.bodies, self.settings, _address(asked)),
                self._keep_packets,
            ),
        )
        return self.places.named(request, response)

    async def _keep_packets(self, refused: Sequence[Quarantined], client: str | None) -> None:
        publisher = self.places.in_sandbox(client).publisher if client else self.publisher
        await self.keeper.keep(refused, publisher)

    async def _guarded(self, request_id: UUID, work: Callable[[], Awaitable[Response]]) -> Response:
        try:
            try:
                return await work()
            except AccessError as error:
                raise access_problem(error) from error
        except Problem as problem:
            if problem.name not in ("refused-items", "forbidden-items"):
                self.health.refused.labels(problem.name.replace("-", "_")).inc()
            return _answer(problem, request_id)
        except RecordTooLarge as error:
            return _answer(Problem("too-large", str(error)), request_id)
        except KafkaUnavailable as error:
            return _answer(Problem("unavailable", str(error)), request_id)

    async def _take_in(self, request: Request, request_id: UUID) -> Response:
        visitor = self.access.enter(request, "events", self.settings.body_limit)
        place = self.places.of(visitor.identity)
        request.state.space = place.space
        self._require_space(request.headers, place.space)
        check_media_type(request.headers)
        if place.publisher.away:
            raise Problem("unavailable", self._away())
        async with request_body(
            request, self.bodies, self.settings, _sender(request, visitor)
        ) as body:
            original = Original.of_request("events", request.headers, body)
            client = visitor.client
            try:
                taken = await take(
                    items_of(body, request.headers, self.settings.batch_limit),
                    self.settings,
                    visitor.permissions,
                    original if is_binary(request.headers) else None,
                )
            except Problem as problem:
                raise await self._kept(problem, original, request_id, client, place) from None
            request.state.denied = any(one.not_allowed for one in taken.refusals)
            self._charge(request, visitor, len(body), len(taken.events) + len(taken.refusals))
            unkept = await keep(
                taken, place.publisher, str(request_id), self.health, self.keeper, client
            )
        await place.stands()
        if taken.refusals:
            raise refused_items(taken, unkept)
        answer = {"accepted": len(taken.events), "items": taken.answer()}
        return Response(msgspec.json.encode(answer), 202, media_type="application/json")

    def _charge(self, request: Request, visitor: Visitor, size: int, events: int) -> None:
        """What the request turned out to be, beyond what was taken when it began."""
        unannounced = max(0, size - announced_length(request))
        self.access.buckets.charge(visitor.identity, events=events - 1, size=unannounced)

    def _require_space(self, headers: Mapping[str, str], own: str) -> None:
        """Who names a space means no other: a simulation whose hub another one has taken the place
        of must not tell its facts to that.

        Raises: Problem (409)
        """
        named = headers.get(SPACE_HEADER)
        if named not in (None, own):
            raise Problem(
                "wrong-space",
                f"The facts are for the space {shown(named)}, and they would go into {own}.",
            )

    async def _kept(
        self, problem: Problem, original: Original, request_id: UUID, client: str, place: Place
    ) -> Problem:
        """The problem, after it was kept that a body can't be read: it was meant to say
        something.
        """
        if problem.name != "not-json":
            return problem
        kept = excerpt_of(original.body, digest_of(self.settings.data), UNREADABLE)
        refused = Quarantined(
            f"http:{request_id}",
            problem.detail,
            "not_json",
            kept,
            client=client,
            original=original.encode(),
        )
        unkept = await self.keeper.keep([refused], place.publisher)
        return Problem(problem.name, problem.detail + unkept)

    def _away(self) -> str:
        return (
            f"Kafka at {self.settings.bootstrap} does not answer: send the same request again"
            " later."
        )


def watch_topics(health: Health, publisher: Publishes) -> None:
    """Tell of the publisher's topics whether they can be written."""
    for topic in publisher.unwritable():
        health.topic_up.labels(topic).set_function(partial(_writable, publisher, topic))


def _sender(request: Request, visitor: Visitor) -> str:
    """Whose bodies share half of the room: a client's, or those of an address."""
    if visitor.identity.client is not None:
        return visitor.identity.name
    return _address(request)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _at_stage(access: GatewayAccess, stage: Stage) -> float:
    there = (one for one in access.clients if one.revoked_at is None)
    return sum(one.stage == stage for one in there)


def _writable(publisher: Publishes, topic: str) -> float:
    return float(not publisher.unwritable()[topic])


def _answer(
    problem: Problem,
    occurrence: UUID,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    instance = f"urn:uuid:{occurrence}"
    return problem_response(GATEWAY_PROBLEMS, problem, instance, status=status, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    allowed = sorted(filter(None, headers.get("Allow", "").split(", ")))  # they come in any order
    if allowed:
        headers["Allow"] = ", ".join(allowed)
    told = {
        "path": shown(request.url.path),
        "method": request.method,
        "allowed": " or ".join(allowed),
    }
    detail = _DETAILS.get(error.status_code, str(error.detail)).format(**told)
    problem = Problem(_NAMES.get(error.status_code, "http-error"), detail)
    return _answer(problem, uuid4(), status=error.status_code, headers=headers)


async def _access_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AccessError)
    return _answer(access_problem(error), uuid4())


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(error, uuid4())


async def _unavailable(_: Request, error: Exception) -> Response:
    return _answer(Problem("unavailable", str(error)), uuid4())


async def _internal_error(_: Request, error: Exception) -> Response:
    problem = Problem(
        "internal-error", f"An unforeseen {type(error).__name__}; the gateway's log says more."
    )
    return _answer(problem, uuid4())
