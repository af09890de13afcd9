"""Tasks that the province assigns: given, progressed, extended, completed, sent back, cancelled; a
few put right or voided.
"""

from __future__ import annotations

from bisect import insort
from random import Random
from typing import Any, Literal, NamedTuple

from ops.simulate.history import due_time
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.province import AGENCIES_OF, CENTRE
from ops.simulate.things import FOREVER, FactGroup, SimulatedThing, StatedFact, Teller, latest
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS
from schemas.codes import TaskProgress
from schemas.events.tasks import (
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskEvent,
    TaskExtended,
    TaskProgressed,
    TaskRestored,
    TaskReturned,
    TaskVoided,
)

CATEGORIES: tuple[str, ...] = ("plan", "plan", "conclusion", "report", "petition")
_Turn = Literal["completed", "returned", "cancelled"]
TASKS_PUT_RIGHT = 0.05  # of all
_EVENT_OF: dict[_Turn, type[TaskEvent]] = {
    "completed": TaskCompleted,
    "returned": TaskReturned,
    "cancelled": TaskCancelled,
}


class Assignment(NamedTuple):
    """Who has to do it, due when (epoch ms)."""

    to: str
    due_at: int | None


class SimulatedTask(SimulatedThing):
    """One task's facts. Within one task no two facts share an instant."""

    __slots__ = ("assignments", "ends", "extensions", "meant", "progress", "voids")
    origin = "sample:tasks"

    def __init__(self, task_id: str, teller: Teller) -> None:
        super().__init__(task_id, teller)
        self.assignments: FactGroup[Assignment] = FactGroup()
        self.extensions: FactGroup[int] = FactGroup()
        self.meant: FactGroup[int] = FactGroup()  # the deadline, where a wrong one was told
        self.progress: FactGroup[TaskProgress] = FactGroup()
        self.ends: FactGroup[_Turn] = FactGroup()
        self.voids: FactGroup[bool] = FactGroup()  # False: restored

    @property
    def holder(self) -> str:
        """Who has to do it."""
        return self.assignments[0].value.to

    @property
    def last(self) -> int:
        """When the newest fact occurred."""
        return self.newest.occurred_at

    def assign(self, at: int, to: str, category: str, due_at: int | None) -> None:
        """Assigned by the province's office."""
        reported = self.tell(
            TaskAssigned, at, CENTRE, to_agency=to, category=category, due_at=due_at
        )
        self.assignments.add(at, reported, Assignment(to, due_at))

    def report(self, at: int, how: TaskProgress) -> None:
        """How far it is."""
        reported = self.tell(TaskProgressed, at, self.holder, progress=how)
        self.progress.add(at, reported, how)

    def extend(self, at: int, due_at: int) -> None:
        """A new deadline."""
        reported = self.tell(TaskExtended, at, CENTRE, due_at=due_at)
        self.extensions.add(at, reported, due_at)

    def complete(self, at: int) -> None:
        """Done."""
        self.ends.add(at, self.tell(TaskCompleted, at, self.holder), "completed")

    def send_back(self, at: int) -> None:
        """To be done again."""
        self.ends.add(at, self.tell(TaskReturned, at, CENTRE), "returned")

    def cancel(self, at: int) -> None:
        """No longer to be done."""
        self.ends.add(at, self.tell(TaskCancelled, at, CENTRE), "cancelled")

    def end_anew(self, at: int, effective: int | None) -> None:
        """The last turn was at another time, or (None) never was."""
        turn = self.ends[-1]
        fields: dict[str, Any] = {"holds": False}
        if effective is not None:
            fields = {"effective_at": effective}
        reported = self.tell(_EVENT_OF[turn.value], at, CENTRE, **fields)
        value = None if effective is None else turn.value
        self.ends.put_right(-1, effective or at, reported, value)

    def due_anew(self, at: int, due_at: int) -> None:
        """Another deadline was meant all along; nothing was extended."""
        first = self.assignments[0]
        reported = self.tell(TaskExtended, at, CENTRE, effective_at=first.occurred, due_at=due_at)
        self.meant.add(first.occurred, reported, due_at)
        for index, fact in enumerate(self.extensions):
            self.extensions.put_right(index, fact.occurred, reported, None)

    def void(self, at: int) -> None:
        """Entered by mistake."""
        self.voids.add(at, self.tell(TaskVoided, at, CENTRE), True)

    def restore(self, at: int) -> None:
        """Voided by mistake."""
        self.voids.add(at, self.tell(TaskRestored, at, CENTRE), False)

    def count(self, truth: Truth, before: int = FOREVER) -> None:
        """Add it to a truth, by its facts reported before an instant."""
        assigned, void = self.assignments.known(before), latest(self.voids.known(before))

        def one(kind: str, *measures: str) -> None:
            truth.one(kind, self.holder if assigned else CENTRE, *measures, family="tasks")

        if void is not None and void.value:
            one("voided", "voided")
        if not assigned or (void is not None and void.value):
            return
        meant = latest(self.meant.known(before))
        first = assigned[0].value.due_at if meant is None else meant.value
        extended = latest(self.extensions.known(before))
        due = first if extended is None else extended.value
        one("assigned", "assigned", "with_deadline" if due else "without_deadline")
        turns = self.ends.known(before)
        end = turns[-1] if turns else None
        if end is not None and end.value == "completed":
            moved = first is not None and extended is not None
            one("completed", "completed", _timing(end, due), "extended" if moved else "")
        elif end is not None and end.value == "cancelled":
            one("cancelled", "cancelled")
        else:
            one("open", "open", self._status(turns, before))
            if due is not None:
                insort(truth.deadlines.setdefault(self.holder, []), due)

    def _status(self, turns: list[StatedFact[_Turn]], before: int) -> str:
        returned = max((fact.occurred for fact in turns if fact.value == "returned"), default=0)
        since = latest([fact for fact in self.progress.known(before) if fact.occurred > returned])
        if since is not None:
            return since.value
        return "returned" if returned else "not_started"


