"""Tasks that the province assigns: given, progressed, extended, completed, sent back, cancelled,
each stated once.
"""

from __future__ import annotations

from bisect import insort
from random import Random
from typing import Literal, NamedTuple

from ops.simulate.history import due_time
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.province import AGENCIES_OF, CENTRE
from ops.simulate.things import FOREVER, SimulatedThing, StatedFact, Teller, latest_value
from ops.simulate.truth import Truth
from schemas.codes import TaskProgress
from schemas.events.tasks import (
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskExtended,
    TaskProgressed,
    TaskReturned,
)

CATEGORIES: tuple[str, ...] = ("plan", "plan", "conclusion", "report", "petition")
_Turn = Literal["completed", "returned", "cancelled"]


class Assignment(NamedTuple):
    """Who has to do it, due when (epoch ms)."""

    to: str
    due_at: int | None


class SimulatedTask(SimulatedThing):
    """One task's facts. Within one task no two facts share an instant."""

    __slots__ = ("assignment", "ends", "extensions", "progress")
    origin = "sample:tasks"

    def __init__(self, task_id: str, teller: Teller) -> None:
        super().__init__(task_id, teller)
        self.assignment: StatedFact[Assignment] | None = None
        self.extensions: list[StatedFact[int]] = []
        self.progress: list[StatedFact[TaskProgress]] = []
        self.ends: list[StatedFact[_Turn]] = []

    @property
    def holder(self) -> str:
        """Who has to do it."""
        assert self.assignment is not None
        return self.assignment.value.to

    @property
    def last(self) -> int:
        """When the newest fact occurred."""
        return self.newest.occurred_at

    def assign(self, at: int, to: str, category: str, due_at: int | None) -> None:
        """Assigned by the province's office."""
        reported = self.tell(
            TaskAssigned, at, CENTRE, to_agency=to, category=category, due_at=due_at
        )
        self.assignment = StatedFact(at, reported, Assignment(to, due_at))

    def report(self, at: int, how: TaskProgress) -> None:
        """How far it is."""
        reported = self.tell(TaskProgressed, at, self.holder, progress=how)
        self.progress.append(StatedFact(at, reported, how))

    def extend(self, at: int, due_at: int) -> None:
        """A new deadline."""
        reported = self.tell(TaskExtended, at, CENTRE, due_at=due_at)
        self.extensions.append(StatedFact(at, reported, due_at))

    def complete(self, at: int) -> None:
        """Done."""
        self.ends.append(StatedFact(at, self.tell(TaskCompleted, at, self.holder), "completed"))

    def send_back(self, at: int) -> None:
        """To be done again."""
        self.ends.append(StatedFact(at, self.tell(TaskReturned, at, CENTRE), "returned"))

    def cancel(self, at: int) -> None:
        """No longer to be done."""
        self.ends.append(StatedFact(at, self.tell(TaskCancelled, at, CENTRE), "cancelled"))

    def count(self, truth: Truth, before: int = FOREVER) -> None:
        """Add it to a truth, by its facts reported before an instant."""
        if self.assignment is None or self.assignment.reported >= before:
            return
        first, extended = self.assignment.value.due_at, latest_value(self.extensions, before)
        due = first if extended is None else extended

        def one(kind: str, *measures: str) -> None:
            truth.one(kind, self.holder, *measures, family="tasks")

        one("assigned", "assigned", "with_deadline" if due else "without_deadline")
        end = latest_value(self.ends, before)
        if end == "completed":
            moved = first is not None and extended is not None
            one("completed", "completed", self._timing(due, before), "extended" if moved else "")
        elif end == "cancelled":
            one("cancelled", "cancelled")
        else:
            one("open", "open", self._status(before))
            if due is not None:
                insort(truth.deadlines.setdefault(self.holder, []), due)

    def _timing(self, due: int | None, before: int) -> str:
        if due is None:
            return "no_deadline"
        done = max(fact.occurred for fact in self.ends if fact.reported < before)
        return "on_time" if done <= due else "late"

    def _status(self, before: int) -> str:
        returned = [
            fact.occurred
            for fact in self.ends
            if fact.value == "returned" and fact.reported < before
        ]
        since = [fact for fact in self.progress if fact.occurred > max(returned, default=0)]
        return latest_value(since, before) or ("returned" if returned else "not_started")


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
    return task


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
