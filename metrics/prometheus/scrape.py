"""The figures of one scrape as lines of text: indicators per window and agency, counts of the
province, open dossiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf

from metrics.catalogue.indicators import Indicator
from metrics.cube.tables import TABLES, Table
from metrics.figures.compute import figures, reading
from metrics.figures.counts import COUNTED, counted_sums
from metrics.figures.figure import NOTHING, Figure, figure, no_parts
from metrics.figures.origins import origin_of
from metrics.figures.query import Query
from metrics.figures.reading import Reading, Slice
from metrics.figures.sums import CellSource, SharedSums, SumsProvider, sources, whole_table
from metrics.figures.view import View
from metrics.prometheus import table as told
from metrics.prometheus.cache import Cache, CachedSums
from metrics.prometheus.exposition import block, escaped, head, number_text, sample
from schemas.codes import AdministrativeLevel
from schemas.windows import EVER, EXPORTED, Window, WindowName
from serving.telemetry import Metric

_PROVINCE = "all"
_OPEN = TABLES["dossiers", "open"]
_FIGURES = (
    told.INDICATOR_VALUE,
    told.INDICATOR_NUMERATOR,
    told.INDICATOR_DENOMINATOR,
    told.INDICATOR_TARGET,
    told.INDICATOR_PERCENTILE,
)
Lines = dict[Metric, list[str]]


def exported(indicator: Indicator) -> bool:
    """Whether it is made of counts and no item of QĐ 766; the API tells those and what agencies
    report.
    """
    return origin_of(indicator).counted and indicator.score is None


def windows_of(indicator: Indicator) -> Sequence[WindowName]:
    """The windows in which it is exported."""
    return ("all",) if indicator.asks_now else EXPORTED


class Providing:
    """Provides the sums of one scrape from what is kept."""

    def __init__(self, cache: Cache, versions: Mapping[tuple[str, str], int]) -> None:
        """`versions`: of each kind of cells, of before the snapshot."""
        self.cache, self.versions = cache, versions
        self._read: SharedSums | None = None

    def __call__(
        self,
        view: View,
        indicators: Sequence[Indicator],
        level: AdministrativeLevel | None = None,
    ) -> SumsProvider:
        """Of any indicators and levels: none is asked for here."""
        if self._read is None:
            self._read = SharedSums(view.snapshot, view.moment)
        by_agency = any(_by_agency(one) for one in indicators)
        return CachedSums(self.cache, self.versions, view.snapshot, self._read, by_agency=by_agency)


class Scrape:
    """One moment, one snapshot. The agencies are all ever heard from, under today's code."""

    def __init__(self, view: View, cache: Cache, versions: Mapping[tuple[str, str], int]) -> None:
        """`view`: one whose sums `Providing` provides, of these versions of the kinds of cells."""
        self.view, self._cache, self._versions = view, cache, versions
        self._readings: dict[tuple[WindowName | None, bool], Reading] = {}
        self._exported = [one for one in view.catalogue.values() if exported(one)]
        names = view.directory.groupings(EVER)
        heard = {known.get(code, code) for _, known in names for code in view.heard}
        self._agencies = tuple(sorted(heard))
        cache.begin(view.moment.today)

    def text(self) -> str:
        """Every figure."""
        return self._indicators() + self._reported() + self._counts() + self._open_dossiers()

    def _reading(self, window: WindowName | None, by_agency: bool = False) -> Reading:
        """Groups of agencies, over a window or (None) as of now; of the indicators of which each
        agency is told, or of the others.
        """
        if (window, by_agency) not in self._readings:
            query = Query(window=window, by="agency")
            indicators = [one for one in self._exported if _by_agency(one) == by_agency]
            self._readings[window, by_agency] = reading(self.view, query, indicators)
        return self._readings[window, by_agency]

    def _indicators(self) -> str:
        """The five metrics of every indicator that is exported."""
        lines: Lines = {metric: [] for metric in _FIGURES}
        for indicator in self._exported:
            for window in windows_of(indicator):
                for metric, found in self._indicator(indicator, window).items():
                    lines[metric] += found
        return "".join(head(metric) + "".join(found) for metric, found in lines.items() if found)

    def _indicator(self, indicator: Indicator, window: WindowName) -> Lines:
        read = sources(indicator)
        if any(source.of_now for source in read):  # which the clock alone changes
            return self._lines(indicator, window)
        stands_for = (
            *(self._version(source.table) for source in read),
            self.view.directory,
            self._agencies,
            self.view.uncounted,
        )
        return self._cache.get(
            (indicator.id, window), stands_for, lambda: self._lines(indicator, window)
        )

    def _lines(self, indicator: Indicator, window: WindowName) -> Lines:
        """No sample where the figure is absent."""
        asked = self._reading(None if indicator.asks_now else window, _by_agency(indicator))
        days = asked.told(indicator).window
        whole, _ = figures(asked, indicator, Slice(days))
        if "" not in whole:
            return {}
        if not _by_agency(indicator):  # of others the API tells the agencies
            return self._told(indicator, window, (), [whole[""]])
        found, why = figures(asked, indicator, Slice(days, by="agency"))
        agencies = self._agencies if why is None else ()
        none = figure(indicator, no_parts(indicator))
        each = [found.get(agency, none) for agency in agencies]
        return self._told(indicator, window, agencies, [whole[""], *each])

    def _told(
        self,
        indicator: Indicator,
        window: WindowName,
        agencies: tuple[str, ...],
        found: Sequence[Figure],
    ) -> Lines:
        """The lines of the province's figure and each agency's."""
        labels = self._cache.get(
            (indicator.id, window, "labels"), agencies, lambda: _labels(indicator, window, agencies)
        )
        target = indicator.target(self.view.moment.today)
        numbers: dict[Metric, list[float | None]] = {
            told.INDICATOR_VALUE: [one.value for one in found],
            told.INDICATOR_NUMERATOR: [one.numerator for one in found],
            told.INDICATOR_DENOMINATOR: [one.denominator for one in found],
            told.INDICATOR_TARGET: [target] * len(found),
        }
        lines = {
            metric: _lines(metric, zip(labels, column, strict=True))
            for metric, column in numbers.items()
        }
        percentiles = _percentiles(zip(labels, found, strict=True))
        return lines | {told.INDICATOR_PERCENTILE: _lines(told.INDICATOR_PERCENTILE, percentiles)}

    def _reported(self) -> str:
        """What agencies reported for the newest period that ended by today."""
        return self._cache.get(
            "reported",
            self.view.directory,
            lambda: block(told.REPORTED_VALUE, self._reports()),
        )

    def _reports(self) -> Iterator[tuple[tuple[str, str], float | None]]:
        query = Query(last=self.view.moment.today, by="agency")
        for indicator in self.view.catalogue.values():
            if not origin_of(indicator).stated:
                continue
            asked = reading(self.view, query, [indicator])
            whole, _ = figures(asked, indicator, Slice(asked.window))
            by_agency, _ = figures(asked, indicator, Slice(asked.window, by="agency"))
            yield (indicator.id, _PROVINCE), whole.get("", NOTHING).value
            for agency, found in by_agency.items():
                yield (indicator.id, agency), found.value

    def _counts(self) -> str:
        """The province's total of every measure of every dated kind, in every window, and of what
        is open or exists today.
        """
        found = []
        for table in COUNTED:
            for window in EXPORTED if table.declared.at == "day" else EXPORTED[-1:]:
                found.append(self._table_counts(table, window))
        return head(told.COUNTS) + "".join(found)

    def _table_counts(self, table: Table, window: WindowName) -> str:
        return self._cache.get(
            ("counts", table.cells, window),
            (self._version(table), self.view.directory, self.view.uncounted),
            lambda: self._write_counts(table, window),
        )

    def _write_counts(self, table: Table, window: WindowName) -> str:
        measures = table.declared.measures
        totals = counted_sums(self._reading(window), table).get("", [0] * len(measures))
        labels = ((table.family, table.kind, measure) for measure in measures)
        return "".join(
            sample(told.COUNTS, (*label, window), total)
            for label, total in zip(labels, totals, strict=True)
            if label not in self.view.uncounted
        )

    def _open_dossiers(self) -> str:
        """Open, overdue and due soon, of each agency and the province."""
        every = whole_table(_OPEN)
        past, soon = CellSource(_OPEN, "past", *every[2:]), CellSource(_OPEN, "soon", *every[2:])
        total, overdue, due_soon = (self._by_agency(one) for one in (every, past, soon))
        return (
            self._block(told.DOSSIERS_OPEN, {one: open_ for one, (open_, _) in total.items()})
            + self._block(told.DOSSIERS_OVERDUE, _not_waiting(overdue))
            + self._block(told.DOSSIERS_DUE_SOON, _not_waiting(due_soon))
        )

    def _by_agency(self, source: CellSource) -> dict[str, list[int]]:
        """What stands today, by the codes of today."""
        today = self.view.moment.today
        names = self.view.directory.groupings(Window(today, today))[0][1]
        total: dict[str, list[int]] = {}
        found = self.view.provider([]).sums(source, EVER, by="agency")
        for code, vector in found.groups.items():
            known = total.setdefault(names.get(code, code), [0] * len(vector))
            known[:] = [one + other for one, other in zip(known, vector, strict=True)]
        return total

    def _block(self, metric: Metric, counts: Mapping[str, int]) -> str:
        province = (_PROVINCE,), sum(counts.values())
        each = (((agency,), counts.get(agency, 0)) for agency in self._agencies)
        return block(metric, [province, *each])

    def _version(self, table: Table) -> int:
        return self._versions[table.family, table.kind]


def _by_agency(indicator: Indicator) -> bool:
    """Whether each agency is told, beside the province."""
    return indicator.main and indicator.by_agency


def _not_waiting(counts: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Of open dossiers those that do not wait for anything, by agency."""
    return {agency: open_ - waiting for agency, (open_, waiting) in counts.items()}


def _labels(indicator: Indicator, window: WindowName, agencies: Iterable[str]) -> list[str]:
    """The labels, without the closing brace, of the province and of each agency."""
    return [
        f'{{indicator="{indicator.id}",agency="{escaped(agency)}",window="{window}"'
        for agency in (_PROVINCE, *agencies)
    ]


def _lines(metric: Metric, samples: Iterable[tuple[str, float | None]]) -> list[str]:
    """A line for each number that is there."""
    return [
        f"{metric.name}{labels}}} {number_text(number)}\n"
        for labels, number in samples
        if number is not None
    ]


def _percentiles(found: Iterable[tuple[str, Figure]]) -> Iterator[tuple[str, float]]:
    for labels, one in found:
        if one.denominator:
            for percentile, bound in one.percentiles:
                yield f'{labels},percentile="{percentile}"', inf if bound is None else bound
