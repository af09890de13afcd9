"""What is said where access is open although clients were registered: then somebody wanted it
required, and forgot the setting at this start.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiokafka.errors import KafkaError

from schemas.errors import HubError
from schemas.settings import Settings
from serving.access.clients import Client
from serving.access.topic import read_clients

log = logging.getLogger(__name__)

ReadClients = Callable[[Settings], Awaitable[Mapping[str, Client]]]


async def warn_if_open(settings: Settings, read: ReadClients = read_clients) -> None:
    """Warn once, where it is so and Kafka tells it."""
    if settings.access != "open":
        return
    try:
        clients = await read(settings)
    except (HubError, KafkaError, OSError) as error:
        log.debug("whether clients are registered is not known: %s", error)
        return
    registered = sum(one.revoked_at is None for one in clients.values())
    if registered:
        log.warning(
            "Access is open, and %d clients are registered: everybody who reaches this address may"
            " send and read everything, without a key. Start with LGSP_ACCESS=required if that is"
            " not meant (docs/access.md).",
            registered,
        )
