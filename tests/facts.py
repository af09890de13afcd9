"""Facts written short, and what they count for by name: shared by the tests of families and
books.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oracle_facts import Figures

from schemas.cells.kinds import CELL_KINDS
from schemas.cells.pages import cells_of_page
from schemas.clock import ZONE, to_ms
from schemas.events import EVENT_TYPES, Event
from schemas.wire import encode
from streams.families import FAMILIES
from streams.family_state import FamilyState

Heard = tuple[Event, int]

DEFAULTS: dict[str, dict[str, Any]] = {
    "dossier.received": {"procedure": "p", "channel": "counter"},
    "dossier.corrected": {"procedure": "p", "channel": "counter", "received_at": "11-03 09:00"},
    "dossier.transferred": {"from_agency": "A", "to_agency": "B", "electronic": True},
    "dossier.paid": {"reference": "r1", "amount": 50_000, "online": True},
    "dossier.refused": {"procedure": "p"},
    "dossier.rated": {"rating_id": "q1", "satisfied": True},
    "document.sent": {"to": ["B"], "document_type": "18", "electronic": True, "signed": True},
    "document.status_changed": {"agency": "B"},
    "task.assigned": {"to_agency": "B", "category": "c"},
    "task.extended": {"due_at": "11-12 17:00"},
    "activity.meeting_held": {"level": "province", "in_system": True},
    "activity.inspection_done": {"level": "province", "digital": True},
    "activity.work_record_handled": {"level": "commune", "online": True},
    "agency.registered": {"level": "commune"},
    "procedure.registered": {"procedure": "p", "field": "land", "level": 4},
    "system.registered": {"kind": "portal"},
    "accounts.counted": {"users": 100, "authenticated": 60},
    "figure.reported": {
        "indicator": "i",
        "period_from": "10-15 00:00",
        "period_to": "11-14 23:59",
        "numerator": 3,
        "denominator": 4,
    },
}
TIMES = (
    "due_at",
    "received_at",
    "held_at",
    "valid_from",
    "valid_to",
    "period_from",
    "period_to",
    "effective_at",
    "document_at",
)


@dataclass(frozen=True)
class Record:
    """What a worker reads of a Kafka record."""

    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    offset: int = 0


def record(event: Event, timestamp: int) -> Record:
    """An event as the broker keeps it."""
    return Record(event.thing.encode(), encode(event), timestamp)


def ms(text: str) -> int:
    """`11-10 16:30` (or with seconds) of 2025 in Viet Nam; of another year where the text begins
    with it.
    """
    return to_ms(
        datetime.fromisoformat(text if text[4] == "-" else f"2025-{text}").replace(tzinfo=ZONE)
    )


def told(name: str, at: str, heard: str | None = None, **fields: Any) -> Heard:
    """An event with the least that it needs, heard at once unless said otherwise. Its id is made of
    its type and time.
    """
    model = EVENT_TYPES[name]
    base = {
        "event_id": f"{name}@{at}",
        "source": "one-stop",
        "agency": "A",
        "occurred_at": ms(at),
        model.key: "thing",
    }
    chosen = DEFAULTS.get(name, {}) | fields
    chosen |= {time: ms(chosen[time]) for time in TIMES if isinstance(chosen.get(time), str)}
    return model.model_validate(base | chosen), ms(heard or at)


def named(pages: Iterable[tuple[bytes, bytes | None]]) -> Figures:
    """The cells of pages with their measures by name."""
    found: Figures = {}
    for page in pages:
        for (family, kind, agency, category, at), sums in cells_of_page(*page):
            found[kind, agency, category, at] = {
                CELL_KINDS[family][kind].measures[place]: amount for place, amount in sums.items()
            }
    return found


def family_state_of(facts: Iterable[Heard]) -> FamilyState:
    """Books into which facts came one by one; all of one family."""
    facts = list(facts)
    family_state = FamilyState(FAMILIES[facts[0][0].family])
    for fact in facts:
        family_state.keep(family_state.fold([record(*fact)]))
    return family_state


def answer(*facts: Heard) -> Figures:
    """What facts count for."""
    return named(family_state_of(facts).pages.items())
