"""Pauses between attempts: they grow with the time that nothing succeeds, so that recovery takes a
tenth longer at most.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

LEAST_PAUSE, MOST_PAUSE = 0.5, 10.0
_SHARE = 0.1
_JITTER = 0.25


class Pauses:
    """A tenth of how long it has failed for, within bounds, give or take a quarter: many that lost
    one broker don't come back as one.
    """

    def __init__(
        self,
        least: float = LEAST_PAUSE,
        most: float = MOST_PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._least, self._most, self._clock = least, most, clock
        self._failing_since: float | None = None

    def next(self) -> float:
        """Seconds to wait after an attempt that failed."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        grown = min(self._most, max(self._least, _SHARE * (now - self._failing_since)))
        return grown * random.uniform(1 - _JITTER, 1)

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._failing_since = None
