"""Reading a request's body within bounds: of its length, of the memory of all requests together,
and of time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from connectors.gateway.problems import Problem
from connectors.gateway.room import GRACE_SECONDS, LEAST_RATE, NoRoom, Room, Share
from schemas.settings import Settings

_WAITING_REQUESTS = 256  # more than this waiting for room: the load is beyond this gateway


@asynccontextmanager
async def body_of(request: Request, room: Room, settings: Settings) -> AsyncIterator[bytes]:
    """The body, its bytes held from when they arrive until the block ends. A long body is refused
    before it is in memory.

    Raises: Problem (408 too slow, 413 too large, 503 no room in time)
    """
    _refuse_announced(request, settings.body_limit)
    if room.waiting >= _WAITING_REQUESTS:
        raise Problem(
            "unavailable",
            "Too many requests wait for room in the gateway: send this one again later.",
        )
    with room.share(request.client.host if request.client else "") as share:
        yield await _read(request, room, share, settings)


def _refuse_announced(request: Request, limit: int) -> None:
    """Raises: Problem for a length that is too large, or none."""
    announced = request.headers.get("content-length")
    if announced is not None and not (
        announced.isdecimal() and len(announced) < 19 and int(announced) <= limit
    ):
        raise _too_large(limit)


async def _read(request: Request, room: Room, share: Share, settings: Settings) -> bytes:
    chunks: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(None) as patience:
            with share.arriving(patience):
                async for chunk in request.stream():
                    length += len(chunk)
                    if length > settings.body_limit:
                        raise _too_large(settings.body_limit)
                    share.arrived(len(chunk))
                    await room.take(share, len(chunk), settings.publish_timeout)
                    chunks.append(chunk)
    except NoRoom as error:
        raise Problem("unavailable", str(error)) from None
    except TimeoutError:
        raise Problem("unavailable", share.refused) if share.refused else _too_slow() from None
    except ClientDisconnect:
        raise Problem("http-error", "The client went away before its body was complete.") from None
    return b"".join(chunks)


def _too_slow() -> Problem:
    slow = (
        f"The body stood still for {GRACE_SECONDS:g} s, or came with less than {LEAST_RATE:,} bytes"
        " a second"
    )
    return Problem("too-slow", f"{slow}: send it again in smaller requests.")


def _too_large(limit: int) -> Problem:
    return Problem(
        "too-large",
        f"The body is longer than {limit:,} bytes (LGSP_BODY_LIMIT): send fewer events in a"
        " request.",
    )
