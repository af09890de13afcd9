"""Figures that agencies report: shown beside derived ones with their source, never mixed with them.

Only figures of one period are ever added up, and what an agency reports stands for those below it
as well: theirs of that period are told beside it and not added, or they would count twice. Of an
agency's several figures of a period the last revision counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from metrics.api.shapes import Days, Report
from metrics.catalogue.indicators import Indicator, Name
from metrics.cube.snapshot import By
from metrics.figures import absence
from metrics.figures.sums import NOTHING, Figure, Scope, share
from schemas.clock import to_datetime
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.directory.reported import ReportedFigure as Reported


def reported(
    directory: Directory, indicator: Indicator, scopes: Sequence[Scope], by: By | None
) -> tuple[dict[str, Figure], Name | None]:
    """What was reported for the newest period that ended in the window, of each group; by day, for
    each period's last day.

    Of several periods that end on one day it is the longest.
    """
    if by == "category":
        return {}, absence.NOT_BY_THIS
    ended = _ended(_asked_for(directory, indicator, scopes), _whole(scopes))
    if not ended:
        return {} if by else {"": NOTHING}, absence.NOTHING_REPORTED
    if by == "day":
        groups = {day.isoformat(): found for day, found in ended.items()}
    else:
        newest = max(ended)
        groups = _by_agency(ended[newest], _scope(scopes, newest)) if by else {"": ended[newest]}
    figures = {
        group: _figure(_counting(directory, found)) for group, found in sorted(groups.items())
    }
    return figures, None if any(
        one.value is not None for one in figures.values()
    ) else absence.NO_DENOMINATOR


def _asked_for(
    directory: Directory, indicator: Indicator, scopes: Sequence[Scope]
) -> list[Reported]:
    """Of periods that meet the window, by agencies that are asked for on the period's last day."""
    found = directory.reported(indicator.id, _whole(scopes))
    codes = [_scope(scopes, one.last or date.max).codes for one in found]
    return [
        one for one, among in zip(found, codes, strict=True) if among is None or one.agency in among
    ]


def _ended(found: Sequence[Reported], window: Window) -> dict[date, list[Reported]]:
    """By last day, within the window, of the longest period that ended on it."""
    periods: dict[date, list[Reported]] = {}
    for one in found:
        if one.last is not None and (window.first or date.min) <= one.last <= (
            window.last or date.max
        ):
            periods.setdefault(one.last, []).append(one)
    longest = {day: min(one.first or date.min for one in same) for day, same in periods.items()}
    return {
        day: [one for one in same if (one.first or date.min) == longest[day]]
        for day, same in periods.items()
    }


def _by_agency(found: Sequence[Reported], scope: Scope) -> dict[str, list[Reported]]:
    groups: dict[str, list[Reported]] = {}
    for one in found:
        groups.setdefault(scope.names.get(one.agency, one.agency), []).append(one)
    return groups


def _counting(directory: Directory, found: Sequence[Reported]) -> list[Reported]:
    """Of figures of one period those that are added up."""
    return [one for one, instead in _beside(directory, found) if instead is None]


def _beside(
    directory: Directory, found: Sequence[Reported]
) -> list[tuple[Reported, Reported | None]]:
    """Each figure, by period, with the one of the same period that stands for it: its agency's last
    revision, else the nearest above.
    """
    periods: dict[tuple[date, date], list[Reported]] = {}
    for one in found:
        periods.setdefault((one.first or date.min, one.last or date.max), []).append(one)
    return [
        pair
        for (_, last), same in sorted(periods.items())
        for pair in _of_one_period(directory, last, same)
    ]


def _of_one_period(
    directory: Directory, last: date, same: Sequence[Reported]
) -> Iterator[tuple[Reported, Reported | None]]:
    newest: dict[str, Reported] = {}
    for one in sorted(same, key=lambda one: (one.revision, one.said_ms)):
        newest[directory.canonical(one.agency, last)] = one
    for one in same:
        agency = directory.canonical(one.agency, last)
        above = (
            newest[code]
            for code in directory.roll_up(agency, last)
            if code in newest and code != agency
        )
        yield one, next(above, None) if newest[agency] is one else newest[agency]


def _figure(found: Sequence[Reported]) -> Figure:
    """A share only of figures that all have a denominator; one figure alone without one is told as
    it is, without a value.
    """
    numerator, denominators = (
        sum(one.numerator for one in found),
        [one.denominator for one in found if one.denominator is not None],
    )
    if len(denominators) < len(found):
        return Figure(numerator, None, None) if len(found) == 1 else NOTHING
    return share(numerator, sum(denominators))


def reports(directory: Directory, indicator: Indicator, scopes: Sequence[Scope]) -> list[Report]:
    """Each figure that was reported for a period that meets the scopes, with who reported it, for
    when, and in which document.
    """
    if indicator.source != "reported" or not scopes:
        return []
    return [_report(*pair) for pair in _beside(directory, _asked_for(directory, indicator, scopes))]


def _report(one: Reported, instead: Reported | None) -> Report:
    return Report(
        agency=one.agency,
        period=Days(first=one.first, last=one.last),
        numerator=one.numerator,
        denominator=one.denominator,
        value=one.numerator / one.denominator if one.denominator else None,
        document=one.document,
        revision=one.revision,
        reported_at=to_datetime(one.said_ms).isoformat(timespec="seconds"),
        covered_by=None if instead is None else instead.agency,
    )


def _whole(scopes: Sequence[Scope]) -> Window:
    return Window(scopes[0].window.first, scopes[-1].window.last)


def _scope(scopes: Sequence[Scope], day: date) -> Scope:
    """The one that a day is in; the last one for a day behind them all."""
    return next(
        (scope for scope in scopes if scope.window.last is None or day <= scope.window.last),
        scopes[-1],
    )
