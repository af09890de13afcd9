"""The province's events in the order in which they are reported, deterministic for a seed."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random
from zlib import crc32

from ops.simulate.documents import Letter, write_letter
from ops.simulate.dossiers import Life, Reported
from ops.simulate.history import ONE_STOP, HistoryTeller, live_through
from ops.simulate.hours import CLOSES, OPENS, instant, workday
from ops.simulate.truth import FOREVER, Truth
from schemas.clock import DAY_MS, day_number, to_datetime
from schemas.events import Event

DUPLICATES = 0.05
LETTERS = 0.12  # documents for each dossier
Planned = tuple[int, str]  # (epoch ms, "dossier" | "online" | "letter")


def events(
    seed: int,
    dossiers: int,
    start: int,
    days: int,
    *,
    truth: Truth | None = None,
    cut: bool = True,
    backfill: bool = False,
) -> Iterator[tuple[int, Event]]:
    """(report time in epoch ms, event) in report order.

    `dossiers` are handed in over `days` days from `start` (epoch ms). With `cut`, what would be
    reported after the last day is left out, so that work is open at the end as in life; without it
    every life is told to its end. `truth` counts along.
    """
    end = start + days * DAY_MS if cut else FOREVER
    world = _World(seed, dossiers, start, days, end, truth or Truth(), backfill)
    return world.stream()


class _World:
    """Lives are decided in the order of reception; a heap brings their events into the order of
    report.
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

    def stream(self) -> Iterator[tuple[int, Event]]:
        """Everything, in report order."""
        for number, (at, what) in enumerate(self._plan(), 1):
            yield from self._until(at)
            if what == "letter":
                self._letter(at, number)
            else:
                self._dossier(at, number, online_only=what == "online")
        yield from self._until(self.end)
        self.truth.as_of = self.end if self.end != FOREVER else 0

    def _plan(self) -> Iterator[Planned]:
        """When what begins, day by day; nights and weekends bring only online dossiers."""
        first = day_number(self.start)
        weights = [1.0 if workday(first + day) else 0.06 for day in range(self.days)]
        counts, letters = (
            shared(self.dossiers, weights),
            shared(int(self.dossiers * LETTERS), weights),
        )
        for day in range(self.days):
            yield from sorted(self._day(first + day, counts[day], letters[day]))

    def _day(self, day: int, count: int, letters: int) -> Iterator[Planned]:
        rng, open_ = self.rng, workday(day)
        for _ in range(count):
            online_only = not open_ or rng.random() < 0.05
            second = rng.randrange(86_400) if online_only else _office_second(rng)
            yield (
                max(self.start, instant(day, second) + rng.randrange(1_000)),
                "online" if online_only else "dossier",
            )
        for _ in range(letters):
            yield (
                max(self.start, instant(day, _office_second(rng)) + rng.randrange(1_000)),
                "letter",
            )

    def _dossier(self, at: int, number: int, *, online_only: bool) -> None:
        life = Life(
            f"H35.SAMPLE-{to_datetime(at):%y%m%d}-{self.tag}-{number:06}", ONE_STOP, self.teller
        )
        live_through(self.rng, life, at, online_only=online_only)
        self.truth.add(life, self.end)
        self._queue(life.events)

    def _letter(self, at: int, number: int) -> None:
        letter: Letter = write_letter(self.rng, self.teller, at, f"{number}-{self.tag}")
        self.truth.add_letter(letter, self.end)
        self._queue(letter.events)

    def _queue(self, reported: list[Reported]) -> None:
        for at, event in reported:
            self._push(at, event)
            if self.rng.random() < DUPLICATES:
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

    def _until(self, at: int) -> Iterator[tuple[int, Event]]:
        """What is reported before an instant: nothing decided later can come before it."""
        heap = self.heap
        while heap and heap[0][0] < at:
            reported, _, event = heappop(heap)
            yield reported, event


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
