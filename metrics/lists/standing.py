"""What exists: the days from and until which a thing counts for the same, made from what changes on
days.

A family's counts tell changes: an item adds on the day it begins and takes the same away on the day
it ends. Who asks what exists on a day wants one row for each thing, so changes become periods here;
what the periods that hold on a day add up to is the sum of all changes up to that day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

UNTIL_FURTHER_NOTICE = 1 << 53  # greater than any day


class StandingRow(NamedTuple):
    """A period: its first day and the first day after it (YYYYMMDD), and what counts then."""

    first: int
    until: int
    amounts: tuple[int, ...]


class DailyChanges:
    """What one thing changes in one stock, by day."""

    def __init__(self, measures: int) -> None:
        self._measures = measures
        self._by_day: defaultdict[int, list[int]] = defaultdict(lambda: [0] * measures)

    def add(self, day: int, measure: int, amount: int) -> None:
        """An amount more, or less, from a day on."""
        self._by_day[day][measure] += amount

    def rows(self) -> Iterator[StandingRow]:
        """The periods in which there is something, in order."""
        days = [day for day in sorted(self._by_day) if any(self._by_day[day])]
        stands = [0] * self._measures
        for day, following in zip_longest(days, days[1:], fillvalue=UNTIL_FURTHER_NOTICE):
            changed = zip(stands, self._by_day[day], strict=True)
            stands = [before + change for before, change in changed]
            if any(stands):
                yield StandingRow(day, following, tuple(stands))
