"""GET /metrics: every figure as of the scrape, and this process's own health.

Figures are read anew at every scrape; what did not change since the last one (versions of the
cube's kinds) is not summed and written again. While the cube is being built no figure is told:
absent rather than wrong.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from metrics.catalogue.indicators import Agency, Indicator
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers, Snapshot
from metrics.cube.tables import TABLES
from metrics.figures.compute import NO_DIRECTORY
from metrics.figures.expected import last_events
from metrics.figures.sums import Moment, freshness_ms
from metrics.figures.uncounted import versions_of
from metrics.prometheus import table as told
from metrics.prometheus.directory import directory_text
from metrics.prometheus.exposition import block, summary
from metrics.prometheus.scrape import Kept, Scrape
from schemas.topics import DEFAULT_BOOKS
from schemas.worktime import OFFICE, Office
from serving.directory.directory import Directory
from serving.store.disposable import Unreadable
from serving.store.progress import Progress
from serving.telemetry import Metric


@dataclass(slots=True)
class Timings:
    """How often and how long, by labels; kept by the event loop's thread only."""

    count: defaultdict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))
    seconds: defaultdict[tuple[str, ...], float] = field(default_factory=lambda: defaultdict(float))

    def add(self, labels: tuple[str, ...], seconds: float) -> None:
        """One more."""
        self.count[labels] += 1
        self.seconds[labels] += seconds

    def samples(self) -> list[tuple[tuple[str, ...], int, float]]:
        """(labels, count, sum) in order."""
        return [
            (labels, count, self.seconds[labels]) for labels, count in sorted(self.count.items())
        ]


class Exporter:
    """Renders the text. `progress` and `worker_lag` ask the feed and the watcher of the workers;
    `beside` gives further metrics.
    """

    def __init__(
        self,
        cube: Cube,
        indicators: Mapping[str, Indicator],
        *,
        progress: Callable[[], Progress],
        worker_lag: Callable[[], Mapping[tuple[str, int], int]],
        clock: Callable[[], int],
        directory: Callable[[], Directory] = lambda: NO_DIRECTORY,
        agencies: Mapping[str, Agency] | None = None,
        office: Office = OFFICE,
        beside: Callable[[], str] = lambda: "",
        books: str = DEFAULT_BOOKS,
    ) -> None:
        self.requests = Timings()
        self._renders = Timings()
        self._cube, self._readers, self._indicators = cube, Readers(cube), indicators
        self._progress, self._worker_lag, self._clock = progress, worker_lag, clock
        self._directory, self._agencies, self._office = directory, agencies or {}, office
        self._beside, self._books = beside, books
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._kept = Kept()
        self._turn = asyncio.Lock()
        self._waiting: asyncio.Task[str] | None = None

    async def text(self) -> str:
        """The whole exposition. All who come while one is rendered share the next, so nobody gets
        figures older than the question.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._render_in_turn())
        return await asyncio.shield(self._waiting)

    async def _render_in_turn(self) -> str:
        async with self._turn:
            self._waiting = None
            started = perf_counter()
            try:
                return await asyncio.to_thread(self.render)
            finally:
                self._renders.add((), perf_counter() - started)

    def render(self) -> str:
        """The text, in the calling thread; not by two threads at once."""
        figures = ""
        if self._progress().ready:
            try:
                figures = self._figures()
            except Unreadable:
                figures = ""  # lgsp_cube_ready says so from the next moment on
        return figures + self._health() + generate_latest(self._process).decode()

    def _figures(self) -> str:
        # before the snapshot: at worst too old, and read again
        versions = {kind: self._cube.versions.get(kind, 0) for kind in TABLES}
        with self._readers.snapshot() as snapshot:
            if not snapshot.begun():
                return ""
            moment = Moment(self._clock(), self._office)
            scrape = Scrape(snapshot, moment, self._kept, versions, self._directory())
            known = self._indicators.values()
            figures = (
                scrape.indicators(known)
                + scrape.reported(known)
                + scrape.counts()
                + scrape.open_dossiers()
            )
            return (
                figures
                + self._pipeline(snapshot, moment)
                + directory_text(snapshot, self._directory(), self._agencies, moment.now_ms)
            )

    def _pipeline(self, snapshot: Snapshot, moment: Moment) -> str:
        oldest = freshness_ms(snapshot, self._progress().partitions, moment.now_ms)
        age = None if oldest is None else (moment.now_ms - oldest) / 1000
        last = sorted(last_events(snapshot, self._directory(), moment.today).items())
        rules = (
            (self._books, family, str(version))
            for family, found in versions_of(snapshot.rules()).items()
            for version in found
        )
        return (
            block(told.RULES, ((labels, 1) for labels in rules))
            + block(told.FRESHNESS, [((), age)])
            + block(told.LAST_EVENT, (((agency,), at / 1000) for agency, at in last))
        )

    def _health(self) -> str:
        progress, stats = self._progress(), self._cube.stats
        gauges: Iterable[tuple[Metric, float | None]] = (
            (told.CUBE_READY, int(progress.ready)),
            (told.CUBE_PROGRESS, progress.percent / 100),
            (told.CUBE_LAG, progress.lag),
            (told.CUBE_RECORDS, stats.records),
            (told.CUBE_UNREADABLE, stats.unreadable),
            (told.CUBE_REBUILDS, self._cube.rebuilds),
            (told.CUBE_SIZE, self._cube.size()),
        )
        lag = sorted(self._worker_lag().items())
        return (
            block(
                told.WORKER_LAG,
                (((topic, str(partition)), behind) for (topic, partition), behind in lag),
            )
            + "".join(block(metric, [((), number)]) for metric, number in gauges)
            + summary(told.CUBE_APPLY, [((), stats.batches, stats.apply_seconds)])
            + self._beside()
            + summary(told.RENDER, self._renders.samples())
            + summary(told.REQUESTS, self.requests.samples())
        )
