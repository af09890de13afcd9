"""The shape of a family, and the joins that its merges are made of.

A join is commutative, associative and idempotent, so duplicates, replays and any order of arrival
give one state. A register keeps the fact with the greatest (occurred_at, event id); if a source
reuses an id for different values, the values decide, so that the order is total whatever comes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Self, TypeVar

import msgspec
from msgspec.structs import astuple, replace

from schemas.cells.applied import CountingRules
from schemas.cells.kinds import CELL_KINDS
from schemas.states import (
    ClosingFact,
    EndCorrection,
    FinishFact,
    HeardAt,
    ReceptionFact,
    RefusalCorrection,
    RefusalFact,
    Register,
    ReporterFact,
    ReturnCorrection,
    ReturnFact,
    id_text,
)
from schemas.wire import Fields
from schemas.work_states import (
    ActivityCorrection,
    ActivityFact,
    AssignmentCorrection,
    AssignmentFact,
    InstantCorrection,
    ProgressFact,
    SendingCorrection,
    SendingFact,
)
from schemas.worktime import WorkTime
from streams.families.bounds import BoundedGroup

_Register = TypeVar("_Register", bound=Register)
_Heard = TypeVar(
    "_Heard",
    ReceptionFact,
    FinishFact,
    ReturnFact,
    RefusalFact,
    ClosingFact,
    EndCorrection,
    ReturnCorrection,
    RefusalCorrection,
)
_Restated = TypeVar(
    "_Restated",
    SendingFact,
    SendingCorrection,
    AssignmentFact,
    AssignmentCorrection,
    ProgressFact,
    ActivityFact,
    ActivityCorrection,
    InstantCorrection,
    ReceptionFact,
    FinishFact,
    ReturnFact,
    RefusalFact,
    ClosingFact,
    EndCorrection,
    ReturnCorrection,
    RefusalCorrection,
)
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
    # what people see of a state beside its counts: a fact that is seen there stands as well
    shown: Callable[[Any], object] = lambda state: None
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
        return dataclasses.replace(
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


def spoken_of(known: str, merge: Merge) -> Merge:
    """A merge that also remembers who spoke of the thing, while what names its agency (the field
    `known` of the state) is not known: a flag needs an agency to go to.
    """

    @wraps(merge)
    def join(state: Any, fields: Fields, broker_ms: int) -> None:
        merge(state, fields, broker_ms)
        if getattr(state, known) is None:
            spoken = ReporterFact(fields["occurred_at"], fields["agency"])
            state.reporter = max(spoken, state.reporter or spoken)

    return join


def when_heard(fields: Fields, broker_ms: int) -> HeardAt:
    """When the hub heard of a fact; never of imported history."""
    return None if fields["backfill"] else broker_ms


def newer(old: _Register | None, new: _Register) -> _Register:
    """Join of two registers."""
    if old is None or new.occurred_at > old.occurred_at:
        return new
    if new.occurred_at < old.occurred_at:
        return old
    return max(old, new, key=_rank)


def newer_reported(old: _Heard | None, new: _Heard) -> _Heard:
    """Join of two registers with when they were heard: of one instant, the least time at which it
    was heard stays. One that was stated otherwise under the same id stays `restated`.
    """
    if old is None or new.occurred_at > old.occurred_at:
        return new
    if new.occurred_at < old.occurred_at:
        return old
    heard = [one.heard_at for one in (old, new) if one.heard_at is not None]
    stays = newer_restated(replace(old, heard_at=None), replace(new, heard_at=None))
    return replace(stays, heard_at=min(heard, default=None))


def newer_restated(old: _Restated | None, new: _Restated) -> _Restated:
    """Join of two registers that say whether they were restated: one that was stated otherwise
    under the same id stays so.
    """
    if old is None or new.occurred_at > old.occurred_at:
        return new
    if new.occurred_at < old.occurred_at:
        return old
    stays = max(old, new, key=_rank_plain)
    if old.event_id != new.event_id:
        return stays
    restated = old.restated or new.restated or _rank_plain(old) != _rank_plain(new)
    return replace(stays, restated=restated)


def _rank(register: Register) -> tuple[str, str]:
    return id_text(register.event_id), repr(astuple(register)[2:])


def _rank_plain(register: _Restated) -> tuple[str, str]:
    """Without whether it was restated."""
    return _rank(replace(register, restated=False))
