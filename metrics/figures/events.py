"""Figures that are sums over cells: what events say, counted."""

from __future__ import annotations

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures.figure import figure
from metrics.figures.reading import FoundFigures, Reading, Slice
from metrics.figures.resolve import resolve
from metrics.figures.sums import read_parts


def figures(reading: Reading, indicator: Indicator, part: Slice) -> FoundFigures:
    """Numerator over denominator, of each group."""
    place = resolve(reading, indicator, part)
    if isinstance(place, Name):
        return {}, place
    parts = read_parts(
        reading.sums(place.level),
        indicator,
        place.scopes,
        by=part.by,
        among=place.categories,
        level=place.level,
    )
    return {group: figure(indicator, found) for group, found in parts.items()}, None
