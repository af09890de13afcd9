"""The gateway's HTTP interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID, uuid4

import msgspec
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from connectors.gateway import openapi
from connectors.gateway.body import request_body
from connectors.gateway.bucket import Bucket
from connectors.gateway.excerpts import UNREADABLE
from connectors.gateway.health import Health
from connectors.gateway.intake import Publishes, keep, keep_refused, refused_items, take
from connectors.gateway.modes import check_media_type, items_of
from connectors.gateway.problems import GATEWAY_PROBLEMS
from connectors.gateway.room import BodyRoom
from connectors.packets.door import METHODS, PACKETS_PATH, PacketDoor
from schemas.digests import digest_of
from schemas.errors import KafkaUnavailable, RecordTooLarge
from schemas.masking import shown
from schemas.quarantine import Quarantined, excerpt_of
from schemas.settings import Settings
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
    beside: Callable[[], str] = lambda: "",
    packets: PacketDoor | None = None,
) -> FastAPI:
    """The application over a publisher that someone else starts and stops; `beside` are further
    metrics, `packets` is the door of one-stop systems, if there is one.
    """
    app = FastAPI(
        title="LGSP hub: gateway",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    gateway = Gateway(settings, publisher, health or Health(), beside)
    app.add_api_route("/v1/events", gateway.events, methods=["POST"], **openapi.EVENTS_ROUTE)
    app.add_api_route("/healthz", gateway.healthz, methods=_ASKED, **openapi.HEALTHZ_ROUTE)
    app.add_api_route("/readyz", gateway.readyz, methods=_ASKED, **openapi.READYZ_ROUTE)
    app.add_api_route("/metrics", gateway.metrics, methods=_ASKED, **openapi.METRICS_ROUTE)
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
        self, settings: Settings, publisher: Publishes, health: Health, beside: Callable[[], str]
    ) -> None:
        self.settings = settings
        self.beside = beside
        self.publisher = publisher
        self.health = health
        self.bodies = BodyRoom(settings.publish_buffer)
        self.bucket = Bucket(settings.quarantine_rate)
        health.buffer_bytes.set_function(lambda: self.bodies.used + publisher.budget.used)
        health.waiting_requests.set_function(lambda: self.bodies.waiting)
        health.space.labels(settings.space).set(1)
        health.kafka_up.set_function(lambda: publisher.reachable)
        for topic in publisher.unwritable():
            health.topic_up.labels(topic).set_function(partial(_writable, publisher, topic))

    async def events(self, request: Request) -> Response:
        """Take in one CloudEvent or a batch of them. 202 says that every event is on all in-sync
        replicas; each may be sent again without changing anything. Good items of a batch are taken
        in even if others are refused.
        """
        request_id = uuid4()
        response = await self._guarded(request_id, lambda: self._take_in(request, request_id))
        response.headers["X-Request-Id"] = str(request_id)
        self.health.requests.labels(response.status_code).inc()
        return response

    async def healthz(self) -> Response:
        """The process is alive."""
        return PlainTextResponse("alive\n")

    async def readyz(self) -> Response:
        """Kafka acknowledges: requests can be taken in."""
        if self.publisher.reachable:
            return PlainTextResponse(f"ready, space {self.settings.space}\n")
        return _answer(Problem("unavailable", self._away()), uuid4())

    async def metrics(self) -> Response:
        """The gateway's own health, in Prometheus' text format."""
        return Response(
            self.health.render() + self.beside().encode(),
            media_type=CONTENT_TYPE,
        )

    async def packets(self, door: PacketDoor, request: Request) -> Response:
        """Take in packets of one-stop systems, and answer what they ask (docs/packets.md)."""
        return await self._guarded(
            uuid4(),
            lambda: door.answer(
                request,
                lambda asked: request_body(asked, self.bodies, self.settings),
                lambda refused: keep_refused(self.publisher, refused, self.health, self.bucket),
            ),
        )

    async def _guarded(self, request_id: UUID, work: Callable[[], Awaitable[Response]]) -> Response:
        try:
            return await work()
        except Problem as problem:
            if problem.name != "refused-items":
                self.health.refused.labels(problem.name.replace("-", "_")).inc()
            return _answer(problem, request_id)
        except RecordTooLarge as error:
            return _answer(Problem("too-large", str(error)), request_id)
        except KafkaUnavailable as error:
            return _answer(Problem("unavailable", str(error)), request_id)

    async def _take_in(self, request: Request, request_id: UUID) -> Response:
        self._require_space(request.headers)
        check_media_type(request.headers)
        if self.publisher.away:
            raise Problem("unavailable", self._away())
        async with request_body(request, self.bodies, self.settings) as body:
            try:
                taken = await take(
                    items_of(body, request.headers, self.settings.batch_limit), self.settings
                )
            except Problem as problem:
                raise await self._kept(problem, body, request_id) from None
            unkept = await keep(taken, self.publisher, str(request_id), self.health, self.bucket)
        if taken.refusals:
            raise refused_items(taken, unkept)
        answer = {"accepted": len(taken.events), "items": taken.answer()}
        return Response(msgspec.json.encode(answer), 202, media_type="application/json")

    def _require_space(self, headers: Mapping[str, str]) -> None:
        """Who names a space means no other: a simulation whose hub another one has taken the place
        of must not tell its facts to that.

        Raises: Problem (409)
        """
        named, own = headers.get(SPACE_HEADER), self.settings.space
        if named not in (None, own):
            raise Problem(
                "wrong-space",
                f"The facts are for the space {shown(named)}, and this gateway is of {own}.",
            )

    async def _kept(self, problem: Problem, body: bytes, request_id: UUID) -> Problem:
        """The problem, after it was kept that a body can't be read: it was meant to say
        something.
        """
        if problem.name != "not-json":
            return problem
        kept = excerpt_of(body, digest_of(self.settings.data), UNREADABLE)
        refused_items = Quarantined(f"http:{request_id}", problem.detail, "not_json", kept)
        unkept = await keep_refused(self.publisher, [refused_items], self.health, self.bucket)
        return Problem(problem.name, problem.detail + unkept)

    def _away(self) -> str:
        return (
            f"Kafka at {self.settings.bootstrap} does not answer: send the same request again"
            " later."
        )


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


async def _internal_error(_: Request, error: Exception) -> Response:
    problem = Problem(
        "internal-error", f"An unforeseen {type(error).__name__}; the gateway's log says more."
    )
    return _answer(problem, uuid4())
