"""The memory that the bodies of all requests share: each byte is held from when it arrives until
its request is answered.

Who needs more than is left waits in turn, those that have begun before new ones, for a time that
the caller sets. No crowd of half-read bodies can block the room, since whatever is held is held by

1. requests that are being answered: that ends by Kafka's time limit and needs no more room;
2. bodies that arrive: those that do so slowly are refused, and give back what they hold, as soon as
   anybody waits for it. The others are fast, and so are soon in 1 or 3;
3. bodies that wait themselves. When they hold everything, nothing would ever come free: then the
   last in turn is refused and gives back, and so on, until the first fits. It does in the end,
   since one that holds everything alone may exceed the limit.

New bodies leave a quarter to those that have begun, and the bodies of one client's address have
half of it, so that 3 is seldom.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

LEAST_RATE = 1 << 10  # bytes a second that a body has to arrive with
STANDSTILL_SECONDS = 10.0  # for which it may stand still
PRESSED_RATE = 64 << 10  # the same while somebody waits for the room that it holds
PRESSED_SECONDS = 2.0
TICK_SECONDS = 0.25  # after which the first in turn looks again who is slow

SLOW = (
    "The body arrived slowly while others waited for the room it took: send the request again"
    " later, or in smaller ones."
)
_CROWD = "Too many bodies arrived at once: send the request again later."


class NoRoom(Exception):
    """There was no room in time, or others needed it; says which."""


class BodyShare:
    """What one body holds."""

    def __init__(self, client: str, clock: Callable[[], float]) -> None:
        self.client = client
        self.held = 0
        self.wants = 0
        self.refused = ""
        self.turn: asyncio.Future[None] | None = None  # while it waits
        self._patience: asyncio.Timeout | None = None  # while its client is waited for
        self._clock = clock
        self._fast_until = clock() + PRESSED_SECONDS

    @contextmanager
    def arriving(self, patience: asyncio.Timeout) -> Iterator[None]:
        """Meanwhile the client has only so much time."""
        self._patience = patience
        patience.reschedule(_loop_time() + STANDSTILL_SECONDS)
        try:
            yield
        finally:
            self._patience = None

    @property
    def is_slow(self) -> bool:
        """Whether it arrives too slowly to hold what others wait for."""
        return self._patience is not None and self.turn is None and self._clock() > self._fast_until

    def arrived(self, size: int) -> None:
        """So much came, so the client has so much more time for the next."""
        self._fast_until = min(
            self._clock() + PRESSED_SECONDS, self._fast_until + size / PRESSED_RATE
        )
        if self._patience is not None and (deadline := self._patience.when()) is not None:
            self._patience.reschedule(
                min(_loop_time() + STANDSTILL_SECONDS, deadline + size / LEAST_RATE)
            )

    def refuse(self, why: str) -> None:
        """End it, whatever it waits for."""
        self.refused = why
        if self.turn is not None:
            self.let_go()
        elif self._patience is not None:
            self._patience.reschedule(_loop_time())

    def let_go(self) -> None:
        """It waits no longer."""
        if self.turn is not None and not self.turn.done():
            self.turn.set_result(None)

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Future[None]]:
        """Meanwhile it is not its client that is waited for."""
        self.turn = asyncio.get_running_loop().create_future()
        if self._patience is not None:
            self._patience.reschedule(None)
        try:
            yield self.turn
        finally:
            self.turn = None
            self._fast_until = self._clock() + PRESSED_SECONDS
            if self._patience is not None:
                self._patience.reschedule(_loop_time() + STANDSTILL_SECONDS)


class BodyRoom:
    """`limit` bytes to share."""

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self.limit, self.used = limit, 0
        self._clock = clock
        self._shares: dict[BodyShare, None] = {}
        self._waiting: dict[BodyShare, None] = {}  # in the order in which they came to wait
        self._of_client = Counter[str]()

    @property
    def waiting(self) -> int:
        """Bodies that wait."""
        return len(self._waiting)

    @contextmanager
    def share(self, client: str) -> Iterator[BodyShare]:
        """The share of a new body of a client's, given back at the end."""
        share = BodyShare(client, self._clock)
        self._shares[share] = None
        try:
            yield share
        finally:
            del self._shares[share]
            self._hold(share, -share.held)
            self._admit()

    async def take(self, share: BodyShare, size: int, seconds: float) -> None:
        """Hold so many bytes more; wait for them no longer than so many seconds.

        Raises: NoRoom
        """
        if share.refused:  # what came in the same turn has put off its end again
            raise NoRoom(share.refused)
        share.wants = size
        if not self._waiting and self._fits(share) and self._fits_client(share):
            self._hold(share, size)
            return
        with share.waiting() as turn:
            self._waiting[share] = None
            try:
                self._admit()
                await self._until_its_turn(share, turn, seconds)
            finally:
                self._waiting.pop(share, None)
                self._admit()  # whoever stood behind may fit
        if share.refused:
            raise NoRoom(share.refused)

    async def _until_its_turn(
        self, share: BodyShare, turn: asyncio.Future[None], seconds: float
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not turn.done():
                    self._make_room(share)
                    await asyncio.wait([turn], timeout=TICK_SECONDS)
        except TimeoutError:
            raise NoRoom(
                f"No room in the gateway within {seconds:g} s: send the request again later."
            ) from None

    def _hold(self, share: BodyShare, size: int) -> None:
        share.held += size
        self.used += size
        self._of_client[share.client] += size
        if not self._of_client[share.client]:
            del self._of_client[share.client]

    def _in_turn(self) -> list[BodyShare]:
        """Those that wait, who has begun before who has not."""
        return sorted(self._waiting, key=lambda share: share.held == 0)

    def _admit(self) -> None:
        """Let go on whoever fits, in turn. Who has only its own client in its way holds up
        nobody.
        """
        for share in self._in_turn():
            if not self._fits(share):
                return
            if self._fits_client(share):
                del self._waiting[share]
                self._hold(share, share.wants)
                share.let_go()

    def _fits(self, share: BodyShare) -> bool:
        limit = self.limit if share.held else self.limit - self.limit // 4
        return self.used == share.held or self.used + share.wants <= limit

    def _fits_client(self, share: BodyShare) -> bool:
        used = self._of_client[share.client]
        return used == share.held or used + share.wants <= self.limit // 2

    def _make_room(self, share: BodyShare) -> None:
        """Refuse who is in the way of a body that is the first in turn: of all, or of its client
        where that has its half.
        """
        client = share.client if self._fits(share) else None
        if share is not next(
            (one for one in self._in_turn() if client in (None, one.client)), None
        ):
            return
        others = [
            one
            for one in self._shares
            if one is not share and one.held and not one.refused and client in (None, one.client)
        ]
        slow = [one for one in others if one.is_slow]
        for one in slow:
            one.refuse(SLOW)
        if not slow and others and all(one in self._waiting for one in others):
            last = [one for one in self._in_turn() if one in others][-1]
            last.refuse(_CROWD)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
