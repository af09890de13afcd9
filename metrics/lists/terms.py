"""From a part of an indicator to the rows behind it: the same sources, ranges and scopes that its
figure is read with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

from metrics.catalogue.indicators import Indicator, Term
from metrics.cube.rollups import fine
from metrics.cube.tables import TABLES
from metrics.figures.moment import Moment
from metrics.figures.resolve import Resolved
from metrics.figures.sums import CellSource, looked_at, named_measures
from metrics.lists.reader import Selection
from metrics.lists.tables import TABLES as LISTED

Part = Literal["numerator", "denominator"]
PARTS: tuple[Part, Part] = ("numerator", "denominator")
ListedPart = Literal[Part, "missing"]  # missing: what is in the denominator and not the numerator


def term_of(indicator: Indicator, part: ListedPart) -> Term | None:
    """The terms of a part; None where the indicator has no such part."""
    if part == "missing":
        return _missing(indicator)
    return indicator.numerator if part == "numerator" else indicator.denominator


def _missing(indicator: Indicator) -> Term | None:
    """Denominator less numerator, of a share whose parts look at the same rows: only there is it
    one thing or another that is missing.
    """
    if indicator.unit != "share" or indicator.numerator is None or indicator.denominator is None:
        return None
    of, have = [*indicator.denominator.parts], [*indicator.numerator.parts]
    one = of[0]
    if {(leaf.family, leaf.kind, leaf.due, leaf.over) for leaf in (*of, *have)} != {
        (one.family, one.kind, one.due, one.over)
    }:
        return None
    return Term(
        family=one.family,
        kind=one.kind,
        due=one.due,
        over=one.over,
        measures=_all(leaf.measures for leaf in of) + _all(leaf.less for leaf in have),
        less=_all(leaf.less for leaf in of) + _all(leaf.measures for leaf in have),
    )


def _all(measures: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(chain.from_iterable(measures))


def families_of(indicator: Indicator, part: ListedPart) -> list[str]:
    """The families whose things are behind a part, each once; none for what is not derived from
    events.
    """
    term = term_of(indicator, part)
    return (
        list(dict.fromkeys(leaf.family or indicator.family for leaf in term.parts)) if term else []
    )


def selections(
    indicator: Indicator, part: ListedPart, moment: Moment, place: Resolved
) -> list[Selection]:
    """The rows behind a part, in the order in which they are told: by term, scope and range."""
    term = term_of(indicator, part)
    leaves = term.parts if term else ()
    return [found for leaf in leaves for found in _of_leaf(indicator, leaf, moment, place)]


def _of_leaf(
    indicator: Indicator, leaf: Term, moment: Moment, place: Resolved
) -> Iterator[Selection]:
    family = leaf.family or indicator.family
    measures = tuple(named_measures(leaf.measures, place.level))
    less = tuple(named_measures(leaf.less, place.level))
    source = CellSource(TABLES[family, leaf.kind], leaf.due, leaf.over, (*measures, *less))
    for scope, window in looked_at(source, place.scopes, moment):
        at = source.table.declared.at
        # What covers a window without a gap is, at the finest grain, one range.
        ranges = [fine(range_, at) for range_ in source.ranges(window, moment)]
        if not ranges:
            continue
        yield Selection(
            LISTED[family, leaf.kind],
            min(found.low for found in ranges),
            max(found.high for found in ranges),
            measures,
            less,
            None if scope.codes is None else tuple(sorted(scope.codes)),
            place.categories or None,
            moment.times(leaf),
            standing=leaf.over != "window",
        )
