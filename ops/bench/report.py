"""What was measured beside what is needed: one line each, as a table for the terminal and for
Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table

_HEAD = ("what", "needed", "measured", "ratio", "met?")


@dataclass(frozen=True, slots=True)
class Need:
    """The least or the most that a figure may be."""

    bound: Literal["at least", "at most"]
    value: float


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One figure. `need` None: told for information. `note`: what else belongs to the figure, such
    as its spread.
    """

    what: str
    measured: float
    unit: str = ""
    need: Need | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How often the need is met: 1 is just enough, whichever way the need points."""
        if self.need is None:
            return None
        over, under = self.measured, self.need.value
        if self.need.bound == "at most":
            over, under = under, over
        return over / under if under else float("inf")

    @property
    def met(self) -> bool | None:
        """Whether the need is met; None without one."""
        return None if self.ratio is None else self.ratio >= 1

    def cells(self) -> tuple[str, str, str, str, str]:
        """The line's text, as `_HEAD` says."""
        needed = "–"
        if self.need is not None:
            sign = "≥" if self.need.bound == "at least" else "≤"
            needed = f"{sign} {self._with_unit(self.need.value)}"
        measured = self._with_unit(self.measured)
        if self.note:
            measured += f" ({self.note})"
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        return self.what, needed, measured, ratio, {None: "–", True: "yes", False: "no"}[self.met]

    def _with_unit(self, value: float) -> str:
        return f"{number(value)} {self.unit}".rstrip()


def number(value: float) -> str:
    """Three figures that count, thousands parted by commas, no zeros behind the point that say
    nothing.
    """
    if abs(value) >= 99.95 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that at least `percent` of the values do not exceed (nearest rank).

    Raises: ValueError without values.
    """
    if not values:
        raise ValueError("no values")
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(0, int(rank) - 1)]


def report_table(lines: Iterable[ReportLine], title: str, caption: str) -> Table:
    """For the terminal."""
    styles = {"yes": "green", "no": "red", "–": "dim"}
    grid = Table(*_HEAD, title=title, caption=caption, caption_justify="left")
    for line in lines:
        *cells, met = line.cells()
        grid.add_row(*cells, f"[{styles[met]}]{met}[/]")
    return grid


def report_markdown(lines: Iterable[ReportLine], caption: str) -> str:
    """For the README: the table, then what it was measured on."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(line.cells() for line in lines)]
    return "".join(map(_markdown_row, rows)) + f"\n{caption}\n"


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |\n"
