"""Whole numbers: of a cell's own kind, or of text as `numbers` of the mapping declares it. 50.000
means two things in two countries.
"""

from __future__ import annotations

import re
import unicodedata

from connectors.files.mapping.notation import DONG, Numbers
from connectors.files.readers.cells import DIGITS, DecimalNumber, FileCell, Unexpected, cell_text

_SPACES = "[ \u00a0\u202f]"
_OTHER = {".": ",", ",": "."}
_THOUSANDS = re.compile(r"-?[0-9]{1,3}\.0{3}")
_UNDECLARED = (
    "in digits (for 50.000, 1,250,000 or 50.000 đ, say in `numbers` of the mapping how they are"
    " written)"
)


class NumberReader:
    """Reads whole numbers as `numbers` declares them."""

    def __init__(self, numbers: Numbers) -> None:
        self._text = re.compile(_pattern(numbers), re.IGNORECASE)
        self._expected = f"a whole number {_example(numbers)}"
        self._thousandths = numbers.decimal == "." and numbers.thousands is None

    def __call__(self, cell: FileCell) -> int:
        """Raises: Unexpected for what is not a whole number, or could be two."""
        if isinstance(cell, DecimalNumber):
            return self._value(cell)
        if isinstance(cell, int) and not isinstance(cell, bool):
            return self._kept(cell)
        if not isinstance(cell, str):
            raise Unexpected(self._expected)
        found = self._text.fullmatch(unicodedata.normalize("NFC", cell_text(cell)))
        if found is None:
            raise Unexpected(self._expected)
        digits = re.sub("[^0-9]", "", found["whole"])
        return int(f"{found['sign']}{digits}")

    def _value(self, number: DecimalNumber) -> int:
        if not number.whole:
            raise Unexpected(self._expected)
        if _THOUSANDS.fullmatch(number.text) and not self._thousandths:
            raise Unexpected("a whole number without decimals, as these three might be thousands")
        return self._kept(int(number.value))

    @staticmethod
    def _kept(number: int) -> int:
        if abs(number) >= 10**DIGITS:
            raise Unexpected(
                f"a whole number of at most {DIGITS} digits, which is what is kept of numbers for"
                " certain"
            )
        return number


def _pattern(numbers: Numbers) -> str:
    digits = "[0-9]{1,18}"
    if numbers.thousands is not None:
        separator = _SPACES if numbers.thousands == " " else re.escape(numbers.thousands)
        digits = f"[0-9]{{1,3}}(?:{separator}[0-9]{{3}}){{1,5}}|{digits}"
    decimal = numbers.decimal or _OTHER.get(numbers.thousands or "", ".,")
    # three might be thousands, written the other way
    zeros = "0+" if numbers.decimal and numbers.thousands is None else "0{1,2}"
    units = "|".join(map(re.escape, _units(numbers)))
    before = behind = ""
    if units:
        before, behind = f"(?:(?:{units}){_SPACES}*)?", f"(?:{_SPACES}*(?:{units}))?"
    return f"{before}(?P<sign>-?)(?P<whole>{digits})(?:[{decimal}]{zeros})?{behind}"


def _units(numbers: Numbers) -> tuple[str, ...]:
    """The declared unit; the đồng has several usual spellings."""
    if numbers.unit is None:
        return ()
    unit = unicodedata.normalize("NFC", numbers.unit)
    return DONG if unit.lower() in map(str.lower, DONG) else (unit,)


def _example(numbers: Numbers) -> str:
    if numbers == Numbers():
        return _UNDECLARED
    unit = f" {numbers.unit}" if numbers.unit else ""
    plain = f"1250000{unit}"
    if not numbers.thousands:
        return f"written as {plain}"
    return f"written as {numbers.thousands.join(('1', '250', '000'))}{unit} or {plain}"


PLAIN = NumberReader(Numbers())
