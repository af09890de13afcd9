"""The hub's own heartbeat: an event that travels the whole pipeline so that its age is the
freshness people see.
"""

from __future__ import annotations

from typing import ClassVar

from schemas.events.base import Event, ThingId


class HubHeartbeat(Event):
    """Sent by the gateway to every partition every few seconds."""

    type: ClassVar[str] = "hub.heartbeat"
    key: ClassVar[str] = "beat"
    family: ClassVar[str] = "heartbeats"

    beat: ThingId


EVENTS: tuple[type[HubHeartbeat], ...] = (HubHeartbeat,)
