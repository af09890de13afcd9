"""How books, group and log stand beside one another, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition
from rich.table import Table

from streams.checks import SourcePosition, log_faults, outdated_faults, standing_faults
from streams.family_partition import FamilyPartition

Positions = Mapping[TopicPartition, SourcePosition]


def standings_table(parts: Sequence[FamilyPartition], places: Positions, books: str) -> Table:
    """A row for each partition of each family, marked where workers would refuse
    it.
    """
    table = Table(title=f"Where books, group and log of {books} stand (offsets of events)")
    for column in ("family", "partition", "log begins", "log ends", "states", "cells", "group"):
        table.add_column(column, justify="left" if column == "family" else "right")
    for part in sorted(parts, key=lambda one: (one.source.topic, one.source.partition)):
        place = places[part.source]
        faults = [
            *outdated_faults([part]),
            *standing_faults([part], places, ""),
            *log_faults([part], places),
        ]
        group = "–" if place.committed is None else f"{place.committed:,}"
        states = part.next if part.states_next is None else part.states_next
        row = (place.begins, place.ends, states, part.next)
        table.add_row(
            part.family.name,
            str(part.source.partition),
            *(f"{offset:,}" for offset in row),
            group,
            style="bold red" if faults else "",
        )
    return table
