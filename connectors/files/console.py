"""What an import shows: a bar on a terminal, a plain line every few seconds elsewhere, and the
account at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from connectors.files.readers.rows import SourceRows
from schemas.spaces import OFFICIAL

_EVERY_SECONDS = 5.0
SHOWN = 10  # rejected rows that are printed
_Advance = Callable[[], None]


@dataclass(slots=True)
class ImportAccount:
    """What became of one file's rows."""

    name: str
    read: int
    accepted: int
    rejected: int
    events: int
    repeated: int = 0
    blank: int = 0
    first_rejected: list[str] = field(default_factory=list)
    rejects: Path | None = None
    personal: int = 0  # events that hold what looks like a number of a person
    first_personal: str = ""

    @property
    def holds(self) -> bool:
        """Every row read was either accepted or rejected."""
        return self.read == self.accepted + self.rejected


def say(console: Console, text: str) -> None:
    """One line as it is: file names are no markup, and pipes get no line breaks put in."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def meter(console: Console, name: str, rows: SourceRows) -> Iterator[_Advance]:
    """Shows how far the file was read each time that it is called."""
    if not console.is_terminal:
        yield plain_meter(console, name, rows)
        return
    text = TextColumn("{task.description}  {task.fields[rows]:,} rows", markup=False)
    with Progress(
        text,
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task(name, total=rows.size, rows=0)
        yield lambda: bar.update(task, completed=rows.position(), rows=rows.read)


def plain_meter(
    console: Console, name: str, rows: SourceRows, clock: Callable[[], float] = time.monotonic
) -> _Advance:
    """A line every few seconds, for logs and pipes."""
    shown = clock()

    def advance() -> None:
        nonlocal shown
        if clock() - shown >= _EVERY_SECONDS:
            shown = clock()
            part = f", {100 * rows.position() // rows.size} % of the file" if rows.size else ""
            say(console, f"{name}: {rows.read:,} rows read{part}")

    return advance


def show_rejections(console: Console, account: ImportAccount) -> None:
    """The first rejected rows, and where all of them are."""
    if not account.rejected or not account.first_rejected:
        return
    for line in account.first_rejected:
        say(console, f"{account.name}, {line}")
    more = account.rejected - len(account.first_rejected)
    if more:
        say(console, f"{account.name}: and {more:,} more rejected rows")
    if account.rejects is not None:
        say(console, f"All rejected rows, with their reasons: {account.rejects}")


def show_personal(console: Console, account: ImportAccount) -> None:
    """Events that were taken in though they should not hold what they seem to."""
    if account.personal:
        events = "1 event holds" if account.personal == 1 else f"{account.personal:,} events hold"
        say(console, f"{account.name}, {account.first_personal}")
        say(
            console,
            f"{account.name}: {events} what looks like a number of a person, and can't be taken"
            " back (docs/privacy.md). With LGSP_PERSONAL_NUMBERS=refuse such rows are rejected.",
        )


def show_table(console: Console, accounts: Sequence[ImportAccount], space: str = OFFICIAL) -> None:
    """Rows read = accepted + rejected, file by file; and whose facts they are now."""
    say(console, f"Space {space}:")
    table = Table(
        "file",
        "read",
        "accepted",
        "rejected",
        "events",
        "repeated",
        "blank",
        box=SIMPLE,
        padding=0,
        pad_edge=False,
    )
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for line in accounts:
        counts = (line.read, line.accepted, line.rejected, line.events, line.repeated, line.blank)
        table.add_row(line.name, *(f"{count:,}" for count in counts))
    console.print(table, markup=False, highlight=False)
    for line in accounts:
        if not line.holds:
            total = (
                f"{line.accepted:,} accepted + {line.rejected:,} rejected ="
                f" {line.accepted + line.rejected:,}"
            )
            say(
                console,
                f"WRONG: of {line.name} {line.read:,} rows were read, but {total}: do not rely on"
                " this import, and report it.",
            )
