"""XLSX workbooks, read in flat memory: values as Excel last computed them, dates as dates, nothing computed here."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook

from connectors.files.mapping import FileOptions
from connectors.files.rows import Row, Rows, Wanted
from connectors.files.source import CHUNK, UnreadableFile
from connectors.files.values import is_blank, text_of

_ERRORS = frozenset(ERROR_CODES)


@contextmanager
def _workbook(path: Path) -> Iterator[None]:
    """openpyxl raises whatever its parsers hit on a damaged workbook."""
    try:
        yield
    except UnreadableFile:
        raise
    except OSError as error:
        raise UnreadableFile(f"{path} can't be read ({error.strerror or error}): check that it is a file and may be read.") from error
    except Exception as error:
        why = str(error) or type(error).__name__
        raise UnreadableFile(f"{path.name} is no sound XLSX workbook ({why}): save it anew in a spreadsheet program.") from error


class WorkbookRows(Rows):
    """The rows of one sheet; `line` is the sheet's row number."""

    def __init__(self, path: Path, options: FileOptions, wanted: Wanted) -> None:
        super().__init__(path, wanted)
        self._books: list[Workbook] = []
        self._header_row = options.header_row
        try:
            with _workbook(path):
                self._sheet = self._open(options, values=True)
                self._formulas = self._open(options, values=False) if _has_formulas(path) else None
                self.header = self._names()
            self._places = self.places(self.header)
        except BaseException:
            self.close()
            raise

    def _names(self) -> list[str]:
        """The header up to its last name: sheets often go on with blank columns."""
        cells = next(self._sheet.iter_rows(min_row=self._header_row, max_row=self._header_row, values_only=True), ())
        names = [text_of(name) for name in cells]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise UnreadableFile(f"{self.path.name} is empty: row {self._header_row} of sheet {self._sheet.title} should name its columns.")
        return names

    def _open(self, options: FileOptions, *, values: bool) -> Any:
        book = load_workbook(self.path, read_only=True, data_only=values, keep_links=False)
        self._books.append(book)
        if options.sheet is not None and options.sheet not in book.sheetnames:
            listed = ", ".join(map(repr, book.sheetnames))
            raise UnreadableFile(f"{self.path.name} has no sheet {options.sheet!r}, which the mapping names; it has {listed}.")
        sheet = book[options.sheet or book.sheetnames[0]]
        if not hasattr(sheet, "reset_dimensions"):
            raise UnreadableFile(f"{self.path.name}: {sheet.title} is a chart, not a sheet of cells: name the sheet in the mapping.")
        sheet.reset_dimensions()  # some programs write wrong ones
        return sheet

    def rows(self) -> Iterator[Row]:
        """Every row that holds anything."""
        first = self._header_row + 1
        for number, values, formulas in self._pairs(first):
            if all(map(is_blank, values)) and not any(formulas):
                self.blank += 1
            else:
                yield self._row(number, values, formulas)

    def _pairs(self, first: int) -> Iterator[tuple[int, Sequence[Any], Sequence[Any]]]:
        """Row number, values, and the same row's formulas (only if the workbook has any)."""
        with _workbook(self.path):
            rows = self._sheet.iter_rows(min_row=first, values_only=True)
            if self._formulas is None:
                for number, values in enumerate(rows, first):
                    yield number, values, ()
                return
            written = self._formulas.iter_rows(min_row=first, values_only=True)
            for number, (values, formulas) in enumerate(zip(rows, written, strict=True), first):
                yield number, values, formulas

    def _row(self, number: int, values: Sequence[Any], formulas: Sequence[Any]) -> Row:
        raw = [text_of(value) for value in values]
        width = len(self.header)
        while len(raw) > width and not raw[-1]:
            raw.pop()
        if len(raw) > width:
            return Row(number, (), raw, f"the row has {len(raw)} cells where the header names {width}")
        cells = tuple(values[place] if place < len(values) else None for place in self._places)
        for place, cell in zip(self._places, cells, strict=True):
            if problem := _problem(cell, formulas[place] if place < len(formulas) else None):
                return Row(number, (), raw, f"cell {get_column_letter(place + 1)}{number} (column {self.header[place]}) {problem}")
        return Row(number, cells, raw)

    def position(self) -> int:
        """Rows read: a workbook's bytes say nothing about how far it is."""
        return self.read

    @property
    def size(self) -> int | None:
        """Not known before the end."""
        return None

    def close(self) -> None:
        """Let go of the file."""
        for book in self._books:
            book.close()


def _problem(cell: Any, formula: Any) -> str:
    if isinstance(cell, str) and cell in _ERRORS:
        return f"holds the error {cell}"
    if cell is None and formula is not None:
        return f"holds the formula {str(formula)[:40]!r} without its result: open the workbook in a spreadsheet program and save it"
    return ""


def _has_formulas(path: Path) -> bool:
    """Only then a second look at the sheet is needed, to tell a blank cell from a formula that was never computed."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as part:
                    tail = b""
                    while chunk := part.read(CHUNK):
                        if b"<f>" in (seen := tail + chunk) or b"<f " in seen:
                            return True
                        tail = seen[-2:]
    return False
