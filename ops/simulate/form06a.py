"""Form 06a and the dossiers open, waiting and overdue at the end of any day, by looking at every
dossier: another way than the product's sums of what changes on a day.

Days are the province's, as days since 1 January 1970. What is due on a day is in time on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import date
from typing import NamedTuple, TypeVar

from ops.simulate.known import KnownDossier
from ops.simulate.things import FOREVER
from schemas.clock import day_number

FORM_COLUMNS = range(3, 14)
_EPOCH = date(1970, 1, 1).toordinal()
_COLUMN_OF = {"early": 8, "on_time": 9, "late": 10}
_Key = TypeVar("_Key", bound=Hashable)


class DossierDays(NamedTuple):
    """The days of a dossier that is accepted and not voided."""

    handler: str
    procedure: str
    online: bool
    received: int
    ended: int | None  # not before the day received
    outcome: str  # finished, withdrawn, stopped; empty while open
    due: int | None
    waits: tuple[tuple[int, int], ...]  # day asked, day of the answer; they may overlap

    def is_open(self, on: int) -> bool:
        """At the end of a day."""
        return self.received <= on and (self.ended is None or self.ended > on)

    def is_waiting(self, on: int) -> bool:
        """At the end of a day."""
        return self.is_open(on) and any(asked <= on < came for asked, came in self.waits)

    def is_overdue(self, on: int) -> bool:
        """At the end of a day: past its due day, and nobody is waited for."""
        late = self.due is not None and self.due < on
        return late and self.is_open(on) and not self.is_waiting(on)

    @property
    def settled(self) -> int | None:
        """The day from which form 06a has it as dealt with; never, once stopped."""
        return None if self.outcome == "stopped" else self.ended

    @property
    def result(self) -> str:
        """How it ended, by date: early, on_time or late, where form 06a has it as dealt with;
        stopped; empty while open.
        """
        if self.ended is None or self.outcome == "stopped":
            return self.outcome
        if self.due is None or self.outcome == "withdrawn" or self.ended == self.due:
            return "on_time"
        return "early" if self.ended < self.due else "late"


def dossier_days(known: KnownDossier) -> DossierDays:
    """The days of what is known of a dossier."""
    received, end = day_number(known.received_at), known.end
    return DossierDays(
        known.handler,
        known.reception.procedure,
        known.reception.channel == "online",
        received,
        None if end is None else max(received, day_number(end.at)),
        "" if end is None else end.outcome,
        None if known.due is None else day_number(known.due),
        tuple((day_number(asked), day_number(came)) for asked, came in known.waits),
    )


def ordinal_day(day: date) -> int:
    """A date as the days of this module."""
    return day.toordinal() - _EPOCH


def date_of(day: int) -> date:
    """Back again."""
    return date.fromordinal(day + _EPOCH)


class DossierStanding(NamedTuple):
    """How many dossiers stand how at the end of a day."""

    open: int = 0
    waiting: int = 0
    overdue: int = 0
    open_06a: int = 0  # with the stopped ones


def standing(dossiers: Iterable[DossierDays], day: date) -> dict[str, DossierStanding]:
    """By agency, at the end of a day. What is carried over into a period is the last figure of the
    day before it.
    """
    on = ordinal_day(day)
    found: dict[str, Counter[str]] = {}
    for one in dossiers:
        sums = found.setdefault(one.handler, Counter())
        sums["open"] += one.is_open(on)
        sums["waiting"] += one.is_waiting(on)
        sums["overdue"] += one.is_overdue(on)
        sums["open_06a"] += one.received <= on and (one.settled is None or one.settled > on)
    return {agency: DossierStanding(**sums) for agency, sums in found.items()}


def form_06a(
    dossiers: Iterable[DossierDays], first: date, last: date, row: Callable[[DossierDays], _Key]
) -> dict[_Key, Counter[int]]:
    """Columns 3 to 13 of form 06a for the days from `first` to `last`, by the row that a dossier
    stands in. Rows with nothing in them are left out.
    """
    begins, ends = ordinal_day(first), ordinal_day(last)
    form: dict[_Key, Counter[int]] = {}
    for one in dossiers:
        columns = list(_columns(one, begins, ends))
        if columns:
            form.setdefault(row(one), Counter()).update(columns)
    for sums in form.values():
        sums[3] = sums[4] + sums[5] + sums[6]
        sums[7] = sums[8] + sums[9] + sums[10]
        sums[11] = sums[12] + sums[13]
    return form


def _columns(one: DossierDays, begins: int, ends: int) -> Iterator[int]:
    """The columns between the totals that a dossier counts in."""
    settled = FOREVER if one.settled is None else one.settled
    if one.received > ends or (one.received < begins and settled < begins):
        return
    if one.received < begins:
        yield 6
    else:
        yield 4 if one.online else 5
    if settled <= ends:
        yield _COLUMN_OF[one.result]
    else:
        yield 13 if one.is_overdue(ends) else 12
