"""Tasks that the People's Committee assigns: state and counts (the rules in words:
docs/figures.md).

A return undoes the completions and cancellations before it. Until the assignment is known, a task
counts only as flagged; a voided one counts only as voided.
"""

from __future__ import annotations

from itertools import pairwise

from schemas.clock import day, day_number
from schemas.states import ReporterFact, VoidFact, pack_id
from schemas.wire import Fields
from schemas.work_states import (
    AssignmentCorrection,
    AssignmentFact,
    DeadlineCorrection,
    ProgressFact,
    Task,
    TaskAmendments,
)
from streams.families.base import (
    ALL,
    Contribution,
    Family,
    measure_indexes,
    newer_restated,
    spoken_of,
)
from streams.families.bounds import AmendedInstants, BoundedGroup, by_key, over
from streams.families.corrections import (
    amendments,
    amends_instant,
    at_instant,
    correctable,
    effective_at,
    restored,
    void_of,
    voided,
)
from streams.families.standing_tasks import StandingTask, standing_task

_ASSIGNED = measure_indexes("tasks", "assigned")
_OPEN = measure_indexes("tasks", "open")
_COMPLETED = measure_indexes("tasks", "completed")
_FLAGGED = measure_indexes("tasks", "flagged")
# any other report: it is being worked on
_PROGRESS_INDEX = {"waiting_confirmation": _OPEN["waiting_confirmation"]}


_GROUPS: tuple[BoundedGroup, ...] = (
    BoundedGroup("dues", "deadlines", by_key),
    BoundedGroup("assigned_dues", "deadlines of assignments", by_key),
    AmendedInstants("amended_dues", "corrected deadlines", by_key),
)


def assigned(state: Task, fields: Fields, _: int) -> None:
    """Who assigned it to whom, with its first deadline if it has one."""
    state.assigned = newer_restated(state.assigned, _assignment(fields))
    state.reporter = None
    if fields["due_at"] is not None:
        _due(state, state.assigned_dues, "restated_assigned_due", fields)


def _assignment(fields: Fields) -> AssignmentFact:
    return AssignmentFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["agency"],
        fields["to_agency"],
        fields["category"],
        fields["document_number"],
        fields["document_at"],
        fields["lead_agency"],
        tuple(fields["coordinating_agencies"]),
        fields["product"],
        fields["follower"],
    )


def _assigned_anew(amended: TaskAmendments, fields: Fields, _: int) -> None:
    said = AssignmentCorrection(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["holds"],
        at_instant(_assignment(fields), effective_at(fields)),
        fields["due_at"] or 0,
    )
    amended.assigned = newer_restated(amended.assigned, said)


def progressed(state: Task, fields: Fields, _: int) -> None:
    """How far it is, as last said."""
    said = ProgressFact(fields["occurred_at"], pack_id(fields["event_id"]), fields["progress"])
    state.progress = newer_restated(state.progress, said)


def extended(state: Task, fields: Fields, _: int) -> None:
    """A new deadline."""
    _due(state, state.dues, "restated_due", fields)


def _deadline_anew(amended: TaskAmendments, fields: Fields, _: int) -> None:
    """Corrections made at one instant are one: it states every deadline."""
    # As if it had been said then; never later than the correction, which later ones outdo.
    since = min(effective_at(fields), fields["occurred_at"])
    said = DeadlineCorrection(
        fields["occurred_at"], {since: fields["due_at"]} if fields["holds"] else {}
    )
    known = amended.dues
    if known is None or said.occurred_at > known.occurred_at:
        amended.dues = said
    elif said.occurred_at == known.occurred_at and said.instants:
        amended.dues = _joined(known, since, fields["due_at"])


def _joined(known: DeadlineCorrection, since: int, due: int) -> DeadlineCorrection:
    before = known.instants.get(since, 0)
    last = max(known.instants, default=0)
    if since > last:
        restated = False
    elif since == last:
        restated = known.restated or due != before
    else:
        restated = known.restated
    dues = known.instants | {since: max(due, before)}
    return DeadlineCorrection(known.occurred_at, dues, restated)


def completed(state: Task, fields: Fields, _: int) -> None:
    """Done; of several completions the newest stays."""
    state.completed = max(state.completed, fields["occurred_at"])


def returned(state: Task, fields: Fields, _: int) -> None:
    """Sent back to be done again."""
    state.returned = max(state.returned, fields["occurred_at"])


def cancelled(state: Task, fields: Fields, _: int) -> None:
    """No longer to be done."""
    state.cancelled = max(state.cancelled, fields["occurred_at"])


def _due(state: Task, dues: dict[int, int], mark: str, fields: Fields) -> None:
    """Two deadlines said of one instant: the later one, whatever the order of arrival, and where
    nothing was said later a mark.
    """
    at, due = fields["occurred_at"], fields["due_at"]
    known = dues.get(at, due)
    dues[at] = max(due, known)
    if due != known and at == max(dues):
        setattr(amendments(state), mark, at)
    elif state.amended is not None and 0 < getattr(state.amended, mark) < at:
        setattr(state.amended, mark, 0)
        if state.amended == TaskAmendments():
            state.amended = None


