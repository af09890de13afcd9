"""Every event that the hub knows, by type. Agencies may send all but the hub's own."""

from __future__ import annotations

from schemas.events import activities, documents, dossiers, heartbeats, inventory, tasks
from schemas.events.base import Event

EVENTS_BY_FAMILY: dict[str, tuple[type[Event], ...]] = {
    "dossiers": dossiers.EVENTS,
    "documents": documents.EVENTS,
    "tasks": tasks.EVENTS,
    "activities": activities.EVENTS,
    "inventory": inventory.EVENTS,
    "heartbeats": heartbeats.EVENTS,
}
EVENT_TYPES: dict[str, type[Event]] = {
    event.type: event for events in EVENTS_BY_FAMILY.values() for event in events
}
ACCEPTED: dict[str, type[Event]] = {
    name: event for name, event in EVENT_TYPES.items() if event.family != "heartbeats"
}

__all__ = ["ACCEPTED", "EVENTS_BY_FAMILY", "EVENT_TYPES", "Event"]
