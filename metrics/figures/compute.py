"""The one way from a query to a figure: of any indicator, for whoever asks.

`reading` brings a query and a view together; `figures` reads one slice of one indicator, or says
why it is absent; `answer` is everything that one indicator says to a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from metrics.catalogue.indicators import Indicator, Name
from metrics.figures import absence
from metrics.figures.coverage import Coverage, coverage_of
from metrics.figures.figure import NOTHING, Figure
from metrics.figures.origins import origin_of, sending
from metrics.figures.query import Groups, Query
from metrics.figures.reading import FoundFigures, Reading, Slice, Told
from metrics.figures.reported import ReportedFigure
from metrics.figures.view import View
from schemas.codes import ADMINISTRATIVE_LEVELS, AdministrativeLevel
from schemas.families import are_by_procedure
from schemas.windows import Window
from serving.directory.directory import Directory


@dataclass(frozen=True, slots=True)
class Assessed:
    """A figure with what it is held against: its target, and the same figure of an earlier window
    (None: nobody asked).
    """

    figure: Figure
    target: float | None
    then: Figure | None

    @property
    def gap(self) -> float | None:
        """Value less target."""
        return self.figure.gap(self.target)

    @property
    def change(self) -> float | None:
        """Value less the earlier value."""
        return None if self.then is None else self.figure.gap(self.then.value)


@dataclass(frozen=True, slots=True)
class GroupFigure:
    """Of one agency, category, day or level. `known`: whether it is registered; None where groups
    are nothing that is, or nobody registers.
    """

    group: str
    known: bool | None
    assessed: Assessed


@dataclass(frozen=True, slots=True)
class IndicatorFigures:
    """What one indicator says to a query. `day`: the one at whose end it is told (None: as of this
    instant); `missing`: why a value or groups are absent, or what the official formula asks for
    beside.
    """

    indicator: Indicator
    window: Window
    day: date | None
    whole: Assessed
    groups: list[GroupFigure]
    coverage: Coverage
    missing: Name | None
    reports: list[ReportedFigure]


def reading(view: View, query: Query, indicators: Sequence[Indicator]) -> Reading:
    """A query about these indicators, at this view.

    Raises: QueryError for an agency that nobody knows, and for what can't be compared; NotReady for
    books that nobody ever counted.
    """
    view.require_known(query.agency)
    needed = dict.fromkeys(indicators)
    for one in indicators:
        needed.update(dict.fromkeys(origin_of(one).made_of(view.catalogue)))
    if query.as_of is not None or query.by == "day":
        needed.update(dict.fromkeys(_at_ends_of_days(needed)))
    made = Reading(view, query, list(needed), figures)
    view.require_begun()
    return made


def require_moment(query: Query, indicator: Indicator) -> None:
    """Raises: QueryError for a time that an indicator alone can't be told of: it says what to ask
    instead.
    """
    if indicator.asks_now and indicator.as_of is None:
        query.refuse_time(indicator.id)
    elif indicator.asks_now:
        query.refuse_window(indicator.id)


def _at_ends_of_days(indicators: Iterable[Indicator]) -> list[Indicator]:
    return [one.at_end_of_day for one in indicators if one.at_end_of_day is not None]


def figures(reading: Reading, indicator: Indicator, part: Slice) -> FoundFigures:
    """The figure of each group (without groups of the empty text), or none and the reason."""
    return origin_of(indicator).figures(reading, indicator, part)


def answer(reading: Reading, indicator: Indicator) -> IndicatorFigures:
    """The indicator's figure, its groups, and what is missing."""
    told, level = reading.told(indicator), reading.query.level
    whole, why = figures(reading, told.indicator, Slice(told.window, level))
    then, why_not = _before(reading, told, level)
    groups, why_no_groups = _groups(reading, indicator)
    return IndicatorFigures(
        indicator=indicator,
        window=told.window,
        day=told.day or reading.query.as_of,
        whole=_assessed(reading, indicator, whole, then, level),
        groups=groups,
        coverage=coverage_of(reading, sending(indicator), told.window, on=_standing(reading, told)),
        missing=why or why_not or why_no_groups or indicator.missing,
        reports=origin_of(indicator).reports(reading, indicator),
    )


def _standing(reading: Reading, told: Told) -> date | None:
    """The day whose agencies are asked for of what is told of one moment; None: of a window."""
    return reading.view.moment.today if told.indicator.asks_now else told.day


def _before(
    reading: Reading,
    told: Told,
    level: AdministrativeLevel | None,
    by: Groups | None = None,
) -> FoundFigures:
    """The same in the window that it is compared with, or at that one's end."""
    if reading.before is None:
        return {}, None
    if told.indicator.asks_now:
        return {}, absence.NOT_THEN
    window = reading.before if told.day is None else Window(None, reading.before.last)
    return figures(reading, told.indicator, Slice(window, level, by))


def _groups(reading: Reading, indicator: Indicator) -> tuple[list[GroupFigure], Name | None]:
    by, level, told = reading.query.by, reading.query.level, reading.told(indicator)
    if by is None:
        return [], None
    if by == "level" and not origin_of(indicator).by_level:
        return _levels(reading, told)
    if by == "day" and indicator.at_end_of_day is not None:
        if (curve := reading.curve(indicator)) is None:
            return [], absence.NO_DAY_OVER
        told = curve
    found, why = figures(reading, told.indicator, Slice(told.window, level, by))
    then, _ = _before(reading, told, level, by)
    directory, families = reading.view.directory, indicator.families
    groups = [
        GroupFigure(
            group,
            is_known(directory, group, by, families),
            _assessed(reading, indicator, found, then, _level_of(group, by) or level, group),
        )
        for group in found
    ]
    return groups, why


def _level_of(group: str, by: Groups) -> AdministrativeLevel | None:
    """The level of a group of one, which may have a target of its own."""
    levels = {one: one for one in ADMINISTRATIVE_LEVELS if by == "level"}
    return levels.get(cast("AdministrativeLevel", group))


def _levels(reading: Reading, told: Told) -> tuple[list[GroupFigure], Name | None]:
    groups: list[GroupFigure] = []
    reason: Name | None = None
    asked = reading.query.level
    for level in [asked] if asked else ADMINISTRATIVE_LEVELS:
        found, why = figures(reading, told.indicator, Slice(told.window, level))
        then, _ = _before(reading, told, level)
        if "" in found:
            assessed = _assessed(reading, told.indicator, found, then, level)
            groups.append(GroupFigure(level, None, assessed))
        reason = reason or why
    return groups, reason


def _assessed(
    reading: Reading,
    indicator: Indicator,
    found: dict[str, Figure],
    then: dict[str, Figure],
    level: AdministrativeLevel | None,
    group: str = "",
) -> Assessed:
    day = reading.window.last or reading.view.moment.today
    return Assessed(
        figure=found.get(group, NOTHING),
        target=indicator.target(day, level),
        then=None if reading.before is None else then.get(group, NOTHING),
    )


def is_known(
    directory: Directory, group: str, by: str | None, families: Sequence[str]
) -> bool | None:
    """Whether the agency or procedure of a group is registered; None where groups are neither, or
    nobody registers them.
    """
    if by in ("category", "procedure") and are_by_procedure(families):
        return directory.registered_procedure(group)
    return directory.registered(group, by)
