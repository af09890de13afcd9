"""How one indicator of one question is answered: read where it may be looked for, else absent with
the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from metrics.api.parameters import IndicatorsAsked
from metrics.api.shapes import AsOf, Compared, CoverageOf, Days, Group, IndicatorAnswer, Share
from metrics.catalogue.indicators import Indicator, Name
from metrics.cube.snapshot import By, Snapshot
from metrics.cube.tables import FAMILIES
from metrics.figures import absence, completeness, uncounted
from metrics.figures.expected import Expecting, reporting
from metrics.figures.procedures import by_procedure
from metrics.figures.reported import reported, reports
from metrics.figures.scopes import among, of_level, scopes
from metrics.figures.score import points
from metrics.figures.sums import (
    NOTHING,
    Figure,
    Moment,
    Scope,
    Sharing,
    coverage,
    figure,
    own_level,
    read,
)
from schemas.codes import ADMINISTRATIVE_LEVELS, AdministrativeLevel
from schemas.families import EXPECTED_FAMILIES, are_by_procedure
from schemas.windows import EVER, Window
from serving.directory.directory import Directory

Level = AdministrativeLevel | None
NO_DIRECTORY = Directory()


@dataclass
class Question:
    """A question as it is answered: one snapshot, one moment, what the indicators share."""

    snapshot: Snapshot
    moment: Moment
    asked: IndicatorsAsked
    window: Window
    before: Window | None
    directory: Directory
    indicators: Sequence[Indicator]
    items: Sequence[Indicator]  # of QĐ 766's score
    expecting: Callable[[Window], Expecting]  # who should report on some day of a window
    as_of: AsOf
    _sharing: dict[AdministrativeLevel | None, Sharing] = field(default_factory=dict)
    _reporting: dict[tuple[str, Window], set[str]] = field(default_factory=dict)
    _scopes: dict[tuple[Window, AdministrativeLevel | None], list[Scope] | None] = field(
        default_factory=dict
    )

    @cached_property
    def uncounted(self) -> frozenset[uncounted.Measure]:
        """The measures that these books do not have yet."""
        return uncounted.uncounted(self.as_of.rules)

    def sharing(self, level: AdministrativeLevel | None) -> Sharing:
        """The sums that the indicators share."""
        if level not in self._sharing:
            self._sharing[level] = Sharing(self.snapshot, [*self.indicators, *self.items], level)
        return self._sharing[level]

    def reporting(self, families: Sequence[str], window: Window) -> set[str]:
        """The agencies with dated counts of the families in the window, under whichever form of
        their code.
        """
        found: set[str] = set()
        for family in families:
            if (family, window) not in self._reporting:
                self._reporting[family, window] = reporting(
                    self.snapshot, self.directory, [family], window
                )
            found |= self._reporting[family, window]
        return found

    def coverage(self, families: Sequence[str], window: Window, *, now: bool = False) -> CoverageOf:
        """Who reports of those who should; `now`: of those who should today, whenever they did. Of
        no families nobody should.
        """
        if not families:
            return CoverageOf(
                reporting=None,
                expected=None,
                share=None,
                complete=None,
                note=completeness.DOES_NOT_APPLY,
            )
        expecting = self.expecting(Window(self.moment.today, self.moment.today) if now else window)
        found = coverage(self.reporting(families, window), expecting.codes)
        note = completeness.note(found.reporting, found.expected, stated=expecting.stated)
        return CoverageOf(
            reporting=found.reporting,
            expected=found.expected,
            share=found.share,
            complete=note is None,
            note=note,
        )

    def scopes(self, window: Window, level: AdministrativeLevel | None) -> list[Scope] | None:
        """Where to look; None: no agency of the level is known."""
        if (window, level) not in self._scopes:
            self._scopes[window, level] = self._look(window, level)
        return self._scopes[window, level]

    def _look(self, window: Window, level: AdministrativeLevel | None) -> list[Scope] | None:
        found = scopes(self.directory, self.asked, window)
        return found if level is None else of_level(self.directory, level, found)


Groups = dict[str, Figure]
Found = tuple[Groups, Name | None]


def answer(question: Question, indicator: Indicator) -> IndicatorAnswer:
    """The indicator's figure, its groups, and what is missing."""
    asked, window = question.asked, EVER if indicator.asks_now else question.window
    whole, why = figures(question, indicator, window, asked.level)
    then, why_not = _before(question, indicator, asked.level)
    groups, why_no_groups = _groups(question, indicator, window)
    return IndicatorAnswer(
        **_share(question, indicator, whole.get("", NOTHING), asked.level, then.get("", NOTHING)),
        id=indicator.id,
        version=indicator.version,
        source=indicator.source,
        name=indicator.name,
        unit=indicator.unit,
        direction=indicator.direction,
        agency=asked.agency,
        level=asked.level,
        field=asked.field,
        window=Days(first=window.first, last=window.last),
        coverage=question.coverage(_families(indicator), window, now=indicator.asks_now),
        as_of=question.as_of,
        by=asked.by,
        groups=groups,
        missing=why or why_not or why_no_groups or indicator.missing,
        reports=reports(
            question.directory, indicator, question.scopes(question.window, None) or []
        ),
    )


