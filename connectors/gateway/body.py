"""Reading a request's body within bounds: of its length, of the memory of all requests together, and of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from connectors.budget import Budget
from connectors.gateway.problems import Problem
from schemas.settings import Settings

READ_SECONDS = 30.0
WAITING_REQUESTS = 256  # more than this waiting for room: the load is beyond this gateway


@asynccontextmanager
async def body_of(request: Request, budget: Budget, settings: Settings) -> AsyncIterator[bytes]:
    """The body, its bytes held from the budget until the block ends. A long body is refused before it is in memory.

    Raises: Problem (408 too slow, 413 too large, 503 no room in time)
    """
    size = _announced(request, settings.body_limit)
    await _room(budget, size, settings.publish_timeout)
    try:
        yield await _read(request, settings.body_limit)
    finally:
        budget.give(size)


def _announced(request: Request, limit: int) -> int:
    """The length the client announces, else the greatest it may have."""
    announced = request.headers.get("content-length", "")
    length = int(announced) if announced.isdecimal() and len(announced) < 19 else limit if not announced else limit + 1
    if length > limit:
        raise _too_large(limit)
    return length


async def _room(budget: Budget, size: int, seconds: float) -> None:
    if budget.waiting >= WAITING_REQUESTS:
        raise Problem("unavailable", "Too many requests wait for room in the gateway: send this one again later.")
    try:
        async with asyncio.timeout(seconds):
            await budget.take(size)
    except TimeoutError:
        raise Problem("unavailable", f"No room in the gateway within {seconds:g} s: send the request again later.") from None


async def _read(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                length += len(chunk)
                if length > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise Problem("too-slow", f"The body did not arrive within {READ_SECONDS:g} s: send it again in smaller requests.") from None
    except ClientDisconnect:
        raise Problem("http-error", "The client went away before its body was complete.") from None
    return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    return Problem("too-large", f"The body is longer than {limit:,} bytes (LGSP_BODY_LIMIT): send fewer events in a request.")
