"""Logs that a broker which is away does not fill: aiokafka repeats itself at every attempt, a hundred times a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

SECONDS = 10.0


class Seldom(logging.Filter):
    """For a handler: of what aiokafka says, the same thing at most once in so many seconds, and with it how often it was left out."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._clock = seconds, clock
        self._said: dict[tuple[str, object], tuple[float, int]] = {}  # when, and how often it was left out since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        if not record.name.startswith("aiokafka"):
            return True
        what, now = (record.name, record.msg), self._clock()
        when, left_out = self._said.get(what, (now - self._seconds, 0))
        if now - when < self._seconds:
            self._said[what] = when, left_out + 1
            return False
        self._said[what] = now, 0
        if left_out:
            record.msg = f"{record.msg} (and {left_out:,} more like it)"
        return True
