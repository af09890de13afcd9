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

from metrics.cube.cube import Cube
from metrics.cube.tables import TABLES
from metrics.figures.expected import last_events
from metrics.figures.view import View, Views
from metrics.prometheus import table as told
from metrics.prometheus.cache import Cache
from metrics.prometheus.directory import directory_text
from metrics.prometheus.exposition import block, summary
from metrics.prometheus.scrape import Providing, Scrape
from serving.spaces import SPACE
from serving.store.disposable import Unreadable
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
    """Renders the text. `worker_lag` asks the watcher of the workers, by (topic, partition);
    `beside` gives further metrics.
    """

    def __init__(
        self,
        cube: Cube,
        views: Views,
        *,
        worker_lag: Callable[[], Mapping[tuple[str, int], int]] = dict,
        beside: Callable[[], str] = lambda: "",
    ) -> None:
        self.requests = Timings()
        self._renders = Timings()
        self._cube, self._views = cube, views
        self._worker_lag, self._beside = worker_lag, beside
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._cache = Cache()
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
        if self._views.progress().ready:
            try:
                figures = self._figures()
            except Unreadable:
                figures = ""  # lgsp_cube_ready says so from the next moment on
        return figures + self._health() + generate_latest(self._process).decode()

    def _figures(self) -> str:
        # before the snapshot: at worst too old, and read again
        versions = {kind: self._cube.versions.get(kind, 0) for kind in TABLES}
        with self._views.readers.snapshot() as snapshot:
            if not snapshot.begun():
                return ""
            view = self._views.of(snapshot, Providing(self._cache, versions))
            scrape = Scrape(view, self._cache, versions)
            return scrape.text() + _pipeline(view) + directory_text(view)

    def _health(self) -> str:
        progress, stats = self._views.progress(), self._cube.stats
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
            block(SPACE, [((self._views.space,), 1)])
            + block(
                told.WORKER_LAG,
                (((topic, str(partition)), behind) for (topic, partition), behind in lag),
            )
            + "".join(block(metric, [((), number)]) for metric, number in gauges)
            + summary(told.CUBE_APPLY, [((), stats.batches, stats.apply_seconds)])
            + self._beside()
            + summary(told.RENDER, self._renders.samples())
            + summary(told.REQUESTS, self.requests.samples())
        )


def _pipeline(view: View) -> str:
    oldest, now_ms = view.freshness_ms, view.moment.now_ms
    age = None if oldest is None else (now_ms - oldest) / 1000
    last = sorted(last_events(view.directory, view.heard, view.moment.today).items())
    rules = (
        (view.books, family, str(version))
        for family, versions in view.rules.items()
        for version in versions
    )
    return (
        block(told.RULES, ((labels, 1) for labels in rules))
        + block(told.FRESHNESS, [((), age)])
        + block(told.LAST_EVENT, (((agency,), at / 1000) for agency, at in last))
    )
