"""Made-up dossiers as day cells by the recipe of what changes on a day, and counted naively, day by
day, for tests of figures as of any day.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cubes import Cell, counted

DAY = timedelta(days=1)
BEGIN = date(2024, 11, 20)
DAYS = 90
AGENCIES = ("A", "B", "X.1")
PROCEDURES = ("P1", "P2", "P9")
Waits = list[tuple[date, date | None]]


@dataclass(frozen=True)
class Made:
    """A dossier by the days on which something happened to it."""

    agency: str
    procedure: str
    received: date
    online: bool
    due: date | None
    end: date | None
    outcome: str  # finished, withdrawn or stopped, once it ended
    waits: tuple[tuple[date, date | None], ...]

    @property
    def left(self) -> date | None:
        """The day from whose end on it is open no more."""
        return None if self.end is None else max(self.received, self.end)

    def open(self, day: date) -> bool:
        """At the end of a day."""
        return self.received <= day and (self.left is None or self.left > day)

    def open_06a(self, day: date) -> bool:
        """The same by report 06a, where stopped ones stay open."""
        return self.open(day) or (self.outcome == "stopped" and self.received <= day)

    def waiting(self, day: date) -> bool:
        """For papers or a fee, at the end of a day."""
        return self.open(day) and any(
            begin <= day and (end is None or day < end) for begin, end in self.waits
        )

    def overdue(self, day: date) -> bool:
        """At the end of a day."""
        late = self.due is not None and self.due < day
        return late and self.open(day) and not self.waiting(day)

    @property
    def column(self) -> str | None:
        """Where report 06a tells that it was handled; None: nowhere."""
        if self.left is None or self.outcome == "stopped":
            return None
        if self.due is None or self.outcome == "withdrawn" or self.left == self.due:
            return "left_on_time"
        return "left_early" if self.left < self.due else "left_late"


def made(seed: int, count: int) -> list[Made]:
    """Dossiers with overlapping waits, without due days, ended before they were received …"""
    rng = random.Random(seed)
    return [_one(rng) for _ in range(count)]


def _one(rng: random.Random) -> Made:
    received = BEGIN + rng.randrange(DAYS) * DAY
    waits = [(received + rng.randrange(-3, 20) * DAY) for _ in range(rng.randrange(4))]
    return Made(
        agency=rng.choice(AGENCIES),
        procedure=rng.choice(PROCEDURES),
        received=received,
        online=rng.random() < 0.4,
        due=None if rng.random() < 0.2 else received + rng.randrange(-2, 15) * DAY,
        end=None if rng.random() < 0.3 else received + rng.randrange(-2, 25) * DAY,
        outcome=rng.choice(("finished", "finished", "withdrawn", "stopped")),
        waits=tuple(
            (begin, None if rng.random() < 0.2 else begin + rng.randrange(10) * DAY)
            for begin in waits
        ),
    )


def flow_cells(found: Iterable[Made]) -> list[Cell]:
    """Their day cells."""
    sums: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for one in found:
        for day, measure in changes(one):
            sums[one.agency, one.procedure, f"{day:%Y%m%d}"][measure] += 1
    return [
        counted(f"dossiers|flow|{agency}|{procedure}|{day}", **measures)
        for (agency, procedure, day), measures in sums.items()
    ]


def changes(one: Made) -> Iterator[tuple[date, str]]:
    """What changes on which day: the recipe, with its day cells' measures."""
    received, left = one.received, one.left
    yield received, "taken_online" if one.online else "taken_other"
    if left is not None:
        yield left, "left"
        yield left, one.column or "left_stopped"
    waits = _cut(_union(one.waits), received, left)
    yield from _edges(waits, "asked", "back")
    if one.due is None:
        yield received, "taken_undated"
        if left is not None:
            yield left, "left_undated"
        return
    late = max(one.due + DAY, received)
    if left is None or left > late:
        yield late, "fell_due"
        if left is not None:
            yield left, "settled"
        yield from _edges(_cut(waits, late, left), "wait_from", "wait_to")


def _edges(waits: Waits, begin: str, end: str) -> Iterator[tuple[date, str]]:
    for first, last in waits:
        yield first, begin
        if last is not None:
            yield last, end


def _union(waits: Sequence[tuple[date, date | None]]) -> Waits:
    found: Waits = []
    for begin, end in sorted(waits, key=lambda wait: wait[0]):
        if found and (found[-1][1] is None or begin <= found[-1][1]):
            before = found[-1][1]
            longest = None if before is None or end is None else max(before, end)
            found[-1] = found[-1][0], longest
        else:
            found.append((begin, end))
    return found


def _cut(waits: Waits, first: date, last: date | None) -> Waits:
    """Their days from the first to before the last one."""
    found: Waits = []
    for begin, end in waits:
        low = max(begin, first)
        high = last if end is None else end if last is None else min(end, last)
        if high is None or low < high:
            found.append((low, high))
    return found
