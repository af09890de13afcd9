"""Figures that agencies report: shown beside derived ones with their source, never mixed with them.

Only figures of one period are ever added up, and what an agency reports stands for those below it
as well: theirs of that period are told beside it and not added, or they would count twice. Of an
agency's several figures of a period the last revision counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence
from metrics.figures.figure import NOTHING, Figure, share
from metrics.figures.reading import FoundFigures, Reading, Slice
from metrics.figures.resolve import resolve
from metrics.figures.scopes import AgencyScope, scope_of
from schemas.windows import Window, joined
from serving.directory.directory import Directory
from serving.directory.reported import Reported


class ReportedFigure(NamedTuple):
    """A figure as an agency reported it, and the one of the same period that stands for it, if any:
    its agency's last revision, else the nearest above.
    """

    said: Reported
    instead: Reported | None


def figures(reading: Reading, indicator: Indicator, part: Slice) -> FoundFigures:
    """What was reported for the newest period that ended in the window, of each group; by day, for
    each period's last day.

    Of several periods that end on one day it is the longest.
    """
    place = resolve(reading, indicator, part)
    if isinstance(place, Name):
        return {}, place
    if part.by in ("category", "procedure", "field"):
        return {}, absence.NOT_BY_THIS
    directory, scopes = reading.view.directory, place.scopes
    ended = _ended(_asked_for(directory, indicator, scopes), _whole(scopes))
    if not ended:
        return {} if part.by else {"": NOTHING}, absence.NOTHING_REPORTED
    groups = _groups(ended, scopes, part)
    found = {group: _figure(_counting(directory, ones)) for group, ones in sorted(groups.items())}
    told = any(one.value is not None for one in found.values())
    return found, None if told else absence.NO_DENOMINATOR


def reports(reading: Reading, indicator: Indicator) -> list[ReportedFigure]:
    """Each figure that was reported for a period that meets the query's window."""
    directory = reading.view.directory
    scopes = reading.scopes(reading.window, None)
    return _beside(directory, _asked_for(directory, indicator, scopes)) if scopes else []


def _groups(
    ended: dict[date, list[Reported]], scopes: Sequence[AgencyScope], part: Slice
) -> dict[str, list[Reported]]:
    if part.by == "day":
        return {day.isoformat(): found for day, found in ended.items()}
    newest = max(ended)
    if part.by == "agency":
        return _by_agency(ended[newest], scope_of(scopes, newest))
    return {"": ended[newest]}


def _asked_for(
    directory: Directory, indicator: Indicator, scopes: Sequence[AgencyScope]
) -> list[Reported]:
    """Of periods that meet the window, by agencies that are asked for on the period's last day."""
    found = directory.reported(indicator.id, _whole(scopes))
    codes = [scope_of(scopes, one.last or date.max).codes for one in found]
    return [
        one for one, among in zip(found, codes, strict=True) if among is None or one.agency in among
    ]


def _ended(found: Sequence[Reported], window: Window) -> dict[date, list[Reported]]:
    """By last day, within the window, of the longest period that ended on it."""
    periods: dict[date, list[Reported]] = {}
    for one in found:
        if one.last is not None and window.holds(one.last):
            periods.setdefault(one.last, []).append(one)
    return {day: _longest(same) for day, same in periods.items()}


def _longest(same: Sequence[Reported]) -> list[Reported]:
    first = min(one.first or date.min for one in same)
    return [one for one in same if (one.first or date.min) == first]


def _by_agency(found: Sequence[Reported], scope: AgencyScope) -> dict[str, list[Reported]]:
    groups: dict[str, list[Reported]] = {}
    for one in found:
        groups.setdefault(scope.names.get(one.agency, one.agency), []).append(one)
    return groups


def _counting(directory: Directory, found: Sequence[Reported]) -> list[Reported]:
    """Of figures of one period those that are added up."""
    return [one.said for one in _beside(directory, found) if one.instead is None]


def _beside(directory: Directory, found: Sequence[Reported]) -> list[ReportedFigure]:
    """Each figure, by period."""
    periods: dict[tuple[date, date], list[Reported]] = {}
    for one in found:
        periods.setdefault(Window(one.first, one.last).bounds, []).append(one)
    return [
        report
        for (_, last), same in sorted(periods.items())
        for report in _of_one_period(directory, last, same)
    ]


def _of_one_period(
    directory: Directory, last: date, same: Sequence[Reported]
) -> Iterator[ReportedFigure]:
    newest: dict[str, Reported] = {}
    for one in sorted(same, key=lambda one: (one.revision, one.said_ms)):
        newest[directory.canonical(one.agency, last)] = one
    for one in same:
        agency = directory.canonical(one.agency, last)
        if newest[agency] is not one:
            yield ReportedFigure(one, newest[agency])
            continue
        above = (code for code in directory.roll_up(agency, last) if code != agency)
        yield ReportedFigure(one, next((newest[code] for code in above if code in newest), None))


def _figure(found: Sequence[Reported]) -> Figure:
    """A share only of figures that all have a denominator; one figure alone without one is told as
    it is, without a value.
    """
    numerator = sum(one.numerator for one in found)
    denominators = [one.denominator for one in found if one.denominator is not None]
    if len(denominators) < len(found):
        return Figure(numerator, None, None) if len(found) == 1 else NOTHING
    return share(numerator, sum(denominators))


def _whole(scopes: Sequence[AgencyScope]) -> Window:
    return joined([scope.window for scope in scopes])
