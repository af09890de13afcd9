"""A worker that is broken on purpose: it commits cells and offsets without their states. Run as a program by the fault tests."""

from __future__ import annotations

import sys

from schemas.settings import settings
from streams.books import Changes
from streams.ledger import Ledger
from streams.worker import run

commit = Ledger._commit


async def commit_without_states(ledger: Ledger, changes: Changes, offset: int) -> None:
    """What a transaction must never be."""
    states, changes.states = changes.states, []
    await commit(ledger, changes, offset)
    changes.states = states


Ledger._commit = commit_without_states  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(run(settings()))
