"""A workbook's number formats: which numbers are dates, and how a number is shown, as far as a code
can be read from that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal, InvalidOperation

from connectors.files.readers.cells import DIGITS, DecimalNumber, FileCell, Flaw
from schemas.masking import quoted, shown

_BUILT_IN = {0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 49: "@"}
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
# texts, escaped signs, widths, fillings; colours and currencies
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_GENERAL = re.compile(r"general|standard|@", re.IGNORECASE)
_QUANTITY = re.compile(r"[#,]*0?(\.0+)?")  # without zeros that only fill up
_PADDED = re.compile(r"(0+)(?:\.(0+))?")
_FIXED = re.compile(r'((?:"[^"]*"|\\.|-)*)(0{2,})((?:"[^"]*"|\\.|-)*)')  # "HS-"0000
_EXACT = Context(prec=40)
_SHOWN = Context(prec=DIGITS)
_LAST_SERIAL = 2_958_466  # the day after 31 December 9999
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What a number format makes of a number."""

    date: bool = False
    plain: bool = False  # shown as its digits, be they grouped or followed by a currency
    zeros: int = 0  # digits before the point at least
    decimals: int = 0
    before: str = ""
    behind: str = ""


def _shape_of(code: str) -> Shape:
    """The shape of a format code; only the part for positive numbers counts."""
    section = _first_section(code)
    bare = _LITERAL.sub("", section).strip()
    if not _GENERAL.fullmatch(bare) and re.search("[dmyhs]", bare, re.IGNORECASE):
        return Shape(date=True)
    if found := _FIXED.fullmatch(section):
        return Shape(zeros=len(found[2]), before=_literal(found[1]), behind=_literal(found[3]))
    if (
        _GENERAL.fullmatch(bare)
        or (_QUANTITY.fullmatch(bare) and not _PADDED.fullmatch(section))
        or bare == "0"
    ):
        return Shape(plain=True)
    if found := _PADDED.fullmatch(section):
        return Shape(zeros=len(found[1]), decimals=len(found[2] or ""))
    return Shape()


def _first_section(code: str) -> str:
    held = _LITERAL.sub(lambda found: "\0" * len(found[0]), code)
    return code[: held.index(";")] if ";" in held else code


def _literal(text: str) -> str:
    return re.sub(r'"([^"]*)"|\\(.)', lambda found: found[1] or found[2] or "", text)


class Styles:
    """The shapes of a workbook's cell styles."""

    def __init__(
        self, codes: Mapping[int, str], formats: Sequence[int], *, from_1904: bool
    ) -> None:
        """`formats` are the number formats of the styles, in their order; `codes` what the workbook
        declares itself.
        """
        self._shapes = [self._shape(number, codes) for number in formats]
        self._first_day = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 (workbooks know no zones)

    @staticmethod
    def _shape(number: int, codes: Mapping[int, str]) -> Shape:
        code = codes.get(number, _BUILT_IN.get(number))
        if code is not None:
            return _shape_of(code)
        return Shape(date=number in _DATES)

    def cell(self, text: str, style: int) -> FileCell:
        """The cell of a stored number."""
        shape = self._shapes[style] if style < len(self._shapes) else Shape(plain=True)
        try:
            stored = _EXACT.create_decimal(text.strip())
        except InvalidOperation:
            stored = Decimal("NaN")
        if not stored.is_finite():
            return Flaw(
                f"holds {quoted(text)}, which is no number: open the workbook in a spreadsheet"
                " program and save it",
                "#VALUE!",
            )
        return self._moment(stored, text) if shape.date else _number(stored, shape)

    def _moment(self, serial: Decimal, text: str) -> FileCell:
        """To the millisecond, and never into the next day: 23:59:59.9999 is meant to be the end of
        its own.
        """
        if not 0 <= serial < _LAST_SERIAL:
            return no_date(text)
        day, part = divmod(serial, 1)
        milliseconds = min(int(part * _DAY_MS + Decimal("0.5")), _DAY_MS - 1)
        return self._first_day + timedelta(days=int(day), milliseconds=milliseconds)


def no_date(text: str) -> Flaw:
    """A cell that should be a date."""
    return Flaw(f"shows a date, but {shown(text)} is none", "#VALUE!")


def _number(stored: Decimal, shape: Shape) -> FileCell:
    value = _SHOWN.plus(stored)  # a spreadsheet, too, compares and shows no more digits than these
    whole = value == value.to_integral_value()
    if abs(value) >= 10**DIGITS:
        return DecimalNumber(value, f"{float(value):.5E}")
    if shape.plain and whole:
        return int(value)
    if not shape.zeros or value < 0:
        return DecimalNumber(value, f"{value.normalize():f}")
    shown = f"{value:0{shape.zeros + bool(shape.decimals) + shape.decimals}.{shape.decimals}f}"
    return DecimalNumber(
        value, f"{shape.before}{shown}{shape.behind}", exact=Decimal(shown) == value
    )
