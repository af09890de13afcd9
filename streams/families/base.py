"""The shape of a family, and the joins that its merges are made of.

A join is commutative, associative and idempotent, so duplicates, replays and any order of arrival
give one state. A register keeps the tuple with the greatest (occurred_at, event id); if a source
reuses an id for different values, the values decide, so that the order is total whatever comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import msgspec

from schemas.cells.applied import CountingRules
from schemas.cells.kinds import CELL_KINDS
from schemas.states import id_text
from schemas.worktime import WorkTime
from streams.families.bounds import BoundedGroup

Fields = Mapping[str, Any]
_Register = TypeVar("_Register", bound=tuple[Any, ...])
Merge = Callable[[Any, Fields, int], None]
Counts = Callable[[Any, int], list["Contribution"]]


ALL = -1  # every part of the counts


# What one state adds to one cell: the key, the indexes of the measures that it adds 1 to, and
# (index, amount) for the sums. A plain tuple, since making one is on the path of every event.
Contribution = tuple[bytes, tuple[int, ...], tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class Family:
    """A kind of thing that events are about.

    `merges` maps an event type to (state, fields, broker time in ms) -> None, which joins the event
    into the state. `counts` is the pure function from a state to its contributions, whole or only
    some parts of them (a set of bits). `touched` says which parts can differ between an old and a
    new state; ALL is always right, less is quicker. `version` is raised with every change of
    `counts`: workers then count every state anew when they take over. States of before
    `states_since` lack what today's counts need, so such books have to be made anew from the
    events. `groups` are the maps of a state that may gather too much; whoever has merged cuts them
    before the state is kept or compared. `counts_by` makes the counts of a family that depend on
    office hours; `counts` are then those by the usual hours.
    """

    name: str
    version: int
    state: type[msgspec.Struct]
    merges: Mapping[str, Merge]
    counts: Counts
    touched: Callable[[Any, Any], int] = lambda old, new: ALL
    keyed: bool = True  # a thing's id chooses its partition
    recounted: bool = True  # its events are kept for ever, so cells can be proved from offset zero
    states_since: int = 1
    groups: tuple[BoundedGroup, ...] = ()
    counts_by: Callable[[WorkTime], Counts] | None = None
    calendar: int = 0  # fingerprint of the office hours
    hours: int = 0  # the number that their author gave them

    @property
    def rules(self) -> CountingRules:
        """What its cells are counted by."""
        return CountingRules(self.version, self.calendar, self.hours)

    def at(self, work: WorkTime) -> Self:
        """The family as it counts by these office hours."""
        if self.counts_by is None:
            return self
        return replace(
            self, counts=self.counts_by(work), calendar=work.fingerprint, hours=work.office.number
        )

    def cut(self, state: Any) -> None:
        """Keep of its groups what is kept of too many."""
        for group in self.groups:
            group.cut(state)

    def decoder(self) -> Callable[[bytes], Any]:
        """A reader of state records."""
        return msgspec.msgpack.Decoder(self.state).decode


def measure_indexes(family: str, kind: str) -> dict[str, int]:
    """The index of each measure of a kind."""
    return {measure: index for index, measure in enumerate(CELL_KINDS[family][kind].measures)}


def newer(old: _Register | None, new: _Register) -> _Register:
    """Join of two registers (at, id, values…)."""
    if old is None or new[0] > old[0]:
        return new
    if new[0] < old[0]:
        return old
    return max(old, new, key=_rank)


def newer_reported(old: _Register | None, new: _Register) -> _Register:
    """Join of two registers (at, id, values…, reported): of one instant, the least time at which it
    was heard stays.
    """
    if old is None or new[0] > old[0]:
        return new
    if new[0] < old[0]:
        return old
    winner = max(old[:-1], new[:-1], key=_rank)
    heard = [reported for reported in (old[-1], new[-1]) if reported is not None]
    return (*winner, min(heard) if heard else None)  # type: ignore[return-value]


def _rank(register: tuple[Any, ...]) -> tuple[str, str]:
    return id_text(register[1]), repr(register[2:])
