"""Every event that the hub knows, by type. Agencies may send all but the hub's own."""

from __future__ import annotations

from schemas.events import activities, documents, dossiers, heartbeats, inventory, tasks
from schemas.events.base import Event
from schemas.families import OWN_FAMILY

_MODULES = (dossiers, documents, tasks, activities, inventory, heartbeats)

EVENTS_BY_FAMILY: dict[str, tuple[type[Event], ...]] = {
    module.EVENTS[0].family: module.EVENTS for module in _MODULES
}
EVENT_TYPES: dict[str, type[Event]] = {
    event.type: event for events in EVENTS_BY_FAMILY.values() for event in events
}
ACCEPTED: dict[str, type[Event]] = {
    name: event for name, event in EVENT_TYPES.items() if event.family != OWN_FAMILY
}

__all__ = ["ACCEPTED", "EVENTS_BY_FAMILY", "EVENT_TYPES", "Event"]
