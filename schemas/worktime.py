"""Office hours in the province's zone: how much working time lies between two instants, and when so
much of it will have passed.

Hours as in the one-stop rules (7:00–11:30 and 13:30–17:00, eight hours a day), Monday to Friday,
without the public holidays of Viet Nam (Labour Code 2019, article 112; days off in their stead and
the days worked for them included). Settings add to it.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate

from holidays import country_holidays

from schemas.clock import (
    DAY_MS,
    EARLIEST_MS,
    LATEST_MS,
    OFFSET_MS,
    ZONE,
    day_number,
    to_datetime,
    to_ms,
)
from schemas.errors import SettingsError
from schemas.officehours import Span, parse_days, parse_hours
from schemas.settings import Settings

ALL_DAYS = 366  # no year is without a working day, unless the settings make it so


@dataclass(frozen=True, slots=True)
class Office:
    """Opening spans of a working day in order, the working weekdays (Monday 0), further days off,
    and days worked all the same.

    `number` is what their author counts: a greater one replaces a smaller one, and equal ones are
    the same hours.
    """

    spans: tuple[Span, ...] = ((time(7), time(11, 30)), (time(13, 30), time(17)))
    weekdays: frozenset[int] = frozenset(range(5))
    days_off: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    number: int = 1

    @property
    def day_seconds(self) -> int:
        """Of a working day."""
        return sum(_ms(closing) - _ms(opening) for opening, closing in self.spans) // 1000

    def opens(self, day_: date) -> bool:
        """Whether it is a working day. What the settings say of a day goes before the public
        calendar.
        """
        if day_ in self.make_up_days or day_ in self.days_off:
            return day_ in self.make_up_days
        off, worked = public_calendar(day_.year)
        return day_ in worked or (day_.weekday() in self.weekdays and day_ not in off)


USUAL_OFFICE = Office()
_KEPT = 4_096  # instants whose working time is remembered
DUE_SOON = timedelta(hours=8)


@lru_cache(maxsize=256)
def public_calendar(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Viet Nam's public holidays of a year, and its weekend days worked for a day off."""
    found = country_holidays("VN", years=year)
    return frozenset(found), frozenset(found.weekend_workdays)


def office(settings: Settings) -> Office:
    """The office hours of the settings, which were looked at when they were read."""
    return Office(
        spans=parse_hours(settings.office_hours),
        days_off=parse_days(settings.days_off),
        make_up_days=parse_days(settings.make_up_days),
        number=settings.office_hours_number,
    )


class WorkTime:
    """Working time as a function of the instant, quick enough for every event. Of one office, from
    1980 to 2100: outside nobody works.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        self._first = day_number(EARLIEST_MS)
        self._start = self._first * DAY_MS - OFFSET_MS
        self._spans = tuple((_ms(opening), _ms(closing)) for opening, closing in office.spans)
        # An end is asked for with each change of its dossier, and what comes in together was heard
        # at one instant.
        self.until = lru_cache(maxsize=_KEPT)(self._until)

    @cached_property
    def fingerprint(self) -> int:
        """Changes with the office's hours and days, so that counts made by others are known (32
        bits, never 0).
        """
        return zlib.crc32(repr(self._spans).encode() + self._before.tobytes()) or 1

    @cached_property
    def _before(self) -> array[int]:
        """Working time (ms) before each day; 8 bytes for each."""
        whole, epoch = sum(closing - opening for opening, closing in self._spans), date(1970, 1, 1)
        days = range(self._first, day_number(LATEST_MS))
        return array(
            "q",
            accumulate(
                (whole * self.office.opens(epoch + timedelta(days=number)) for number in days),
                initial=0,
            ),
        )

    def _until(self, ms: int) -> int:
        """Working time (ms) from 1980 until an instant."""
        before = self._before
        number, moment = divmod(ms - self._start, DAY_MS)
        if number < 0:
            return 0
        if number >= len(before) - 1:
            return before[-1]
        worked = before[number]
        if before[number + 1] > worked:
            for opening, closing in self._spans:
                if moment >= closing:
                    worked += closing - opening
                elif moment > opening:
                    return worked + moment - opening
        return worked

    def seconds(self, start: int, end: int) -> int:
        """Whole seconds of working time between two instants (epoch ms); none if the end is before
        the start.
        """
        return (self.until(end) - self.until(start)) // 1000 if end > start else 0


@lru_cache(maxsize=8)
def work_time(office: Office = USUAL_OFFICE) -> WorkTime:
    """The working time of an office, worked out once."""
    return WorkTime(office)


def _ms(moment: time) -> int:
    return (moment.hour * 3600 + moment.minute * 60) * 1000


def after(now_ms: int, hours: timedelta = DUE_SOON, office: Office = USUAL_OFFICE) -> int:
    """The instant (epoch ms) at which `hours` of office time from now will have passed."""
    left = hours
    for start, end in _spans(to_datetime(now_ms), office):
        if end - start >= left:
            return to_ms(start + left)
        left -= end - start
    raise SettingsError("There is no working day within a year: take days out of LGSP_DAYS_OFF.")


def _spans(now: datetime, office: Office) -> Iterator[tuple[datetime, datetime]]:
    """What is left of the opening spans from now on, for a year."""
    day_ = now.date()
    for _ in range(ALL_DAYS):
        if office.opens(day_):
            for opening, closing in office.spans:
                start, end = (datetime.combine(day_, at, ZONE) for at in (opening, closing))
                if end > now:
                    yield max(start, now), end
        day_ += timedelta(days=1)
