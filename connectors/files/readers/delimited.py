"""CSV: the delimiter seen by which one yields the mapping's columns, strict quoting, one row per
record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from connectors.files.readers.cells import cell_text
from connectors.files.readers.options import FileOptions
from connectors.files.readers.quotes import CsvRecord, Records
from connectors.files.readers.rows import SourceRow, SourceRows, WantedColumns
from connectors.files.readers.source import TextLine, TextSource, UnreadableFile

DELIMITERS = (",", ";", "\t", "|")


class DelimitedRows(SourceRows):
    """The rows of a CSV file. A quoted cell may span lines; a row's line is its first.

    The first `passed_over` columns are no part of it.
    """

    def __init__(
        self, path: Path, options: FileOptions, wanted: WantedColumns, passed_over: int = 0
    ) -> None:
        super().__init__(path, wanted)
        self._passed_over = passed_over
        self._source = TextSource(path, options.encoding)
        try:
            self._open(options)
        except BaseException:
            self.close()
            raise

    def _open(self, options: FileOptions) -> None:
        lines = self._source.lines()
        for _ in range(options.header_row - 1):
            next(lines, None)
        first = next(lines, None)
        if first is None or not first.text.strip():
            raise UnreadableFile(
                f"{self.path.name} is empty: line {options.header_row} should name its columns."
            )
        self.delimiter = options.delimiter or self._best_delimiter(first)
        self._records = Records(chain([first], lines), self.delimiter, options.header_row)
        header = next(iter(self._records))
        if header.problem:
            raise UnreadableFile(
                f"{self.path.name} can't be read: in its header (line {header.line})"
                f" {header.problem}."
            )
        self._records.width = len(header.cells)
        self.header = [cell_text(name) for name in header.cells[self._passed_over :]]
        self._indexes = [self._passed_over + index for index in self.column_indexes(self.header)]
        self._pick = _picker(self._indexes)

    def _best_delimiter(self, first: TextLine) -> str:
        wanted = {cell_text(column) for column in self.wanted.columns}

        def yields(delimiter: str) -> tuple[int, int]:
            names = {cell_text(name) for name in next(iter(Records([first], delimiter))).cells}
            return len(names & wanted), len(names)

        return max(DELIMITERS, key=yields)

    def rows(self) -> Iterator[SourceRow]:
        """Every record that holds anything."""
        for record in self._records:
            if record.problem or any(record.cells):
                yield self._row(record)
            else:
                self.blank += 1

    def _row(self, record: CsvRecord) -> SourceRow:
        text = record.text.rstrip("\r\n")
        if record.problem:
            return SourceRow(record.line, (), text, record.problem)
        if len(record.cells) != self._records.width:
            spans = "" if record.last == record.line else f" (lines {record.line} to {record.last})"
            found = len(record.cells) - self._passed_over
            return SourceRow(
                record.line,
                (),
                text,
                f"the row{spans} has {found} cells where the header names {len(self.header)}",
            )
        return SourceRow(record.line, self._pick(record.cells), text)

    def position(self) -> int:
        """Bytes read."""
        return self._source.position()

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()


def _picker(column_indexes: Sequence[int]) -> Any:
    """Takes the wanted cells out of a row; `itemgetter` gives no tuple for one place alone."""
    if len(column_indexes) == 1:
        index = column_indexes[0]
        return lambda cells: (cells[index],)
    return itemgetter(*column_indexes)
