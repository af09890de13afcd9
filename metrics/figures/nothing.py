"""Figures that nothing gives yet: declared, with what is missing."""

from __future__ import annotations

from metrics.catalogue.indicators import Indicator
from metrics.figures.reading import FoundFigures, Reading, Slice


def figures(_: Reading, indicator: Indicator, __: Slice) -> FoundFigures:
    """None, and what is missing."""
    return {}, indicator.missing
