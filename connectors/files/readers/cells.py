"""What readers hand over: cells. The rules for blanks, errors, codes and words stand here once, for
CSV, JSON and workbooks alike.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

# that a spreadsheet keeps of a number; what has more was rounded, or would be on the way
DIGITS = 15
# What spreadsheets show instead of a value: #N/A, #SPILL!, #NAME?, LibreOffice's Err:502, and #####
# for a column that was too narrow.
_ERROR = re.compile(r"#(?:[A-Z][A-Z0-9/_]*[!?]|N/A(?: N/A)?|GETTING_DATA|#+)|Err:\d{3}")
_ROUNDED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE][+-]\d{2,3}")  # 2,50111E+17
# 38.0, as programs write whole numbers of a column that has blanks
_WHOLE = re.compile(r"(-?\d{1,15})[.,]0{1,2}", re.ASCII)
_LOST = "\N{REPLACEMENT CHARACTER}"
# in rejections, in place of what they must not hold; an error like those of spreadsheets, so never
# taken in
MASKED = "#MASKED!"
# in rejections, in place of a cell of which a mapping asks no more than whether it is there
PRESENT = "(present)"
_AS_TEXT = "format the column as text; in JSON, put it in quotes"


class Unexpected(ValueError):
    """A cell that is not what the field takes; the message says what was expected."""


class RowRefused(ValueError):
    """A row that can't be taken in; the message names column, value and what was expected."""


@dataclass(frozen=True, slots=True)
class DecimalNumber:
    """A number that is more than its digits: one with decimals, or one that its cell shows with
    leading zeros.

    `text` is how the file shows it; `exact` says whether a code may be taken from that, so that no
    zero and no digit is missing.
    """

    value: Decimal
    text: str
    exact: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing stands behind the point."""
        return self.value == self.value.to_integral_value()

    @property
    def plain(self) -> str:
        """The value alone: digits, and a point only where decimals follow."""
        return f"{int(self.value)}" if self.whole else f"{self.value.normalize():f}"

    @property
    def rounded(self) -> str:
        """Written so that no reader takes it for a code."""
        return f"{float(self.value):.5E}"


class Flaw(NamedTuple):
    """A cell whose value is not there; `problem` follows the cell's name in a sentence.

    `text` is how rejections show it: an error, so that the row is rejected again unless somebody
    puts a value there.
    """

    problem: str
    text: str


FileCell = str | int | bool | DecimalNumber | Flaw | datetime | list[Any] | dict[str, Any] | None
FileCells = Sequence[FileCell]


def is_blank(cell: FileCell) -> bool:
    """Whether a cell holds nothing, or only spaces."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell == [] or cell == {}


def is_midnight(cell: FileCell) -> bool:
    """Whether a cell is a date without a clock time."""
    return isinstance(cell, datetime) and cell.time() == time()


def flaw_of(cell: FileCell) -> str:
    """What makes a cell unfit for any use, whichever file it comes from; "" for a sound one."""
    if isinstance(cell, str):
        return "" if cell.isalnum() or cell == "" else _flaw_of_text(cell.strip())
    if isinstance(cell, Flaw):
        return cell.problem
    if isinstance(cell, list):
        return next(filter(None, map(flaw_of, cell)), "")
    return ""


def _flaw_of_text(text: str) -> str:
    if text == MASKED:
        return (
            "was left out of these rejections: correct its row in the first file, and import that"
            " again"
        )
    if _ERROR.fullmatch(text):
        narrow = f"shows {text} instead of its value: widen its column, and export the file anew"
        return f"holds the error {text}" if text.strip("#") else narrow
    if _LOST in text:
        return (
            f"holds {_LOST} in place of a letter that was lost: have the file sent anew, as UTF-8"
        )
    return ""


def cell_text(cell: FileCell) -> str:
    """The cell as trimmed text in Unicode's composed form (the same Vietnamese word may be typed in
    two ways); blank is "".
    """
    if isinstance(cell, str):
        text = cell.strip()
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, DecimalNumber | Flaw):
        return cell.text
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False, default=cell_text)
    return str(cell)


def cell_spellings(cell: FileCell) -> tuple[str, ...]:
    """How a code table or a condition may name the cell: as it is shown, and 38.0 also as 38."""
    text = cell_text(cell)
    if isinstance(cell, DecimalNumber):
        return text, cell.plain
    whole = _WHOLE.fullmatch(text)
    return (text, whole[1]) if whole else (text,)


def code_of(cell: FileCell) -> str:
    """The text of a code, an id or a label; a number or a date only where the file shows for
    certain what was meant.

    Raises: Unexpected
    """
    if is_midnight(cell):
        raise Unexpected(
            f"text, not a date: a spreadsheet turns codes such as 1-11 into dates ({_AS_TEXT})"
        )
    return part_of(cell)


def part_of(cell: FileCell) -> str:
    """As `code_of`, for a part of a longer text, which a date may be.

    Raises: Unexpected
    """
    text = cell_text(cell)
    if isinstance(cell, str):
        if ("+" in text or "-" in text) and _ROUNDED.fullmatch(text):
            raise Unexpected(
                f"written in full: a spreadsheet has rounded it (export the file anew; {_AS_TEXT})"
            )
        return text
    if isinstance(cell, bool | list | dict):
        given = "true or false" if isinstance(cell, bool) else "a list or an object"
        raise Unexpected(f"text, not {given}")
    if isinstance(cell, DecimalNumber) and not cell.exact:
        raise Unexpected(
            f"text: it is kept as a number, of which zeros or digits may be missing ({_AS_TEXT})"
        )
    if isinstance(cell, int | DecimalNumber) and len(text.lstrip("-")) > DIGITS:
        raise Unexpected(
            f"text: of a number, no more than {DIGITS} digits are kept for certain ({_AS_TEXT})"
        )
    return text
