"""What agencies did: meetings, inspections and work records; state and counts (the rules in words:
docs/figures.md).

The newest statement of an activity stands, unless it was cancelled at that time or later. A voided
one counts only as voided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from schemas.cells.kinds import CELL_KINDS
from schemas.clock import day
from schemas.codes import ADMINISTRATIVE_LEVELS
from schemas.states import VoidFact, pack_id
from schemas.wire import Fields
from schemas.work_states import Activity, ActivityAmendments, ActivityCorrection, ActivityFact
from streams.families.base import ALL, Contribution, Family, Merge, measure_indexes, newer_restated
from streams.families.corrections import (
    amends_instant,
    correctable,
    effective_at,
    restored,
    standing_fact,
    standing_instant,
    void_of,
    voided,
)

_INDEXES = {kind: measure_indexes("activities", kind) for kind in CELL_KINDS["activities"]}
# What was done digitally, by kind of cell.
_DIGITALLY = {
    "meetings": "meetings_in_system",
    "inspections": "inspections_digital",
    "work_records": "work_records_online",
}
_SECRET = _INDEXES["work_records"]["work_records_secret"]
_RESTATED = _INDEXES["flagged"]["restated"]
_Reading = Callable[[Fields], ActivityFact]


def _meeting(fields: Fields) -> ActivityFact:
    return _fact(fields, "meetings", fields["in_system"], secret=False)


def _inspection(fields: Fields) -> ActivityFact:
    return _fact(fields, "inspections", fields["digital"], secret=False)


def _work_record(fields: Fields) -> ActivityFact:
    return _fact(fields, "work_records", fields["online"], secret=fields["secret"])


def _fact(fields: Fields, kind: str, digitally: bool, *, secret: bool) -> ActivityFact:
    held_at = fields["held_at"]
    return ActivityFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        kind,
        fields["agency"],
        fields["level"],
        effective_at(fields) if held_at is None else held_at,
        digitally,
        secret,
    )


def _stated(read: _Reading) -> Merge:
    """Joins an activity as a whole."""

    def stated(state: Activity, fields: Fields, _: int) -> None:
        state.stated = newer_restated(state.stated, read(fields))

    def stated_anew(amended: ActivityAmendments, fields: Fields, _: int) -> None:
        fact = read(fields)
        said = ActivityCorrection(fact.occurred_at, fact.event_id, fields["holds"], fact)
        amended.stated = newer_restated(amended.stated, said)

    return correctable(stated, stated_anew)


def cancelled(state: Activity, fields: Fields, _: int) -> None:
    """It did not take place."""
    state.cancelled = max(state.cancelled, fields["occurred_at"])


class StandingActivity(NamedTuple):
    """What stands of an activity: how it was stated (None: by nobody), when it was last cancelled
    (0: never), and whether one of them was also stated otherwise.
    """

    fact: ActivityFact | None
    took_place: bool
    cancelled: int
    restated: bool


def standing_activity(state: Activity) -> StandingActivity:
    """What stands, corrections settled."""
    amended = state.amended
    stated = standing_fact(state.stated, amended.stated if amended else None)
    cancelled = standing_instant(state.cancelled, amended.cancelled if amended else None)
    return StandingActivity(
        fact=stated.fact,
        took_place=stated.fact is not None and stated.said > cancelled.at,
        cancelled=cancelled.at,
        restated=stated.restated or cancelled.restated,
    )


def counts(state: Activity, _parts: int = ALL) -> list[Contribution]:
    """The cell that an activity counts in, and that in which it is flagged."""
    activity = standing_activity(state)
    void = void_of(state)
    if void is not None:
        return [_voided(void, activity.fact)]
    fact = activity.fact
    if fact is None or not activity.took_place:
        return []
    tail = f"{fact.agency}|-|{day(fact.held_at)}"
    ones = (_SECRET,) if fact.secret else _measures(fact)
    found: list[Contribution] = [(f"activities|{fact.kind}|{tail}".encode(), ones, ())]
    if activity.restated:
        found.append((f"activities|flagged|{tail}".encode(), (_RESTATED,), ()))
    return found


def _voided(void: VoidFact, stated: ActivityFact | None) -> Contribution:
    agency = stated.agency if stated else void.agency
    return (f"activities|voided|{agency}|-|{day(void.occurred_at)}".encode(), (0,), ())


def _measures(stated: ActivityFact) -> tuple[int, ...]:
    """All and those of the level, where the kind tells levels apart; an unknown level counts among
    all.
    """
    of_kind = _INDEXES[stated.kind]
    names = [stated.kind]
    if stated.digitally:
        names.append(_DIGITALLY[stated.kind])
    if stated.level in ADMINISTRATIVE_LEVELS:
        names += [f"{name}_{stated.level}" for name in names]
    return tuple(of_kind[name] for name in names if name in of_kind)


FAMILY = Family(
    name="activities",
    version=3,
    state=Activity,
    states_since=3,
    merges={
        "activity.meeting_held": _stated(_meeting),
        "activity.inspection_done": _stated(_inspection),
        "activity.work_record_handled": _stated(_work_record),
        "activity.cancelled": correctable(cancelled, amends_instant("cancelled")),
        "activity.voided": voided,
        "activity.restored": restored,
    },
    counts=counts,
)
