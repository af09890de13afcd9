"""From sums over cells to figures: what an indicator's terms add up to, and what follows from that.

A ratio is only ever made from sums of its own group; ratios are never averaged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from metrics.catalogue.indicators import Due, Indicator, Over, of_level
from metrics.cube.rollups import Range, cover_days, cover_instants, cover_stock
from metrics.cube.snapshot import By, Snapshot, Sums, running
from metrics.cube.tables import TABLES, Table
from schemas.clock import LATEST_MS, to_datetime
from schemas.codes import AdministrativeLevel
from schemas.windows import Window
from schemas.worktime import USUAL_OFFICE, Office, after

# Numerator, denominator and the classes of the histogram: additive over groups.
Parts = list[int]
# Which part a measure adds to, with which sign, from which place of a vector.
Contribution = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant of asking (epoch ms), and the office hours that count until things are due."""

    now_ms: int
    office: Office = USUAL_OFFICE

    @property
    def today(self) -> date:
        """Its day in the province."""
        return to_datetime(self.now_ms).date()

    def due(self, due: Due) -> list[Range]:
        """The due times that are past, soon to pass, or ahead; the absent one is none of them."""
        if due == "past":
            return cover_instants(high=self.now_ms - 1)
        return cover_instants(
            self.now_ms, after(self.now_ms, office=self.office) if due == "soon" else LATEST_MS
        )

    def ranges(self, source: Source, window: Window) -> list[Range]:
        """The rows that a source reads: the window's or those before it, of a stock all up to its
        end, or due times.
        """
        if source.due is not None:
            return self.due(source.due)
        if source.table.declared.at == "stock":
            return cover_stock(window, self.today)
        if source.over == "window":
            return cover_days(window)
        begins = window.first or date.min
        return cover_days(Window(None, begins - timedelta(days=1))) if begins > date.min else []


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with what it is made of. `denominator` None: a count; `value` None: nothing to
    divide by, or absent.
    """

    numerator: int | None
    denominator: int | None
    value: float | int | None
    percentiles: tuple[tuple[int, int | None], ...] = ()

    def gap(self, target: float | None) -> float | None:
        """Value less target (or less an earlier value), freed of binary noise."""
        return None if target is None or self.value is None else round(self.value - target, 12)


NOTHING = Figure(None, None, None)


def share(numerator: int, denominator: int) -> Figure:
    """One divided by the other; without a denominator there is no value."""
    return Figure(numerator, denominator, numerator / denominator if denominator else None)


class Source(NamedTuple):
    """Where some of an indicator's parts come from."""

    table: Table
    due: Due | None
    over: Over
    measures: tuple[str, ...]


@lru_cache(maxsize=1024)
def sources(indicator: Indicator, level: AdministrativeLevel | None = None) -> tuple[Source, ...]:
    """Each table that an indicator reads, with the measures it needs of it; of one level if it has
    measures by level.
    """
    found: dict[tuple[Table, Due | None, Over], dict[str, None]] = {}
    for term in indicator.leaves:
        table = TABLES[term.family or indicator.family, term.kind]
        found.setdefault((table, term.due, term.over), {}).update(
            dict.fromkeys(named_measures(term.all_measures, level))
        )
    if indicator.percentiles is not None:
        histogram = TABLES[indicator.family, indicator.percentiles.kind]
        found.setdefault((histogram, None, "window"), {}).update(
            dict.fromkeys(measure for measure, _ in indicator.bounds)
        )
    return tuple(
        Source(table, due, over, tuple(measures)) for (table, due, over), measures in found.items()
    )


@lru_cache(maxsize=4096)
def contributions(
    indicator: Indicator,
    source: Source,
    measures: tuple[str, ...],
    level: AdministrativeLevel | None = None,
) -> tuple[Contribution, ...]:
    """How a vector of these measures of a source adds to the indicator's parts."""
    found: list[Contribution] = []
    for part, term in enumerate(indicator.terms):
        for leaf in term.parts:
            if (TABLES[leaf.family or indicator.family, leaf.kind], leaf.due, leaf.over) == source[
                :3
            ]:
                found += [
                    (part, 1, measures.index(measure))
                    for measure in named_measures(leaf.measures, level)
                ]
                found += [
                    (part, -1, measures.index(measure))
                    for measure in named_measures(leaf.less, level)
                ]
    if (percentiles := indicator.percentiles) is not None and source[:3] == (
        TABLES[indicator.family, percentiles.kind],
        None,
        "window",
    ):
        found += [
            (2 + place, 1, measures.index(measure))
            for place, (measure, _) in enumerate(indicator.bounds)
        ]
    return tuple(found)


def named_measures(measures: Iterable[str], level: AdministrativeLevel | None) -> list[str]:
    """The measures, or with a level those that count the same for it."""
    return [of_level(measure, level) if level else measure for measure in measures]


def add(parts: Parts, adds: Iterable[Contribution], vector: Sequence[int]) -> None:
    """Add a vector of sums to the parts."""
    for part, sign, place in adds:
        parts[part] += sign * vector[place]


def no_parts(indicator: Indicator) -> Parts:
    """All zero."""
    return [0] * (2 + len(indicator.bounds))


