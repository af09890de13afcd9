"""How books, group and log stand beside one another, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition
from rich.table import Table

from streams.account import Account
from streams.checks import Place, log_faults, standing_faults

Positions = Mapping[TopicPartition, Place]


def standings_table(accounts: Sequence[Account], places: Positions) -> Table:
    """A row for each partition of each family, marked where workers would refuse
    it.
    """
    table = Table(title="Where books, group and log stand (offsets of events)")
    for column in ("family", "partition", "log begins", "log ends", "states", "cells", "group"):
        table.add_column(column, justify="left" if column == "family" else "right")
    for account in sorted(accounts, key=lambda one: (one.source.topic, one.source.partition)):
        place = places[account.source]
        faults = [*standing_faults([account], places, ""), *log_faults([account], places)]
        group = "–" if place.committed is None else f"{place.committed:,}"
        states = account.next if account.states_next is None else account.states_next
        row = (place.begins, place.ends, states, account.next)
        table.add_row(
            account.family.name,
            str(account.source.partition),
            *(f"{offset:,}" for offset in row),
            group,
            style="bold red" if faults else "",
        )
    return table
