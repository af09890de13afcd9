"""What is said of a reception by yes or no: one bit each, from the event's field to the measures
that count it.
"""

from __future__ import annotations

from streams.families.base import measure_indexes

RECEIVED = measure_indexes("dossiers", "received")

AUTHENTICATED, WITH_FEE, REUSED_DATA, BACKFILLED = 1, 2, 4, 8
PAPERS_DIGITISED, FROM_PERSONAL_STORE, POPULATION_DATA = 16, 32, 64

# By the event's field. Bits are kept in states: a further one is appended.
BIT_OF_FIELD: tuple[tuple[str, int], ...] = (
    ("authenticated", AUTHENTICATED),
    ("with_fee", WITH_FEE),
    ("reused_data", REUSED_DATA),
    ("backfill", BACKFILLED),
    ("papers_digitised", PAPERS_DIGITISED),
    ("from_personal_store", FROM_PERSONAL_STORE),
    ("population_data", POPULATION_DATA),
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
)
