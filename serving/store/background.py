"""A thread with its own event loop that follows Kafka's topics, so that nothing there delays an
answer; whatever happens to Kafka, it goes on by itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from aiokafka.errors import KafkaError

from schemas.errors import HubError, KafkaUnavailable
from schemas.kafka import ensure_topics
from schemas.pauses import Pauses
from schemas.settings import Settings
from serving.logs import REPEATS
from serving.store.progress import Progress

log = logging.getLogger(__name__)

_STOP_SECONDS = 10.0


class Background(ABC):
    """Follows topics in a thread of its own, until it is stopped. `failure` is what waiting could
    not mend.

    One that is not `vital` has none: whatever happens to it, it is tried again.
    """

    def __init__(self, settings: Settings, name: str, *, vital: bool = True) -> None:
        self.progress = Progress()
        self.vital = vital
        self.failure: Exception | None = None
        self._settings, self._name = settings, name
        # while Kafka is away, and where feeding fails
        self._pauses, self._retries, self._failed = Pauses(), Pauses(), ""
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name=f"{name}-feed", daemon=True)

    def start(self, when_ended: Callable[[], None] = lambda: None) -> None:
        """Begin; `when_ended` is called in the feed's thread."""
        self._when_ended = when_ended
        self._task = self._loop.create_task(self._forever())
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        if self._task is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(_STOP_SECONDS)
            if self._thread.is_alive():
                log.error(
                    "The %s's feed does not end within %.0f s: it is left behind.",
                    self._name,
                    _STOP_SECONDS,
                )

    def _main(self) -> None:
        assert self._task is not None
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            log.debug("The %s's feed was stopped.", self._name)
        except Exception as error:
            self.failure = error
            if not isinstance(error, HubError):
                log.exception("The %s's feed failed.", self._name)
        finally:
            self._close()
            self._loop.close()
            self._when_ended()

    async def _forever(self) -> None:
        """Follow the topics through every absence of Kafka.

        Raises: HubError for what waiting does not mend (topics with other partitions than the
        settings say).
        """
        while True:
            try:
                await ensure_topics(self._settings)
                await self._follow()
            except (KafkaUnavailable, KafkaError, OSError) as error:
                self.progress = replace(self.progress, lag=None, doing="waiting for Kafka")
                log.warning(
                    "The %s waits for Kafka at %s: %s",
                    self._name,
                    self._settings.bootstrap,
                    error,
                    extra=REPEATS,
                )
                await asyncio.sleep(self._pauses.next())
            except Exception as error:
                if self.vital:
                    raise
                self._fail(error)
                await asyncio.sleep(self._retries.next())

    def _fail(self, error: Exception) -> None:
        """Say it, once for each kind of failure; nothing is told of what it fed until it works
        again.
        """
        foreseen = isinstance(error, HubError)
        how = f"feeding it failed and is tried again: {error if foreseen else repr(error)}"
        if how != self._failed:
            log.error("The %s: %s", self._name, how, exc_info=not foreseen)
        self._failed = how
        self.progress = Progress(doing=how)

    @abstractmethod
    async def _follow(self) -> None:
        """Follow the topics while Kafka answers."""

    def _close(self) -> None:  # noqa: B027 - not every feed holds something
        """Let go of what is held; called at the end, in the feed's thread."""
