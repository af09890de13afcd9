"""The figures of one scrape as lines of text: indicators per window and agency, counts of the
province, open dossiers.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from math import inf
from typing import TypeVar, cast

from metrics.catalogue.indicators import Due, Indicator, Name
from metrics.cube.rollups import cover_days, cover_stock
from metrics.cube.snapshot import By, Snapshot, Sums
from metrics.cube.tables import TABLES, Table
from metrics.figures.procedures import by_procedure
from metrics.figures.reported import reported
from metrics.figures.scopes import among
from metrics.figures.sums import (
    Figure,
    Moment,
    Parts,
    Scope,
    Sharing,
    add,
    contributions,
    figure,
    no_parts,
    read,
    sources,
)
from metrics.figures.uncounted import needs, uncounted, versions_of
from metrics.prometheus import table as told
from metrics.prometheus.exposition import block, escaped, head, sample, written
from schemas.windows import EVER, EXPORTED, Window, WindowName, named
from serving.directory.directory import Directory
from serving.telemetry import Metric

PROVINCE = "all"
OPEN = TABLES["dossiers", "open"]
FIGURES = (
    told.INDICATOR_VALUE,
    told.INDICATOR_NUMERATOR,
    told.INDICATOR_DENOMINATOR,
    told.INDICATOR_TARGET,
    told.INDICATOR_PERCENTILE,
)
DUES: tuple[Due, ...] = ("past", "soon")
BY: tuple[By | None, ...] = (None, "agency")
Lines = dict[Metric, list[str]]
T = TypeVar("T")


def told_of(indicator: Indicator) -> bool:
    """Whether it is derived from events and no item of QĐ 766; the API tells those and what
    agencies report.
    """
    return indicator.source in ("events", "procedures") and indicator.score is None


class Kept:
    """What was made for an earlier scrape, and what it stands for; made again when that has
    changed.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Hashable, object]] = {}

    def get(self, name: Hashable, stands_for: Hashable, make: Callable[[], T]) -> T:
        """The thing of that name for that state of the world."""
        known = self._made.get(name)
        if known is not None and known[0] == stands_for:
            return cast("T", known[1])
        made = make()
        self._made[name] = stands_for, made
        return made