def figures(
    question: Question,
    indicator: Indicator,
    window: Window,
    level: Level = None,
    by: By | None = None,
) -> Found:
    """The figure of each group (without `by` of the empty text), or none and the reason."""
    if indicator.source == "coverage":
        return _coverage(question, window, level, by)
    if indicator.source == "score":
        return _score(question, window, level, by)
    if (why := _absent(question, indicator, window, level, by)) is not None:
        return {}, why
    own = own_level(indicator, level)
    limits, where = among_of(question, indicator), question.scopes(window, None if own else level)
    if isinstance(limits, Name):
        return {}, limits
    if where is None:
        return {}, absence.NO_LEVEL
    if indicator.source == "reported":
        return reported(question.directory, indicator, where, by)
    if indicator.by_procedure is not None:
        return by_procedure(
            question.snapshot,
            indicator,
            question.moment,
            where,
            question.directory,
            among=limits,
            by=by,
        )
    parts = read(
        question.sharing(own), indicator, question.moment, where, by=by, among=limits, level=own
    )
    return {group: figure(indicator, found) for group, found in parts.items()}, None


def _absent(
    question: Question, indicator: Indicator, window: Window, level: Level, by: By | None
) -> Name | None:
    if indicator.source == "none":
        return indicator.missing
    if indicator.asks_now and question.asked.time:
        return absence.NOW_ONLY
    if (why := uncounted.why(question.uncounted & uncounted.needs(indicator, level))) is not None:
        return why
    if by == "day" and (
        indicator.ends_now or any(term.over == "before" for term in indicator.leaves)
    ):
        return absence.NOT_BY_DAY
    if not indicator.by_agency and (level or question.asked.agency or by == "agency"):
        return absence.NOT_BY_AGENCY
    if indicator.ends_now and window.last is not None and window.last < question.moment.today:
        return absence.NOT_NOW
    return None


def among_of(question: Question, indicator: Indicator) -> tuple[str, ...] | Name:
    """The categories that it is limited to (none: all), or why there are none."""
    field_ = question.asked.field
    if field_ and (indicator.source == "reported" or not are_by_procedure(indicator.families)):
        return absence.NOT_ONE_FIELD
    return among(question.directory, indicator, field_)


def _coverage(question: Question, window: Window, level: Level, by: By | None) -> Found:
    if level or by or question.asked.field:
        return {}, absence.NOT_BY_THIS
    found = coverage(question.reporting(FAMILIES, window), question.expecting(window).codes)
    return {"": Figure(found.reporting, found.expected, found.share)}, None


def _score(question: Question, window: Window, level: Level, by: By | None) -> Found:
    if by:
        return {}, absence.NOT_BY_THIS
    needed = frozenset[uncounted.Measure]().union(
        *(uncounted.needs(item, level) for item in question.items)
    )
    if (why := uncounted.why(question.uncounted & needed)) is not None:
        return {}, why
    found = [
        points(item, figures(question, item, window, level)[0].get("", NOTHING))
        for item in question.items
    ]
    known = [one for one in found if one is not None]
    return {"": Figure(None, None, round(sum(known), 2) if known else None)}, None


def _before(question: Question, indicator: Indicator, level: Level, by: By | None = None) -> Found:
    if question.before is None:
        return {}, None
    if indicator.asks_now:
        return {}, absence.NOT_THEN
    return figures(question, indicator, question.before, level, by)


def _groups(
    question: Question, indicator: Indicator, window: Window
) -> tuple[list[Group], Name | None]:
    by, level = question.asked.by, question.asked.level
    if by is None:
        return [], None
    if by == "level":
        return _levels(question, indicator, window)
    found, why = figures(question, indicator, window, level, by)
    then, _ = _before(question, indicator, level, by)
    return [
        Group(
            group=group,
            known=known(question.directory, group, by, indicator.families),
            **_share(question, indicator, one, level, then.get(group, NOTHING)),
        )
        for group, one in found.items()
    ], why


def _levels(
    question: Question, indicator: Indicator, window: Window
) -> tuple[list[Group], Name | None]:
    found: list[Group] = []
    reason: Name | None = None
    for level in [question.asked.level] if question.asked.level else ADMINISTRATIVE_LEVELS:
        whole, why = figures(question, indicator, window, level)
        then, _ = _before(question, indicator, level)
        if "" in whole:
            found.append(
                Group(
                    group=level,
                    **_share(question, indicator, whole[""], level, then.get("", NOTHING)),
                )
            )
        reason = reason or why
    return found, reason


def _share(
    question: Question, indicator: Indicator, found: Figure, level: Level, then: Figure
) -> dict[str, Any]:
    target = indicator.target(question.window.last or question.moment.today, level)
    share = Share(
        numerator=found.numerator,
        denominator=found.denominator,
        value=found.value,
        target=target,
        gap=found.gap(target),
        percentiles={f"p{percentile}": bound for percentile, bound in found.percentiles},
        compared=None
        if question.before is None
        else Compared(
            window=Days(first=question.before.first, last=question.before.last),
            numerator=then.numerator,
            denominator=then.denominator,
            value=then.value,
            change=found.gap(then.value),
        ),
    )
    return share.__dict__


def _families(indicator: Indicator) -> Sequence[str]:
    return FAMILIES if indicator.source in ("coverage", "score") else sending(indicator.families)


def known(directory: Directory, group: str, by: str | None, families: Sequence[str]) -> bool | None:
    """Whether the agency or procedure of a group is registered; None where groups are neither, or
    nobody registers them.
    """
    if by == "category" and are_by_procedure(families):
        return directory.registered_procedure(group)
    return directory.registered(group, by)


def sending(families: Iterable[str]) -> list[str]:
    """The families of which every agency is expected to send events."""
    return [family for family in families if family in EXPECTED_FAMILIES]
