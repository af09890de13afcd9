"""What the listing needs of the families: metrics may not import streams, so whoever runs it hands
their functions in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from metrics.lists.listing import Meaning
from schemas.families import LISTED_FAMILIES
from streams.admission import Home, strange
from streams.families import ALL, FAMILIES, Contribution, Family
from streams.families.dates import DATES
from streams.families.outdone import outdone_by
from streams.families.texts import TEXTS


def meanings(families: Mapping[str, Family] = FAMILIES) -> tuple[Meaning, ...]:
    """The families whose things can be listed."""
    return tuple(_meaning(families[name]) for name in LISTED_FAMILIES)


def _meaning(family: Family) -> Meaning:
    def counts(state: object) -> list[Contribution]:
        return family.counts(state, ALL)

    def strange_here(key: bytes, partition: int, partitions: int) -> str | None:
        return strange(key, Home(partition, partitions) if family.keyed else None)

    return Meaning(
        family.name,
        family.rules,
        family.decoder(),
        counts,
        *DATES[family.name],
        *TEXTS[family.name],
        strange_here,
        partial(outdone_by, family),
    )
