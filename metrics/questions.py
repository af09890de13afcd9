"""What can be asked of the cube, and the answers: indicators and raw counts over a window, by agency, category or day."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from metrics.answers import AsOf, CountsAnswer, CountsGroup, CoverageOf, Days, Group, IndicatorAnswer, KindCounts, Share
from metrics.catalogue import Agency, Indicator
from metrics.feed import Progress
from metrics.figures import Moment, Parts, coverage, figure, freshness_ms, read
from metrics.grains import EVER, Window, cover_days
from metrics.layout import TABLES, Table
from metrics.problems import Problem, wrong
from metrics.reader import By, Readers, Snapshot, running
from metrics.windows import WindowName, named
from schemas.cells import KINDS
from schemas.clock import to_datetime

HIDDEN = "heartbeats"  # counts nothing that people ask for


def _iso_date(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError("should be a date such as 2026-11-03")
    return text


Day = Annotated[date, BeforeValidator(_iso_date)]


class Asked(BaseModel):
    """Parameters that every question takes."""

    model_config = ConfigDict(extra="forbid")

    agency: str | None = Field(None, description="Only this agency (its code)")
    first: Day | None = Field(None, alias="from", description="First day, in the province's time zone; without it no bound")
    last: Day | None = Field(None, alias="to", description="Last day, included; without it no bound")
    window: WindowName | None = Field(None, description="Instead of from and to: a window that ends today. Without any: year")
    by: By | None = Field(None, description="Groups to tell beside the total")
    format: Literal["json", "csv"] = "json"

    def days(self, today: date) -> Window:
        """The window asked for.

        Raises: Problem for a window given twice, or one that ends before it begins.
        """
        if self.window is not None:
            if self.first or self.last:
                raise wrong("window", "goes without from and to")
            return named(self.window, today)
        if self.first is None and self.last is None:
            return named("year", today)
        if self.first and self.last and self.first > self.last:
            raise wrong("from", f"{self.first} is after to, {self.last}")
        return Window(self.first, self.last)


class CountsAsked(Asked):
    """Parameters of the raw counts."""

    family: str | None = Field(None, description="Only this family: dossiers, documents")
    kind: str | None = Field(None, description="Only this kind of cell: received, closed…")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is answered: one snapshot, one moment."""

    snapshot: Snapshot
    moment: Moment
    window: Window
    asked: Asked
    expected: Sequence[str]
    as_of: AsOf


