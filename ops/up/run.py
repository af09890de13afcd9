"""`lgsp up`: Kafka, gateway, worker, metrics and a simulated province on one machine, with a live
table of the figures.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from types import FrameType

from aiokafka.errors import KafkaError
from rich.console import Console
from rich.live import Live

from ops.access.own import own_headers
from ops.kafka.embedded import EmbeddedKafka
from ops.simulate.run import require_made_up
from ops.up.live_table import LiveAnswers, Screen, fetch
from ops.up.parts import HubPart, hub_parts
from ops.up.preflight import check_machine
from ops.up.sandbox import SandboxParts, sandbox_address
from schemas.errors import HubError, KafkaUnavailable
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.spaces import OFFICIAL, SIMULATED
from serving.tls import base_url

_REFRESH = 1.0
_PLAIN_EVERY = 30.0  # seconds between two tables where the output is no terminal
_KAFKA_PATIENCE = 60.0  # for its first answer, before the others are started without it


def run_up(settings: Settings, *, simulate: bool) -> int:
    """Start everything, show the table until Ctrl-C or SIGTERM, stop everything in order; the exit
    code.

    Raises: HubError for what starting cannot mend: settings, a port in use, a folder or a download
    that can't be had.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    settings, console = _in_space(settings, simulate=simulate), Console()
    hub = Hub(settings, simulate=simulate)
    try:
        console.print("Looking at settings, folder and ports …", style="dim")
        check_machine(settings, console)
        hub.run(console)
    except KeyboardInterrupt:
        return 0
    finally:
        hub.stop(console)
    return 0


def _in_space(settings: Settings, *, simulate: bool) -> Settings:
    """A simulation has a space of its own, unless another one is named; without one it is the
    official one.

    Raises: SettingsError for a simulation into the official space.
    """
    if not simulate:
        return settings
    if "space" in settings.model_fields_set:
        require_made_up(settings)
        return settings
    return settings.model_copy(update={"space": SIMULATED})


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Hub:
    """All parts, from the first to be started to the last; whatever ends is started again, and
    holds up nobody else.
    """

    def __init__(self, settings: Settings, *, simulate: bool) -> None:
        self._settings = settings
        self.parts = hub_parts(settings, simulate=simulate)
        self.screen = Screen(self.parts, addresses(settings), settings.space)
        self.sandbox = SandboxParts(settings, self.parts)
        self._topics_known = False
        self._headers: dict[str, str] | None = None  # none made yet
        self._unsigned = "Kafka does not answer yet"  # why none is
        self._may_sign_in = True

    def run(self, console: Console) -> None:
        """Until KeyboardInterrupt.

        Raises: SettingsError when the topics exist and were made with other settings.
        """
        if console.is_terminal and not console.is_dumb_terminal:
            with Live(self.screen, console=console, refresh_per_second=2):
                self._keep(lambda: None)
        else:
            self._keep(Plain(console, self.screen).tell)

    def _keep(self, tell: Callable[[], None]) -> None:
        while True:
            self.tick()
            tell()
            time.sleep(_REFRESH if self.screen.started else _REFRESH / 4)

    def tick(self) -> None:
        """Start what can be started, start again what ended, look at who answers, and ask for the
        figures.
        """
        for part in self.parts:
            part.service.keep()
            if not part.begun and all(
                self._given(one) for one in self.parts if one.name in part.after
            ):
                part.begin()
            part.look()
        self._look_at_topics()
        if self._topics_known and self._may_sign_in:
            self._sign_in()
        self.screen.started = self.screen.started or all(part.answered for part in self.parts)
        if self.screen.started:
            self.sandbox.look()
            self.screen.addresses = addresses(self._settings, sandbox=self.sandbox.there)
            self.screen.answers = self._figures()

    def _sign_in(self) -> None:
        """As the hub's own screen, which needs a key where access is required; before metrics
        answers, so that it has heard of the key by then.
        """
        title = "Màn hình của trục / the hub's screen"
        try:
            made = own_headers(self._settings, "screen", title, sends=False, reads=True)
            self._headers = asyncio.run(made)
            self._may_sign_in = False
        except (KafkaUnavailable, KafkaError, OSError) as error:
            self._unsigned = str(error)  # until Kafka is back
        except HubError as error:
            self._unsigned, self._may_sign_in = str(error), False

    def _figures(self) -> LiveAnswers:
        if self._headers is None:
            return LiveAnswers([], self._unsigned)
        try:
            return fetch(self._settings, self._headers)
        except HubError as error:  # of the certificate
            return LiveAnswers([], str(error))

    def _given(self, part: HubPart) -> bool:
        """Whether who comes after it may start: it answered once, or has kept them waiting for long
        enough.
        """
        return (
            part.answered
            or part.service.restarts > 0
            or (part.begun and part.waited > _KAFKA_PATIENCE)
        )

    def _look_at_topics(self) -> None:
        """Topics of other settings are said at once, by the one whom somebody is looking at."""
        if not self._topics_known and (not self._settings.embedded or self.parts[0].answers_now):
            try:
                asyncio.run(ensure_topics(self._settings))
                self._topics_known = True
            except (KafkaUnavailable, KafkaError, OSError):
                pass  # the others wait for it too

    def stop(self, console: Console) -> None:
        """End everything, the simulation first and Kafka last, saying so. Another Ctrl-C ends it by
        force, which loses nothing either.
        """
        if not any(part.service.running for part in self.parts):
            return
        try:
            for service in self.sandbox.services:
                service.stop()
            for group in self._stop_order():
                names = ", ".join(part.title for part in group)
                console.print(f"Stopping {names} …", markup=False, highlight=False)
                for part in group:
                    part.service.ask_to_stop()
                for part in group:
                    part.service.stop()
        except KeyboardInterrupt:
            console.print("Stopping by force …", markup=False)
            for service in [*self.sandbox.services, *(part.service for part in self.parts)]:
                service.kill()
            if self._settings.embedded:
                # the broker is a process of the one that was killed
                EmbeddedKafka.of(self._settings).end_orphan()
        console.print("Stopped. Figures are kept; start again any time.", markup=False)

    def _stop_order(self) -> list[list[HubPart]]:
        """Those of one level together, the last to be started first."""
        levels: dict[int, list[HubPart]] = {}
        for part in reversed(self.parts):
            if part.service.running:
                levels.setdefault(part.level, []).append(part)
        return list(levels.values())