class Scrape:
    """One moment, one snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        moment: Moment,
        kept: Kept,
        versions: Mapping[tuple[str, str], int],
        directory: Directory,
    ) -> None:
        self._snapshot, self._moment, self._kept, self._versions, self._directory = (
            snapshot,
            moment,
            kept,
            versions,
            directory,
        )
        self._uncounted = uncounted(versions_of(snapshot.rules()))
        heard = snapshot.last_events()
        self._agencies = tuple(
            sorted(
                {names.get(code, code) for _, names in directory.groupings(EVER) for code in heard}
            )
        )

    def indicators(self, indicators: Iterable[Indicator]) -> str:
        """The five metrics of every indicator that is told here."""
        lines: Lines = {metric: [] for metric in FIGURES}
        for indicator in indicators:
            if told_of(indicator) and not self._uncounted & needs(indicator):
                for window in ("all",) if indicator.asks_now else EXPORTED:
                    for metric, found in self._indicator(indicator, window).items():
                        lines[metric] += found
        return "".join(head(metric) + "".join(found) for metric, found in lines.items() if found)

    def _indicator(self, indicator: Indicator, window: WindowName) -> Lines:
        """No sample where the filters leave nothing: while no procedure of the fields is
        registered.
        """
        limits = among(self._directory, indicator)
        if isinstance(limits, Name):
            return {}
        if any(term.due for term in indicator.leaves):  # which the clock alone changes
            return self._made(indicator, window, limits)
        tables = [source.table for source in sources(indicator)]
        # whose procedures, or whose targets
        today = self._moment.today if indicator.by_procedure else self._moment.today.year
        stands_for = (
            *(self._version(table, window) for table in tables),
            today,
            self._agencies,
            limits,
        )
        return self._kept.get(
            (indicator.id, window), stands_for, lambda: self._made(indicator, window, limits)
        )

    def _made(self, indicator: Indicator, window: WindowName, limits: Sequence[str]) -> Lines:
        if indicator.by_procedure:
            return self._of_procedures(indicator, window, limits)
        if limits or any(term.due or term.over == "before" for term in indicator.leaves):
            return self._lines(indicator, window, self._read(indicator, window, limits))
        return self._lines(indicator, window, self._from_sums(indicator, window))

    def _of_procedures(
        self, indicator: Indicator, window: WindowName, limits: Sequence[str]
    ) -> Lines:
        """Of the province; the API tells agencies and procedures."""
        where = [Scope(named(window, self._moment.today))]
        figures, _ = by_procedure(
            self._snapshot, indicator, self._moment, where, self._directory, among=limits
        )
        return self._told(indicator, window, (), [figures[""]])

    def _read(
        self, indicator: Indicator, window: WindowName, limits: Sequence[str]
    ) -> dict[str, Parts]:
        days = [
            Scope(part, None, names)
            for part, names in self._directory.groupings(named(window, self._moment.today))
        ]
        # of the others only the province is told, which is quicker to read
        by: By | None = "agency" if indicator.main else None
        return read(
            Sharing(self._snapshot, [indicator]), indicator, self._moment, days, by=by, among=limits
        )

    def _from_sums(self, indicator: Indicator, window: WindowName) -> dict[str, Parts]:
        """As `_read` without limits, from the sums of whole tables that every indicator shares."""
        found: dict[str, Parts] = {}
        for source in sources(indicator):
            adds = contributions(indicator, source, source.table.declared.measures)
            for agency, vector in self._sums(source.table, window).items():
                add(found.setdefault(agency, no_parts(indicator)), adds, vector)
        return found

    def _lines(
        self, indicator: Indicator, window: WindowName, by_agency: Mapping[str, Parts]
    ) -> Lines:
        none = no_parts(indicator)
        # others' agencies are told by the API
        agencies = self._agencies if indicator.by_agency and indicator.main else ()
        province = [sum(column) for column in zip(none, *by_agency.values(), strict=True)]
        figures = [
            figure(indicator, province),
            *(figure(indicator, by_agency.get(agency, none)) for agency in agencies),
        ]
        return self._told(indicator, window, agencies, figures)

    def _told(
        self,
        indicator: Indicator,
        window: WindowName,
        agencies: tuple[str, ...],
        figures: list[Figure],
    ) -> Lines:
        """The lines of the province's figure and each agency's."""
        labels = self._kept.get(
            (indicator.id, window, "labels"), agencies, lambda: _labels(indicator, window, agencies)
        )
        target = indicator.target(self._moment.today)
        found = list(zip(labels, figures, strict=True))
        return {
            told.INDICATOR_VALUE: _lines(
                told.INDICATOR_VALUE, ((label, one.value) for label, one in found)
            ),
            told.INDICATOR_NUMERATOR: _lines(
                told.INDICATOR_NUMERATOR, ((label, one.numerator) for label, one in found)
            ),
            told.INDICATOR_DENOMINATOR: _lines(
                told.INDICATOR_DENOMINATOR, ((label, one.denominator) for label, one in found)
            ),
            told.INDICATOR_TARGET: _lines(
                told.INDICATOR_TARGET, ((label, target) for label in labels)
            ),
            told.INDICATOR_PERCENTILE: _lines(told.INDICATOR_PERCENTILE, _percentiles(found)),
        }

    def reported(self, indicators: Iterable[Indicator]) -> str:
        """What agencies reported for the newest period that ended by today."""
        today = Window(None, self._moment.today)
        ones = [indicator for indicator in indicators if indicator.source == "reported"]
        scopes = [Scope(part, None, names) for part, names in self._directory.groupings(today)]
        stands_for = self._directory, self._moment.today
        return self._kept.get(
            "reported", stands_for, lambda: block(told.REPORTED_VALUE, self._reports(ones, scopes))
        )

    def _reports(
        self, indicators: Iterable[Indicator], scopes: Sequence[Scope]
    ) -> Iterator[tuple[tuple[str, str], float | None]]:
        for indicator in indicators:
            whole, by_agency = (reported(self._directory, indicator, scopes, by)[0] for by in BY)
            for agency, found in {PROVINCE: whole[""], **by_agency}.items():
                yield (indicator.id, agency), found.value

    def counts(self) -> str:
        """The province's total of every measure of every dated kind, in every window, and of what
        is open or exists today.
        """
        found = []
        for table in TABLES.values():
            if table.declared.at != "none":
                for window in EXPORTED if table.declared.at == "day" else ("all",):
                    found.append(self._table_counts(table, window))
        return head(told.COUNTS) + "".join(found)

    def _table_counts(self, table: Table, window: WindowName) -> str:
        stands_for = self._version(table, window), self._uncounted
        return self._kept.get(
            ("counts", table.cells, window), stands_for, lambda: self._write_counts(table, window)
        )

    def _write_counts(self, table: Table, window: WindowName) -> str:
        measures = table.declared.measures
        totals = [
            sum(column)
            for column in zip([0] * len(measures), *self._sums(table, window).values(), strict=True)
        ]
        named = [(table.family, table.kind, measure) for measure in measures]
        return "".join(
            sample(told.COUNTS, (*name, window), total)
            for name, total in zip(named, totals, strict=True)
            if name not in self._uncounted
        )

    def open_dossiers(self) -> str:
        """Open, overdue and due soon, of each agency and the province."""
        everything = self._today(self._snapshot.sums(OPEN, cover_days(EVER), by="agency"))
        now = {
            due: self._today(self._snapshot.sums(OPEN, self._moment.due(due), by="agency"))
            for due in DUES
        }
        return (
            self._by_agency(
                told.DOSSIERS_OPEN, {agency: open_ for agency, (open_, _) in everything.items()}
            )
            + self._by_agency(
                told.DOSSIERS_OVERDUE,
                {agency: open_ - waiting for agency, (open_, waiting) in now["past"].items()},
            )
            + self._by_agency(
                told.DOSSIERS_DUE_SOON,
                {agency: open_ - waiting for agency, (open_, waiting) in now["soon"].items()},
            )
        )

    def _by_agency(self, metric: Metric, counts: Mapping[str, int]) -> str:
        province = (PROVINCE,), sum(counts.values())
        return block(
            metric, [province, *(((agency,), counts.get(agency, 0)) for agency in self._agencies)]
        )

    def _sums(self, table: Table, window: WindowName) -> Sums:
        return self._kept.get(
            ("sums", table.cells, window),
            self._version(table, window),
            lambda: self._to_date(table, window),
        )

    def _to_date(self, table: Table, window: WindowName) -> Sums:
        """Each agency's sums, whichever form of its code was used; where a form went to another
        agency, day by day.
        """
        today = self._moment.today
        if table.declared.at == "stock":
            return self._today(self._snapshot.sums(table, cover_stock(EVER, today), by="agency"))
        if table.declared.at != "day":
            return self._today(self._whole(table, window))
        parts = self._directory.groupings(named(window, today))
        if len(parts) == 1:
            return renamed([(self._whole(table, window), parts[0][1])])
        return renamed(
            (self._snapshot.sums(table, cover_days(part), by="agency"), names)
            for part, names in parts
        )

    def _today(self, sums: Sums) -> Sums:
        """What stands today, by the codes of today."""
        today = self._moment.today
        return renamed([(sums, self._directory.groupings(Window(today, today))[0][1])])

    def _whole(self, table: Table, window: WindowName) -> Sums:
        """A month or year to date is its own row less the days to come, of which there is seldom
        any.
        """
        today = self._moment.today
        if window not in ("month", "year"):
            return self._snapshot.sums(table, cover_days(named(window, today)), by="agency")
        month = today.month if window == "month" else 12
        last = today.replace(month=month, day=monthrange(today.year, month)[1])
        found = self._snapshot.sums(
            table, cover_days(Window(named(window, today).first, last)), by="agency"
        )
        for agency, surplus in self._snapshot.sums(
            table, cover_days(Window(today + timedelta(days=1), last)), by="agency"
        ).items():
            found[agency] = [
                whole - later for whole, later in zip(found[agency], surplus, strict=True)
            ]
        return found

    def _version(self, table: Table, window: WindowName) -> Hashable:
        today = self._moment.today
        return (
            self._versions[table.family, table.kind],
            self._directory,
            today if table.declared.at == "stock" else named(window, today),
        )


def renamed(found: Iterable[tuple[Sums, Mapping[str, str]]]) -> Sums:
    """Sums under other names; what comes under one name is added up."""
    total: Sums = {}
    for sums, names in found:
        for code, vector in sums.items():
            name = names.get(code, code)
            known = total.get(name)
            total[name] = (
                vector
                if known is None
                else [one + other for one, other in zip(known, vector, strict=True)]
            )
    return total


def _labels(indicator: Indicator, window: WindowName, agencies: Iterable[str]) -> list[str]:
    """The labels, without the closing brace, of the province and of each agency."""
    return [
        f'{{indicator="{indicator.id}",agency="{escaped(agency)}",window="{window}"'
        for agency in (PROVINCE, *agencies)
    ]


def _lines(metric: Metric, samples: Iterable[tuple[str, float | None]]) -> list[str]:
    """A line for each number that is there."""
    return [
        f"{metric.name}{labels}}} {written(number)}\n"
        for labels, number in samples
        if number is not None
    ]


def _percentiles(figures: Iterable[tuple[str, Figure]]) -> Iterator[tuple[str, float]]:
    for labels, found in figures:
        if found.denominator:
            for percentile, bound in found.percentiles:
                yield f'{labels},percentile="{percentile}"', inf if bound is None else bound
