"""The province's events in the order in which they are reported, deterministic for a seed."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from operator import attrgetter
from random import Random
from typing import Literal, NamedTuple
from zlib import crc32

from ops.simulate.documents import simulate_document
from ops.simulate.dossiers import SimulatedDossier, dossier_id
from ops.simulate.history import ONE_STOP, HistoryTeller, simulate_dossier
from ops.simulate.hours import CLOSES, OPENS, instant_on, workday
from ops.simulate.things import FOREVER, ReportedEvent
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS, day_number
from schemas.events import Event

_DUPLICATES = 0.05
_DOCUMENTS_SHARE = 0.12  # documents for each dossier


def events(
    seed: int,
    dossiers: int,
    start: int,
    days: int,
    *,
    truth: Truth | None = None,
    cut: bool = True,
    backfill: bool = False,
) -> Iterator[ReportedEvent]:
    """(report time in epoch ms, event) in report order.

    `dossiers` are handed in over `days` days from `start` (epoch ms). With `cut`, what would be
    reported after the last day is left out, so that work is open at the end as in life; without it
    every dossier is told to its end. `truth` counts along.
    """
    end = start + days * DAY_MS if cut else FOREVER
    world = _World(seed, dossiers, start, days, end, truth or Truth(), backfill)
    return world.stream()


class _Planned(NamedTuple):
    """What begins when (epoch ms); `online`: a dossier that can only come so."""

    at: int
    what: Literal["dossier", "online", "document"]

    @property
    def order(self) -> tuple[int, bool, bool]:
        """Of what begins at one instant dossiers come first, then documents, then online ones."""
        return self.at, self.what == "online", self.what == "document"


class _World:
    """Things are decided in the order in which they begin; a heap brings their events into the
    order of report.
    """

    def __init__(
        self,
        seed: int,
        dossiers: int,
        start: int,
        days: int,
        end: int,
        truth: Truth,
        backfill: bool,
    ) -> None:
        self.rng = Random(seed)
        self.teller = HistoryTeller(self.rng, backfill=backfill)
        self.start, self.days, self.end, self.dossiers = start, days, end, dossiers
        self.truth = truth
        # Two runs that differ in anything must not speak of the same dossier.
        self.tag = f"{crc32(f'{seed}|{dossiers}|{start}|{days}'.encode()):08x}"
        self.heap: list[tuple[int, int, Event]] = []
        self.told = 0

    def stream(self) -> Iterator[ReportedEvent]:
        """Everything, in report order."""
        for number, (at, what) in enumerate(self._plan(), 1):
            yield from self._until(at)
            if what == "document":
                self._document(at, number)
            else:
                self._dossier(at, number, online_only=what == "online")
        yield from self._until(self.end)
        self.truth.as_of = self.end if self.end != FOREVER else 0

    def _plan(self) -> Iterator[_Planned]:
        """When what begins, day by day; nights and weekends bring only online dossiers."""
        first = day_number(self.start)
        weights = [1.0 if workday(first + day) else 0.06 for day in range(self.days)]
        dossiers = shared(self.dossiers, weights)
        documents = shared(int(self.dossiers * _DOCUMENTS_SHARE), weights)
        for day in range(self.days):
            planned = self._day(first + day, dossiers[day], documents[day])
            yield from sorted(planned, key=attrgetter("order"))

    def _day(self, day: int, dossiers: int, documents: int) -> Iterator[_Planned]:
        rng, open_ = self.rng, workday(day)
        for _ in range(dossiers):
            if not open_ or rng.random() < 0.05:
                yield _Planned(self._moment(day, rng.randrange(86_400)), "online")
            else:
                yield _Planned(self._moment(day, _office_second(rng)), "dossier")
        for _ in range(documents):
            yield _Planned(self._moment(day, _office_second(rng)), "document")

    def _moment(self, day: int, second: int) -> int:
        return max(self.start, instant_on(day, second) + self.rng.randrange(1_000))

    def _dossier(self, at: int, number: int, *, online_only: bool) -> None:
        dossier = SimulatedDossier(dossier_id(at, f"{self.tag}-{number:06}"), ONE_STOP, self.teller)
        simulate_dossier(self.rng, dossier, at, online_only=online_only)
        self.truth.add(dossier, self.end)
        self._queue(dossier.events)

    def _document(self, at: int, number: int) -> None:
        document = simulate_document(self.rng, self.teller, at, f"{number}-{self.tag}")
        self.truth.add_document(document, self.end)
        self._queue(document.events)

    def _queue(self, reported: list[ReportedEvent]) -> None:
        for at, event in reported:
            self._push(at, event)
            if self.rng.random() < _DUPLICATES:
                again = at + 1_000 + int(self.rng.random() ** 4 * 2 * DAY_MS)
                self.truth.duplicates += self._push(again, event)

    def _push(self, at: int, event: Event) -> bool:
        """Whether it is reported within the time simulated."""
        if at >= self.end:
            return False
        self.told += 1
        self.truth.events += 1
        heappush(self.heap, (at, self.told, event))
        return True

    def _until(self, at: int) -> Iterator[ReportedEvent]:
        """What is reported before an instant: nothing decided later can come before it."""
        heap = self.heap
        while heap and heap[0][0] < at:
            reported, _, event = heappop(heap)
            yield ReportedEvent(reported, event)


def _office_second(rng: Random) -> int:
    """A second of office hours, the lunch hours left nearly empty."""
    second = rng.randrange(OPENS, CLOSES)
    return second if not 41_400 <= second < 48_600 else rng.randrange(OPENS, 41_400)


def shared(total: int, weights: list[float]) -> list[int]:
    """Whole numbers in proportion to the weights, with exactly the given total."""
    sums, passed, given = sum(weights), 0.0, 0
    shares = []
    for weight in weights:
        passed += weight
        share = round(total * passed / sums) - given
        given += share
        shares.append(share)
    return shares