class Plain:
    """For an output that is no terminal: each part once it answers, the addresses once, then the
    table every half minute.
    """

    def __init__(self, console: Console, screen: Screen) -> None:
        self._console, self._screen = console, screen
        self._told: set[str] = set()
        self._printed: float | None = None

    def tell(self) -> None:
        """Print what is new."""
        for part in self._screen.parts:
            if part.answered and part.name not in self._told:
                self._told.add(part.name)
                self._console.print(
                    f"{part.title} answers (after {part.took:.0f} s).",
                    markup=False,
                    highlight=False,
                )
            if part.service.refused:
                self._tell_refusal(part)
        if not self._screen.started:
            return
        for line in self._screen.addresses:
            if line not in self._told:
                self._told.add(line)
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        if self._printed is None or time.monotonic() - self._printed > _PLAIN_EVERY:
            self._printed = time.monotonic()
            self._console.print(self._screen.table_only())

    def _tell_refusal(self, part: HubPart) -> None:
        """At each of its ends once, also where the others never come so far as to be shown."""
        said = part.service.last_words()
        if said not in self._told:
            self._told.add(said)
            self._console.print(
                f"{part.title} can't go on until somebody acts: {said}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def addresses(settings: Settings, *, sandbox: bool = False) -> list[str]:
    """Where people send and look, a line each."""
    # of which other commands have to know
    space = "" if settings.space == OFFICIAL else f", LGSP_SPACE={settings.space}"
    gateway, metrics = (
        base_url(settings, port) for port in (settings.gateway_port, settings.metrics_port)
    )
    return [
        f"Gửi / send      {gateway}/v1/events  (docs/send-events.md)",
        f"Xem / look      {metrics}/v1/indicators, /metrics  (docs/api.md)",
        *([sandbox_address(settings)] if sandbox else []),
        f"Kafka           {settings.bootstrap}{space}; data and logs in {settings.data}",
        "Ctrl-C dừng tất cả. / Ctrl-C stops everything.",
    ]
