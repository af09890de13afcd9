"""A worker of tomorrow's version, whose rules count otherwise. Run as a program by the fault tests;
its rules are also imported by them.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from schemas.cells.kinds import CELL_KINDS
from schemas.settings import settings
from streams.families import ALL, FAMILIES, Contribution, Family
from streams.worker import run_worker

ONLINE = CELL_KINDS["dossiers"]["received"].measures.index("received_online")


def _counts(state: Any, parts: int = ALL) -> list[Contribution]:
    """What was not submitted online counts as refused."""
    found = FAMILIES_TODAY["dossiers"].counts(state, parts)
    return [
        (key.replace(b"|received|", b"|refused|"), (0,), ())
        if b"|received|" in key and ONLINE not in ones
        else (key, ones, sums)
        for key, ones, sums in found
    ]


FAMILIES_TODAY = dict(FAMILIES)
TOMORROW: dict[str, Family] = FAMILIES_TODAY | {
    "dossiers": replace(
        FAMILIES_TODAY["dossiers"],
        version=FAMILIES_TODAY["dossiers"].version + 1,
        counts=_counts,
        counts_by=None,
    )
}

if __name__ == "__main__":
    FAMILIES.update(TOMORROW)
    sys.exit(run_worker(settings()))
