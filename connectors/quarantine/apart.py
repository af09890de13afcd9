"""Reading topics beside a process that has more urgent things to do: in a thread with a loop of its
own, for a bounded time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from schemas.errors import KafkaUnavailable
from schemas.settings import Settings

PATIENCE_SECONDS = 60.0  # for a gigabyte, on a slow disk; who stops the process waits no longer
_Read = TypeVar("_Read")


async def read_apart(settings: Settings, reads: Callable[[], Awaitable[_Read]]) -> _Read:
    """What `reads` gives; it must touch nothing of the loop that asks.

    Raises: KafkaUnavailable, also where it takes too long; what `reads` raises
    """
    return await asyncio.to_thread(lambda: asyncio.run(_bounded(settings, reads)))


async def _bounded(settings: Settings, reads: Callable[[], Awaitable[_Read]]) -> _Read:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await reads()
    except TimeoutError:
        raise KafkaUnavailable(
            f"Kafka at {settings.bootstrap} did not give what was asked for within"
            f" {PATIENCE_SECONDS:.0f} s: ask again later."
        ) from None
