"""A file of rejected rows (rejects.py), corrected and imported with the mapping that made it, which
says how the *first* file was written.

Such a file shows by its header: `line` (or `row`, for a workbook) and `reason`, before the columns
of the rejected file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from connectors.files.readers.cells import FileCell, cell_text
from connectors.files.readers.delimited import DELIMITERS, DelimitedRows
from connectors.files.readers.objectrows import ObjectRows
from connectors.files.readers.objects import object_cells
from connectors.files.readers.options import FileOptions
from connectors.files.readers.rows import SourceRow, SourceRows, WantedColumns
from connectors.files.readers.source import ZIP, TextSource, UnreadableFile, beginning
from schemas.spreadsheets import unguarded

REASON = "reason"
_ADDED = 2  # columns that rejections put before the file's own
_BEGINS = re.compile(rf'"?(line|row)"?([{re.escape("".join(DELIMITERS))}])"?{REASON}"?\2(.*)')
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{3,6})?)?")
_BOOLEANS = {"TRUE": True, "FALSE": False}


def open_rejected(path: Path, wanted: WantedColumns) -> SourceRows | None:
    """The rows of a file of rejections; None if it is another file, or a mapping's own columns have
    those names.
    """
    found = _BEGINS.match(_first_line(path))
    if found is None or {"line", "row", REASON} & set(map(cell_text, wanted.columns)):
        return None
    origin, delimiter, others = found.groups()
    options = FileOptions(format="csv", encoding="utf-8", delimiter=delimiter)
    if others.strip().strip('"') == "json" and "json" not in wanted.columns:
        return RejectedObjects(path, options, wanted)
    if origin == "row":
        return RejectedCells(path, options, wanted)
    return RejectedRows(path, options, wanted)


def _first_line(path: Path) -> str:
    if beginning(path).startswith(ZIP):
        return ""
    try:
        with closing(TextSource(path, "utf-8")) as source:
            line = next(source.lines(), None)
    except UnreadableFile:  # which the reader that the mapping asks for will say
        return ""
    return line.text.strip() if line is not None else ""


class RejectedRows(DelimitedRows):
    """Rejected rows of a CSV file."""

    def __init__(self, path: Path, options: FileOptions, wanted: WantedColumns) -> None:
        super().__init__(path, options, wanted, _ADDED)

    def rows(self) -> Iterator[SourceRow]:
        """Every row, without what was added."""
        for row in super().rows():
            yield row._replace(cells=tuple(map(self.cell, row.cells)))

    def cell(self, cell: FileCell) -> FileCell:
        """The cell as it was in the rejected file."""
        return unguarded(cell) if isinstance(cell, str) else cell


class RejectedCells(RejectedRows):
    """Rejected rows of a workbook: its dates and booleans are told by how rejections write them.

    A date without a clock time is written as a day alone; midnight that is written out was text.
    """

    origin = "row"

    def cell(self, cell: FileCell) -> FileCell:
        """The cell with its type."""
        text = cell_text(super().cell(cell))
        if _DATE.fullmatch(text) and "T00:00:00" not in text:
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                return text
        return _BOOLEANS.get(text, text)


class RejectedObjects(ObjectRows):
    """Rejected lines of a JSON file."""

    def __init__(self, path: Path, options: FileOptions, wanted: WantedColumns) -> None:
        super().__init__(path, wanted)
        self._lines = RejectedRows(path, options, WantedColumns(("json",), frozenset(("json",))))

    def rows(self) -> Iterator[SourceRow]:
        """Every object."""
        for row in self._lines.rows():
            cells = row.problem or object_cells(cell_text(row.cells[0]))
            if isinstance(cells, str):
                yield row._replace(cells=(), problem=cells)
            else:
                yield row._replace(cells=tuple(map(cells.get, self._names)))

    def position(self) -> int:
        """Bytes read."""
        return self._lines.position()

    def close(self) -> None:
        """Let go of the file."""
        self._lines.close()
