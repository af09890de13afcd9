"""XLSX workbooks, read in flat memory: values as they were last computed, dates as dates, nothing
computed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.files.readers.cells import FileCell, Flaw, cell_text, is_blank
from connectors.files.readers.options import FileOptions
from connectors.files.readers.package import Package, WorkbookSheet, sound
from connectors.files.readers.rows import SourceRow, SourceRows, WantedColumns
from connectors.files.readers.sheets import Area, SheetReader, column_name
from connectors.files.readers.source import UnreadableFile


class WorkbookRows(SourceRows):
    """The rows of one sheet; `line` is the sheet's row number."""

    origin = "row"

    def __init__(self, path: Path, options: FileOptions, wanted: WantedColumns) -> None:
        super().__init__(path, wanted)
        with sound(path):
            self._package = Package(path)
        try:
            with sound(path):
                self._open(options)
        except BaseException:
            self.close()
            raise

    def _open(self, options: FileOptions) -> None:
        self._sheet = self._chosen(options.sheet)
        self._reader = SheetReader(self._package, self._sheet.part)
        self._merged = sorted(self._reader.check(), key=lambda area: -area.top)  # the next one last
        self._covering: list[Area] = []
        self._rows = self._reader.rows()
        self.header = self._names(options.header_row)
        self._indexes = self.column_indexes(self.header)

    def _chosen(self, name: str | None) -> WorkbookSheet:
        sheets = self._package.sheets
        if name is None:
            found = next((sheet for sheet in sheets if sheet.part and not sheet.hidden), None)
            if found is None:
                raise UnreadableFile(
                    f"{self.path.name} shows no sheet of cells (it has {_listed(sheets)}): name one"
                    " in the mapping."
                )
            return found
        found = next((sheet for sheet in sheets if cell_text(sheet.name) == cell_text(name)), None)
        if found is None:
            raise UnreadableFile(
                f"{self.path.name} has no sheet {name!r}, which the mapping names; it has"
                f" {_listed(sheets)}."
            )
        if not found.part:
            raise UnreadableFile(
                f"{self.path.name}: {found.name} is a chart, not a sheet of cells: name another in"
                " the mapping."
            )
        return found

    @property
    def note(self) -> str:
        """Which sheet is read, and which are not."""
        others = [sheet for sheet in self._package.sheets if sheet is not self._sheet]
        hidden = " (which is hidden)" if self._sheet.hidden else ""
        passed_over = f", not {_listed(others)}" if others else ""
        return f"reading sheet {self._sheet.name!r}{hidden}{passed_over}"

    def _names(self, header_row: int) -> list[str]:
        """The header up to its last name: sheets often go on with blank columns."""
        found = next((row for row in self._rows if row.number >= header_row), None)
        cells = found.cells if found is not None and found.number == header_row else {}
        named = [column for column, cell in cells.items() if cell_text(cell)]
        if not named:
            raise UnreadableFile(
                f"{self.path.name} is empty: row {header_row} of sheet {self._sheet.name} should"
                " name its columns."
            )
        return [cell_text(cells.get(column)) for column in range(max(named) + 1)]

    def rows(self) -> Iterator[SourceRow]:
        """Every row that holds anything."""
        with sound(self.path):
            for row in self._rows:
                if all(map(is_blank, row.cells.values())):
                    self.blank += 1
                else:
                    yield self._row(row.number, row.cells | self._covered(row.number))

    def _row(self, number: int, cells: dict[int, FileCell]) -> SourceRow:
        filled = [column for column, cell in cells.items() if not is_blank(cell)]
        width = max([len(self.header), *(column + 1 for column in filled)])
        text = "\t".join(cell_text(cells.get(column)) for column in range(width))
        if width > len(self.header):
            return SourceRow(
                number,
                (),
                text,
                f"the row has {width} cells where the header names {len(self.header)}",
            )
        return SourceRow(number, tuple(map(cells.get, self._indexes)), text)

    def _covered(self, number: int) -> dict[int, FileCell]:
        """The row's wanted cells that look filled, but whose value is kept by another one that they
        are merged with.
        """
        while self._merged and self._merged[-1].top <= number:
            self._covering.append(self._merged.pop())
        self._covering = [area for area in self._covering if area.bottom >= number]
        covered: dict[int, FileCell] = {}
        for area in self._covering:
            problem = f"is one of the merged cells {area.name}: split them, and fill in each"
            for index in self._indexes:
                if area.hides(index, number):
                    covered[index] = Flaw(problem, "#VALUE!")
        return covered

    def named(self, line: int, index: int) -> str:
        """A wanted cell as spreadsheets name it."""
        column = self._indexes[index]
        return f"cell {column_name(column)}{line} (column {self.header[column]})"

    def position(self) -> int:
        """Bytes of the unpacked sheet that were read."""
        return self._reader.read

    @property
    def size(self) -> int:
        """All of them."""
        return self._reader.size

    def close(self) -> None:
        """Let go of the file."""
        self._package.close()


def _listed(sheets: list[WorkbookSheet]) -> str:
    names = [f"{sheet.name!r}{' (hidden)' if sheet.hidden else ''}" for sheet in sheets]
    return ", ".join(names) or "none"
