"""What books do not count yet: measures that came with later rules than those at which some
partition of their family stands.

Such a count would be too small without a sign of it, so nothing that needs it is told until the
workers have counted anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence
from metrics.figures.sums import own_level, sources
from schemas.cells.applied import CountingRules
from schemas.cells.since import SINCE
from schemas.codes import AdministrativeLevel

MeasureKey = tuple[str, str, str]  # family, kind, name


def versions_of(families: Mapping[str, Iterable[CountingRules]]) -> dict[str, list[int]]:
    """The versions of each family's rules, each once, in order."""
    return {
        family: sorted({rules.version for rules in found}) for family, found in families.items()
    }


def uncounted(rules: Mapping[str, Sequence[int]]) -> frozenset[MeasureKey]:
    """The measures that some partition does not have yet. `rules` are the versions of each family's
    partitions, in order.
    """
    return frozenset(
        measure
        for measure, version in SINCE.items()
        if rules.get(measure[0], [version])[0] < version
    )


@lru_cache(maxsize=1024)
def needs(indicator: Indicator, level: AdministrativeLevel | None = None) -> frozenset[MeasureKey]:
    """The measures that its figure is made of."""
    read = sources(indicator, own_level(indicator, level))
    return frozenset(
        (one.table.family, one.table.kind, measure) for one in read for measure in one.measures
    )


def why(measures: Collection[MeasureKey]) -> Name | None:
    """Why what needs these uncounted measures is absent; None without any."""
    return (
        absence.not_counted_yet(
            {family: SINCE[family, kind, name] for family, kind, name in sorted(measures)}
        )
        if measures
        else None
    )
