"""What every reader gives: rows with their line, and the cells that were asked for, in that order.
No other cell leaves its reader.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from connectors.files.readers.cells import DecimalNumber, FileCell, cell_text, flaw_of, is_midnight
from connectors.files.readers.source import UnreadableFile
from schemas.masking import without_numbers

_SHOWN = 40  # columns that a message names


class SourceRow(NamedTuple):
    """One row. `cells` are in the order of the wanted columns; there are none where nobody can tell
    which cell is which.

    With a `problem` it can't be taken in. `text` is the row as it came, for its length and hash
    alone.
    """

    line: int
    cells: Sequence[FileCell]
    text: str
    problem: str = ""


class WantedColumns(NamedTuple):
    """The columns that a mapping reads, and those without which no row can be taken in."""

    columns: tuple[str, ...]
    required: frozenset[str]


class SourceRows(ABC):
    """Base of the readers: open, iterate once, close. Opening checks the header.

    Raises: UnreadableFile when opened, and while iterating where the file breaks off.
    """

    # what rejections call a row's place; a workbook's cells have types, so its is another word
    origin: ClassVar[str] = "line"
    delimiter = ","  # between the cells of rejections

    def __init__(self, path: Path, wanted: WantedColumns) -> None:
        self.path, self.wanted = path, wanted
        self.read = 0  # rows given so far
        self.blank = 0  # lines without any content, which are no rows
        self.header: Sequence[str] = ()  # the file's columns

    def __iter__(self) -> Iterator[SourceRow]:
        for row in self.rows():
            self.read += 1
            yield self._sound(row)

    def _sound(self, row: SourceRow) -> SourceRow:
        """The row; rejected if a cell that the mapping reads holds an error instead of a value."""
        if row.problem:
            return row
        for index, cell in enumerate(row.cells):
            if problem := flaw_of(cell):
                return row._replace(problem=f"{self.named(row.line, index)} {problem}")
        return row

    def named(self, line: int, index: int) -> str:
        """A wanted cell's name for messages."""
        return f"column {self.wanted.columns[index]}"

    @property
    def kept(self) -> Sequence[str]:
        """What the columns of rejections are called: those that the mapping reads, in the file's
        order.
        """
        return [self.wanted.columns[index] for index in self._kept()]

    def written(self, cells: Sequence[FileCell]) -> Sequence[str]:
        """A row's cells (in the order of the wanted columns) for rejections: they are read from
        there as here.
        """
        return [_written(cells[index]) for index in self._kept()]

    def _kept(self) -> Sequence[int]:
        names = [cell_text(name) for name in self.header]
        return sorted(
            range(len(self.wanted.columns)),
            key=lambda index: names.index(cell_text(self.wanted.columns[index])),
        )

    @abstractmethod
    def rows(self) -> Iterator[SourceRow]:
        """The rows, one by one."""

    @abstractmethod
    def position(self) -> int:
        """How far the file was read, of `size`."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    @property
    def size(self) -> int | None:
        """The end of `position`; None if that is not known before."""
        return self.path.stat().st_size

    @property
    def note(self) -> str:
        """What was chosen that the mapping does not say; "" if nothing."""
        return ""

    def column_indexes(
        self, header: Sequence[str], columns: Sequence[str] | None = None
    ) -> list[int]:
        """Where columns stand (the wanted ones, unless others are given).

        Raises: UnreadableFile naming a column that is missing or stands twice, and those that
        exist.
        """
        names = [cell_text(name) for name in header]
        columns = self.wanted.columns if columns is None else columns
        for column in columns:
            count = names.count(cell_text(column))
            if count != 1:
                raise UnreadableFile(
                    f"{self.path.name} has {'no column' if not count else 'more than one column'}"
                    f" {column!r}, which the mapping reads; it has {self._listed(names)}: correct"
                    " the mapping or the file."
                )
        return [names.index(cell_text(column)) for column in columns]

    def _listed(self, names: Sequence[str]) -> str:
        """The columns of a header; of a line of which the mapping reads nothing how many, since it
        may be a row of somebody's data.
        """
        if not set(names) & set(map(cell_text, self.wanted.columns)):
            return (
                f"{len(names):,} columns, none of which it reads (does the header stand in another"
                " line?)"
            )
        listed = ", ".join(repr(without_numbers(name)) for name in names[:_SHOWN] if name)
        return listed + (", …" if len(names) > _SHOWN else "")


def _written(cell: FileCell) -> str:
    """A cell as text: what could not be told for certain must not become certain."""
    if isinstance(cell, DecimalNumber) and not cell.exact:
        return cell.rounded
    if isinstance(cell, bool):
        return str(cell).upper()
    if is_midnight(cell):
        return cell_text(cell)[:10]
    return cell_text(cell)
