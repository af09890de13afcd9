"""`lgsp up`: Kafka, gateway, worker, metrics and a simulated province on one machine, with a live table of the figures."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from contextlib import ExitStack
from types import FrameType

from rich.console import Console
from rich.live import Live

from ops.kafka import EmbeddedKafka
from ops.live_table import LiveTable, answers, fetch
from ops.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.kafka import ensure_topics
from schemas.settings import Settings

READY_SECONDS = 60.0
ORPHAN_SECONDS = 8.0
REFRESH = 1.0
PLAIN_EVERY = 30.0  # seconds between two tables where the output is no terminal


def run_up(settings: Settings, *, simulate: bool) -> int:
    """Start everything, show the table until Ctrl-C or SIGTERM, stop everything in order.

    Raises: EnvironmentBroken for a port in use or a part that does not come up.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    console = Console()
    for name, port in (("gateway", settings.gateway_port), ("metrics", settings.metrics_port), ("worker", settings.worker_port)):
        require_free(settings.host, port, name)
    try:
        with ExitStack() as stack:
            broker = _start_kafka(settings, console, stack)
            services = _start_services(settings, console, stack)
            if simulate:
                services.append(_service(settings, "simulate", "--live", "--via-gateway"))
                services[-1].start()
                stack.callback(services[-1].stop)
            _print_addresses(settings, console, simulate)
            _watch(settings, console, services, broker)
    except KeyboardInterrupt:
        console.print("Stopped. Figures are kept; start again any time.")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def require_free(host: str, port: int, name: str) -> None:
    """Waits a little, since the processes of a killed `lgsp up` need a moment to end.

    Raises: EnvironmentBroken if something still listens there.
    """
    deadline = time.monotonic() + ORPHAN_SECONDS
    while port and _answers(host, port):
        if time.monotonic() > deadline:
            variable = f"LGSP_{name.upper()}_PORT"
            raise EnvironmentBroken(f"Port {port} is in use, so {name} can't have it: stop what listens there, or set {variable}.")
        time.sleep(0.2)


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def _start_kafka(settings: Settings, console: Console, stack: ExitStack) -> EmbeddedKafka | None:
    broker = None
    if settings.embedded:
        with console.status("Starting Kafka (the first time it is downloaded) …"):
            broker = EmbeddedKafka.of(settings)
            broker.start()
        stack.callback(broker.stop)
    asyncio.run(ensure_topics(settings))
    return broker


def _service(settings: Settings, *arguments: str) -> Service:
    return Service(arguments[0], list(arguments), settings.data / "logs" / f"{arguments[0]}.log")


def _start_services(settings: Settings, console: Console, stack: ExitStack) -> list[Service]:
    services = [_service(settings, name) for name in ("worker", "metrics", "gateway")]
    for service in services:
        service.start()
        stack.callback(service.stop)
    for service in services:  # unwound first: all are asked before any is waited for
        stack.callback(service.ask_to_stop)
    with console.status("Starting worker, metrics and gateway …"):
        _await_ready(settings, services)
    return services


def _await_ready(settings: Settings, services: list[Service]) -> None:
    # Figures may take long to be ready, after a change of rules for one; the table below says how far they are.
    waiting = {"metrics": (settings.metrics_port, "/healthz"), "gateway": (settings.gateway_port, "/readyz")}
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        for service in services:
            if not service.running:
                raise EnvironmentBroken(f"{service.name} ended while starting: {service.last_words()} (more in {service.log})")
        waiting = {name: place for name, place in waiting.items() if not answers(settings.host, *place)}
        if waiting and time.monotonic() > deadline:
            names = ", ".join(waiting)
            raise EnvironmentBroken(f"{names} did not come up in {READY_SECONDS:.0f} s: see {settings.data / 'logs'}, then start again.")
        time.sleep(0.1)


def _print_addresses(settings: Settings, console: Console, simulate: bool) -> None:
    metrics = f"http://{settings.host}:{settings.metrics_port}"
    console.print(f"Send events   [bold]http://{settings.host}:{settings.gateway_port}/v1/events[/]  (docs/send-events.md)")
    console.print(f"Figures       [bold]{metrics}/v1/indicators[/]  (docs/api.md)")
    console.print(f"Prometheus    [bold]{metrics}/metrics[/]  (docs/metrics.md)")
    console.print(f"Kafka         {settings.bootstrap}, data and logs in {settings.data}")
    fed = "A simulated province is feeding it (SIMULATE=0 turns that off)." if simulate else "Send events or import a file to see figures."
    console.print(fed)
    console.print("Ctrl-C stops everything.")


def _watch(settings: Settings, console: Console, services: list[Service], broker: EmbeddedKafka | None) -> None:
    table = LiveTable()
    printed = 0.0
    with Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else ExitStack() as live:
        while True:
            if broker is not None and broker.pid is None:
                broker.stop()  # lets go of its folder
                broker.start()
            for service in services:
                service.keep()
            rendered = table.render(fetch(settings), services)
            if isinstance(live, Live):
                live.update(rendered, refresh=True)
            elif time.monotonic() - printed > PLAIN_EVERY:
                console.print(rendered)
                printed = time.monotonic()
            time.sleep(REFRESH)
