"""Figures that are sums over cells: what events say, counted."""

from __future__ import annotations

from collections.abc import Mapping

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures.figure import Parts, figure, no_parts
from metrics.figures.query import REST
from metrics.figures.reading import FoundFigures, Reading, Slice
from metrics.figures.resolve import resolve
from metrics.figures.sums import read_parts
from schemas.codes import ADMINISTRATIVE_LEVELS


def figures(reading: Reading, indicator: Indicator, part: Slice) -> FoundFigures:
    """Numerator over denominator, of each group."""
    found = _parts(reading, indicator, part)
    if isinstance(found, Name):
        return {}, found
    if part.by == "level":
        found = _in_order(indicator, found)
    return {group: figure(indicator, parts) for group, parts in found.items()}, None


def _parts(reading: Reading, indicator: Indicator, part: Slice) -> dict[str, Parts] | Name:
    if part.by == "level" and indicator.levels == "measures":
        return _by_measures(reading, indicator, part)
    place = resolve(reading, indicator, part)
    if isinstance(place, Name):
        return place
    parts = read_parts(
        reading.sums(place.level),
        indicator,
        place.scopes,
        by=part.by,
        among=place.categories,
        level=place.level,
    )
    if part.by == "level":
        known = {one for scope in place.scopes for one in scope.names.values()}
        limits = known if part.level is None else known & {part.level}
        return {one: no_parts(indicator) for one in limits} | parts
    return parts


def _by_measures(reading: Reading, indicator: Indicator, part: Slice) -> dict[str, Parts] | Name:
    """Of levels that have measures of their own; the rest is what none of them counts."""
    found: dict[str, Parts] = {}
    for level in ADMINISTRATIVE_LEVELS if part.level is None else [part.level]:
        one = _parts(reading, indicator, Slice(part.window, level))
        if isinstance(one, Name):
            return one
        found[level] = one[""]
    if part.level is not None:
        return found
    whole = _parts(reading, indicator, Slice(part.window))
    if isinstance(whole, Name):
        return whole
    columns = zip(whole[""], *found.values(), strict=True)
    return found | {REST: [total - sum(levels) for total, *levels in columns]}


def _in_order(indicator: Indicator, found: Mapping[str, Parts]) -> dict[str, Parts]:
    """From the highest level to the lowest, the rest last if there is any."""
    order = [one for one in (*ADMINISTRATIVE_LEVELS, REST) if one in found]
    if not any(found.get(REST, no_parts(indicator))):
        order = [one for one in order if one != REST]
    return {one: found[one] for one in order}
