"""How much a client may send: so many events and bytes a second, on the average of ten, in each
gateway.

A bucket may go into debt: how many events a body holds is known only when it was read. Who has
debts is refused before anything of its next request is read, until they are paid.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic

from serving.access.clients import Client, Identity
from serving.access.errors import OverLimit

BURST_SECONDS = 10  # of its rate that a client may send at once


class TokenBucket:
    """So much a second, and what was not used of the last seconds; rate 0: as much as one likes."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self.rate, self._clock = rate, clock
        self._left, self._at = float(rate * BURST_SECONDS), clock()

    def wait(self) -> float:
        """Seconds until something may be taken again; 0: at once."""
        if not self.rate:
            return 0.0
        now = self._clock()
        self._left = min(self.rate * BURST_SECONDS, self._left + (now - self._at) * self.rate)
        self._at = now
        return 0.0 if self._left > 0 else (1 - self._left) / self.rate

    def take(self, amount: int) -> None:
        """Take as much, which may make debts."""
        self._left -= amount


class ClientBuckets:
    """The buckets of all clients, made anew where a client's limits are others now."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._of: dict[str, tuple[TokenBucket, TokenBucket]] = {}

    def admit(self, identity: Identity, announced: int) -> None:
        """Let a request begin, which announces so many bytes: they are taken, and one event.

        Raises: OverLimit while there are debts.
        """
        if identity.client is None:
            return
        events, size = self._buckets(identity.client)
        seconds = max(events.wait(), size.wait())
        if seconds > 0:
            raise OverLimit(_over(identity.client), max(1, ceil(seconds)))
        events.take(1)
        size.take(announced)

    def charge(self, identity: Identity, *, events: int = 0, size: int = 0) -> None:
        """Take what turned out to be more than was taken at the beginning."""
        if identity.client is not None:
            of_events, of_bytes = self._buckets(identity.client)
            of_events.take(events)
            of_bytes.take(size)

    def _buckets(self, client: Client) -> tuple[TokenBucket, TokenBucket]:
        limits = client.limits
        found = self._of.get(client.name)
        if found is None or (found[0].rate, found[1].rate) != (limits.events, limits.bytes):
            found = TokenBucket(limits.events, self._clock), TokenBucket(limits.bytes, self._clock)
            self._of[client.name] = found
        return found


def _over(client: Client) -> str:
    limits = client.limits
    return (
        f"{client.name} sends more than its limits: {limits.events:,} events and"
        f" {limits.bytes:,} bytes a second (0: no limit), on the average of {BURST_SECONDS} s. Send"
        " the same request again after Retry-After seconds."
    )
