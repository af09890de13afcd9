"""What agencies did: meetings, inspections and work records; state and counts (the rules in words:
docs/figures.md).

The newest statement of an activity stands, unless it was cancelled at that time or later.
"""

from __future__ import annotations

from schemas.cells.kinds import CELL_KINDS
from schemas.clock import day
from schemas.codes import ADMINISTRATIVE_LEVELS
from schemas.states import Activity, ActivityFact, pack_id
from schemas.wire import Fields
from streams.families.base import ALL, Contribution, Family, measure_indexes, newer

_INDEXES = {kind: measure_indexes("activities", kind) for kind in CELL_KINDS["activities"]}
# What was done digitally, by kind of cell.
_DIGITALLY = {
    "meetings": "meetings_in_system",
    "inspections": "inspections_digital",
    "work_records": "work_records_online",
}
_SECRET = _INDEXES["work_records"]["work_records_secret"]


def meeting_held(state: Activity, fields: Fields, _: int) -> None:
    """A meeting of a People's Committee."""
    _stated(state, fields, "meetings", fields["in_system"], secret=False)


def inspection_done(state: Activity, fields: Fields, _: int) -> None:
    """An inspection by a managing authority."""
    _stated(state, fields, "inspections", fields["digital"], secret=False)


def work_record_handled(state: Activity, fields: Fields, _: int) -> None:
    """A work record."""
    _stated(state, fields, "work_records", fields["online"], secret=fields["secret"])


def cancelled(state: Activity, fields: Fields, _: int) -> None:
    """It did not take place."""
    state.cancelled = max(state.cancelled, fields["occurred_at"])


def _stated(state: Activity, fields: Fields, kind: str, digitally: bool, *, secret: bool) -> None:
    at = fields["occurred_at"]
    held_at = at if fields["held_at"] is None else fields["held_at"]
    said = ActivityFact(
        at,
        pack_id(fields["event_id"]),
        kind,
        fields["agency"],
        fields["level"],
        held_at,
        digitally,
        secret,
    )
    state.stated = newer(state.stated, said)


def counts(state: Activity, _parts: int = ALL) -> list[Contribution]:
    """The cell that an activity counts in."""
    stated = state.stated
    if stated is None or stated.occurred_at <= state.cancelled:
        return []
    key = f"activities|{stated.kind}|{stated.agency}|-|{day(stated.held_at)}"
    ones = (_SECRET,) if stated.secret else _measures(stated)
    return [(key.encode(), ones, ())]


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
    version=2,
    state=Activity,
    merges={
        f"activity.{merge.__name__}": merge
        for merge in (meeting_held, inspection_done, work_record_handled, cancelled)
    },
    counts=counts,
)
