"""The take-over: one process opens the ledgers of all partitions, whose books hold a million
dossiers; its time and memory.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass

from ops.bench.books import BooksKey, Made, count_into, half_years, make_half_year, summed
from ops.bench.load import MAKERS, Writer
from ops.bench.machine import Usage, usage
from ops.bench.names import Scale
from ops.bench.report import Need, ReportLine
from ops.bench.stage import Stage, in_own_process
from schemas.cells.applied import CellsStanding, applied_row
from schemas.settings import Settings
from schemas.topics import CELLS
from streams.families import FAMILIES, families
from streams.ledger import Ledger
from streams.takeover import take_over

_PARTS = 6  # three years; few enough to keep what is made at once in memory
_LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Opened:
    """What the process found, and what it took."""

    seconds: float
    states: dict[str, int]
    pages: int
    used: Usage


def measure_takeover(stage: Stage, scale: Scale) -> list[ReportLine]:
    """Make the books, write them, then open all of them in a fresh process."""
    with stage.counting(f"Books of {scale.books:,} dossiers are made", scale.books) as advance:
        books = _made(stage.settings, scale.books, advance)
    with stage.waiting("Pages are written"):
        asyncio.run(_write_pages(stage.settings, books))
    with stage.waiting("The take-over"):
        opened = in_own_process(open_all, stage.settings)
    return takeover_lines(opened)


def takeover_lines(opened: Opened) -> list[ReportLine]:
    """The figures. Memory is the whole process's, per million dossiers."""
    dossiers = opened.states["dossiers"]
    others = sum(opened.states.values()) - dossiers
    held = f"{others:,} documents beside them, {opened.pages:,} pages of cells"
    memory = f"whole process {opened.used.memory:,.0f} MB, at most {opened.used.peak:,.0f} MB"
    return [
        ReportLine(
            f"take-over of {dossiers:,} dossiers", opened.seconds, "s", Need("at most", 7), held
        ),
        ReportLine(
            "memory per million dossiers",
            opened.used.memory / (dossiers / 1e6),
            "MB",
            Need("at most", 500),
            memory,
        ),
    ]


def open_all(settings: Settings) -> Opened:
    """Open every ledger at once, as a worker does on taking over; meant for a process of its own,
    with all that a worker has loaded.
    """
    from streams.worker import worker_app

    gc.set_threshold(100_000, 50, 100)  # as the worker's
    worker_app(settings)
    return asyncio.run(_open_all(settings))


async def _open_all(settings: Settings) -> Opened:
    ledgers = [Ledger(partition, settings) for partition in range(settings.partitions)]
    began = time.perf_counter()
    await take_over(settings, ledgers)
    took, used = time.perf_counter() - began, usage(os.getpid())
    for ledger in ledgers:
        await ledger.close()
    states, pages = dict.fromkeys(FAMILIES, 0), 0
    for ledger in ledgers:
        for part in ledger.by_topic.values():
            states[part.family.name] += len(part.family_state.states)
            pages += len(part.family_state.pages)
    return Opened(took, states, pages, used)


def _made(
    settings: Settings, dossiers: int, advance: Callable[[int], None]
) -> dict[BooksKey, list[Made]]:
    books: dict[BooksKey, list[Made]] = {}
    spawn = multiprocessing.get_context("spawn")
    counter = spawn.Value("q", 0)
    # A fresh process for each part: what the one before has left in memory would only be in the
    # way.
    with ProcessPoolExecutor(MAKERS, spawn, count_into, (counter,), max_tasks_per_child=1) as pool:
        making = [
            pool.submit(make_half_year, settings, part) for part in half_years(dossiers, _PARTS)
        ]
        while wait(making, timeout=_LOOK_SECONDS).not_done:
            advance(counter.value)
        for made in making:
            for place, one in made.result().items():
                books.setdefault(place, []).append(one)
    return books


async def _write_pages(settings: Settings, books: dict[BooksKey, list[Made]]) -> None:
    """Each partition's pages, and by which rules they are counted. They stand for no event, since
    there is none in Kafka.
    """
    async with Writer(settings) as writer:
        for (family, partition), made in books.items():
            pages = summed(one.pages for one in made)
            applied = applied_row(family, CellsStanding(0, families(settings)[family].rules))
            await writer.write(CELLS, partition, ((*row, []) for row in (*pages.items(), applied)))
