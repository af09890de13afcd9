"""From a part of an indicator to the rows behind it: the same sources, ranges and scopes that its
figure is read with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from metrics.catalogue.indicators import Indicator, Term
from metrics.cube.rollups import fine
from metrics.cube.tables import TABLES
from metrics.figures.sums import Moment, Scope, Source, looked_at, named_measures, own_level
from metrics.lists.reader import Selection
from metrics.lists.tables import TABLES as LISTED
from schemas.codes import AdministrativeLevel

Part = Literal["numerator", "denominator"]
PARTS: tuple[Part, Part] = ("numerator", "denominator")


def term_of(indicator: Indicator, part: Part) -> Term | None:
    """The terms of a part; None where the indicator has no such part."""
    return indicator.numerator if part == "numerator" else indicator.denominator


def families_of(indicator: Indicator, part: Part) -> list[str]:
    """The families whose things are behind a part, each once; none for what is not derived from
    events.
    """
    term = term_of(indicator, part)
    return (
        list(dict.fromkeys(leaf.family or indicator.family for leaf in term.parts)) if term else []
    )


def selections(
    indicator: Indicator,
    part: Part,
    moment: Moment,
    scopes: Sequence[Scope],
    *,
    among: Sequence[str] = (),
    level: AdministrativeLevel | None = None,
) -> list[Selection]:
    """The rows behind a part, in the order in which they are told: by term, scope and range."""
    term = term_of(indicator, part)
    leaves = term.parts if term else ()
    own = own_level(indicator, level)
    return [
        found for leaf in leaves for found in _of_leaf(indicator, leaf, moment, scopes, among, own)
    ]


def _of_leaf(
    indicator: Indicator,
    leaf: Term,
    moment: Moment,
    scopes: Sequence[Scope],
    among: Sequence[str],
    level: AdministrativeLevel | None,
) -> Iterator[Selection]:
    family = leaf.family or indicator.family
    measures, less = (
        tuple(named_measures(leaf.measures, level)),
        tuple(named_measures(leaf.less, level)),
    )
    source = Source(TABLES[family, leaf.kind], leaf.due, leaf.over, (*measures, *less))
    for scope, window in looked_at(source, scopes, moment):
        codes = None if scope.codes is None else tuple(sorted(scope.codes))
        # What covers a window without a gap is, at the finest grain, one range.
        ranges = [
            fine(range_, source.table.declared.at) for range_ in moment.ranges(source, window)
        ]
        if ranges:
            low, high = min(found.low for found in ranges), max(found.high for found in ranges)
            yield Selection(
                LISTED[family, leaf.kind], low, high, measures, less, codes, tuple(among) or None
            )
