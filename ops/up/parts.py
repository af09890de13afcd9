"""The parts of `lgsp up`: which processes there are, what each waits for, and how they are, in
words.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException

from ops.kafka.storage import lack_of_room
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.listening import connects, reached_at
from schemas.settings import Settings
from serving.absence import why_silent
from serving.tls import base_url, own_context

TIMEOUT = 2.0
# of a question over HTTP; the latter where who answers is killed half-way, or speaks no HTTP
UNANSWERED = (OSError, HTTPException)
_KAFKA_STOP_SECONDS = 40.0  # it is given 30 s itself
_MOST_TEXT = 4 << 10  # bytes of a problem document
_LONG_SECONDS = 90.0  # for a start


@dataclass
class HubPart:
    """A process, what shows that it answers, and which others (by name) must have answered before
    it is started.

    within: what it is called together with others, where there is room for one word only. level:
    parts of a greater one are stopped first. obstacle: what it waits for while it does not
    answer, if that is known. held_up: what keeps it from its work although it answers.
    """

    name: str
    title: str
    service: Service
    answers: Callable[[], bool]
    after: tuple[str, ...] = ()
    level: int = 1
    within: str = ""
    obstacle: Callable[[], str] = lambda: ""
    held_up: Callable[[], str] = lambda: ""
    answers_now: bool = False
    answered: bool = False  # once, at least
    took: float = 0.0  # seconds until it did
    _began: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it was started for the first time."""
        return self._began is not None

    @property
    def waited(self) -> float:
        """Seconds since it was started for the first time."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def begin(self) -> None:
        """Start it for the first time."""
        self._began = time.monotonic()
        self.service.begin()

    def look(self) -> None:
        """See whether it answers now."""
        self.answers_now = self.service.running and self.answers()
        if self.answers_now and not self.answered:
            self.answered, self.took = True, self.waited

    @property
    def well(self) -> bool:
        """Nothing is to be said of it."""
        return self.answers_now and self.service.running and not self.held_up()

    def words(self) -> str:
        """How it is, in plain words."""
        if not self.begun:
            return f"waits for {', '.join(self.after)}" if self.after else "begins"
        if not self.service.running:
            return self._ended()
        if self.well:
            return "ok"
        if known := self.held_up() or self.obstacle():
            return known
        if self.answered and not self.service.restarts:
            return f"does not answer; see {self.service.log}"
        late = ""
        if self.service.age > _LONG_SECONDS:
            late = f"; longer than usual, see {self.service.log}"
        return f"starting, {self.service.age:.0f} s{late}"

    def _ended(self) -> str:
        said = self.service.last_words()
        why = f": {said}" if said else f"; see {self.service.log}"
        return f"ended, starts again in {self.service.retry_in:.0f} s{why}"


def times(number: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def hub_parts(settings: Settings, *, simulate: bool) -> list[HubPart]:
    """In the order in which they are started; none is started yet."""
    host = reached_at(settings.host)
    parts = []
    if settings.embedded:
        kafka = _service(settings, "kafka")
        kafka.stop_seconds = _KAFKA_STOP_SECONDS
        broker = HubPart("kafka", "Kafka", kafka, _KafkaAnswers(settings), level=0)
        # its log may be on the same full disk
        broker.obstacle = lambda: str(lack_of_room(settings.data / "kafka") or "")
        parts.append(broker)
    first = ("kafka",) if settings.embedded else ()
    services = {name: _service(settings, name) for name in ("worker", "metrics", "gateway")}
    gateway = _GatewayAnswers(settings, services["gateway"])
    for name, answers in (
        (
            "worker",
            lambda: not settings.worker_port or connects(host, settings.worker_port, TIMEOUT),
        ),
        ("metrics", lambda: answers_well(settings, settings.metrics_port, "/healthz")),
        ("gateway", gateway),
    ):
        part = HubPart(name, name, services[name], answers, first, held_up=gateway.why_idle)
        parts.append(part)
    if simulate:
        service = _service(settings, "simulate", "--live", "--via-gateway")
        parts.append(
            HubPart(
                "simulate",
                "simulation",
                service,
                lambda: True,
                ("worker", "metrics", "gateway"),
                level=2,
            )
        )
    return parts


def _service(settings: Settings, *arguments: str) -> Service:
    log = settings.data / "logs" / f"{arguments[0]}.log"
    return Service(arguments[0], list(arguments), log, {"LGSP_SPACE": settings.space})


class _KafkaAnswers:
    """Whether Kafka answers: after each absence it has to tell its metadata, and then only to be
    there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told = False

    def __call__(self) -> bool:
        there = connects(self._settings.kafka_host, self._settings.kafka_port)
        self._told = there and (
            self._told or not why_silent(self._settings.bootstrap, self._settings)
        )
        return self._told


class _GatewayAnswers:
    """Whether the gateway takes events; if not, whether that is for want of Kafka, which then keeps
    all others from their work as well.
    """

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings, self._service = settings, service
        self._kafka_away = False

    def __call__(self) -> bool:
        bootstrap = self._settings.bootstrap
        status, text = _ask(self._settings, self._settings.gateway_port, "/readyz")
        # it is not ready when too many ask, too, and then does not speak of Kafka
        self._kafka_away = status == HTTPStatus.SERVICE_UNAVAILABLE and bootstrap in text
        return status == HTTPStatus.OK

    def why_idle(self) -> str:
        """What all wait for; empty where nothing is known to be missing, as while it is down."""
        if not (self._kafka_away and self._service.running):
            return ""
        return f"no Kafka answers at {self._settings.bootstrap}; waits for it"


def answers_well(settings: Settings, port: int, path: str) -> bool:
    """Whether a service answers well at a path."""
    return _ask(settings, port, path)[0] == HTTPStatus.OK


def _ask(settings: Settings, port: int, path: str) -> tuple[int | None, str]:
    """The status and text of the answer; None where there is none."""
    try:
        with urllib.request.urlopen(
            base_url(settings, port) + path, timeout=TIMEOUT, context=own_context(settings)
        ) as answer:
            return answer.status, ""
    except EnvironmentBroken as error:  # of the certificate
        return None, str(error)
    except urllib.error.HTTPError as error:
        return error.code, _text(error)
    except UNANSWERED:
        return None, ""


def _text(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(_MOST_TEXT).decode("utf-8", "replace")
    except UNANSWERED:
        return ""
