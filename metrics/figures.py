"""From sums over cells to figures: what an indicator's terms add up to, and what follows from that.

A ratio is only ever made from sums of its own group; ratios are never averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from metrics.catalogue import Indicator, Term
from metrics.grains import EVER, Range, Window, cover_days, cover_instants, cover_stock
from metrics.layout import TABLES, Table
from metrics.reader import By, Snapshot, running
from metrics.worktime import after
from schemas.cells import At
from schemas.clock import to_datetime

# Numerator, denominator and the classes of the histogram: additive over groups.
Parts = list[int]
# Which part a measure adds to, with which sign, from which place of a vector.
Contribution = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant of asking: epoch ms."""

    now_ms: int

    @property
    def today(self) -> date:
        """Its day in the province."""
        return to_datetime(self.now_ms).date()

    def ranges(self, at: At, due: str | None, window: Window) -> list[Range]:
        """The rows that a term reads: those of the window, of a stock all up to its end, or the due times past or soon to pass."""
        if due is None:
            return cover_stock(window, self.today) if at == "stock" else cover_days(window)
        return cover_instants(high=self.now_ms - 1) if due == "past" else cover_instants(self.now_ms, after(self.now_ms))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with what it is made of. `denominator` None: a count; `value` None: nothing to divide by."""

    numerator: int
    denominator: int | None
    value: float | int | None
    percentiles: tuple[tuple[int, int | None], ...] = ()

    def gap(self, target: float | None) -> float | None:
        """Value less target, freed of binary noise."""
        return None if target is None or self.value is None else round(self.value - target, 12)


@dataclass(frozen=True, slots=True)
class Source:
    """Where some of an indicator's parts come from."""

    table: Table
    due: str | None
    measures: tuple[str, ...]


@lru_cache(maxsize=256)
def sources(indicator: Indicator) -> tuple[Source, ...]:
    """Each table that an indicator reads, with the measures it needs of it."""
    found: dict[tuple[str, str | None], dict[str, None]] = {}
    for term in indicator.terms:
        found.setdefault((term.kind, term.due), {}).update(dict.fromkeys(term.all_measures))
    if indicator.percentiles is not None:
        found.setdefault((indicator.percentiles.kind, None), {}).update(dict.fromkeys(measure for measure, _ in indicator.bounds))
    return tuple(Source(TABLES[indicator.family, kind], due, tuple(measures)) for (kind, due), measures in found.items())


@lru_cache(maxsize=1024)
def contributions(indicator: Indicator, source: Source, measures: tuple[str, ...]) -> tuple[Contribution, ...]:
    """How a vector of these measures of a source adds to the indicator's parts."""
    found: list[Contribution] = []
    for part, term in enumerate(indicator.terms):
        if (term.kind, term.due) == (source.table.kind, source.due):
            found += _term(part, term, measures)
    if indicator.percentiles is not None and (indicator.percentiles.kind, None) == (source.table.kind, source.due):
        found += [(2 + place, 1, measures.index(measure)) for place, (measure, _) in enumerate(indicator.bounds)]
    return tuple(found)


def _term(part: int, term: Term, measures: tuple[str, ...]) -> Iterable[Contribution]:
    yield from ((part, 1, measures.index(measure)) for measure in term.measures)
    yield from ((part, -1, measures.index(measure)) for measure in term.less)


def add(parts: Parts, adds: Iterable[Contribution], vector: Sequence[int]) -> None:
    """Add a vector of sums to the parts."""
    for part, sign, place in adds:
        parts[part] += sign * vector[place]


def no_parts(indicator: Indicator) -> Parts:
    """All zero."""
    return [0] * (2 + len(indicator.bounds))


def read(
    snapshot: Snapshot, indicator: Indicator, moment: Moment, window: Window, *, by: By | None = None, agency: str | None = None
) -> dict[str, Parts]:
    """The parts of each group that has counts, groups in order; without `by` always the one group of the empty text."""
    groups: dict[str, Parts] = {} if by else {"": no_parts(indicator)}
    changes: dict[str, Parts] = {}  # of stocks by day: what exists is told of days, not what changed on them
    among = indicator.filters.categories if indicator.filters else ()
    for source in sources(indicator):
        at = source.table.declared.at
        ranges, adds = moment.ranges(at, source.due, window), contributions(indicator, source, source.measures)
        found = snapshot.sums(source.table, ranges, by=by, agency=agency, among=among, measures=source.measures)
        into = changes if by == "day" and at == "stock" else groups
        for group, vector in found.items():
            add(into.setdefault(group, no_parts(indicator)), adds, vector)
    if changes:
        groups = _standing(groups, changes, window, no_parts(indicator))
    return dict(sorted(groups.items()))


def _standing(flows: dict[str, Parts], changes: dict[str, Parts], window: Window, none: Parts) -> dict[str, Parts]:
    """Each day of the window on which something happened or changed: what happened then, and what existed then."""
    first = window.first.isoformat() if window.first else ""
    days = sorted(flows.keys() | {day for day in changes if day >= first})
    stocks = running(changes, days, none)
    return {day: [flow + stock for flow, stock in zip(flows.get(day, none), stocks[day], strict=True)] for day in days}


def figure(indicator: Indicator, parts: Parts) -> Figure:
    """The figure that the parts make."""
    numerator, denominator, *classes = parts
    if indicator.denominator is None:
        return Figure(numerator, None, numerator)
    value = numerator / denominator if denominator else None
    return Figure(numerator, denominator, value, tuple(_percentiles(indicator, classes)))


def _percentiles(indicator: Indicator, classes: list[int]) -> Iterable[tuple[int, int | None]]:
    """Each percentile with the upper bound of the class that holds it (nearest rank); None: no counts, or the open class."""
    if indicator.percentiles is None:
        return
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


def coverage(snapshot: Snapshot, indicator: Indicator, moment: Moment, window: Window, expected: Iterable[str]) -> Coverage:
    """Coverage of an indicator's family; a question about now covers every window."""
    agencies = set(expected)
    reporting = snapshot.reporting(indicator.family, EVER if indicator.asks_now else window, moment.today)
    return Coverage(len(reporting & agencies), len(agencies))


def freshness_ms(snapshot: Snapshot, partitions: int) -> int | None:
    """The oldest of the partitions' newest heartbeats (epoch ms): every fact accepted before has been counted. None: one is missing."""
    beats = snapshot.heartbeats()
    return min(beats.values()) if len(beats) == partitions else None