def counts(state: Task, _parts: int = ALL) -> list[Contribution]:
    """The cells that a task counts in."""
    task = standing_task(state)
    void = void_of(state)
    if void is not None:
        return [_voided(void, task.assigned)]
    much = bool(over(_GROUPS, state))
    if task.assigned is None:
        return [_unknown(task.unassigned, task, much)] if task.unassigned else []
    at = task.assigned.occurred_at
    tail = f"{task.assigned.agency}|{task.assigned.category}|"
    deadline = _ASSIGNED["with_deadline"] if task.due else _ASSIGNED["without_deadline"]
    found: list[Contribution] = [
        (f"tasks|assigned|{tail}{day(at)}".encode(), (_ASSIGNED["assigned"], deadline), ()),
        _progress(state, task, tail, much),
    ]
    flags = _flags(task, at, much)
    if flags:
        found.append((f"tasks|flagged|{tail}{day(at)}".encode(), (_FLAGGED["flagged"], *flags), ()))
    return found


def _voided(void: VoidFact, task: AssignmentFact | None) -> Contribution:
    where = f"{task.agency}|{task.category}" if task else f"{void.agency}|-"
    return (f"tasks|voided|{where}|{day(void.occurred_at)}".encode(), (0,), ())


def _unknown(reporter: ReporterFact, task: StandingTask, much: bool) -> Contribution:
    ones = [_FLAGGED["flagged"], _FLAGGED["no_assignment"]]
    if much:
        ones.append(_FLAGGED["too_many"])
    if task.restated:
        ones.append(_FLAGGED["restated"])
    key = f"tasks|flagged|{reporter.agency}|-|{day(reporter.occurred_at)}"
    return (key.encode(), tuple(ones), ())


def _progress(state: Task, task: StandingTask, tail: str, much: bool) -> Contribution:
    if task.completed:
        return _completed(task, tail, much)
    if task.is_cancelled:
        return (f"tasks|cancelled|{tail}{day(task.cancelled)}".encode(), (0,), ())
    ones = (_OPEN["open"], _status(state.progress, task.returned))
    sums = ((_OPEN["deadline_days"], day_number(task.due)),) if task.due else ()
    return (f"tasks|open|{tail}{task.due}".encode(), ones, sums)


def _status(progress: ProgressFact | None, returned: int) -> int:
    if returned and (progress is None or progress.occurred_at <= returned):
        return _OPEN["returned"]
    if progress is None:
        return _OPEN["not_started"]
    return _PROGRESS_INDEX.get(progress.progress, _OPEN["running"])


def _completed(task: StandingTask, tail: str, much: bool) -> Contribution:
    done, due = task.completed, task.due
    ones = [_COMPLETED["completed"]]
    sums: tuple[tuple[int, int], ...] = ()
    if not due:
        ones.append(_COMPLETED["no_deadline"])
    elif done <= due:
        ones.append(_COMPLETED["on_time"])
    else:
        ones.append(_COMPLETED["late"])
        sums = ((_COMPLETED["late_days"], day_number(done) - day_number(due)),)
    if len(set(task.dues.values())) > 1 and not much:
        ones.append(_COMPLETED["extended"])
    return (f"tasks|completed|{tail}{day(done)}".encode(), tuple(ones), sums)


def _flags(task: StandingTask, at: int, much: bool) -> list[int]:
    """What does not fit together in the facts about a task."""
    moments = [] if much else sorted(task.dues)
    broken = {
        "due_before_assignment": 0 < task.due < at,
        "completed_before_assignment": 0 < task.completed < at,
        "due_moved_after_passed": any(
            later > task.dues[earlier] != task.dues[later] for earlier, later in pairwise(moments)
        ),
        "too_many": much,
        "restated": task.restated,
    }
    return [_FLAGGED[name] for name, yes in broken.items() if yes]


FAMILY = Family(
    name="tasks",
    version=3,
    state=Task,
    states_since=3,
    groups=_GROUPS,
    merges={
        "task.assigned": correctable(assigned, _assigned_anew),
        "task.progressed": spoken_of("assigned", progressed),
        "task.extended": spoken_of("assigned", correctable(extended, _deadline_anew)),
        "task.completed": spoken_of(
            "assigned", correctable(completed, amends_instant("completed"))
        ),
        "task.returned": spoken_of("assigned", correctable(returned, amends_instant("returned"))),
        "task.cancelled": spoken_of(
            "assigned", correctable(cancelled, amends_instant("cancelled"))
        ),
        "task.voided": voided,
        "task.restored": restored,
    },
    counts=counts,
)
