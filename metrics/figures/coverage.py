"""Figures of who reports: of those expected, how many do. A figure to which not every expected
agency contributed says so, wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from metrics.catalogue.indicators import Indicator, Name
from metrics.cube.tables import FAMILIES
from metrics.figures import absence
from metrics.figures.expected import (
    Expected,
    asked_for,
    days_with_counts,
    expected,
    expected_agency,
    is_stated,
    last_events,
    silent_since,
)
from metrics.figures.figure import Figure
from metrics.figures.query import Query
from metrics.figures.reading import FoundFigures, Reading, Slice
from metrics.figures.view import View
from schemas.windows import Window

DOES_NOT_APPLY = Name(
    vi="Không tính độ bao phủ: số liệu theo những gì đã được đăng ký hoặc báo cáo.",
    en="Coverage does not apply: it is told of what is registered or was reported.",
)
NOT_STATED = Name(
    vi="Chưa thể coi là đầy đủ: chưa đăng ký cơ quan nào phải báo cáo.",
    en="Not known to be complete: nobody registered who should report here.",
)
NOTHING_TOLD = Name(
    vi="Chưa có thông tin nào của khoảng thời gian này: không cơ quan nào báo cáo gì trong đó.",
    en="Nothing is known of this time: no agency told of anything in it.",
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the expected agencies have at least one dated count in the window; None: nobody
    is expected to send. The note goes wherever the figure is shown; without one all report.
    """

    reporting: int | None
    expected: int | None
    note: Name | None

    @property
    def share(self) -> float | None:
        """None when none is expected."""
        return (
            self.reporting / self.expected if self.reporting is not None and self.expected else None
        )

    @property
    def complete(self) -> bool | None:
        """Whether everybody reports of whom somebody said that they should."""
        return None if self.expected is None else self.note is None


def coverage(reporting: int, expected: int, *, stated: bool, told: bool) -> Coverage:
    """So many of so many; `stated`: whether anybody said who should report; `told`: whether anybody
    at all told of anything in the window, which may lie before all facts or after them.
    """
    if not told:
        return Coverage(reporting, expected, NOTHING_TOLD)
    if reporting >= expected:
        return Coverage(reporting, expected, None if stated else NOT_STATED)
    note = Name(
        vi=f"Số liệu chưa đầy đủ: mới có {reporting}/{expected} cơ quan phải báo cáo đã báo cáo.",
        en=f"Incomplete: {reporting} of {expected} agencies that should report did.",
    )
    return Coverage(reporting, expected, note)


def coverage_of(
    reading: Reading, families: Sequence[str], window: Window, *, on: date | None = None
) -> Coverage:
    """Who reports of those who should; `on`: of those who should on this day, whenever in the
    window they did. Of no families nobody should.
    """
    if not families:
        return Coverage(None, None, DOES_NOT_APPLY)
    expecting = reading.expecting(window if on is None else Window(on, on))
    told = reading.view.reporting(families, window)
    found = expecting.codes & told
    return coverage(len(found), len(expecting.codes), stated=expecting.stated, told=bool(told))


def figures(reading: Reading, _: Indicator, part: Slice) -> FoundFigures:
    """The share of the agencies expected; of the province or one agency as a whole only."""
    if part.level or part.by or reading.query.field:
        return {}, absence.NOT_BY_THIS
    found = coverage_of(reading, FAMILIES, part.window)
    return {"": Figure(found.reporting, found.expected, found.share)}, None


@dataclass(frozen=True, slots=True)
class AgencyReports:
    """Whether one expected agency reports: on how many days, when last (epoch ms), and since when
    it is silent (None: it reports, or that is not known).
    """

    agency: Expected
    days: int
    last_ms: int | None

    @property
    def silent_since_ms(self) -> int | None:
        """Its last event, else when it should first have reported."""
        if self.days:
            return None
        return silent_since(self.agency) if self.last_ms is None else self.last_ms


def by_agency(
    view: View, query: Query, families: Sequence[str]
) -> tuple[Coverage, list[AgencyReports]]:
    """Each agency that is expected on some day of the query's window, and how many report."""
    query.require_over(view.moment.today)
    today, directory = query.as_of or view.moment.today, view.directory
    window = query.days(today)
    days = days_with_counts(view.snapshot, directory, families, window)
    last = last_events(directory, view.heard, today)
    in_question = window.up_to(today)
    codes = expected(directory, view.declared, last, in_question)
    chosen = asked_for(directory, query, in_question, codes)
    found = [
        AgencyReports(
            expected_agency(directory, view.declared, code, in_question), days[code], last.get(code)
        )
        for code in codes
        if code in chosen
    ]
    reporting = sum(one.days > 0 for one in found)
    stated = is_stated(directory, view.declared, query.agency)
    return coverage(reporting, len(found), stated=stated, told=bool(days)), found
