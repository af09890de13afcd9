"""Answers that are waited for so long and no longer: what figures do not rest on must not hold up
who asks.
"""

from __future__ import annotations

from asyncio import get_running_loop, timeout
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from metrics.errors import NotReady

PATIENCE_SECONDS = 15.0
_T = TypeVar("_T")


async def in_time(pool: Executor, patience: float, answer: Callable[[], _T]) -> _T:
    """What it returns in a thread of the pool.

    Raises: NotReady when that takes longer; the thread is left to end by itself.
    """
    try:
        async with timeout(patience):
            return await get_running_loop().run_in_executor(pool, answer)
    except TimeoutError:
        raise NotReady(
            f"The answer could not be read within {patience:.0f} s: ask again later."
        ) from None
