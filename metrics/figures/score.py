"""Points by QĐ 766: each item's share against the share that gives full points, added up by group;
what is missing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures.sums import Figure

# Group -> its name and the most points it gives (domain: the portal's six branches, 100 points in
# all).
GROUPS: dict[str, tuple[Name, int]] = {
    "transparency": (Name(vi="Công khai, minh bạch", en="Openness and transparency"), 18),
    "progress": (Name(vi="Tiến độ, kết quả giải quyết", en="Progress and results"), 20),
    "online": (Name(vi="Dịch vụ trực tuyến", en="Online services"), 12),
    "payment": (Name(vi="Thanh toán trực tuyến", en="Online payment"), 10),
    "digitisation": (Name(vi="Số hóa hồ sơ", en="Digitised dossiers"), 22),
    "satisfaction": (Name(vi="Mức độ hài lòng", en="Satisfaction"), 18),
}


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


class Sum(NamedTuple):
    """Points given, out of how many that events can give."""

    points: float | None
    possible: float


def add_up(scored: Iterable[Scored]) -> Sum:
    """The points of the items whose points are known."""
    known = [
        (one.points, one.item.score.points)
        for one in scored
        if one.points is not None and one.item.score is not None
    ]
    return Sum(
        round(sum(given for given, _ in known), 2) if known else None,
        sum(most or 0 for _, most in known),
    )


def by_group(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Every group with its items, in order."""
    return {
        group: [
            one for one in scored if one.item.score is not None and one.item.score.group == group
        ]
        for group in GROUPS
    }
