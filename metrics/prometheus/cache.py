"""What scrapes keep from one to the next: lines of text, and the sums that they are made of.

Figures are worked out in the same way as everywhere (metrics/figures); what is kept here comes in
as the provider of their sums.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar, cast

from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import By, Snapshot, Sums
from metrics.cube.tables import Table
from metrics.figures.moment import Moment
from metrics.figures.sums import CellSource, SharedSums, Summed, whole_table
from schemas.windows import Window

_T = TypeVar("_T")


class Cache:
    """What was made for an earlier scrape of the same day, and what it stands for; made again when
    that has changed.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Hashable, object]] = {}
        self._day: date | None = None

    def begin(self, day: date) -> None:
        """A scrape: what was made on another day is forgotten, as are the windows of that day."""
        if day != self._day:
            self._made.clear()
            self._day = day

    def get(self, name: Hashable, stands_for: Hashable, make: Callable[[], _T]) -> _T:
        """The thing of that name for that state of the world."""
        known = self._made.get(name)
        if known is not None and known[0] == stands_for:
            return cast("_T", known[1])
        made = make()
        self._made[name] = stands_for, made
        return made


class CachedSums:
    """Provides the sums of a scrape: those of whole tables by agency are kept until their table
    changes, any others are read.

    With `by_agency` the province is the sum of the agencies, which are told as well; it would
    else be read once more.
    """

    def __init__(
        self,
        cache: Cache,
        versions: Mapping[tuple[str, str], int],
        snapshot: Snapshot,
        read: SharedSums,
        *,
        by_agency: bool,
    ) -> None:
        """`versions`: of each kind of cells; `read`: reads what is not kept, once a scrape."""
        self.moment: Moment = read.moment
        self._cache, self._versions, self._snapshot = cache, versions, snapshot
        self._read, self._by_agency = read, by_agency

    def sums(
        self,
        source: CellSource,
        window: Window,
        *,
        by: By | None = None,
        codes: frozenset[str] | None = None,
        among: Sequence[str] = (),
    ) -> Summed:
        """Kept, or read."""
        whole = codes is None and not among and source.over == "window"
        whole = whole and source.due in (None, "any")
        if whole and by == "agency":
            return self._kept(source.table, window)
        if whole and by is None:
            return self._total(source.table, window)
        if by is None and self._by_agency:
            found = self._read.sums(source, window, by="agency", codes=codes, among=among)
            return _added_up(found)
        return self._read.sums(source, window, by=by, codes=codes, among=among)

    def _kept(self, table: Table, window: Window) -> Summed:
        return self._cache.get(
            ("sums", table.cells, window),
            self._versions[table.family, table.kind],
            lambda: Summed(table.declared.measures, self._by_agencies(table, window)),
        )

    def _total(self, table: Table, window: Window) -> Summed:
        return self._cache.get(
            ("total", table.cells, window),
            self._versions[table.family, table.kind],
            lambda: _added_up(self._kept(table, window)),
        )

    def _by_agencies(self, table: Table, window: Window) -> Sums:
        unit = self._unit(window) if table.declared.at == "day" else None
        if unit is None:
            ranges = whole_table(table).ranges(window, self.moment)
            return self._snapshot.sums(table, ranges, by="agency")
        found = self._snapshot.sums(table, cover_days(unit), by="agency")
        ahead = Window(self.moment.today + timedelta(days=1), unit.last)
        for agency, surplus in self._snapshot.sums(table, cover_days(ahead), by="agency").items():
            pairs = zip(found[agency], surplus, strict=True)
            found[agency] = [whole - later for whole, later in pairs]
        return found

    def _unit(self, window: Window) -> Window | None:
        """The whole month or year that a window is of to date: a row of its own, less the days to
        come, of which there is seldom any.
        """
        first, today = window.first, self.moment.today
        if first is None or window.last != today or first.year != today.year or first.day != 1:
            return None
        if first.month not in (1, today.month):
            return None
        month = 12 if first.month == 1 else today.month
        return Window(first, today.replace(month=month, day=monthrange(today.year, month)[1]))


def _added_up(found: Summed) -> Summed:
    none = [0] * len(found.measures)
    total = [sum(column) for column in zip(none, *found.groups.values(), strict=True)]
    return Summed(found.measures, {"": total})
