"""What goes on beside the dossiers now: tasks given and done within minutes, activities, systems'
heartbeats; and, to begin with, work that is due on each of the next days, and dossiers whose oddity
hangs on when they are heard.
"""

from __future__ import annotations

from random import Random

from ops.simulate.activities import ActivityKind, SimulatedActivity, draw_activity
from ops.simulate.certain import Certain
from ops.simulate.history import due_time
from ops.simulate.hours import to_office
from ops.simulate.inventory import PROVINCE_OFFICE, SOURCE
from ops.simulate.oddities import OddDossier, told_when_heard
from ops.simulate.province import AGENCIES_OF
from ops.simulate.registered import SYSTEMS
from ops.simulate.tasks import CATEGORIES, SimulatedTask
from ops.simulate.things import PromptTeller
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS
from schemas.events import Event
from schemas.events.inventory import SystemHeartbeat

_SHARE = 0.12  # of everything that is told
_AT_WORK = 30  # tasks in hand at once
_HOUR = 3_600_000
_LONG_ENOUGH = 12 * DAY_MS  # for whatever becomes of an odd dossier
_KINDS: tuple[ActivityKind, ...] = (
    "work_records",
    "work_records",
    "work_records",
    "inspections",
    "meetings",
)


class LiveBeside:
    """`started` (epoch ms) is part of every id, so that no two runs speak of the same task or
    activity.
    """

    def __init__(self, seed: int, started: int) -> None:
        self.rng = Random(f"beside|{seed}|{started}")
        self.teller = PromptTeller(self.rng)
        self.tag = f"L{started:x}"
        self.number = 0
        # with what is still to come, first things last
        self.tasks: list[tuple[SimulatedTask, list[str]]] = []
        self.done = Truth()

    def opening(self, now: int, *, future: bool = True) -> list[Event]:
        """What is told first, all of it at once; without `future` no event lies ahead of `now`."""
        certain = Certain(self.rng, self.teller, self.tag, self.done)
        certain.pending(now, now)
        for tell in (OddDossier.finish_never_reported, *told_when_heard(future=future)):
            certain.odd(now - _LONG_ENOUGH, now + 2 * _HOUR, tell)
        self.done.events += len(certain.events)
        return [event for _, event in certain.events]

    def turn(self) -> bool:
        """Whether the next event is one of these."""
        return self.rng.random() < _SHARE

    def next(self, now: int) -> Event:
        """One event; `now` is epoch ms."""
        chance = self.rng.random()
        self.done.events += 1
        if chance < 0.15:
            return self._heartbeat(now)
        return self._activity(now) if chance < 0.5 else self._task(now)

    def _heartbeat(self, now: int) -> Event:
        code = self.rng.choice([system.code for system in SYSTEMS if system.answers])
        return SystemHeartbeat(
            event_id=self.teller.event_id(),
            source=SOURCE,
            agency=PROVINCE_OFFICE,
            occurred_at=now,
            item_id=f"system/SAMPLE-{code}",
        )

    def _activity(self, now: int) -> Event:
        activity = SimulatedActivity(f"SAMPLE-{self.tag}-{self._serial()}", self.teller)
        activity.state(now, draw_activity(self.rng, self.rng.choice(_KINDS)))
        activity.count(self.done)
        return activity.newest

    def _task(self, now: int) -> Event:
        if not self.tasks:
            return self._assign(now)
        index = self.rng.randrange(len(self.tasks))
        if len(self.tasks) < _AT_WORK and self.rng.random() < 0.4:
            return self._assign(now)
        task, script = self.tasks[index]
        if task.last >= now:
            return self._assign(now)
        if script.pop() == "report":
            task.report(now, "running")
        else:
            task.complete(now)
        if not script:
            del self.tasks[index]
            task.count(self.done)
        return task.newest

    def _assign(self, now: int) -> Event:
        rng = self.rng
        task = SimulatedTask(f"SAMPLE-{self.tag}-{self._serial()}", self.teller)
        chance = rng.random()
        due = None
        if chance >= 0.5:
            due = due_time(to_office(now), 5)
        elif chance >= 0.1:
            due = now + rng.randint(60_000, 900_000)
        tier = AGENCIES_OF["department" if rng.random() < 0.5 else "commune"]
        task.assign(now, tier.draw(rng).code, rng.choice(CATEGORIES), due)
        self.tasks.append((task, ["complete", "report"] if rng.random() < 0.7 else ["complete"]))
        return task.newest

    def _serial(self) -> str:
        self.number += 1
        return f"{self.number:06}"

    def truth(self) -> Truth:
        """The exact figures of everything told so far."""
        whole = self.done.copy()
        for task, _ in self.tasks:
            task.count(whole)
        return whole
