"""What is small enough to be kept in memory: read from the beginning of its topics at every start,
and followed live from then on.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from schemas.kafka.reading import ConsumedRecord
from serving.store.disposable import Position

log = logging.getLogger(__name__)

# for which Kafka holds a question that has no answer yet; what is new is told at once all the same
IDLE_MS = 1_000


class MemoryStore(ABC):
    """What a follower feeds. While it is read anew, what was made of it before stays; an empty
    topic is something too.
    """

    generation = 1  # it can be read at any time
    trouble = None

    def __init__(self, anew: str) -> None:
        """`anew` is said when its topic was made anew, with the reason in place of %s."""
        self._anew = anew
        self._changed, self._whole = True, False
        self._clear()

    @abstractmethod
    def _clear(self) -> None:
        """Forget the records that were taken."""

    @abstractmethod
    def _take(self, records: Iterable[ConsumedRecord]) -> bool:
        """Take records in order; whether they make something else."""

    @abstractmethod
    def _make(self) -> None:
        """Make what is told of the records that were taken by now."""

    def open(self, cluster: str, now_ms: int) -> dict[object, Position]:
        """Begin anew; nothing of it is known between two readings."""
        self._clear()
        self._changed, self._whole = True, False
        return {}

    def rebuild(self, cluster: str, now_ms: int, reason: str) -> dict[object, Position]:
        """Begin anew, since the topic was."""
        log.warning(self._anew, reason)
        return self.open(cluster, now_ms)

    def apply(self, records: Iterable[ConsumedRecord], positions: Mapping[object, int]) -> None:
        """Take records in order."""
        self._changed |= self._take(records)
        self.check()

    def caught_up(self) -> None:
        """What stood there when the reading began was taken: from now on it is told."""
        self._whole = True
        self.check()

    def check(self) -> None:
        """Tell what the records make by now."""
        if self._whole and self._changed:
            self._make()
            self._changed = False

    def complete(self, now_ms: int) -> None:  # noqa: B027 - there is nothing to do
        """Nothing outlives the process that could be too old."""

    def close(self) -> None:  # noqa: B027 - there is nothing to do
        """Nothing is held."""
