"""CSV that is safe to open in a spreadsheet: the one way in which the hub writes it.

A text that a spreadsheet would run as a formula stands behind an apostrophe; numbers stay numbers.
Files begin with a byte order mark (`MARK`), without which spreadsheets take UTF-8 for the local
code page.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import date
from typing import TextIO

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
CsvValue = str | int | float | bool | date | None

# One apostrophe more for a text that has some already, so that the first text can be told from it.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NOT_KNOWN = "-"  # as a category that nobody told; alone it is no formula


def guarded(text: str) -> str:
    """The text, behind a ' where a spreadsheet would take it for a formula."""
    return f"'{text}" if text != _NOT_KNOWN and _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


class CsvWriter:
    """Writes rows (RFC 4180). What is not there is an empty field, yes and no are `true` and
    `false`.
    """

    def __init__(self, file: TextIO, *, delimiter: str = ",", line_end: str = "\r\n") -> None:
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end)

    def write(self, row: Iterable[CsvValue]) -> None:
        """One row more."""
        self._writer.writerow([_field(value) for value in row])


def _field(value: CsvValue) -> str | int | float | None:
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else value
