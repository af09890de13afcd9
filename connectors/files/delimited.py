"""CSV: the delimiter seen by which one yields the mapping's columns, strict quoting, one row per record."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from connectors.files.mapping import FileOptions
from connectors.files.rows import Row, Rows, Wanted
from connectors.files.source import LONGEST, Line, TextSource, UnreadableFile
from connectors.files.values import text_of

DELIMITERS = (",", ";", "\t", "|")
csv.field_size_limit(LONGEST)


class DelimitedRows(Rows):
    """The rows of a CSV file. A quoted cell may span lines; a row's line is its first."""

    def __init__(self, path: Path, options: FileOptions, wanted: Wanted) -> None:
        super().__init__(path, wanted)
        self._source = TextSource(path, options.encoding)
        self._lines = self._source.lines()
        self._problem = ""  # of the lines that the current record spans
        self._given = 0
        self._spanned: list[str] = []  # the lines themselves
        try:
            self._open(options)
        except BaseException:
            self.close()
            raise

    def _open(self, options: FileOptions) -> None:
        for _ in range(options.header_row - 1):
            self._next_text()
        first = self._next_text()
        if first is None or not first.strip():
            raise UnreadableFile(f"{self.path.name} is empty: line {options.header_row} should name its columns.")
        self._delimiter = options.delimiter or self._best_delimiter(first)
        try:
            header = next(csv.reader(chain([first], self._texts()), delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            self._problem = self._problem or f"the quotes do not match ({error})"
        if self._problem:
            raise UnreadableFile(f"{self.path.name} can't be read: in its header {self._problem}.")
        self.header = [text_of(name) for name in header]
        self._pick = _picker(self.places(self.header))

    def _best_delimiter(self, first: str) -> str:
        wanted = {text_of(column) for column in self.wanted.columns}

        def yields(delimiter: str) -> tuple[int, int]:
            names = {text_of(name) for name in next(csv.reader([first], delimiter=delimiter))}
            return len(names & wanted), len(names)

        return max(DELIMITERS, key=yields)

    def _next_text(self) -> str | None:
        line: Line | None = next(self._lines, None)
        if line is None:
            return None
        self._given += 1
        self._problem = self._problem or line.problem
        self._spanned.append(line.text)
        return line.text

    def _texts(self) -> Iterator[str]:
        while (text := self._next_text()) is not None:
            yield text

    def rows(self) -> Iterator[Row]:
        """Every record that holds anything."""
        records = csv.reader(self._texts(), delimiter=self._delimiter, strict=True)
        while True:
            line, self._problem = self._given + 1, ""
            self._spanned.clear()
            try:
                raw = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                where = f"line {line} is" if line == self._given else f"lines {line} to {self._given} are"
                yield Row(line, (), ("".join(self._spanned).rstrip("\r\n"),), f"{where} no CSV ({error})")
                continue
            if self._problem or any(raw):
                yield self._row(line, raw)
            else:
                self.blank += 1

    def _row(self, line: int, raw: list[str]) -> Row:
        if self._problem:
            return Row(line, (), raw, self._problem)
        if len(raw) != len(self.header):
            return Row(line, (), raw, f"the row has {len(raw)} cells where the header names {len(self.header)}")
        return Row(line, self._pick(raw), raw)

    def position(self) -> int:
        """Bytes read."""
        return self._source.position()

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()


def _picker(places: Sequence[int]) -> Any:
    """Takes the wanted cells out of a row; `itemgetter` gives no tuple for one place alone."""
    if len(places) == 1:
        place = places[0]
        return lambda cells: (cells[place],)
    return itemgetter(*places)
