"""Figures, lists and /metrics of a whole province's year over HTTP, on a hub that has nothing else
to do meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import aiohttp

from metrics.catalogue.indicators import load_indicators
from metrics.figures.origins import origin_of
from metrics.lists.terms import Part, families_of
from ops.bench.load import DAYS, YEAR, waiting_record, write
from ops.bench.names import Scale
from ops.bench.offsets import AppliedOffsets, PartitionOffsets, require_written
from ops.bench.report import Need, ReportLine, percentile
from ops.bench.requests import bench_headers, ready
from ops.bench.stage import Stage, deadline, require_running
from ops.simulate.whole import whole_province
from ops.up.supervise import Service
from schemas.clock import DAY_MS, to_datetime
from schemas.errors import EnvironmentBroken
from schemas.families import LISTED_FAMILIES

_SEED = 1
_PARTS: tuple[Part, Part] = ("numerator", "denominator")
_WINDOW = {
    "from": to_datetime(YEAR).date().isoformat(),
    "to": to_datetime(YEAR + (DAYS - 1) * DAY_MS).date().isoformat(),
}
_FORM_MS = {"agency": 300.0, "field": 1_000.0}
# The end of the year's first month, and its last day.
_AS_OF = (to_datetime(YEAR + 30 * DAY_MS).date().isoformat(), _WINDOW["to"])
_LARGEST = 1_000  # rows of a page
_LONGEST = 1_800.0
_Asked = tuple[str, Mapping[str, str]]  # address and parameters


@dataclass
class Run:
    """Seconds from question to whole answer, one after the other on one connection."""

    figures: list[float] = field(default_factory=list)
    scrapes: list[float] = field(default_factory=list)
    pages: dict[str, list[float]] = field(default_factory=dict)  # by what is listed
    forms: dict[str, list[float]] = field(default_factory=dict)  # by how form 06a is told
    days: dict[str, list[float]] = field(default_factory=dict)  # by the day as of which


def measure_api(stage: Stage, scale: Scale) -> list[ReportLine]:
    """A year's events are counted by a worker; then only the metrics process and the broker run,
    and are asked.
    """
    made = (
        waiting_record(event, at, stage.settings.partitions)
        for at, event in whole_province(_SEED, scale.province, YEAR, DAYS)
    )
    what = f"The year of {scale.province:,} dossiers is made"
    with stage.counting(what, 6 * scale.province) as advance:
        ends = asyncio.run(write(stage.settings, made, advance))
    return api_lines(asyncio.run(_run(stage, ends, scale)), scale)


def api_lines(run: Run, scale: Scale) -> list[ReportLine]:
    """Median and 99th percentile of each kind of answer, in ms."""
    medians = {name: percentile(took, 50) * 1000 for name, took in run.pages.items()}
    slowest = max(medians, key=lambda name: medians[name])
    pages = list(chain.from_iterable(run.pages.values()))
    lists = f"{len(run.pages)} lists, {len(pages)} pages"
    note = f"{lists}; slowest {slowest}, {medians[slowest]:.0f} ms"
    figures, answers = f"every indicator of {scale.province:,} dossiers", len(run.figures)
    return [
        *_two_lines(figures, run.figures, 150, f"{answers} answers"),
        *_two_lines("page of what is behind a figure", pages, 100, note),
        *_two_lines("/metrics", run.scrapes, 250, f"{len(run.scrapes)} scrapes"),
        *_form_lines(run),
        _day_line(run),
    ]


def _form_lines(run: Run) -> Iterator[ReportLine]:
    """Form 06a of a year."""
    for by, took in run.forms.items():
        what = f"form 06a of a year by {by}, p50"
        need = Need("at most", _FORM_MS[by])
        yield ReportLine(what, percentile(took, 50) * 1000, "ms", need, f"{len(took)} answers")


def _day_line(run: Run) -> ReportLine:
    """What it costs to ask far back."""
    first, last = (percentile(run.days[day], 50) * 1000 for day in _AS_OF)
    note = f"{first:.1f} ms, {last:.1f} ms"
    what = "overdue as of the year's first month, in times of its last day"
    return ReportLine(what, first / last, "", Need("at most", 1.15), note)


def _two_lines(what: str, took: list[float], most: float, note: str) -> Iterator[ReportLine]:
    need = Need("at most", most)
    yield ReportLine(f"{what}, p50", percentile(took, 50) * 1000, "ms", need)
    yield ReportLine(f"{what}, p99", percentile(took, 99) * 1000, "ms", need, note)


async def _run(stage: Stage, ends: PartitionOffsets, scale: Scale) -> Run:
    settings = stage.settings
    await require_written(settings, ends)
    worker, metrics = stage.service("worker"), stage.service("metrics")
    with stage.waiting("The year is counted"):
        worker.start()
        async with AppliedOffsets(settings) as applied:
            await applied.reach(ends, worker, seconds=_LONGEST)
        worker.stop()
    metrics.start()
    address = f"http://{settings.host}:{settings.metrics_port}"
    async with aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=1),
        headers=await bench_headers(settings),
    ) as session:
        with stage.waiting("Figures and lists are built"):
            await ready(session, address, metrics)
            await _lists_ready(session, metrics)
        return await _asked(stage, session, scale)


async def _lists_ready(session: aiohttp.ClientSession, metrics: Service) -> None:
    in_time = deadline("Building the lists", _LONGEST)
    while True:
        async with session.get("/v1/dossiers", params={"indicator": "dossiers_overdue"}) as answer:
            if answer.status == 200:
                return
        require_running(metrics)
        in_time()
        await asyncio.sleep(0.5)


async def _asked(stage: Stage, session: aiohttp.ClientSession, scale: Scale) -> Run:
    run = Run()
    with stage.counting("Figures are asked for", scale.asked) as advance:
        await _times(session, ("/v1/indicators", _WINDOW), scale.asked, run.figures, advance)
        await _times(session, ("/metrics", {}), max(1, scale.asked // 10), run.scrapes)
        for by in _FORM_MS:
            form = ("/v1/reports/06a", {**_WINDOW, "by": by})
            await _times(session, form, max(1, scale.asked // 40), run.forms.setdefault(by, []))
        for day in _AS_OF:
            asked = ("/v1/indicators/dossiers_overdue", {"as_of": day})
            await _times(session, asked, max(1, scale.asked // 10), run.days.setdefault(day, []))
    with stage.waiting("Lists are asked for"):
        for name, first in listed():
            took = run.pages.setdefault(name, [])
            page = await _times(session, first, max(1, scale.asked // 40), took)
            _require_whole(name, page)
            if page["next"] is not None:
                address, parameters = first
                following = (address, {**parameters, "after": page["next"]})
                await _times(session, following, max(1, scale.asked // 40), took)
    return run


def listed() -> Iterator[tuple[str, _Asked]]:
    """Every part of an indicator that has a list: its name, and how the first page is asked for."""
    for indicator in load_indicators().values():
        for part in _PARTS:
            families = families_of(indicator, part)
            listed = origin_of(indicator).listed and len(families) == 1
            if listed and families[0] in LISTED_FAMILIES:
                asked = {
                    "indicator": indicator.id,
                    "part": part,
                    "limit": str(_LARGEST),
                    **({} if indicator.asks_now else _WINDOW),
                }
                yield f"{indicator.id} {part}", (f"/v1/{families[0]}", asked)


async def _times(
    session: aiohttp.ClientSession,
    asked: _Asked,
    count: int,
    into: list[float],
    advance: Callable[[int], None] = lambda _: None,
) -> Any:
    """Ask so many times, after once unmeasured; the last answer. Raises: EnvironmentBroken for any
    answer but 200.
    """
    address, parameters = asked
    for number in range(count + 1):
        began = time.perf_counter()
        async with session.get(address, params=parameters) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise EnvironmentBroken(
                    f"{answer.url} answered {answer.status}: {body[:300].decode()}"
                )
            if number:
                into.append(time.perf_counter() - began)
                advance(number)
            found = await answer.json() if answer.content_type == "application/json" else None
    return found


def _require_whole(name: str, page: Any) -> None:
    """Raises: EnvironmentBroken unless the list is its figure: how quickly another one is told says
    nothing.
    """
    if page["figure"] is not None and not page["same_moment"]:
        raise EnvironmentBroken(
            f"The list of {name} adds up to {page['adds']} and its figure is {page['figure']}: see"
            " the log of `lgsp metrics`."
        )
