"""Points by QĐ 766: each item's share against the share that gives full points, added up by group;
what is missing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence, uncounted
from metrics.figures.figure import NOTHING, Figure
from metrics.figures.reading import FoundFigures, Reading, Slice

# Group -> its name and the most points it gives (domain: the portal's six branches, 100 points in
# all).
GROUPS_766: dict[str, tuple[Name, int]] = {
    "transparency": (Name(vi="Công khai, minh bạch", en="Openness and transparency"), 18),
    "progress": (Name(vi="Tiến độ, kết quả giải quyết", en="Progress and results"), 20),
    "online": (Name(vi="Dịch vụ trực tuyến", en="Online services"), 12),
    "payment": (Name(vi="Thanh toán trực tuyến", en="Online payment"), 10),
    "digitisation": (Name(vi="Số hóa hồ sơ", en="Digitised dossiers"), 22),
    "satisfaction": (Name(vi="Mức độ hài lòng", en="Satisfaction"), 18),
}


def items_of(catalogue: Mapping[str, Indicator]) -> list[Indicator]:
    """The score's items, whose figures it is made of."""
    return [one for one in catalogue.values() if one.score is not None]


def figures(reading: Reading, _: Indicator, part: Slice) -> FoundFigures:
    """The sum of all points that are known, of no groups."""
    if part.by:
        return {}, absence.NOT_BY_THIS
    items = items_of(reading.view.catalogue)
    needed = frozenset[uncounted.MeasureKey]().union(
        *(uncounted.needs(item, part.level) for item in items)
    )
    if (why := uncounted.why(reading.view.uncounted & needed)) is not None:
        return {}, why
    total = add_up(scored(reading, part))
    return {"": Figure(None, None, total.points)}, None


def scored(reading: Reading, part: Slice) -> list[Scored]:
    """Every item of the catalogue with its figure."""
    return [_scored(reading, item, part) for item in items_of(reading.view.catalogue)]


def _scored(reading: Reading, item: Indicator, part: Slice) -> Scored:
    found, why = reading.figures(item, part)
    whole = found.get("", NOTHING)
    uncountable = absence.NOTHING_COUNTED if whole.value is None else None
    return Scored(item, whole, why or item.missing or uncountable)


def points(item: Indicator, found: Figure) -> float | None:
    """The item's points, two decimals: in proportion up to the share that gives them all. None: no
    share, or no known points.
    """
    if item.score is None or item.score.points is None or found.value is None:
        return None
    return round(item.score.points * min(1.0, max(0.0, found.value) / item.score.full), 2)


class Scored(NamedTuple):
    """An item with its figure, its points, and what is missing."""

    item: Indicator
    found: Figure
    missing: Name | None

    @property
    def points(self) -> float | None:
        """None: not known."""
        return points(self.item, self.found)


class ScoreSum(NamedTuple):
    """Points given, out of how many that events can give."""

    points: float | None
    possible: float


def add_up(scored: Iterable[Scored]) -> ScoreSum:
    """The points of the items whose points are known."""
    known = [
        (one.points, one.item.score.points)
        for one in scored
        if one.points is not None and one.item.score is not None
    ]
    return ScoreSum(
        round(sum(given for given, _ in known), 2) if known else None,
        sum(most or 0 for _, most in known),
    )


def by_group(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Every group with its items, in order."""
    return {
        group: [
            one for one in scored if one.item.score is not None and one.item.score.group == group
        ]
        for group in GROUPS_766
    }
