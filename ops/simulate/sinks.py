"""Where the simulation sends its events: through the publisher straight to Kafka, or over HTTP as
an agency would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol, Self

import aiohttp
import msgspec

from connectors.cloudevents.encode import cloud_event
from ops.access.own import own_headers
from schemas.errors import HubError, KafkaUnavailable
from schemas.events import Event
from schemas.settings import Settings
from schemas.spaces import OFFICIAL
from serving.spaces import SPACE_HEADER
from serving.tls import base_url, own_context

TRIES = 60  # one Retry-After apart
_BUSY = frozenset({429, 503})
CLIENT = "simulation"  # as whom it sends where access is required


class Sink(Protocol):
    """Anything that takes events and returns once they are safe."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Raises: KafkaUnavailable when they could not be stored; sending them again changes
        nothing.
        """


class GatewaySink:
    """Batches to `POST /v1/events`; waits and tries again while the gateway says that Kafka is
    away. Nothing is sent to a gateway of another space.
    """

    def __init__(self, settings: Settings) -> None:
        gateway = base_url(settings, settings.gateway_port)
        self.url, self._ready_url = f"{gateway}/v1/events", f"{gateway}/readyz"
        self._settings, self._space, self._known = settings, settings.space, False
        self._let_in = False
        self.batch = min(500, settings.batch_limit)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = await own_headers(self._settings, CLIENT, "Mô phỏng / simulation")
        timeout = aiohttp.ClientTimeout(total=60)
        connector = aiohttp.TCPConnector(ssl=own_context(self._settings) or True)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def publish(self, events: Sequence[Event]) -> None:
        """Raises: KafkaUnavailable when the gateway stays busy or away, HubError when it refuses an
        event or is of another space.
        """
        for first in range(0, len(events), self.batch):
            batch = events[first : first + self.batch]
            await self._send(msgspec.json.encode([cloud_event(event) for event in batch]))

    async def _send(self, body: bytes) -> None:
        for _ in range(TRIES):
            pause = await self._try(body)
            if pause is None:
                return
            await asyncio.sleep(pause)
        raise KafkaUnavailable(
            f"The gateway at {self.url} takes no events: is it running, and Kafka behind it?"
        )

    async def _try(self, body: bytes) -> float | None:
        """None once the batch is safe, else the seconds to wait before the next try."""
        assert self._session is not None, "enter the sink first"
        headers = {
            "content-type": "application/cloudevents-batch+json",
            SPACE_HEADER: self._space,
        }
        try:
            await self._require_space(self._session)
            async with self._session.post(self.url, data=body, headers=headers) as answer:
                if answer.status == 202:
                    self._let_in = True
                    return None
                new = self._settings.access == "required" and not self._let_in
                if new and answer.status == HTTPStatus.UNAUTHORIZED:
                    return 1.0  # the gateway hears of the key within seconds
                if answer.status in _BUSY:
                    return float(answer.headers.get("retry-after", "1"))
                text = (await answer.text())[:500]
                raise HubError(
                    f"The gateway at {self.url} refused simulated events with {answer.status}:"
                    f" {text}"
                )
        except (aiohttp.ClientConnectionError, TimeoutError):
            return 1.0

    async def _require_space(self, session: aiohttp.ClientSession) -> None:
        """Ask, once, which space the gateway is of; one that does not say so is of a version that
        knows only the official one, and would heed no header.
        """
        if self._known:
            return
        async with session.get(self._ready_url) as answer:
            space = answer.headers.get(SPACE_HEADER, OFFICIAL)
        if space != self._space:
            raise HubError(
                f"The gateway at {self.url} is of the space {space}, and LGSP_SPACE is"
                f" {self._space}: nothing was sent. Start a gateway with LGSP_SPACE={self._space},"
                " or name the port of one that runs with LGSP_GATEWAY_PORT."
            )
        self._known = True
