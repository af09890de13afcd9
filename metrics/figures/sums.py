"""What an indicator's terms add up to: which tables it reads, how their measures add to its parts,
and the reading itself.

Who reads hands in a *provider of sums*: the API shares what its indicators have in common
(`SharedSums`), Prometheus keeps it from scrape to scrape (metrics/prometheus/cache.py). What is
read where, and what that adds to, is said here once for both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from metrics.catalogue.indicators import Due, Indicator, Over, of_level
from metrics.cube.rollups import Range, cover_days, cover_stock
from metrics.cube.snapshot import By, Snapshot, Sums, plus, running
from metrics.cube.tables import TABLES, Table
from metrics.figures.figure import Parts, no_parts
from metrics.figures.moment import Moment
from metrics.figures.query import Groups
from metrics.figures.scopes import AgencyScope, scope_of
from schemas.clock import day_number
from schemas.codes import AdministrativeLevel
from schemas.windows import Window, joined

# Which part a measure adds to, how often (less than nothing: taken away), from which index of a
# vector.
Addend = tuple[int, int, int]
# By which of what the cube knows a grouping is read.
READ_BY: Mapping[Groups, By] = {
    "agency": "agency",
    "level": "agency",
    "category": "category",
    "procedure": "category",
    "field": "category",
    "day": "day",
}
_DAY = timedelta(days=1)


class CellSource(NamedTuple):
    """Where some of an indicator's parts come from."""

    table: Table
    due: Due | None
    over: Over
    measures: tuple[str, ...]

    @property
    def of_now(self) -> bool:
        """Whether the clock alone changes what is read."""
        return self.due is not None

    def ranges(self, window: Window, moment: Moment) -> list[Range]:
        """The rows that it reads: the window's, those before it or until its end (what falls due
        counts on days to come, so until today at the latest), of a stock all up to its end, or due
        times.
        """
        if self.due is not None:
            return moment.due(self.due)
        if self.table.declared.at == "stock":
            return cover_stock(window, moment.today)
        if self.over == "window":
            return cover_days(window)
        if self.over == "until":
            return cover_days(Window(None, min(window.last or moment.today, moment.today)))
        begins, _ = window.bounds
        return cover_days(Window(None, begins - _DAY)) if begins > date.min else []


def whole_table(table: Table) -> CellSource:
    """Every measure of a table, as it is counted."""
    return CellSource(table, None, "window", table.declared.measures)


@lru_cache(maxsize=1024)
def sources(
    indicator: Indicator, level: AdministrativeLevel | None = None
) -> tuple[CellSource, ...]:
    """Each table that an indicator reads, with the measures it needs of it; of one level if it has
    measures by level.
    """
    found: dict[tuple[Table, Due | None, Over], dict[str, None]] = {}
    for term in indicator.leaves:
        table = TABLES[term.family or indicator.family, term.kind]
        needed = found.setdefault((table, term.due, term.over), {})
        needed.update(dict.fromkeys(named_measures(term.all_measures, level)))
    if indicator.percentiles is not None:
        histogram = TABLES[indicator.family, indicator.percentiles.kind]
        needed = found.setdefault((histogram, None, "window"), {})
        needed.update(dict.fromkeys(measure for measure, _ in indicator.bounds))
    return tuple(CellSource(*read, tuple(measures)) for read, measures in found.items())


@lru_cache(maxsize=4096)
def addends(
    indicator: Indicator,
    source: CellSource,
    measures: tuple[str, ...],
    level: AdministrativeLevel | None = None,
    today: int = 0,
) -> tuple[Addend, ...]:
    """How a vector of these measures of a source adds to the indicator's parts. `today`: days since
    1 January 1970, for the terms that ask for it.
    """
    index = {measure: number for number, measure in enumerate(measures)}
    found: list[Addend] = []
    for part, term in enumerate(indicator.terms):
        for leaf in term.parts:
            table = TABLES[leaf.family or indicator.family, leaf.kind]
            if (table, leaf.due, leaf.over) != source[:3]:
                continue
            plus, minus = (named_measures(names, level) for names in (leaf.measures, leaf.less))
            times = today if leaf.times_today else 1
            found += [(part, times, index[measure]) for measure in plus]
            found += [(part, -1, index[measure]) for measure in minus]
    if (percentiles := indicator.percentiles) is not None:
        histogram = TABLES[indicator.family, percentiles.kind]
        if (histogram, None, "window") == source[:3]:
            found += [
                (part, 1, index[measure])
                for part, (measure, _) in enumerate(indicator.bounds, start=2)
            ]
    return tuple(found)


def named_measures(measures: Iterable[str], level: AdministrativeLevel | None) -> list[str]:
    """The measures, or with a level those that count the same for it."""
    return [of_level(measure, level) if level else measure for measure in measures]


def own_level(
    indicator: Indicator, level: AdministrativeLevel | None
) -> AdministrativeLevel | None:
    """The level, for an indicator that has measures of its own for it; others are told by the
    level's agencies.
    """
    return level if indicator.levels == "measures" else None


class Summed(NamedTuple):
    """The sums of these measures, of each group; without `by` of the group of the empty text."""

    measures: tuple[str, ...]
    groups: Sums


class SumsProvider(Protocol):
    """Who reads sums, at one moment. They may be of more measures than the source needs."""

    @property
    def moment(self) -> Moment:
        """The moment of asking."""

    def sums(
        self,
        source: CellSource,
        window: Window,
        *,
        by: By | None = None,
        codes: frozenset[str] | None = None,
        among: Sequence[str] = (),
    ) -> Summed:
        """Of these agencies' codes (None: all) and of these categories (none given: all)."""


