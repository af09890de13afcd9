"""Where figures come from: of each `from` of the catalogue the module that reads it, and what else
is to know of such figures. Nobody else asks what an indicator's figures come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from metrics.catalogue.indicators import Indicator
from metrics.cube.tables import FAMILIES
from metrics.figures import coverage, events, nothing, procedures, reported, score
from metrics.figures.reading import FoundFigures, Reading, Slice
from schemas.families import EXPECTED_FAMILIES

Verb = Callable[[Reading, Indicator, Slice], FoundFigures]


def _no_reports(_: Reading, __: Indicator) -> list[reported.ReportedFigure]:
    return []


def _nothing_else(_: Mapping[str, Indicator]) -> list[Indicator]:
    return []


@dataclass(frozen=True, slots=True)
class Origin:
    """One way to figures. `figures` reads one."""

    figures: Verb
    counted: bool = False  # it is made of counts, which change when facts come in
    listed: bool = False  # each thing adds to it by itself, so that there is a list behind it
    stated: bool = False  # agencies say it as it is, which is shown apart
    of_all: bool = False  # whatever an agency sends counts for it
    by_level: bool = False  # its groups by level are read at once, with what is of no level
    reports: Callable[[Reading, Indicator], list[reported.ReportedFigure]] = _no_reports
    # the indicators that it is made of
    made_of: Callable[[Mapping[str, Indicator]], list[Indicator]] = _nothing_else


ORIGINS: Mapping[str, Origin] = {
    "events": Origin(events.figures, counted=True, listed=True, by_level=True),
    "procedures": Origin(procedures.figures, counted=True),
    "reported": Origin(reported.figures, stated=True, reports=reported.reports),
    "coverage": Origin(coverage.figures, of_all=True),
    "score": Origin(score.figures, of_all=True, made_of=score.items_of),
    "none": Origin(nothing.figures),
}


def origin_of(indicator: Indicator) -> Origin:
    """Where its figures come from."""
    return ORIGINS[indicator.source]


def sending(indicator: Indicator) -> Sequence[str]:
    """The families whose facts an agency is expected to send for the figure."""
    return FAMILIES if origin_of(indicator).of_all else expected_of(indicator.families)


def expected_of(families: Sequence[str]) -> list[str]:
    """Those of the families of which every agency is expected to send events."""
    return [family for family in families if family in EXPECTED_FAMILIES]
