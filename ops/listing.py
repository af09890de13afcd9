"""What the listing needs of the families: metrics may not import streams, so whoever runs it hands their functions in."""

from __future__ import annotations

from functools import partial

from metrics.listing import Meaning
from metrics.listing_layout import FAMILIES as LISTED
from streams.families import ALL, FAMILIES
from streams.families.dates import DATES


def meanings() -> tuple[Meaning, ...]:
    """The families whose things can be listed."""
    return tuple(Meaning(name, FAMILIES[name].version, FAMILIES[name].decoder(), partial(_counts, name), *DATES[name]) for name in LISTED)


def _counts(family: str, state: object) -> list[tuple[bytes, tuple[int, ...], tuple[tuple[int, int], ...]]]:
    return FAMILIES[family].counts(state, ALL)
