"""What is said of a reception: by yes or no one bit each, from the event's field to the measures
that count it; and the handler and due time that hold until something else is said.
"""

from __future__ import annotations

from schemas.states import Dossier, ReceptionFact
from streams.families.base import measure_indexes

RECEIVED = measure_indexes("dossiers", "received")

AUTHENTICATED, WITH_FEE, REUSED_DATA, BACKFILLED = 1, 2, 4, 8
PAPERS_DIGITISED, FROM_PERSONAL_STORE, POPULATION_DATA = 16, 32, 64
CHANNEL_UNKNOWN = 128

# By the event's field. Bits are kept in states: a further one is appended.
BIT_OF_FIELD: tuple[tuple[str, int], ...] = (
    ("authenticated", AUTHENTICATED),
    ("with_fee", WITH_FEE),
    ("reused_data", REUSED_DATA),
    ("backfill", BACKFILLED),
    ("papers_digitised", PAPERS_DIGITISED),
    ("from_personal_store", FROM_PERSONAL_STORE),
    ("population_data", POPULATION_DATA),
    ("channel_unknown", CHANNEL_UNKNOWN),
)
# The measure that any of these bits count in.
MEASURE_OF_BITS: tuple[tuple[int, int], ...] = (
    (WITH_FEE, RECEIVED["with_fee"]),
    (AUTHENTICATED, RECEIVED["authenticated"]),
    (REUSED_DATA, RECEIVED["reused_data"]),
    (BACKFILLED, RECEIVED["backfilled"]),
    (PAPERS_DIGITISED, RECEIVED["papers_digitised"]),
    (FROM_PERSONAL_STORE, RECEIVED["from_personal_store"]),
    (AUTHENTICATED | FROM_PERSONAL_STORE | POPULATION_DATA, RECEIVED["identified"]),
    (CHANNEL_UNKNOWN, RECEIVED["channel_unknown"]),
)


def handler_of(state: Dossier, reception: ReceptionFact) -> str:
    """Who has it: by the newest step or move since its reception, else by that."""
    handler = state.handler
    if handler is not None and handler.occurred_at >= reception.received_at:
        return handler.agency
    return reception.handler or reception.agency


def due_of(state: Dossier) -> int:
    """The due time in force, the one said last; 0: none."""
    dues = state.dues if state.reception is None else dues_of(state, state.reception)
    return dues[max(dues)] if dues else 0


def dues_of(state: Dossier, reception: ReceptionFact) -> dict[int, int]:
    """Its due times by when they were said; the reception says one when it happens."""
    if not reception.due_at:
        return state.dues
    first = {reception.received_at: reception.due_at}
    if not state.dues:
        return first
    at = reception.received_at
    return state.dues | {at: max(reception.due_at, state.dues.get(at, 0))}
