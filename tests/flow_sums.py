"""Sums of what changes on days, as the workers' rules count them for events: dossiers open, waiting
and overdue at the end of a day, and form 06a.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import date
from typing import Any, TypeVar

from hub_rules import States, merge

from schemas.cells.kinds import CELL_KINDS
from schemas.clock import as_date
from schemas.events import Event
from streams.families import ALL, FAMILIES

Row = tuple[str, str]  # agency, procedure
_Key = TypeVar("_Key", bound=Hashable)
Sums = tuple[date, dict[_Key, Counter[str]]]
_MEASURES = CELL_KINDS["dossiers"]["flow"].measures
_ONE_FOR_ONE = {
    "taken_online": 4,
    "taken_other": 5,
    "left_early": 8,
    "left_on_time": 9,
    "left_late": 10,
}


class Flow:
    """The cells of the kind `flow` that count for events heard at instants."""

    def __init__(self, told: Iterable[tuple[int, Event]]) -> None:
        self.days: defaultdict[date, defaultdict[Row, Counter[str]]]
        self.days = defaultdict(lambda: defaultdict(Counter))
        states: States = {}
        for when, event in told:
            if event.family == "dossiers":
                merge(states, event.family, event.thing, event.type, event.__dict__, when)
        for state in states.values():
            self._add(state)

    def _add(self, state: Any) -> None:
        for key, ones, amounts in FAMILIES["dossiers"].counts(state, ALL):
            _, kind, agency, procedure, day = key.decode().split("|")
            if kind != "flow":
                continue
            cell = self.days[as_date(int(day))][agency, procedure]
            for place, amount in (*((place, 1) for place in ones), *amounts):
                cell[_MEASURES[place]] += amount

    def upto(self, ends: Iterable[date], key: Callable[[Row], _Key]) -> Iterator[Sums[_Key]]:
        """For each of these days, in their order, the sums of all days up to it by key. The next
        one goes on with the same sums.
        """
        sums: dict[_Key, Counter[str]] = {}
        changes = deque(sorted(self.days))
        for end in sorted(ends):
            while changes and changes[0] <= end:
                for row, cell in self.days[changes.popleft()].items():
                    sums.setdefault(key(row), Counter()).update(cell)
            yield end, sums


def standing_of(sums: Counter[str]) -> dict[str, int]:
    """How dossiers stand at the end of the day that the sums go up to."""
    left_06a = sums["left"] - sums["left_stopped"]
    taken = sums["taken_online"] + sums["taken_other"]
    return {
        "open": taken - sums["left"],
        "waiting": sums["asked"] - sums["back"],
        "overdue": sums["fell_due"] - sums["settled"] - (sums["wait_from"] - sums["wait_to"]),
        "open_06a": taken - left_06a,
    }


def form_of(before: Counter[str], upto: Counter[str]) -> dict[int, int]:
    """Columns 3 to 13 of form 06a, of the sums up to the day before a period and up to its last
    day.
    """
    form = {column: upto[name] - before[name] for name, column in _ONE_FOR_ONE.items()}
    last = standing_of(upto)
    form[6] = standing_of(before)["open_06a"]
    form[3] = form[4] + form[5] + form[6]
    form[7] = form[8] + form[9] + form[10]
    form[11], form[13] = last["open_06a"], last["overdue"]
    form[12] = form[11] - form[13]
    return form
