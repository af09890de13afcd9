"""When each key was last used, noted in `lgsp.clients.used` at most once a minute; no request waits
for it.
"""

from __future__ import annotations

import asyncio
import logging

from aiokafka.errors import KafkaError

from connectors.gateway.access import GatewayAccess
from schemas.kafka.clients import producer
from schemas.settings import Settings
from schemas.topics import clients_used_topic
from serving.logs import REPEATS

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
_LAST_SECONDS = 2.0  # at the end, which waits for nobody


async def note_used(settings: Settings, access: GatewayAccess) -> None:
    """Note what was used since it was last noted; what can't be is noted with the next.

    Raises: KafkaError, OSError
    """
    used = access.take_used()
    if not used:
        return
    try:
        topic = clients_used_topic(settings.space)
        async with producer(settings) as sender:
            for (client, key), at in used.items():
                await sender.send_and_wait(
                    topic, str(at).encode(), key=f"{client}/{key}".encode(), partition=0
                )
    except BaseException:
        access.give_back(used)
        raise


async def keep_noting(settings: Settings, access: GatewayAccess) -> None:
    """Note until cancelled, and once more then."""
    try:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await _try(settings, access, settings.publish_timeout)
    finally:
        await _try(settings, access, _LAST_SECONDS)


async def _try(settings: Settings, access: GatewayAccess, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await note_used(settings, access)
    except (KafkaError, OSError, TimeoutError) as error:
        log.warning("The last use of keys is noted later: %s", error, extra=REPEATS)
    except Exception:  # nobody awaits this task before the end
        log.exception("The last use of keys is noted later, for an unforeseen reason")
