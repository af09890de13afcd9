"""The hub's events as CloudEvents 1.0, as `decode` reads them: what sends events over HTTP writes
them so.
"""

from __future__ import annotations

from typing import Any

from schemas.clock import to_datetime
from schemas.events import Event

_ATTRIBUTES = {"event_id", "source", "occurred_at"}  # stand beside `data`, not in it


def cloud_event(event: Event) -> dict[str, Any]:
    """The event as a structured CloudEvent; the thing's id travels as the subject too."""
    data = event.model_dump(mode="json", exclude=_ATTRIBUTES, exclude_defaults=True)
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": event.source,
        "type": event.type,
        "subject": event.thing,
        "time": to_datetime(event.occurred_at).isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": data,
    }
