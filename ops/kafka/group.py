"""The workers' group as Kafka knows it: whether it has members, and from where it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, cast

from aiokafka import TopicPartition
from rich.console import Console

from schemas.errors import HubError
from schemas.kafka.clients import admin, consumer
from schemas.kafka.reading import COORDINATOR_MOVES
from schemas.settings import Settings

# beyond the session timeout, in which a worker that ended is still a member of its group
_MEMBER_SECONDS = 5.0


async def require_no_worker(settings: Settings, console: Console, then: str) -> None:
    """A worker that has just ended is a member of its group until its session ends: wait for that
    long.

    then: what is to be done once they are stopped. Raises: HubError while workers run.
    """
    ends = time.monotonic() + settings.session_timeout + _MEMBER_SECONDS
    with console.status("Making sure that no worker runs …"):
        while state := await _group_state(settings):
            if time.monotonic() > ends:
                group = settings.books
                raise HubError(
                    f"Workers of {group} run ({state}): stop all of them first, {then}, then start"
                    " them again."
                )
            await asyncio.sleep(1)


async def set_group(settings: Settings, offsets: Mapping[TopicPartition, int]) -> None:
    """Let the workers' group go on from these offsets; no worker may run."""
    async with consumer(settings, group_id=settings.books) as group:
        group.assign(list(offsets))
        await group.commit(dict(offsets))


async def _group_state(settings: Settings) -> str:
    """What Kafka says of the group; empty if it has no members."""
    async with admin(settings) as client:
        try:
            answers = await client.describe_consumer_groups([settings.books])
        except COORDINATOR_MOVES:
            # the first question makes a fresh broker begin with it
            return "or nobody coordinates them yet"
        for answer in answers:
            for code, _, state, *_ in cast("Any", answer).groups:
                if code or state not in ("Empty", "Dead"):
                    return f"Kafka's error {code}" if code else str(state)
    return ""
