"""A worker that is broken on purpose: it commits cells and offsets without their states. Run as a
program by the fault tests.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from schemas.settings import settings
from streams.family_partition import FamilyPartition
from streams.family_state import Changes
from streams.ledger import Ledger
from streams.worker import run_worker

commit = Ledger._commit


async def commit_without_states(
    ledger: Ledger, changed: Mapping[FamilyPartition, tuple[Changes, int]]
) -> None:
    """What a transaction must never be."""
    await commit(
        ledger,
        {
            part: (replace(changes, states=[]), offset)
            for part, (changes, offset) in changed.items()
        },
    )


Ledger._commit = commit_without_states  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(run_worker(settings()))