class SharedSums:
    """A snapshot whose sums several indicators share: each table is read once for all the measures
    that any of them needs.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        moment: Moment,
        indicators: Iterable[Indicator] = (),
        level: AdministrativeLevel | None = None,
    ) -> None:
        self.moment = moment
        self._snapshot = snapshot
        self._found: dict[tuple[object, ...], Summed] = {}
        needed: defaultdict[Table, dict[str, None]] = defaultdict(dict)
        for indicator in indicators:
            for source in sources(indicator, own_level(indicator, level)):
                needed[source.table].update(dict.fromkeys(source.measures))
        self._measures = {table: tuple(measures) for table, measures in needed.items()}

    def sums(
        self,
        source: CellSource,
        window: Window,
        *,
        by: By | None = None,
        codes: frozenset[str] | None = None,
        among: Sequence[str] = (),
    ) -> Summed:
        """Read, or what was read for another indicator."""
        measures = self._measures.get(source.table, source.measures)
        ranges = source.ranges(window, self.moment)
        key = (source.table.cells, measures, tuple(ranges), by, codes, tuple(among))
        if (found := self._found.get(key)) is None:
            groups = self._snapshot.sums(
                source.table, ranges, by=by, codes=codes, among=among, measures=measures
            )
            found = self._found[key] = Summed(measures, groups)
        return found


def read_parts(
    provider: SumsProvider,
    indicator: Indicator,
    scopes: Sequence[AgencyScope],
    *,
    by: Groups | None = None,
    among: Sequence[str] = (),
    level: AdministrativeLevel | None = None,
) -> dict[str, Parts]:
    """The parts of each group that has counts, groups in order and told under the scopes' names;
    without `by` always the one group of the empty text.

    `among` limits to categories. The scopes' windows follow one another without a gap.
    """
    read = None if by is None else READ_BY[by]
    today = day_number(provider.moment.now_ms)
    groups: dict[str, Parts] = {} if by else {"": no_parts(indicator)}
    # of stocks by day: what exists is told of days, not what changed on them
    changes: dict[str, Parts] = {}
    for source in sources(indicator, level):
        if by == "day" and source.over == "until":
            for day, vector, measures in _curve(provider, source, scopes, among):
                adds = addends(indicator, source, measures, level, today)
                add_to(groups.setdefault(day, no_parts(indicator)), adds, vector)
            continue
        into = changes if by == "day" and source.table.declared.at == "stock" else groups
        for scope, window in looked_at(source, scopes, provider.moment):
            found = provider.sums(source, window, by=read, codes=scope.codes, among=among)
            adds = addends(indicator, source, found.measures, level, today)
            for group, vector in found.groups.items():
                name = group if read in (None, "day") else scope.name(group)
                add_to(into.setdefault(name, no_parts(indicator)), adds, vector)
    if changes:
        whole = joined([scope.window for scope in scopes])
        groups = _standing(groups, changes, whole, no_parts(indicator))
    return dict(sorted(groups.items()))


def add_to(parts: Parts, adds: Iterable[Addend], vector: Sequence[int]) -> None:
    """Add a vector of sums to the parts."""
    for part, times, index in adds:
        parts[part] += times * vector[index]


def looked_at(
    source: CellSource, scopes: Sequence[AgencyScope], moment: Moment
) -> Iterator[tuple[AgencyScope, Window]]:
    """The parts that a source is read in, with the days to read; what stands on one day has the
    hierarchy of that day.
    """
    whole = joined([scope.window for scope in scopes])
    if not source.of_now and source.over == "window" and source.table.declared.at != "stock":
        yield from ((scope, scope.window) for scope in scopes)
    elif source.over == "before":
        yield scopes[0], whole
    else:
        day = moment.today if source.of_now else whole.last or moment.today
        yield scope_of(scopes, day), whole


def _curve(
    provider: SumsProvider,
    source: CellSource,
    scopes: Sequence[AgencyScope],
    among: Sequence[str],
) -> Iterator[tuple[str, list[int], tuple[str, ...]]]:
    """What everything until the end of a day adds up to, with its measures, for each day from the
    first one on which there is anything; by the hierarchy of each day.
    """
    begun = False
    for scope in scopes:
        first, last = scope.window
        flows, codes = source._replace(over="window"), scope.codes
        measures, changes = provider.sums(flows, scope.window, by="day", codes=codes, among=among)
        total = [0] * len(measures)
        if first is not None and first > date.min:
            before = provider.sums(source, Window(None, first - _DAY), codes=codes, among=among)
            total = before.groups.get("", total)
        begun = begun or any(total)
        if not begun and changes:
            first, begun = date.fromisoformat(min(changes)), True
        for day in _days(first, last) if begun else ():
            if day in changes:
                total = plus(total, changes[day])
            yield day, total, measures


def _days(first: date | None, last: date | None) -> Iterator[str]:
    assert first is not None, "what has begun has a first day"
    assert last is not None, "a curve ends with the last day that is over"
    for number in range((last - first).days + 1):
        yield (first + number * _DAY).isoformat()


def _standing(
    flows: dict[str, Parts], changes: dict[str, Parts], window: Window, none: Parts
) -> dict[str, Parts]:
    """Each day of the window on which something happened or changed: what happened then, and what
    existed then.
    """
    first = window.first.isoformat() if window.first else ""
    days = sorted(flows.keys() | {day for day in changes if day >= first})
    stocks = running(changes, days, none)
    return {
        day: [flow + stock for flow, stock in zip(flows.get(day, none), stocks[day], strict=True)]
        for day in days
    }
