"""A bound on bytes in memory: who wants more than is left waits, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque


class Budget:
    """`limit` bytes to share. One holder alone may exceed it, so that a single large thing can't
    wait for ever.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> int:
        """Callers that wait for bytes."""
        return len(self._waiting)

    async def take(self, size: int) -> None:
        """Wait until `size` bytes are free and hold them; a cancelled wait holds nothing."""
        if not self._waiting and self._fits(size):
            self.used += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._withdraw(size, turn)
            raise

    def give(self, size: int) -> None:
        """Give `size` bytes back and let in whoever now fits."""
        self.used -= size
        self._admit()

    def _fits(self, size: int) -> bool:
        return self.used == 0 or self.used + size <= self.limit

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self.used += size
                turn.set_result(None)

    def _withdraw(self, size: int, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # let in and cancelled at the same moment
            self.give(size)
            return
        if (size, turn) in self._waiting:
            self._waiting.remove((size, turn))
        self._admit()  # whoever stood behind may fit
