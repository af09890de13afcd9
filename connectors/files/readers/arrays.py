"""A JSON array of any size, part by part in flat memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import NamedTuple

from connectors.files.readers.cells import FileCell
from connectors.files.readers.objects import element_at
from connectors.files.readers.source import LONGEST_LINE

_BLANKS = re.compile(r"[ \t\r\n]*")


class BrokenArray(ValueError):
    """An array that is not whole; the message says where."""


class Element(NamedTuple):
    """A line, or an array's part: its text, and its cells or what is wrong with it."""

    line: int
    text: str
    cells: dict[str, FileCell] | str


class _Window:
    """The part of a text that is looked at, and the line it begins on."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self.text, self.offset, self.line = "", 0, 1

    def grow(self) -> bool:
        """Read on; False at the end of the text."""
        piece = next(self._pieces, "")
        self.text, self.offset = self.text[self.offset :] + piece, 0
        return bool(piece)

    def advance(self, offset: int) -> str:
        """Go on to an offset; gives what lay before it."""
        passed = self.text[self.offset : offset]
        self.line += passed.count("\n")
        self.offset = offset
        return passed

    def peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            blanks = _BLANKS.match(self.text, self.offset)
            self.advance(blanks.end() if blanks else self.offset)
            if self.offset < len(self.text):
                return self.text[self.offset]
            if not self.grow():
                return ""

    def take(self, sign: str) -> None:
        """Pass over one sign.

        Raises: BrokenArray if another stands there.
        """
        found = self.peek()
        if found != sign:
            raise BrokenArray(
                f"in line {self.line} {f'stands {found!r}' if found else 'it breaks off'} where"
                f" {sign!r} should be"
            )
        self.advance(self.offset + 1)


def elements(pieces: Iterator[str]) -> Iterator[Element]:
    """The array's parts; their text is on one line, which in JSON changes nothing.

    Raises: BrokenArray
    """
    window = _Window(pieces)
    window.take("[")
    if window.peek() != "]":
        yield _element(window)
        while window.peek() == ",":
            window.take(",")
            yield _element(window)
    window.take("]")
    if window.peek():
        raise BrokenArray(f"in line {window.line} it goes on behind its end")


def _element(window: _Window) -> Element:
    window.peek()
    line = window.line
    while True:
        try:
            cells, end = element_at(window.text, window.offset)
        except (JSONDecodeError, RecursionError) as error:
            if len(window.text) - window.offset <= LONGEST_LINE and window.grow():
                continue
            raise BrokenArray(
                f"its part that begins in line {line} is no JSON, or is not closed"
            ) from error
        # a number that ends with the piece may go on in the next
        if end < len(window.text) or not window.grow():
            return Element(
                line, " ".join(window.advance(end).split("\n")).replace("\r", " "), cells
            )
