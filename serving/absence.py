"""Whether Kafka answers, told in one line when it goes, seldom while it is away, and in one line
when it is back.

Nobody's work depends on it: those who read and write find out by themselves. A thread of its own
asks, and only while somebody suspects.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.kafka.clients import connection
from schemas.pauses import Pauses
from schemas.settings import Settings

_PATIENCE_MS = 5_000
_REMIND_SECONDS = 300.0
_GAP_SECONDS = 2.0  # after an answer, until the next question
_CALM_SECONDS = 30.0  # after an absence, in which who was cut off complains and comes back
Ask = Callable[[str], str]


class Absence:
    """Of the Kafka at an address."""

    THREAD: ClassVar[str] = "kafka-absence"
    LOGGER: ClassVar[str] = __name__

    def __init__(
        self,
        bootstrap: str,
        ask: Ask | None = None,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """ask: why the Kafka there does not answer; empty if it does."""
        self._bootstrap, self._ask, self._pause = bootstrap, ask or why_silent, pause
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[Callable[[bool], None]] = []
        self._watching = False
        self._calm_at = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Absence:
        """The one of this process."""
        made = cls(settings.bootstrap, lambda bootstrap: why_silent(bootstrap, settings))
        return _OF_PROCESS.setdefault(settings.bootstrap, made)

    def suspect(self, settle: Callable[[bool], None]) -> None:
        """Something did not work: ask, and tell `settle` whether Kafka is away. Returns at once;
        from any thread.
        """
        with self._lock:
            if settle not in self._waiting:
                self._waiting.append(settle)
            if self._watching:
                return
            self._watching = True
        try:
            threading.Thread(target=self._watch, name=self.THREAD, daemon=True).start()
        # no further thread, or the process ends: whoever logged must not fail by that, and nothing
        # is held back
        except RuntimeError:
            self._watching = False
            self._settle(away=False)

    def _watch(self) -> None:
        try:
            if why := self._ask(self._bootstrap):
                self._wait_for_it(why)
            else:
                self._settle(away=self._clock() < self._calm_at)
                self._pause(_GAP_SECONDS)
        finally:
            with self._lock:
                self._watching = False
                again = [*self._waiting]
        for settle in again:  # what was suspected meanwhile
            self.suspect(settle)

    def _wait_for_it(self, why: str) -> None:
        log, pauses, began = (
            logging.getLogger(self.LOGGER),
            Pauses(clock=self._clock),
            self._clock(),
        )
        log.warning("Kafka at %s does not answer (%s); trying until it does.", self._bootstrap, why)
        reminded = began
        while why:
            self._settle(away=True)
            self._pause(pauses.next())
            why, now = self._ask(self._bootstrap), self._clock()
            if why and now - reminded > _REMIND_SECONDS:
                reminded = now
                log.warning(
                    "Kafka at %s has not answered for %d minutes (%s).",
                    self._bootstrap,
                    (now - began) // 60,
                    why,
                )
        self._settle(away=True)  # of before
        self._calm_at = self._clock() + _CALM_SECONDS
        log.warning("Kafka at %s answers again after %d s.", self._bootstrap, self._clock() - began)

    def _settle(self, *, away: bool) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for settle in waiting:
            settle(away)


_OF_PROCESS: dict[str, Absence] = {}  # by address


def why_silent(bootstrap: str, settings: Settings | None = None) -> str:
    """Why no broker there tells the cluster's metadata; empty if one does. `settings` say as whom
    it is asked; without them as nobody.
    """
    try:
        security = {} if settings is None else connection(settings)
        return asyncio.run(_why_silent(security | {"bootstrap_servers": bootstrap}))
    except Exception as error:  # an asking thread that died would leave everything unsaid
        return repr(error)


async def _why_silent(connection: dict[str, Any]) -> str:
    client = AIOKafkaClient(request_timeout_ms=_PATIENCE_MS, **connection)
    try:
        async with asyncio.timeout(_PATIENCE_MS / 1000):
            await client.bootstrap()
        return "" if client.cluster.brokers() else "it knows no broker"
    except TimeoutError:
        return "no answer in time"
    except KafkaConnectionError:
        return "no connection"
    except (KafkaError, OSError) as error:
        return str(error) or type(error).__name__
    finally:
        await client.close()
