"""The whole province: the dossiers and documents of `stream.py`, and beside them the inventory,
tasks, activities, ratings of agencies, hospitals and schools, dossiers of the year before, a few
that break the rules of data quality, and what makes every indicator show something, in the order in
which they are reported.

What is beside has its own generator, so that a seed's dossiers stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from random import Random
from zlib import crc32

from ops.simulate.activities import DeedKind, act
from ops.simulate.certain import Certain, beginning_before
from ops.simulate.dossiers import Intake, Life, PromptTeller, Reported, fresh_id
from ops.simulate.history import ONE_STOP, HistoryTeller, score
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.inventory import Register
from ops.simulate.oddities import ODDITIES, TEN_YEARS, odd_dossier, told_when_heard
from ops.simulate.province import AGENCIES, PROCEDURES
from ops.simulate.stream import events
from ops.simulate.tasks import run_errand
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS, to_datetime
from schemas.codes import RatingSubject

# How many of each for a hundred dossiers; some even in a small province.
SHARES: dict[str, float] = {
    "tasks": 4,
    "work_records": 12,
    "inspections": 1.5,
    "meetings": 1.5,
    "visits": 2.5,
    "oddities": 0.8,
}
AT_LEAST = 16
# dossiers of the year before for a hundred; the last one of every year began more than a year ago
CARRIED_OVER = 0.3
YEAR = 400 * DAY_MS
DUPLICATES = 0.03
# what is rated, by the field of the procedure, at which department
VISITED: tuple[tuple[RatingSubject, str, str], ...] = (
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
) -> Iterator[Reported]:
    """(report time in epoch ms, event) in report order; what would be reported after the last day
    is left out. `truth` counts along.

    Without `future` no event lies ahead of its report, so that the gateway takes every one in.
    """
    known = truth if truth is not None else Truth()
    beside = Beside(seed, dossiers, start, days, known, backfill, future)
    return merge(
        beside.events(),
        events(seed, dossiers, start, days, truth=known, backfill=backfill),
        key=lambda told: told[0],
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
        self.dossiers, self.start, self.days, self.end, self.truth = (
            dossiers,
            start,
            days,
            start + days * DAY_MS,
            truth,
        )
        self.tag = f"{crc32(f'{seed}|{dossiers}|{start}|{days}'.encode()):08x}"
        self.oddities = ODDITIES if backfill else (*ODDITIES, *told_when_heard(future=future))

    def events(self) -> Iterator[Reported]:
        """In report order."""
        told = list(Register(self.teller, self.start, self.end, self.truth).events())
        tellers: dict[str, Callable[[int, str], list[Reported]]] = {
            "tasks": self._task,
            "visits": self._visit,
            "work_records": self._deed("work_records"),
            "inspections": self._deed("inspections"),
            "meetings": self._deed("meetings"),
            "oddities": self._oddity,
        }
        for name, tell in tellers.items():
            for number in range(max(AT_LEAST, int(self.dossiers * SHARES[name] / 100))):
                told += self._within(tell(self._moment(), f"SAMPLE-{name}-{self.tag}-{number:05}"))
        told += self._within(self._certain())
        told.sort(key=lambda one: one[0])
        self.truth.events += len(told)
        return iter(told)

    def _certain(self) -> list[Reported]:
        """One of each sort in the first days, work due in the days to come, and what was imported
        of the year before.
        """
        tell = Certain(
            self.rng,
            PromptTeller(self.rng, backfill=self.teller.backfill),
            self.tag,
            self.truth,
            self.end,
        )
        first = from_office(to_office(self.start + DAY_MS))
        tell.settled(first)
        for oddity in self.oddities:
            tell.odd(first, first + TEN_YEARS, oddity)
        tell.pending(beginning_before(self.end), self.end)
        imported = Certain(
            self.rng, PromptTeller(self.rng, backfill=True), f"{self.tag}-B", self.truth, self.end
        )
        for number in range(max(AT_LEAST, int(self.dossiers * CARRIED_OVER / 100))):
            imported.carried_over(
                self.start - YEAR - self.rng.randrange(90 * DAY_MS),
                self._moment() if number % 2 else None,
            )
        return [(max(at, self.start), event) for at, event in tell.events + imported.events]

    def _moment(self) -> int:
        """Some instant of office time."""
        first, last = to_office(self.start), to_office(self.end)
        return from_office(
            self.rng.randrange(first, max(last, first + OFFICE_DAY))
        ) + self.rng.randrange(1_000)

    def _within(self, told: list[Reported]) -> list[Reported]:
        """What is reported in time, some of it twice."""
        kept = [one for one in told if one[0] < self.end]
        again = [
            (min(at + self.rng.randrange(DAY_MS), self.end - 1), event)
            for at, event in kept
            if self.rng.random() < DUPLICATES
        ]
        self.truth.duplicates += len(again)
        return kept + again

    def _task(self, at: int, task_id: str) -> list[Reported]:
        errand = run_errand(self.rng, self.teller, at, task_id)
        errand.count(self.truth, self.end)
        return errand.events

    def _oddity(self, at: int, serial: str) -> list[Reported]:
        life = Life(f"H35.SAMPLE-{to_datetime(at):%y%m%d}-{serial}", ONE_STOP, self.teller)
        first = max(at, self.start + DAY_MS)
        odd_dossier(
            self.rng,
            life,
            first,
            first + TEN_YEARS,
            self.oddities[int(serial[-5:]) % len(self.oddities)],
        )
        self.truth.add(life, self.end)
        return life.events

    def _deed(self, kind: DeedKind) -> Callable[[int, str], list[Reported]]:
        def tell(at: int, activity_id: str) -> list[Reported]:
            activity = act(self.rng, self.teller, at, activity_id, kind)
            activity.count(self.truth, self.end)
            return activity.events

        return tell

    def _visit(self, at: int, serial: str) -> list[Reported]:
        """A small dossier, done on the spot, whose applicant rates the agency, the hospital or the
        school.
        """
        rng, (about, field, name) = self.rng, self.rng.choice(VISITED)
        agency = next(one.code for one in AGENCIES if one.name == name)
        procedure = next(one for one in PROCEDURES if one.field == field)
        life = Life(f"H35.SAMPLE-{to_datetime(at):%y%m%d}-{serial}", ONE_STOP, self.teller)
        office = to_office(at)
        life.receive(
            at,
            Intake(
                agency,
                agency,
                procedure.code,
                "counter",
                procedure.level,
                "citizen",
                authenticated=rng.random() < 0.5,
                with_fee=False,
                reused_data=rng.random() < 0.5,
            ),
            from_office(office + OFFICE_DAY),
        )
        life.finish(from_office(office + 1_200), digitised=rng.random() < 0.7)
        life.rate(from_office(office + 1_800), fresh_id(rng), score(rng), about)
        self.truth.add(life, self.end)
        return life.events
