"""Tasks that the People's Committee assigns: state and counts (the rules in words:
docs/figures.md).

A return undoes the completions and cancellations before it. Until the assignment is known, a task
counts only as flagged.
"""

from __future__ import annotations

from itertools import pairwise

from schemas.clock import day
from schemas.states import AssignmentFact, ProgressFact, ReporterFact, Task, pack_id
from schemas.wire import Fields
from streams.families.base import ALL, Contribution, Family, measure_indexes, newer
from streams.families.bounds import BoundedGroup, by_key, too_many

_ASSIGNED = measure_indexes("tasks", "assigned")
_OPEN = measure_indexes("tasks", "open")
_COMPLETED = measure_indexes("tasks", "completed")
_FLAGGED = measure_indexes("tasks", "flagged")
# any other report: it is being worked on
_PROGRESS_INDEX = {"waiting_confirmation": _OPEN["waiting_confirmation"]}


def assigned(state: Task, fields: Fields, _: int) -> None:
    """Who assigned it to whom, with its first deadline if it has one."""
    said = AssignmentFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["agency"],
        fields["to_agency"],
        fields["category"],
    )
    state.assigned = newer(state.assigned, said)
    state.reporter = None
    if fields["due_at"] is not None:
        _due(state, fields)


def progressed(state: Task, fields: Fields, _: int) -> None:
    """How far it is, as last said."""
    said = ProgressFact(fields["occurred_at"], pack_id(fields["event_id"]), fields["progress"])
    state.progress = newer(state.progress, said)
    _heard(state, fields)


def extended(state: Task, fields: Fields, _: int) -> None:
    """A new deadline."""
    _due(state, fields)
    _heard(state, fields)


def completed(state: Task, fields: Fields, _: int) -> None:
    """Done; of several completions the newest stays."""
    state.completed = max(state.completed, fields["occurred_at"])
    _heard(state, fields)


def returned(state: Task, fields: Fields, _: int) -> None:
    """Sent back to be done again."""
    state.returned = max(state.returned, fields["occurred_at"])
    _heard(state, fields)


def cancelled(state: Task, fields: Fields, _: int) -> None:
    """No longer to be done."""
    state.cancelled = max(state.cancelled, fields["occurred_at"])
    _heard(state, fields)


def _due(state: Task, fields: Fields) -> None:
    # Two deadlines said of one instant: the later one, whatever the order of arrival.
    at = fields["occurred_at"]
    state.dues[at] = max(fields["due_at"], state.dues.get(at, 0))


def _heard(state: Task, fields: Fields) -> None:
    if state.assigned is None:
        spoken = ReporterFact(fields["occurred_at"], fields["agency"])
        state.reporter = max(spoken, state.reporter or spoken)


def counts(state: Task, _parts: int = ALL) -> list[Contribution]:
    """The cells that a task counts in."""
    if state.assigned is None:
        return [_unknown(state.reporter, state)] if state.reporter else []
    at = state.assigned.occurred_at
    tail = f"{state.assigned.agency}|{state.assigned.category}|"
    due = state.dues[max(state.dues)] if state.dues else 0
    deadline = _ASSIGNED["with_deadline"] if due else _ASSIGNED["without_deadline"]
    done = completed_at(state)
    found: list[Contribution] = [
        (f"tasks|assigned|{tail}{day(at)}".encode(), (_ASSIGNED["assigned"], deadline), ()),
        _progress(state, tail, due, done),
    ]
    flags = _flags(state, at, due, done)
    if flags:
        found.append((f"tasks|flagged|{tail}{day(at)}".encode(), (_FLAGGED["flagged"], *flags), ()))
    return found


def completed_at(state: Task) -> int:
    """When it was completed; 0: not, or a later return or cancellation undid that."""
    return state.completed if state.completed >= max(state.returned, state.cancelled) else 0


def _unknown(reporter: ReporterFact, state: Task) -> Contribution:
    ones = [_FLAGGED["flagged"], _FLAGGED["no_assignment"]]
    if too_many("dues", state.dues):
        ones.append(_FLAGGED["too_many"])
    key = f"tasks|flagged|{reporter.agency}|-|{day(reporter.occurred_at)}"
    return (key.encode(), tuple(ones), ())


def _progress(state: Task, tail: str, due: int, done: int) -> Contribution:
    if done:
        return (
            f"tasks|completed|{tail}{day(done)}".encode(),
            _completed(state.dues, due, done),
            (),
        )
    if state.cancelled and state.cancelled >= state.returned:
        return (f"tasks|cancelled|{tail}{day(state.cancelled)}".encode(), (0,), ())
    return (f"tasks|open|{tail}{due}".encode(), (_OPEN["open"], _status(state)), ())


def _status(state: Task) -> int:
    progress = state.progress
    if state.returned and (progress is None or progress.occurred_at <= state.returned):
        return _OPEN["returned"]
    if progress is None:
        return _OPEN["not_started"]
    return _PROGRESS_INDEX.get(progress.progress, _OPEN["running"])


def _completed(dues: dict[int, int], due: int, done: int) -> tuple[int, ...]:
    ones = [_COMPLETED["completed"]]
    if not due:
        ones.append(_COMPLETED["no_deadline"])
    else:
        ones.append(_COMPLETED["on_time" if done <= due else "late"])
    if len(set(dues.values())) > 1 and not too_many("dues", dues):
        ones.append(_COMPLETED["extended"])
    return tuple(ones)


def _flags(state: Task, at: int, due: int, done: int) -> list[int]:
    """What does not fit together in the facts about a task."""
    much = too_many("dues", state.dues)
    moments = [] if much else sorted(state.dues)
    broken = {
        "due_before_assignment": 0 < due < at,
        "completed_before_assignment": 0 < done < at,
        "due_moved_after_passed": any(
            later > state.dues[earlier] != state.dues[later] for earlier, later in pairwise(moments)
        ),
        "too_many": much,
    }
    return [_FLAGGED[name] for name, yes in broken.items() if yes]


FAMILY = Family(
    name="tasks",
    version=2,
    state=Task,
    groups=(BoundedGroup("dues", "deadlines", by_key),),
    merges={
        f"task.{merge.__name__}": merge
        for merge in (assigned, progressed, extended, completed, returned, cancelled)
    },
    counts=counts,
)
