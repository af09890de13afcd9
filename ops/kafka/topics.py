"""Topics that commands delete."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, cast

from schemas.errors import HubError
from schemas.kafka.clients import admin
from schemas.settings import Settings

TRIES, PAUSE = 100, 0.1  # what Kafka was asked for takes a moment to be so


async def delete_topics(settings: Settings, names: Collection[str]) -> None:
    """Returns once they are gone.

    Raises: HubError
    """
    if not names:
        return
    async with admin(settings) as client:
        for name, code in cast("Any", await client.delete_topics(list(names))).topic_error_codes:
            if code:
                raise HubError(
                    f"Kafka does not delete topic {name} (error {code}): may this machine delete"
                    " topics?"
                )
        for _ in range(TRIES):
            if not set(names) & set(await client.list_topics()):
                return
            await asyncio.sleep(PAUSE)
    raise HubError(
        f"Kafka has not deleted {', '.join(sorted(names))} within {TRIES * PAUSE:g} s: run the same"
        " command again."
    )
