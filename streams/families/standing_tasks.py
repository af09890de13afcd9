"""What stands of a task: facts and corrections settled, in whatever order they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.states import ReporterFact
from schemas.work_states import AssignmentCorrection, AssignmentFact, Task, TaskAmendments
from streams.families.corrections import StandingFact, standing_fact, standing_instant

_NOTHING = TaskAmendments()


class StandingTask(NamedTuple):
    """What stands; times are 0 where there is none.

    `dues` are the deadlines by the instant from which on each held, `due` is the one in force.
    `completed` is the completion that no return or cancellation undid; `returned` and `cancelled`
    are the last ones, and `is_cancelled` says whether the latter stands. `unassigned`: who spoke of
    it, where its assignment does not stand.
    """

    assigned: AssignmentFact | None
    dues: Mapping[int, int]
    due: int
    completed: int
    returned: int
    cancelled: int
    is_cancelled: bool
    unassigned: ReporterFact | None
    restated: bool


def standing_task(state: Task) -> StandingTask:
    """What stands of facts and corrections.

    A return undoes the completions and cancellations that were *said* before it; a correction is
    said when it is made.
    """
    amended = state.amended or _NOTHING
    assigned = standing_fact(state.assigned, amended.assigned)
    dues, dues_restated = _deadlines(state, amended)
    completed = standing_instant(state.completed, amended.completed)
    returned = standing_instant(state.returned, amended.returned)
    cancelled = standing_instant(state.cancelled, amended.cancelled)
    done = completed.at if completed.said >= max(returned.at, cancelled.said) else 0
    stands = not done and cancelled.at > 0 and cancelled.said >= returned.at
    facts = (assigned, completed, returned, cancelled, state.progress)
    return StandingTask(
        assigned=assigned.fact,
        dues=dues,
        due=dues[max(dues)] if dues else 0,
        completed=done,
        returned=returned.at,
        cancelled=cancelled.at,
        is_cancelled=stands,
        unassigned=_unassigned(state, amended, assigned),
        restated=dues_restated or any(fact is not None and fact.restated for fact in facts),
    )


def _deadlines(state: Task, amended: TaskAmendments) -> tuple[dict[int, int], bool]:
    """The deadlines by instant, and whether two were said of the last one.

    A correction of the deadline outdoes every deadline said before it, one of the assignment those
    of assignments. Of one instant the one said last holds; of those, the later deadline.
    """
    anew, assigned = amended.dues, amended.assigned
    since = anew.occurred_at if anew is not None else 0
    since_assigned = max(since, assigned.occurred_at) if assigned is not None else since
    first = {at: due for at, due in state.assigned_dues.items() if at > since_assigned}
    dues = {at: due for at, due in state.dues.items() if at > since}
    restated = _last_restated(amended, first, dues)
    for at, due in first.items():
        dues[at] = max(due, dues.get(at, 0))
    if anew is not None:
        restated = restated if dues else anew.restated
        dues |= anew.instants
    if assigned is not None and assigned.occurred_at > since:
        restated = _assigned_anew(dues, assigned, restated=restated)
    return dues, restated


def _last_restated(
    amended: TaskAmendments, first: Mapping[int, int], extended: Mapping[int, int]
) -> bool:
    """Whether two different deadlines were said of the last instant of which any was said."""
    last = max([*first, *extended], default=0)
    if last not in first:
        return 0 < last == amended.restated_due
    if last not in extended:
        return last == amended.restated_assigned_due
    marked = last in (amended.restated_due, amended.restated_assigned_due)
    return marked or first[last] != extended[last]


def _assigned_anew(dues: dict[int, int], assigned: AssignmentCorrection, *, restated: bool) -> bool:
    """Put the deadline of a corrected assignment among the others; whether the one in force was
    then also stated otherwise. `restated`: whether it was before.
    """
    if not assigned.holds or not assigned.due:
        return restated
    since = min(assigned.fact.occurred_at, assigned.occurred_at)
    before = dues.get(since) if since == assigned.occurred_at else None  # said at one instant
    dues[since] = max(assigned.due, before or 0)
    if since < max(dues):
        return restated
    return before is not None and (restated or before != assigned.due)


def _unassigned(
    state: Task, amended: TaskAmendments, assigned: StandingFact
) -> ReporterFact | None:
    """Who spoke of a task without an assignment; where that was taken back, who did so, unless
    nothing else is known.
    """
    if assigned.denied is None:
        return state.reporter
    known = (
        *(state.dues, state.progress, state.completed, state.returned, state.cancelled),
        *(amended.dues, amended.completed, amended.returned, amended.cancelled),
    )
    return ReporterFact(assigned.said, assigned.denied.fact.assigned_by) if any(known) else None
