"""Office hours: when so many working hours from now will have passed.

Hours as in the one-stop rules (7:00–11:30 and 13:30–17:00, eight hours a day), Monday to Friday, in the province's zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from schemas.clock import ZONE, to_datetime, to_ms


@dataclass(frozen=True, slots=True)
class Office:
    """Opening spans of a working day in order, the working weekdays (Monday 0), and the days off among them."""

    spans: tuple[tuple[time, time], ...] = ((time(7), time(11, 30)), (time(13, 30), time(17)))
    weekdays: frozenset[int] = frozenset(range(5))
    days_off: frozenset[date] = frozenset()

    def opens(self, day_: date) -> bool:
        """Whether it is a working day."""
        return day_.weekday() in self.weekdays and day_ not in self.days_off


OFFICE = Office()
DUE_SOON = timedelta(hours=8)


def after(now_ms: int, hours: timedelta = DUE_SOON, office: Office = OFFICE) -> int:
    """The instant (epoch ms) at which `hours` of office time from now will have passed."""
    left = hours
    for start, end in _spans(to_datetime(now_ms), office):
        if end - start >= left:
            return to_ms(start + left)
        left -= end - start
    raise AssertionError("unreachable: the spans go on for ever")


def _spans(now: datetime, office: Office) -> Iterator[tuple[datetime, datetime]]:
    """What is left of the opening spans from now on, without end."""
    day_ = now.date()
    while True:
        if office.opens(day_):
            for opening, closing in office.spans:
                start, end = (datetime.combine(day_, at, ZONE) for at in (opening, closing))
                if end > now:
                    yield max(start, now), end
        day_ += timedelta(days=1)
