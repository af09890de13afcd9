"""`lgsp bench`: choose, measure, print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from ops.bench import report
from ops.bench.machine import describe, two_cores
from ops.bench.names import EVENTS, NAMES, Scale
from ops.bench.report import Line
from ops.bench.stage import Stage, progress_bars
from schemas.settings import Settings

Measure = Callable[[Stage, Scale], list[Line]]


def run_bench(
    settings: Settings, names: Sequence[str] = (), *, events: int = EVENTS, markdown: Path | None = None, console: Console | None = None,
) -> int:  # fmt: skip
    """Measure what is named (nothing: everything), print the table, write it as Markdown where wanted. Slowness is no failure.

    Raises: HubError when something could not be measured.
    """
    console = console or Console()
    scale, machine = Scale.of(events), describe(settings)
    console.print(machine, soft_wrap=True, highlight=False)
    lines = _measured(settings, [name for name in NAMES if name in names or not names], scale)
    caption = machine if scale.whole else f"Shrunk to {events:,} events, so nothing here says what the whole measurement would. {machine}"
    console.print(report.table(lines, "lgsp bench", caption))
    if markdown is not None:
        markdown.write_text(report.markdown(lines, f"Measured on: {caption}."), encoding="utf-8")
    return 0


def _measured(settings: Settings, names: Sequence[str], scale: Scale) -> list[Line]:
    lines: list[Line] = []
    with two_cores() as cores:
        for name in names:
            with progress_bars(Console(stderr=True)) as progress:
                progress.console.print(f"[bold]{name}[/]: {NAMES[name]}")
                measure: Measure = import_module(f"ops.bench.{name}").measure
                with Stage(settings, progress, cores) as stage:
                    lines += measure(stage, scale)
    return lines
