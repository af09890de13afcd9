"""`lgsp bench`: choose, measure, print."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path

from rich.console import Console

from ops.bars import bars
from ops.bench import report
from ops.bench.machine import describe, two_cores
from ops.bench.names import ASKED_FOR, MEASUREMENTS, WHOLE_JOB_EVENTS, Scale
from ops.bench.report import ReportLine
from ops.bench.stage import Stage
from schemas.errors import HubError
from schemas.settings import Settings

_Measure = Callable[[Stage, Scale], list[ReportLine]]


def run_bench(
    settings: Settings,
    names: Sequence[str] = (),
    *,
    events: int = WHOLE_JOB_EVENTS,
    markdown: Path | None = None,
    console: Console | None = None,
) -> int:
    """Measure what is named (nothing: everything), print the table, write it as Markdown where
    wanted.

    Slowness is no failure: the exit code is 1 only if something could not be measured, which is
    said; the others are told all the same.
    """
    console = console or Console()
    scale, machine = Scale.of(events), describe(settings)
    console.print(machine, soft_wrap=True, highlight=False)
    chosen = [name for name in MEASUREMENTS if name in (names or MEASUREMENTS.keys() - ASKED_FOR)]
    # like Ctrl-C: nothing is left running, nothing on the disk
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with two_cores() as cores:
        measured = [_measured(settings, name, scale, cores, console) for name in chosen]
    lines = list(chain.from_iterable(filter(None, measured)))
    caption = machine
    if not scale.whole:
        caption = (
            f"Shrunk to {events:,} events, so nothing here says what the whole measurement would."
            f" {machine}"
        )
    console.print(report.report_table(lines, "lgsp bench", caption))
    if markdown is not None:
        text = report.report_markdown(lines, f"Measured on: {caption}.")
        markdown.write_text(text, encoding="utf-8")
    return 0 if all(measured) else 1


def _measured(
    settings: Settings, name: str, scale: Scale, cores: list[int], console: Console
) -> list[ReportLine] | None:
    """One measurement on a stage of its own; None if it failed."""
    measure: _Measure = getattr(import_module(f"ops.bench.{name}"), f"measure_{name}")
    try:
        with bars(Console(stderr=True), stay=True) as progress:
            progress.console.print(f"[bold]{name}[/]: {MEASUREMENTS[name]}")
            with Stage(settings, progress, cores) as stage:
                return measure(stage, scale)
    except HubError as error:
        console.print(
            f"{name} could not be measured: {error}",
            style="red",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
        return None
