"""A worker that is broken on purpose: it commits cells and offsets without their states. Run as a
program by the fault tests.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from schemas.settings import settings
from streams.account import Account
from streams.books import Changes
from streams.ledger import Ledger
from streams.worker import run

commit = Ledger._commit


async def commit_without_states(
    ledger: Ledger, changed: Mapping[Account, tuple[Changes, int]]
) -> None:
    """What a transaction must never be."""
    await commit(
        ledger,
        {
            account: (replace(changes, states=[]), offset)
            for account, (changes, offset) in changed.items()
        },
    )


Ledger._commit = commit_without_states  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(run(settings()))
