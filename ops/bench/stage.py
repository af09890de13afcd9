"""The stage of a measurement: a Kafka of its own on a temporary folder, the hub's processes on it,
progress for who waits.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

from rich.progress import Progress

from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from ops.up.supervise import Service
from schemas.errors import EnvironmentBroken
from schemas.kafka.topics import ensure_topics
from schemas.listening import LOOPBACK
from schemas.settings import Settings
from schemas.spaces import OFFICIAL

_Result = TypeVar("_Result")
_PATIENCE = 120.0


class Stage:
    """Entered by `run`; everything is stopped and deleted at the end, whatever happens."""

    def __init__(self, chosen: Settings, progress: Progress, cores: list[int]) -> None:
        self.progress, self.cores = progress, cores
        self._chosen = chosen
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(
                stack.enter_context(
                    TemporaryDirectory(prefix="lgsp-bench-", ignore_cleanup_errors=True)
                )
            )
            self.settings = _stage_settings(self._chosen, folder)
            self.broker = EmbeddedKafka.of(self.settings)
            with self.waiting("Kafka starts"):
                self.broker.start()
            stack.callback(self.broker.stop)
            asyncio.run(ensure_topics(self.settings))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def service(self, name: str, label: str = "", **changes: Any) -> Service:
        """One of the hub's commands as a process of its own, not yet started. `label` tells two of
        a kind apart.
        """
        settings = self.settings.model_copy(update=changes)
        log = self.settings.data / "logs" / f"{label or name}.log"
        service = Service(name, [name], log, stage_environment(settings))
        self._stack.callback(service.stop)
        return service

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Say what is waited for while its length is not known."""
        task = self.progress.add_task(text, total=None)
        try:
            yield
        finally:
            self.progress.update(task, total=1, completed=1)

    @contextmanager
    def counting(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A progress bar; gives the function that says how far it is."""
        task = self.progress.add_task(text, total=total)
        yield lambda done: self.progress.update(task, completed=done)
        self.progress.update(task, completed=total)


def _stage_settings(chosen: Settings, folder: Path) -> Settings:
    """The user's settings on another folder and on free ports; always the embedded Kafka, which
    holds nothing else, so that what is measured has the names of the official space.
    """
    return chosen.model_copy(
        update={
            "data": folder,
            "pepper_file": None,
            "token_key_file": None,
            "metrics_token_file": None,
            "tls_cert": None,  # measured is the hub, not the library's encryption
            "tls_key": None,
            "space": OFFICIAL,
            "host": LOOPBACK,
            "kafka_host": LOOPBACK,
            "kafka_servers": "",
            "kafka_port": free_port(),
            "gateway_port": free_port(),
            "metrics_port": free_port(),
            "worker_port": 0,
            "replication_factor": 1,
            "min_insync_replicas": 1,
            "log_level": "INFO",
        }
    )


def stage_environment(settings: Settings) -> dict[str, str]:
    """The settings as variables for a process; what is empty is left to its default."""
    given = {name: getattr(settings, name) for name in Settings.model_fields}
    return {
        f"LGSP_{name.upper()}": str(value)
        for name, value in given.items()
        if value not in (None, "")
    }


def in_own_process(function: Callable[..., _Result], *arguments: Any) -> _Result:
    """The function's result, from a fresh process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def require_running(service: Service) -> int:
    """Its process number. Raises: EnvironmentBroken if it ended."""
    if service.process is None or not service.running:
        raise EnvironmentBroken(
            f"{service.name} ended while it was measured: {service.last_words()}"
        )
    return service.process.pid


def deadline(what: str, seconds: float = _PATIENCE) -> Callable[[], None]:
    """A function that raises EnvironmentBroken once it is called too late."""
    until = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > until:
            raise EnvironmentBroken(
                f"{what} did not happen within {seconds:.0f} s: is the machine too busy to measure"
                " anything?"
            )

    return check
