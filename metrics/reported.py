"""Figures that agencies report: shown beside derived ones with their source, never mixed with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from metrics import reasons
from metrics.answers import Days, Report
from metrics.catalogue import Indicator, Name
from metrics.directory import Directory
from metrics.figures import NOTHING, Figure, Scope
from metrics.grains import Window, cover_days
from metrics.layout import TABLES
from metrics.reader import By, Snapshot
from schemas.clock import to_datetime

REPORTED = TABLES["inventory", "reported"]
MEASURES = ("figures", "numerator", "denominator", "without_denominator")


def reported(snapshot: Snapshot, indicator: Indicator, scopes: Sequence[Scope], by: By | None) -> tuple[dict[str, Figure], Name | None]:
    """What was reported for the newest period that ended in the window, of each group; by day, for every period's last day."""
    if by == "category":
        return {}, reasons.NOT_BY_THIS
    days = _by_day(snapshot, indicator, scopes)
    if not days:
        return {} if by else {"": NOTHING}, reasons.NOTHING_REPORTED
    if by == "day":
        groups = days
    else:
        last = max(days)
        groups = _on(snapshot, indicator, scopes, last) if by else {"": days[last]}
    figures = {group: _figure(vector) for group, vector in groups.items()}
    return figures, None if any(one.value is not None for one in figures.values()) else reasons.NO_DENOMINATOR


def _by_day(snapshot: Snapshot, indicator: Indicator, scopes: Sequence[Scope]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for scope in scopes:  # days of one are not days of another
        ranges = cover_days(scope.window)
        found |= snapshot.sums(REPORTED, ranges, by="day", codes=scope.codes, among=(indicator.id,), measures=MEASURES)
    return dict(sorted(found.items()))


def _on(snapshot: Snapshot, indicator: Indicator, scopes: Sequence[Scope], day: str) -> dict[str, list[int]]:
    """By agency, of one day."""
    scope = next(scope for scope in scopes if scope.window.last is None or day <= scope.window.last.isoformat())
    ranges = cover_days(Window(date.fromisoformat(day), date.fromisoformat(day)))
    found = snapshot.sums(REPORTED, ranges, by="agency", codes=scope.codes, among=(indicator.id,), measures=MEASURES)
    groups: dict[str, list[int]] = {}
    for code, vector in found.items():
        name = scope.names.get(code, code)
        groups[name] = [one + other for one, other in zip(vector, groups.get(name, [0] * len(MEASURES)), strict=True)]
    return dict(sorted(groups.items()))


def _figure(vector: Sequence[int]) -> Figure:
    """A share only of figures that all have a denominator; one figure alone without one is told as it is, without a value."""
    count, numerator, denominator, without = vector
    if without:
        return Figure(numerator, None, None) if count == 1 else NOTHING
    return Figure(numerator, denominator, numerator / denominator if denominator else None)


def reports(directory: Directory, indicator: Indicator, scopes: Sequence[Scope]) -> list[Report]:
    """Each figure that was reported for a period that meets the scopes, with who reported it, for when, and in which document."""
    if indicator.source != "reported" or not scopes:
        return []
    window = Window(scopes[0].window.first, scopes[-1].window.last)
    among = None if scopes[0].codes is None else frozenset(code for scope in scopes for code in scope.codes or ())
    return [
        Report(
            agency=one.agency, period=Days(first=one.first, last=one.last), numerator=one.numerator, denominator=one.denominator,
            value=one.numerator / one.denominator if one.denominator else None, document=one.document, revision=one.revision,
            reported_at=to_datetime(one.said_ms).isoformat(timespec="seconds"),
        )
        for one in directory.reported(indicator.id, window) if among is None or one.agency in among
    ]  # fmt: skip