class Scope(NamedTuple):
    """Where a figure is looked for during a part of its window: these agencies' codes (None: all),
    told under these names.
    """

    window: Window
    codes: frozenset[str] | None = None
    names: Mapping[str, str] = {}


class Sharing:
    """A snapshot whose sums several indicators share: each table is read once for all the measures
    that any of them needs.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        indicators: Iterable[Indicator],
        level: AdministrativeLevel | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._found: dict[tuple[object, ...], Sums] = {}
        needed: defaultdict[Table, dict[str, None]] = defaultdict(dict)
        for indicator in indicators:
            for source in sources(indicator, own_level(indicator, level)):
                needed[source.table].update(dict.fromkeys(source.measures))
        self.measures = {table: tuple(measures) for table, measures in needed.items()}

    def sums(
        self,
        table: Table,
        ranges: list[Range],
        by: By | None,
        codes: frozenset[str] | None,
        among: Sequence[str],
    ) -> Sums:
        """Sums of `measures[table]` per group."""
        key = (table.cells, tuple(ranges), by, codes, tuple(among))
        if (found := self._found.get(key)) is None:
            found = self._snapshot.sums(
                table, ranges, by=by, codes=codes, among=among, measures=self.measures[table]
            )
            self._found[key] = found
        return found


def own_level(
    indicator: Indicator, level: AdministrativeLevel | None
) -> AdministrativeLevel | None:
    """The level, for an indicator that has measures of its own for it; others are told by the
    level's agencies.
    """
    return level if indicator.levels == "measures" else None


def read(
    sharing: Sharing,
    indicator: Indicator,
    moment: Moment,
    scopes: Sequence[Scope],
    *,
    by: By | None = None,
    among: Sequence[str] = (),
    level: AdministrativeLevel | None = None,
) -> dict[str, Parts]:
    """The parts of each group that has counts, groups in order; without `by` always the one group
    of the empty text.

    `among` limits to categories. The scopes' windows follow one another without a gap.
    """
    groups: dict[str, Parts] = {} if by else {"": no_parts(indicator)}
    # of stocks by day: what exists is told of days, not what changed on them
    changes: dict[str, Parts] = {}
    for source in sources(indicator, level):
        adds = contributions(indicator, source, sharing.measures[source.table], level)
        into = changes if by == "day" and source.table.declared.at == "stock" else groups
        for scope, window in looked_at(source, scopes, moment):
            found = sharing.sums(
                source.table, moment.ranges(source, window), by, scope.codes, among
            )
            for group, vector in found.items():
                name = scope.names.get(group, group) if by == "agency" else group
                add(into.setdefault(name, no_parts(indicator)), adds, vector)
    if changes:
        groups = _standing(groups, changes, _whole(scopes), no_parts(indicator))
    return dict(sorted(groups.items()))


def looked_at(
    source: Source, scopes: Sequence[Scope], moment: Moment
) -> Iterator[tuple[Scope, Window]]:
    """The parts that a source is read in, with the days to read; what stands on one day has the
    hierarchy of that day.
    """
    whole = _whole(scopes)
    if source.due is None and source.over == "window" and source.table.declared.at != "stock":
        yield from ((scope, scope.window) for scope in scopes)
    elif source.over == "before":
        yield scopes[0], whole
    else:
        day = moment.today if source.due else whole.last or moment.today
        later = (scope for scope in scopes if scope.window.last is None or day <= scope.window.last)
        yield next(later, scopes[-1]), whole


def _whole(scopes: Sequence[Scope]) -> Window:
    return Window(scopes[0].window.first, scopes[-1].window.last)


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


def figure(indicator: Indicator, parts: Parts) -> Figure:
    """The figure that the parts make."""
    numerator, denominator, *classes = parts
    if indicator.denominator is None:
        return Figure(numerator, None, numerator)
    found = share(numerator, denominator)
    return replace(found, percentiles=tuple(_percentiles(indicator, classes))) if classes else found


def _percentiles(indicator: Indicator, classes: list[int]) -> Iterable[tuple[int, int | None]]:
    """Each percentile with the upper bound of the class that holds it (nearest rank); None: no
    counts, or the open class.
    """
    assert indicator.percentiles is not None
    count = sum(classes)
    for percentile in indicator.percentiles.of:
        rank, reached = -(-percentile * count // 100), 0
        for (_, bound), members in zip(indicator.bounds, classes, strict=True):
            reached += members
            if count and reached >= rank:
                yield percentile, bound
                break
        else:
            yield percentile, None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the expected agencies have at least one dated count in the window."""

    reporting: int
    expected: int

    @property
    def share(self) -> float | None:
        """None when none is expected."""
        return self.reporting / self.expected if self.expected else None


def coverage(reporting: Collection[str], expected: Iterable[str]) -> Coverage:
    """How many of the expected agencies are among those that report."""
    agencies = set(expected)
    return Coverage(len(agencies.intersection(reporting)), len(agencies))


def freshness_ms(snapshot: Snapshot, partitions: int, now_ms: int) -> int | None:
    """The oldest of the partitions' newest heartbeats (epoch ms), never later than now: every fact
    accepted before has been counted.

    None: one is missing.
    """
    beats = snapshot.heartbeats()
    return min(now_ms, *beats.values()) if len(beats) == partitions else None