class Questions:
    """Answers, in the calling thread.

    Raises (from every method): Problem; CubeUnreadable.
    """

    def __init__(
        self, readers: Readers, indicators: Mapping[str, Indicator], agencies: Mapping[str, Agency], *,
        progress: Callable[[], Progress], clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self.catalogue = indicators
        self._readers, self._agencies, self._progress, self._clock = readers, agencies, progress, clock

    def ready(self) -> Progress:
        """How far the feed is.

        Raises: Problem until every figure is complete.
        """
        progress = self._progress()
        if not progress.ready:
            raise Problem("not-ready", f"The figures are being built from Kafka: {progress.percent:.1f} % ({progress.doing}).")
        return progress

    def indicators(self, asked: Asked, only: str | None = None) -> list[IndicatorAnswer]:
        """Every indicator, or one of them."""
        if only is not None and only not in self.catalogue:
            known = ", ".join(self.catalogue)
            raise Problem("unknown-indicator", f"{only} is no indicator; there are {known}.", [{"field": "id", "message": "is not known"}])
        chosen = self.catalogue.values() if only is None else [self.catalogue[only]]
        self.ready()
        with self._readers.snapshot() as snapshot:
            question = self._question(snapshot, asked)
            return [_indicator(question, indicator) for indicator in chosen]

    def counts(self, asked: CountsAsked) -> CountsAnswer:
        """Raw counts of the kinds asked for."""
        tables = _tables(asked)
        self.ready()
        with self._readers.snapshot() as snapshot:
            question = self._question(snapshot, asked)
            kinds = [_kind(question, table) for table in tables]
            return CountsAnswer(agency=asked.agency, by=asked.by, as_of=question.as_of, kinds=kinds)

    def _question(self, snapshot: Snapshot, asked: Asked) -> Question:
        moment = Moment(self._clock())
        window = asked.days(moment.today)
        heard = snapshot.last_events()
        if asked.agency is not None and asked.agency not in heard and asked.agency not in self._agencies:
            raise wrong("agency", f"{asked.agency} is not expected and was never heard from")
        expected = [asked.agency] if asked.agency is not None else [*(self._agencies or heard)]
        return Question(snapshot, moment, window, asked, expected, self._as_of(snapshot))

    def _as_of(self, snapshot: Snapshot) -> AsOf:
        """The oldest heartbeat; without heartbeats, when the cube last held all that was published."""
        beat = freshness_ms(snapshot, self._progress().partitions)
        instant = to_datetime(snapshot.complete_ms() if beat is None else beat).isoformat(timespec="milliseconds")
        return AsOf(instant=instant, offsets={str(partition): offset for partition, offset in snapshot.offsets().items()})


def _indicator(question: Question, indicator: Indicator) -> IndicatorAnswer:
    asked, window = question.asked, EVER if indicator.asks_now else question.window
    target = indicator.target((question.window.last or question.moment.today).year)
    whole = read(question.snapshot, indicator, question.moment, window, agency=asked.agency)[""]
    covered = coverage(question.snapshot, indicator, question.moment, window, question.expected)
    return IndicatorAnswer(
        **_share(indicator, whole, target), id=indicator.id, version=indicator.version, name=indicator.name, unit=indicator.unit,
        direction=indicator.direction, agency=asked.agency, window=Days(first=window.first, last=window.last),
        coverage=CoverageOf(reporting=covered.reporting, expected=covered.expected, share=covered.share),
        as_of=question.as_of, by=asked.by, groups=_groups(question, indicator, window, target),
    )  # fmt: skip


def _groups(question: Question, indicator: Indicator, window: Window, target: float | None) -> list[Group]:
    if (by := question.asked.by) is None:
        return []
    found = read(question.snapshot, indicator, question.moment, window, by=by, agency=question.asked.agency)
    return [Group(group=group, **_share(indicator, parts, target)) for group, parts in found.items()]


def _share(indicator: Indicator, parts: Parts, target: float | None) -> dict[str, object]:
    found = figure(indicator, parts)
    share = Share(
        numerator=found.numerator, denominator=found.denominator, value=found.value, target=target, gap=found.gap(target),
        percentiles={f"p{percentile}": bound for percentile, bound in found.percentiles},
    )  # fmt: skip
    return share.__dict__


def _tables(asked: CountsAsked) -> list[Table]:
    families = [family for family in KINDS if family != HIDDEN]
    if asked.family is not None and asked.family not in families:
        raise wrong("family", f"{asked.family} is no family; there are {', '.join(families)}")
    tables = [table for table in TABLES.values() if table.family in families and asked.family in (None, table.family)]
    found = [table for table in tables if asked.kind in (None, table.kind)]
    if not found:
        raise wrong("kind", f"{asked.kind} is no kind; there are {', '.join(dict.fromkeys(table.kind for table in tables))}")
    return found


def _kind(question: Question, table: Table) -> KindCounts:
    asked, measures = question.asked, table.declared.measures
    window = _window(question, table)
    ranges, none = cover_days(window), [0] * len(measures)
    whole = question.snapshot.sums(table, ranges, agency=asked.agency).get("", none)
    groups = question.snapshot.sums(table, ranges, by=asked.by, agency=asked.agency) if asked.by else {}
    if table.declared.at == "stock" and asked.by == "day":
        first = question.window.first.isoformat() if question.window.first else ""
        groups = running(groups, [day for day in groups if day >= first], none)
    return KindCounts(
        family=table.family, kind=table.kind, window=Days(first=window.first, last=window.last),
        counts=dict(zip(measures, whole, strict=True)),
        groups=[CountsGroup(group=group, counts=dict(zip(measures, counts, strict=True))) for group, counts in groups.items()],
    )  # fmt: skip


def _window(question: Question, table: Table) -> Window:
    """What is open is open, whenever it is due; what exists on a day began on any day before."""
    if table.declared.at == "stock":
        return Window(None, question.window.last or question.moment.today)
    return question.window if table.declared.at == "day" else EVER
