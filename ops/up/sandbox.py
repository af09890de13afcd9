"""The worker and the metrics process of the sandbox: there while a client is in it, and no longer.

A sandbox forgets what is older than 30 days: Kafka deletes the facts, and the figures are counted
anew from those that are left, each time that the sandbox is opened and once a day.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable

from connectors.gateway.health import CLIENTS_BY_STAGE
from ops.up.parts import TIMEOUT, UNANSWERED, HubPart, answers_well
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.listening import connects, reached_at
from schemas.settings import Settings
from schemas.spaces import sandbox_of
from serving.access.secrets import metrics_token_of
from serving.tls import base_url, own_context

_COUNTED_ANEW_SECONDS = 86_400.0
_LOOK_SECONDS = 2.0
_CLIENTS = re.compile(rf'^{CLIENTS_BY_STAGE}{{stage="(\w+)"}} (\S+)$', re.MULTILINE)


def clients_in_sandbox(settings: Settings) -> bool | None:
    """Whether the gateway knows of clients in the sandbox or on their way out of it; None: it does
    not tell.
    """
    try:
        token = metrics_token_of(settings)
        request = urllib.request.Request(
            f"{base_url(settings, settings.gateway_port)}/metrics",
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(
            request, timeout=TIMEOUT, context=own_context(settings)
        ) as answer:
            text = answer.read().decode("utf-8", "replace")
    except (*UNANSWERED, EnvironmentBroken):
        return None
    found = dict(_CLIENTS.findall(text))
    return any(float(found.get(stage, 0)) > 0 for stage in ("sandbox", "moving")) if found else None


class SandboxParts:
    """Adds the sandbox's processes to the parts of a hub, and takes them away again."""

    def __init__(
        self,
        settings: Settings,
        parts: list[HubPart],
        wanted: Callable[[Settings], bool | None] = clients_in_sandbox,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._parts = settings, parts
        self._wanted, self._clock = wanted, clock
        self._looked = self._counted = float("-inf")
        self._own: list[HubPart] = []
        self._leaving: list[HubPart] = []
        self._counting: Service | None = None

    @property
    def there(self) -> bool:
        """Whether somebody can look at the sandbox's figures."""
        return bool(self._own)

    @property
    def services(self) -> list[Service]:
        """What runs beside the parts, and has to be stopped with them."""
        counting = [] if self._counting is None else [self._counting]
        return [*counting, *(part.service for part in self._leaving)]

    def look(self) -> None:
        """Begin or end what is wanted; nothing here waits."""
        if self._settings.access != "required":
            return
        self._leaving = [part for part in self._leaving if part.service.running]
        if self._counting is not None:
            self._go_on()
            return
        now = self._clock()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        wanted = self._wanted(self._settings)
        if wanted and (not self._own or now - self._counted > _COUNTED_ANEW_SECONDS):
            self._leave()
            self._counting = self._service("mend", "--from-zero", "--skip-missing", "--yes")
        elif wanted is False:
            self._leave()

    def _go_on(self) -> None:
        """Count anew once no worker runs; then begin."""
        assert self._counting is not None
        if self._leaving:
            return
        if self._counting.process is None and not self._counting.failure:
            self._counting.begin()
        if not self._counting.running:
            # whatever it came to: a worker that can't go on from there says so itself
            self._counting, self._counted = None, self._clock()
            self._own = self._made()
            for part in self._own:
                part.begin()
            self._parts += self._own

    def _leave(self) -> None:
        for part in self._own:
            part.service.ask_to_stop()
            self._parts.remove(part)
        self._leaving += self._own
        self._own = []

    def _made(self) -> list[HubPart]:
        settings, host = self._settings, reached_at(self._settings.host)
        metrics, worker = settings.sandbox_metrics_port, settings.sandbox_worker_port
        return [
            HubPart(
                "sandbox-worker",
                "sandbox worker",
                self._service("worker"),
                lambda: not worker or connects(host, worker, TIMEOUT),
                within="sandbox",
            ),
            HubPart(
                "sandbox-metrics",
                "sandbox metrics",
                self._service("metrics"),
                lambda: answers_well(settings, metrics, "/healthz"),
                within="sandbox",
            ),
        ]

    def _service(self, *arguments: str) -> Service:
        settings, name = self._settings, f"sandbox-{arguments[0]}"
        environment = {
            "LGSP_SPACE": sandbox_of(settings.space),
            "LGSP_METRICS_PORT": str(settings.sandbox_metrics_port),
            "LGSP_WORKER_PORT": str(settings.sandbox_worker_port),
        }
        return Service(name, [*arguments], settings.data / "logs" / f"{name}.log", environment)


def sandbox_address(settings: Settings) -> str:
    """Where people look at what clients try, a line."""
    url = base_url(settings, settings.sandbox_metrics_port)
    return f"Thử / sandbox   {url}/v1/indicators  (docs/access.md)"
