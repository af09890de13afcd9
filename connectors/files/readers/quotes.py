"""CSV's quoting, strictly: a quote opens a cell only at its beginning and closes it only at its end
(RFC 4180).

A quoted cell may span lines as long as nobody can take it for rows: a quote that was typed by
mistake, and is closed by the next one far below, would swallow all rows between. So a cell that
spans lines and holds as many delimiters as a row has is refused, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from connectors.files.readers.source import LONGEST_LINE, TextLine

_INSIDE = r'[^"]*(?:""[^"]*)*'
_WITHIN = re.compile(_INSIDE)
_OPENED = re.compile(rf'"({_INSIDE})\Z')


@dataclass(slots=True)
class CsvRecord:
    """The cells of one row, and the lines it spans; with a `problem`, it is one line cut at its
    delimiters.
    """

    line: int
    last: int
    cells: list[str]
    problem: str = ""
    text: str = ""


@dataclass(slots=True)
class _Open:
    """A cell whose quote is not closed yet: the lines that it spans, and the cells before it."""

    lines: list[tuple[int, TextLine]]
    cells: list[str]
    parts: list[str] = field(default_factory=list)


class Records:
    """Takes lines apart into records. `width` is the number of columns, or 0 while the header is
    read.
    """

    def __init__(
        self, lines: Iterable[TextLine], delimiter: str, first_line: int = 1, width: int = 0
    ) -> None:
        self.delimiter, self.width = delimiter, width
        self._lines = enumerate(lines, first_line)
        mark = re.escape(delimiter)
        self._cell = re.compile(rf'(?:"({_INSIDE})"|([^"{mark}]*))({mark}|\Z)')

    def __iter__(self) -> Iterator[CsvRecord]:
        for number, line in self._lines:
            if '"' not in line.text:
                yield CsvRecord(
                    number, number, _content(line).split(self.delimiter), line.problem, line.text
                )
            else:
                yield from self._quoted(number, line)

    def _quoted(self, number: int, line: TextLine) -> Iterator[CsvRecord]:
        cells: list[str] = []
        found = self._cells(_content(line), cells)
        if found is None and not line.problem:
            yield CsvRecord(number, number, cells, "", line.text)
        elif isinstance(found, str) and not line.problem:
            yield from self._spanning(_Open([(number, line)], cells, [found + _break(line)]))
        else:
            yield self._refused(number, line, self._stray(cells))

    def _cells(self, text: str, cells: list[str]) -> str | int | None:
        """Append the text's cells; gives what a last, unclosed one holds so far, or the place of a
        quote that may not be there.
        """
        offset = 0
        while True:
            cell = self._cell.match(text, offset)
            if cell is None:
                opened = _OPENED.match(text, offset)
                return opened[1] if opened else offset
            quoted, plain, end = cell.groups()
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if not end:
                return None
            offset = cell.end()

    def _spanning(self, opened: _Open) -> Iterator[CsvRecord]:
        """A record whose cell goes on in the next lines; all of them are refused, each by itself,
        where it can't be one.
        """
        length, delimiters = 0, opened.parts[0].count(self.delimiter)
        for number, line in self._lines:
            text = _content(line)
            inside = _inside(text)
            opened.lines.append((number, line))
            delimiters += inside.count(self.delimiter)
            length += len(text)
            problem = self._problem(opened, delimiters, length)
            if problem:
                yield from self._refuse(opened, problem, still_open=len(inside) == len(text))
                return
            if len(inside) == len(text):
                opened.parts.append(inside + _break(line))
                continue
            yield from self._closed(opened, inside, text[len(inside) + 1 :])
            return
        yield from self._refuse(opened, f"{_opening(opened)} is never closed", still_open=False)

    def _closed(self, opened: _Open, inside: str, rest: str) -> Iterator[CsvRecord]:
        """The record goes on behind the closing quote, where another cell may open."""
        cells = [*opened.cells, "".join([*opened.parts, inside]).replace('""', '"')]
        found: str | int | None = None
        if rest.startswith(self.delimiter):
            found = self._cells(rest[len(self.delimiter) :], cells)
        elif rest:
            found = 0
        first, last = opened.lines[0][0], opened.lines[-1]
        if found is None:
            yield CsvRecord(
                first, last[0], cells, "", "".join(line.text for _, line in opened.lines)
            )
        elif isinstance(found, str):
            yield from self._spanning(_Open(opened.lines, cells, [found + _break(last[1])]))
        else:
            yield from self._refuse(
                opened,
                f"{_opening(opened)} closes in the middle of a cell in line {last[0]}",
                still_open=False,
            )

    def _problem(self, opened: _Open, delimiters: int, length: int) -> str:
        number, line = opened.lines[-1]
        if line.problem:
            return f"{_opening(opened)} takes in line {number}, which can't be read"
        if length > LONGEST_LINE:
            return f"{_opening(opened)} is still open {LONGEST_LINE:,} characters later"
        if delimiters >= (self.width - 1 if self.width else 1):
            return f"{_opening(opened)} takes in lines below that look like rows"
        return ""

    def _refuse(self, opened: _Open, problem: str, *, still_open: bool) -> Iterator[CsvRecord]:
        """Refuse each line of a record; the lines behind it too, until its quote closes."""
        for number, line in opened.lines:
            yield self._refused(number, line, problem)
        while still_open and (following := next(self._lines, None)) is not None:
            number, line = following
            still_open = _inside(_content(line)) == _content(line)
            yield self._refused(number, line, problem)

    def _refused(self, number: int, line: TextLine, problem: str) -> CsvRecord:
        if not _content(line):
            return CsvRecord(number, number, [])  # no row, wherever it stands
        advice = "take it away, or put its whole cell in quotes and write it twice"
        return CsvRecord(
            number,
            number,
            _content(line).split(self.delimiter),
            line.problem or f"{problem}: {advice}",
            line.text,
        )

    @staticmethod
    def _stray(cells: list[str]) -> str:
        return f"a quote stands in the middle of cell {len(cells) + 1}"


def _opening(opened: _Open) -> str:
    return f"the quote that opens in line {opened.lines[0][0]}"


def _inside(text: str) -> str:
    """The part of a line that is still within an open cell; all of it if the cell goes on."""
    found = _WITHIN.match(text)
    return found[0] if found else ""


def _content(line: TextLine) -> str:
    return line.text.rstrip("\r\n")


def _break(line: TextLine) -> str:
    return line.text[len(_content(line)) :]