def _timing(end: StatedFact[_Turn], due: int | None) -> str:
    if due is None:
        return "no_deadline"
    return "on_time" if end.occurred <= due else "late"


def simulate_task(rng: Random, teller: Teller, at: int, task_id: str) -> SimulatedTask:
    """A task given at `at` (epoch ms) with everything that will become of it."""
    task, office = SimulatedTask(task_id, teller), to_office(at)
    days = rng.choice((3, 5, 10, 15, 30))
    due = due_time(office, days) if rng.random() > 0.12 else None
    tier = AGENCIES_OF["department" if rng.random() < 0.5 else "commune"]
    task.assign(at, tier.draw(rng).code, rng.choice(CATEGORIES), due)
    share = rng.uniform(0.1, 0.95) if rng.random() < 0.85 else rng.uniform(1.05, 2.0)
    done = office + 900 + int(days * OFFICE_DAY * share)
    if rng.random() < 0.7:
        task.report(from_office(office + (done - office) // 3), "running")
    if due is not None and rng.random() < 0.12:
        task.extend(from_office(office + (done - office) // 2), due_time(office, days + 10))
    _finish(rng, task, done)
    if rng.random() < TASKS_PUT_RIGHT:
        _put_right(rng, task, from_office(to_office(task.last) + OFFICE_DAY * rng.randint(1, 9)))
    return task


def _put_right(rng: Random, task: SimulatedTask, at: int) -> None:
    """The last turn, or the deadline; or the task is voided, perhaps by mistake."""
    chance, last = rng.random(), task.last
    if chance < 0.2:
        task.void(at)
        if chance < 0.05:
            task.restore(at + rng.randint(600_000, DAY_MS))
    elif chance < 0.5 and task.assignments[0].value.due_at is not None:
        task.due_anew(at, due_time(to_office(task.assignments[0].occurred), rng.randint(2, 40)))
    elif task.ends:
        task.end_anew(at, None if chance < 0.7 else rng.randint(last + 1, at))


def _finish(rng: Random, task: SimulatedTask, done: int) -> None:
    """Completed; a few after confirmation was asked for, a few sent back and done again; or
    cancelled.
    """
    if rng.random() < 0.03:
        task.cancel(from_office(done))
        return
    confirmed = rng.random() < 0.3
    if confirmed:
        task.report(from_office(done - 300), "waiting_confirmation")
    if rng.random() < (0.2 if confirmed else 0.04):  # it never gets further
        return
    task.complete(from_office(done))
    if rng.random() < 0.07:
        task.send_back(from_office(done + OFFICE_DAY))
        if rng.random() < 0.7:
            task.complete(from_office(done + 3 * OFFICE_DAY))
