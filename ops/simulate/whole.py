"""The whole province: the dossiers and documents of `stream.py`, and beside them the inventory,
tasks, activities, ratings of agencies, hospitals and schools, dossiers of the year before, a few
that break the rules of data quality, and what makes every indicator show something, in the order in
which they are reported.

What is beside has its own generator, so that a seed's dossiers stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from operator import attrgetter
from random import Random
from zlib import crc32

from ops.simulate.activities import ActivityKind, simulate_activity
from ops.simulate.certain import Certain, beginning_before
from ops.simulate.corrected_dossiers import corrected_dossier
from ops.simulate.corrections import CORRECTIONS
from ops.simulate.dossier_facts import ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier, dossier_id
from ops.simulate.history import ONE_STOP, HistoryTeller, score
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.inventory import Inventory
from ops.simulate.oddities import ODDITIES, TEN_YEARS, odd_dossier, told_when_heard
from ops.simulate.province import AGENCIES, PROCEDURES
from ops.simulate.stream import events
from ops.simulate.tasks import simulate_task
from ops.simulate.things import PromptTeller, ReportedEvent, fresh_id
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS
from schemas.codes import RatingSubject

# How many of each for a hundred dossiers; some even in a small province.
_SHARES: dict[str, float] = {
    "tasks": 4,
    "work_records": 12,
    "inspections": 1.5,
    "meetings": 1.5,
    "visits": 2.5,
    "oddities": 0.8,
    "corrected": 0.8,
}
_AT_LEAST = 16
# dossiers of the year before for a hundred; the last one of every year began more than a year ago
_CARRIED_OVER = 0.3
_LONG_COURSE = 24 * DAY_MS  # for a dossier of which everything is told, and put right
_YEAR = 400 * DAY_MS
_DUPLICATES = 0.03
# what is rated, by the field of the procedure, at which department
_VISITED: tuple[tuple[RatingSubject, str, str], ...] = (
    ("health", "health practice", "Sở Y tế"),
    ("education", "education", "Sở Giáo dục và Đào tạo"),
    ("agency", "personnel", "Sở Nội vụ"),
)


def whole_province(
    seed: int,
    dossiers: int,
    start: int,
    days: int,
    *,
    truth: Truth | None = None,
    backfill: bool = False,
    future: bool = True,
) -> Iterator[ReportedEvent]:
    """(report time in epoch ms, event) in report order; what would be reported after the last day
    is left out. `truth` counts along.

    Without `future` no event lies ahead of its report, so that the gateway takes every one in.
    """
    counted = truth if truth is not None else Truth()
    beside = Beside(seed, dossiers, start, days, counted, backfill, future)
    return merge(
        beside.events(),
        events(seed, dossiers, start, days, truth=counted, backfill=backfill),
        key=attrgetter("at"),
    )


class Beside:
    """Everything but the dossiers and documents."""

    def __init__(
        self,
        seed: int,
        dossiers: int,
        start: int,
        days: int,
        truth: Truth,
        backfill: bool,
        future: bool,
    ) -> None:
        self.rng = Random(f"beside|{seed}")
        self.teller = HistoryTeller(self.rng, backfill=backfill)
        self.dossiers, self.truth = dossiers, truth
        self.start, self.end = start, start + days * DAY_MS
        self.tag = f"{crc32(f'{seed}|{dossiers}|{start}|{days}'.encode()):08x}"
        self.oddities = ODDITIES if backfill else (*ODDITIES, *told_when_heard(future=future))

    def events(self) -> Iterator[ReportedEvent]:
        """In report order."""
        told = list(Inventory(self.teller, self.start, self.end, self.truth).events())
        tellers: dict[str, Callable[[int, str], list[ReportedEvent]]] = {
            "tasks": self._task,
            "visits": self._visit,
            "work_records": self._activity("work_records"),
            "inspections": self._activity("inspections"),
            "meetings": self._activity("meetings"),
            "oddities": self._oddity,
            "corrected": self._corrected,
        }
        for name, tell in tellers.items():
            least = len(CORRECTIONS) if name == "corrected" else _AT_LEAST
            last = self.end - (_LONG_COURSE if name == "corrected" else 0)
            for number in range(max(least, int(self.dossiers * _SHARES[name] / 100))):
                told += self._within(
                    tell(self._moment(last), f"SAMPLE-{name}-{self.tag}-{number:05}")
                )
        told += self._within(self._certain())
        told.sort(key=attrgetter("at"))
        self.truth.events += len(told)
        return iter(told)

    def _certain(self) -> list[ReportedEvent]:
        """One of each sort in the first days, work due in the days to come, and what was imported
        of the year before.
        """
        teller = PromptTeller(self.rng, backfill=self.teller.backfill)
        tell = Certain(self.rng, teller, self.tag, self.truth, self.end)
        first = from_office(to_office(self.start + DAY_MS))
        tell.settled(first)
        for oddity in self.oddities:
            tell.odd(first, first + TEN_YEARS, oddity)
        tell.pending(beginning_before(self.end), self.end)
        importer = PromptTeller(self.rng, backfill=True)
        imported = Certain(self.rng, importer, f"{self.tag}-B", self.truth, self.end)
        for number in range(max(_AT_LEAST, int(self.dossiers * _CARRIED_OVER / 100))):
            begun = self.start - _YEAR - self.rng.randrange(90 * DAY_MS)
            imported.carried_over(begun, self._moment(self.end) if number % 2 else None)
        told = tell.events + imported.events
        return [ReportedEvent(max(at, self.start), event) for at, event in told]

    def _moment(self, before: int) -> int:
        """Some instant of office time before another, or of the first day."""
        first, last = to_office(self.start), to_office(before)
        second = self.rng.randrange(first, max(last, first + OFFICE_DAY))
        return from_office(second) + self.rng.randrange(1_000)

    def _within(self, told: list[ReportedEvent]) -> list[ReportedEvent]:
        """What is reported in time, some of it twice."""
        kept = [reported for reported in told if reported.at < self.end]
        again = []
        for at, event in kept:
            if self.rng.random() < _DUPLICATES:
                later = at + self.rng.randrange(DAY_MS)
                again.append(ReportedEvent(min(later, self.end - 1), event))
        self.truth.duplicates += len(again)
        return kept + again

    def _task(self, at: int, task_id: str) -> list[ReportedEvent]:
        task = simulate_task(self.rng, self.teller, at, task_id)
        task.count(self.truth, self.end)
        return task.events

    def _oddity(self, at: int, serial: str) -> list[ReportedEvent]:
        dossier = SimulatedDossier(dossier_id(at, serial), ONE_STOP, self.teller)
        first = max(at, self.start + DAY_MS)
        oddity = self.oddities[int(serial[-5:]) % len(self.oddities)]
        odd_dossier(self.rng, dossier, first, first + TEN_YEARS, oddity)
        self.truth.add(dossier, self.end)
        return dossier.events

    def _corrected(self, at: int, serial: str) -> list[ReportedEvent]:
        dossier = SimulatedDossier(dossier_id(at, serial), ONE_STOP, self.teller)
        corrected_dossier(self.rng, dossier, at, int(serial[-5:]))
        self.truth.add(dossier, self.end)
        return dossier.events

    def _activity(self, kind: ActivityKind) -> Callable[[int, str], list[ReportedEvent]]:
        def tell(at: int, activity_id: str) -> list[ReportedEvent]:
            activity = simulate_activity(self.rng, self.teller, at, activity_id, kind)
            activity.count(self.truth, self.end)
            return activity.events

        return tell

    def _visit(self, at: int, serial: str) -> list[ReportedEvent]:
        """A small dossier, done on the spot, whose applicant rates the agency, the hospital or the
        school.
        """
        rng, (about, field, name) = self.rng, self.rng.choice(_VISITED)
        agency = next(one.code for one in AGENCIES if one.name == name)
        procedure = next(one for one in PROCEDURES if one.field == field)
        dossier = SimulatedDossier(dossier_id(at, serial), ONE_STOP, self.teller)
        office = to_office(at)
        reception = ReceptionFacts(
            agency,
            agency,
            procedure.code,
            "counter",
            procedure.level,
            "citizen",
            authenticated=rng.random() < 0.5,
            with_fee=False,
            reused_data=rng.random() < 0.5,
        )
        dossier.receive(at, reception, from_office(office + OFFICE_DAY))
        dossier.finish(from_office(office + 1_200), digitised=rng.random() < 0.7)
        dossier.rate(from_office(office + 1_800), fresh_id(rng), score(rng), about)
        self.truth.add(dossier, self.end)
        return dossier.events
