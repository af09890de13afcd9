"""One sheet of a workbook, row by row: every cell by its own place, in whatever order and with
whatever prefix it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from connectors.files.readers.cells import FileCell, Flaw, flaw_of
from connectors.files.readers.package import NoWorkbook, Package, TextCollector, local, unescaped
from connectors.files.readers.styles import no_date
from schemas.masking import quoted, shown

_SAVE = "open the workbook in a spreadsheet program and save it"


class SheetRow(NamedTuple):
    """A row: its number, and its cells by column, counted from 0."""

    number: int
    cells: dict[int, FileCell]


class Area(NamedTuple):
    """Merged cells, of which only the first one holds the value that is shown in all."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def name(self) -> str:
        """As spreadsheets name it: A2:A5."""
        return f"{column_name(self.left)}{self.top}:{column_name(self.right)}{self.bottom}"

    def hides(self, column: int, row: int) -> bool:
        """Whether the value that is shown in a cell stands in another one."""
        within = self.left <= column <= self.right and self.top <= row <= self.bottom
        return within and (column, row) != (self.left, self.top)


class SheetReader:
    """Reads one part. `read` are its bytes read so far, of `size`."""

    def __init__(self, package: Package, part: str) -> None:
        self._package, self._part = package, part
        self.read, self.size = 0, package.archive.getinfo(part).file_size
        self._rows: list[SheetRow] = []
        self._collect = TextCollector()
        self._number, self._cells = 0, dict[int, FileCell]()  # of the row that is being read
        self._column, self._type, self._style = -1, "n", 0  # of its cell
        self._astray = ""  # the cell's own name, if that is of another row
        self._value: list[str] | None = None
        self._formula: list[str] | None = None
        self._into: list[str] | None = None  # which of the two the characters go to

    def rows(self) -> Iterator[SheetRow]:
        """All rows that the sheet holds."""
        for read in self._package.feed(self._part, self._start, self._end, self._text):
            self.read = read
            yield from self._rows
            self._rows.clear()

    def check(self) -> list[Area]:
        """Look through the sheet once: whole, its rows in order. Gives its merged cells.

        Raises: NoWorkbook, ExpatError
        """
        last, merged = 0, list[Area]()

        def start(name: str, values: dict[str, str]) -> None:
            nonlocal last
            own = local(name)
            if own == "row":
                number = int(values.get("r", last + 1))
                if number <= last:
                    raise NoWorkbook(f"row {number} stands behind row {last}")
                last = number
            elif own == "mergeCell":
                merged.append(_area(values["ref"]))

        for _ in self._package.feed(self._part, start):
            pass
        return merged

    def _start(self, name: str, values: dict[str, str]) -> None:
        own = local(name)
        if own == "c":
            self._start_cell(values)
        elif own == "row":
            self._number = int(values.get("r", self._number + 1))
            self._cells, self._column = {}, -1
        elif own == "v":
            self._value = self._into = []
        elif own == "f":
            self._formula = self._into = []
        else:
            self._collect.start(own)

    def _start_cell(self, values: dict[str, str]) -> None:
        reference = values.get("r")
        column, row = (
            (self._column + 1, self._number) if reference is None else _place_of(reference)
        )
        self._column, self._astray = column, (reference or "") if row != self._number else ""
        self._type, self._style = values.get("t", "n"), int(values.get("s", "0"))
        self._value = self._formula = None

    def _text(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)
        else:
            self._collect.text(text)

    def _end(self, name: str) -> None:
        own = local(name)
        if own in ("v", "f"):
            self._into = None
        elif own == "c":
            self._end_cell()
        elif own == "row":
            self._rows.append(SheetRow(self._number, self._cells))
        else:
            self._collect.end(own)

    def _end_cell(self) -> None:
        cell = self._cell("".join(self._value or ()), self._collect.take())
        if self._column in self._cells:
            cell = Flaw(f"stands twice: {_SAVE}", "#VALUE!")
        elif self._astray:
            cell = Flaw(f"is named {self._astray}: {_SAVE}", "#VALUE!")
        self._cells[self._column] = cell

    def _cell(self, value: str, inline: str) -> FileCell:
        kind = self._type
        if kind == "inlineStr":
            return inline
        if kind == "e":
            return Flaw(f"holds the error {shown(value)}", value if flaw_of(value) else "#ERROR!")
        if kind == "str" and self._value is not None:
            return unescaped(value)
        if not value:
            return None if self._formula is None else self._no_result(self._formula)
        if kind == "s":
            return self._package.texts[int(value)]
        if kind == "b":
            return value in ("1", "true")
        if kind == "d":
            return _written_date(value)
        if self._formula is not None and self._package.uncomputed and value == "0":
            # some programs write 0 for the time being, and that the workbook is to be computed
            return self._no_result(self._formula)
        return self._package.styles.cell(value, self._style)

    @staticmethod
    def _no_result(formula: list[str]) -> Flaw:
        # one that is shared stands elsewhere
        text = f"the formula {quoted('=' + ''.join(formula))}" if any(formula) else "a formula"
        return Flaw(f"holds {text} without its result: {_SAVE}", "#FORMULA!")


def _written_date(value: str) -> FileCell:
    """A date that is written out, cut to milliseconds as those that are numbers."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return no_date(value)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _place_of(reference: str) -> tuple[int, int]:
    """Column, counted from 0, and row number of a cell such as AB12.

    Raises: ValueError
    """
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = 26 * column + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
    return column - 1, int(reference[len(letters) :])


def column_name(column: int) -> str:
    """The letters of a column."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _area(reference: str) -> Area:
    first, _, last = reference.partition(":")
    left, top = _place_of(first)
    right, bottom = _place_of(last or first)
    return Area(left, top, right, bottom)
