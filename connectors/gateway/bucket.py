"""How much of what is refused is kept: a sender that sends nonsense without end must not fill the
disks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from schemas.quarantine import Quarantined

BURST_SECONDS = 512  # of the rate that may be kept at once: a day's ordinary mistakes


class Bucket:
    """So many bytes a second, and those that were not used before."""

    def __init__(self, rate: int, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._most = float(rate * BURST_SECONDS)
        self._left, self._at = self._most, clock()

    def within(
        self, refused: Iterable[Quarantined], size: Callable[[Quarantined], int] | None = None
    ) -> list[Quarantined]:
        """Those, in order, that may be kept; nothing behind the first that may not. Each takes the
        bytes of its record, or what `size` says.
        """
        now = self._clock()
        self._left, self._at = min(self._most, self._left + (now - self._at) * self._rate), now
        kept = []
        for one in refused:
            if (taken := (size or size_of)(one)) > self._left:
                break
            self._left -= taken
            kept.append(one)
        return kept


def size_of(refused: Quarantined) -> int:
    """The bytes of its record."""
    return (
        len(refused.key)
        + len(refused.value)
        + sum(len(name) + len(value or b"") for name, value in refused.headers)
    )
