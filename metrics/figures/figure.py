"""A figure, and how one is made of sums. A ratio is only ever made from sums of its own group;
ratios are never averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from metrics.catalogue.indicators import Indicator

# Numerator, denominator and the classes of the histogram: additive over groups.
Parts = list[int]


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


def no_parts(indicator: Indicator) -> Parts:
    """All zero."""
    return [0] * (2 + len(indicator.bounds))


def share(numerator: int, denominator: int) -> Figure:
    """One divided by the other; without a denominator there is no value."""
    return Figure(numerator, denominator, numerator / denominator if denominator else None)


def figure(indicator: Indicator, parts: Parts) -> Figure:
    """The figure that the parts make."""
    numerator, denominator, *classes = parts
    if indicator.denominator is None:
        return Figure(numerator, None, numerator)
    found = share(numerator, denominator)
    return replace(found, percentiles=tuple(_percentiles(indicator, classes))) if classes else found


def _percentiles(indicator: Indicator, classes: list[int]) -> Iterator[tuple[int, int | None]]:
    """Each percentile with the upper bound of the class that holds it; None: no counts, or the open
    class.
    """
    assert indicator.percentiles is not None
    count = sum(classes)
    bounds = [bound for _, bound in indicator.bounds]
    for percentile in indicator.percentiles.of:
        rank = -(-percentile * count // 100)
        yield percentile, _reaching(rank, zip(bounds, classes, strict=True)) if count else None


def _reaching(rank: int, classes: Iterable[tuple[int | None, int]]) -> int | None:
    """The bound of the class that holds the member of this rank (nearest rank)."""
    reached = 0
    for bound, members in classes:
        reached += members
        if reached >= rank:
            return bound
    return None
