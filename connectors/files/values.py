"""From a cell to a field's value: text, times, booleans, whole numbers. Each refuses with what it expected, and guesses nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args, get_origin

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from connectors.files.mapping import Times, zone_of
from schemas.clock import EARLIEST_MS, LATEST_MS, to_ms
from schemas.events.base import Instant

# What readers hand over. CSV gives text only, workbooks and JSON their own types; None is a blank cell.
Cell = str | int | float | bool | datetime | date | time | timedelta | list[Any] | None
Cells = Sequence[Cell]
Convert = Callable[[Cell], Any]
Kind = Literal["text", "number", "boolean", "time", "list"]

TRUE = frozenset(("true", "1", "yes", "y", "có", "x"))
FALSE = frozenset(("false", "0", "no", "n", "không"))
_READS_INSTANT = next(part.func for part in get_args(Instant) if isinstance(part, BeforeValidator))
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
_KEPT = 50_000  # texts of times whose instant is remembered; a dossier's own columns come again on each of its rows


class Unexpected(ValueError):
    """A cell that is not what the field takes; the message says what was expected."""


class Refused(ValueError):
    """A row that can't be taken in; the message names column, value and what was expected."""


def kind_of(field: FieldInfo) -> Kind:
    """What kind of value a field of an event takes."""
    parts = [*field.metadata, *_parts(field.annotation)]
    if any(isinstance(part, BeforeValidator) and part.func is _READS_INSTANT for part in parts):
        return "time"
    if list in parts:
        return "list"
    types = {part if isinstance(part, type) else type(part) for part in parts}  # a literal's values tell by their type
    if bool in types:
        return "boolean"
    return "number" if int in types else "text"


def _parts(annotation: Any) -> Iterator[Any]:
    """Everything that an annotation is made of: types, values of literals, constraints."""
    origin, arguments = get_origin(annotation), (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    if origin is None and not arguments:
        yield annotation
        return
    if isinstance(origin, type):
        yield origin
    for part in arguments:
        yield from _parts(part)


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing, or only spaces."""
    return cell is None or (isinstance(cell, str) and not cell.strip()) or cell == []


def text_of(cell: Cell) -> str:
    """The cell as trimmed text in Unicode's composed form (the same Vietnamese word may be typed in two ways); blank is ""."""
    if isinstance(cell, str):
        text = cell.strip()
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # workbooks and some JSON writers keep whole numbers as 3.0
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)


def number_of(cell: Cell) -> int:
    """A whole number, without separators of thousands: 50.000 means two things in two countries."""
    text = text_of(cell)
    if isinstance(cell, bool) or not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise Unexpected("a whole number, written in digits only")
    return int(text)


def boolean_of(cell: Cell) -> bool:
    """True or false in the usual words; others need a code table."""
    word = text_of(cell).lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise Unexpected("true, 1, yes, y, có, x, or false, 0, no, n, không (other words need a code table)")


class TimeReader:
    """Reads instants as `times` declares them; gives epoch milliseconds."""

    def __init__(self, times: Times) -> None:
        self._formats, self._zone, self._clock = times.formats, zone_of(times.zone), times.clock_time
        self._known: dict[str, int] = {}

    def __call__(self, cell: Cell) -> int:
        """Raises: Unexpected for what none of the formats reads."""
        if isinstance(cell, datetime):
            return self._sane(self._instant(cell, only_day=cell.time() == time()))  # a workbook's day is its midnight
        text = text_of(cell)
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[text] = self._read(text)
        return known

    def _read(self, text: str) -> int:
        for pattern in self._formats:
            try:
                return self._sane(self._read_as(pattern, text))
            except (ValueError, OverflowError):
                continue
        raise Unexpected(f"a time from 1980 to 2099, written as {' or '.join(self._formats)}")

    @staticmethod
    def _sane(instant: int) -> int:
        if not EARLIEST_MS <= instant < LATEST_MS:
            raise Unexpected("a time from 1980 to 2099")
        return instant

    def _read_as(self, pattern: str, text: str) -> int:
        if pattern == "iso":
            if not _ISO.fullmatch(text):
                raise ValueError(text)
            return self._instant(datetime.fromisoformat(text), only_day=len(text) == 10)
        if pattern.startswith("epoch"):
            return number_of(text) * (1000 if pattern == "epoch_s" else 1)
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (the zone is given below)
        return self._instant(moment, only_day=not re.search("%[HIcXT]", pattern))

    def _instant(self, moment: datetime, *, only_day: bool) -> int:
        if only_day:
            moment = datetime.combine(moment.date(), self._clock, moment.tzinfo)
        return to_ms((moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC))


def list_reader(separator: str | None, item: Convert) -> Convert:
    """Reads a list: a JSON list as it is, else the cell's text cut at the separator."""

    def read(cell: Cell) -> list[Any]:
        if isinstance(cell, list):
            return [item(part) for part in cell]
        parts = [text_of(cell)] if separator is None else text_of(cell).split(separator)
        return [item(part) for part in parts if text_of(part)]

    return read
