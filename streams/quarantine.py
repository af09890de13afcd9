"""How workers put into quarantine what they refuse: apart from their transactions, so that nothing
else hangs on it.

The refused record itself is in its topic for as long as events are kept, and `applied` passes it:
its entry in `lgsp.quarantine` says why it does not count. So the entry is written before the
transaction, perhaps twice (under the same key), and where it can't be written the log has the
reason instead and the facts beside it count all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.digests import digest_of
from schemas.errors import HubError
from schemas.kafka.clients import producer
from schemas.kafka.topics import make_topic
from schemas.quarantine import Quarantined, Stray
from schemas.settings import Settings
from schemas.topics import BY_NAME, QUARANTINE, name_for
from streams import health

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 5.0  # seconds for what is put in at once; facts wait behind it
# seconds after a failure in which nothing is tried: what is refused then is only logged
_PAUSE_SECONDS = 30.0
_PROBLEMS = (KafkaError, HubError, TimeoutError, OSError)


class Quarantine:
    """One a worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = replace(BY_NAME[QUARANTINE], name=name_for(QUARANTINE, settings))
        self._producer: AIOKafkaProducer | None = None
        self._again_at = 0.0
        self._lock = asyncio.Lock()

    async def keep(self, strays: Sequence[Stray]) -> None:
        """Returns once all of them are on all in-sync replicas, or after some seconds; never
        fails.
        """
        if not strays:
            return
        digest = digest_of(self._settings.data)
        items = [stray.quarantined(digest) for stray in strays]
        for item in items:
            log.warning("quarantined %s: %s", item.origin, item.reason)
        async with self._lock:
            if time.monotonic() >= self._again_at:
                await self._try(items)
            else:
                health.QUARANTINE_FAILED.inc(len(items))

    async def _try(self, items: Sequence[Quarantined]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._write(items)
        except _PROBLEMS as error:
            health.QUARANTINE_FAILED.inc(len(items))
            self._again_at = time.monotonic() + _PAUSE_SECONDS
            log.error(
                "%s can't be written (%s): %d refused records are only named in this log; all other"
                " facts count. Is the topic there, and may this worker write to it?",
                self._topic.name,
                str(error) or type(error).__name__,
                len(items),
            )
            await self.close()

    async def _write(self, items: Sequence[Quarantined]) -> None:
        sender = await self._opened()
        await asyncio.gather(*(self._send(sender, item) for item in items))

    async def _send(self, sender: AIOKafkaProducer, item: Quarantined) -> None:
        await sender.send_and_wait(
            self._topic.name, item.value, key=item.key, partition=0, headers=item.headers
        )

    async def _opened(self) -> AIOKafkaProducer:
        if self._producer is None:
            await make_topic(self._settings, self._topic)
            # Not idempotent: what can't be delivered then expires by itself, and twice under one
            # key is no more than once.
            self._producer = producer(
                self._settings,
                enable_idempotence=False,
                request_timeout_ms=int(_PATIENCE_SECONDS * 1000),
            )
            await self._producer.start()
        return self._producer

    async def close(self) -> None:
        """Let go of Kafka."""
        opened, self._producer = self._producer, None
        if opened is not None:
            with contextlib.suppress(*_PROBLEMS):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await opened.stop()
