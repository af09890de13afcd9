"""Reading a request's body within bounds: of its length, of the memory of all requests together,
and of time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from connectors.gateway.room import LEAST_RATE, STANDSTILL_SECONDS, BodyRoom, BodyShare, NoRoom
from schemas.settings import Settings
from serving.problems import Problem

_WAITING_REQUESTS = 256  # more than this waiting for room: the load is beyond this gateway


@asynccontextmanager
async def request_body(
    request: Request, room: BodyRoom, settings: Settings, sender: str
) -> AsyncIterator[bytes]:
    """The body, its bytes held from when they arrive until the block ends. A long body is refused
    before it is in memory; all bodies of one `sender` have half of the room.

    Raises: Problem (408 too slow, 413 too large, 503 no room in time)
    """
    _refuse_announced(request, settings.body_limit)
    if room.waiting >= _WAITING_REQUESTS:
        raise Problem(
            "unavailable",
            "Too many requests wait for room in the gateway: send this one again later.",
        )
    with room.share(sender) as share:
        yield await _read(request, room, share, settings)


def announced_length(request: Request) -> int:
    """The bytes that a body is said to have; none where nothing is said, or nothing sensible."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() and len(announced) < 19 else 0


def _refuse_announced(request: Request, limit: int) -> None:
    """Raises: Problem for a length that is too large, or none."""
    announced = request.headers.get("content-length")
    if announced is not None and not (
        announced.isdecimal() and len(announced) < 19 and int(announced) <= limit
    ):
        raise _too_large(limit)


async def _read(request: Request, room: BodyRoom, share: BodyShare, settings: Settings) -> bytes:
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
    slow = f"stood still for {STANDSTILL_SECONDS:g} s, or came with less than {LEAST_RATE:,} bytes"
    return Problem("too-slow", f"The body {slow} a second: send it again in smaller requests.")


def _too_large(limit: int) -> Problem:
    return Problem(
        "too-large",
        f"The body is longer than {limit:,} bytes (LGSP_BODY_LIMIT): send fewer events in a"
        " request.",
    )
