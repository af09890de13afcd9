"""From a cell to a field's value: text, times, booleans, whole numbers. Each refuses with what it
expected, and guesses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any, Literal, get_args, get_origin

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from connectors.files.mapping.notation import PROBE, Times, zone_of
from connectors.files.mapping.numbers import PLAIN
from connectors.files.readers.cells import (
    DecimalNumber,
    FileCell,
    Unexpected,
    cell_spellings,
    cell_text,
    is_blank,
    is_midnight,
)
from schemas.clock import EARLIEST_MS, LATEST_MS, to_ms
from schemas.events.base import Instant

Convert = Callable[[FileCell], Any]
FieldKind = Literal["text", "number", "boolean", "time", "list"]

_TRUE = frozenset(("true", "1", "yes", "y", "có", "x"))
_FALSE = frozenset(("false", "0", "no", "n", "không"))
_READS_INSTANT = next(part.func for part in get_args(Instant) if isinstance(part, BeforeValidator))
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
# texts of times whose instant is remembered; a dossier's own columns come again on each of its rows
_KEPT = 50_000


def field_kind(field: FieldInfo) -> FieldKind:
    """What kind of value a field of an event takes."""
    parts = [*field.metadata, *_parts(field.annotation)]
    if any(isinstance(part, BeforeValidator) and part.func is _READS_INSTANT for part in parts):
        return "time"
    if list in parts:
        return "list"
    # a literal's values tell by their type
    types = {part if isinstance(part, type) else type(part) for part in parts}
    if bool in types:
        return "boolean"
    return "number" if int in types else "text"


def _parts(annotation: Any) -> Iterator[Any]:
    """Everything that an annotation is made of: types, values of literals, constraints."""
    origin = get_origin(annotation)
    arguments = (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    if origin is None and not arguments:
        yield annotation
        return
    if isinstance(origin, type):
        yield origin
    for part in arguments:
        yield from _parts(part)


def boolean_of(cell: FileCell) -> bool:
    """True or false in the usual words; others need a code table."""
    words = {word.lower() for word in cell_spellings(cell)}
    if words & _TRUE:
        return True
    if words & _FALSE:
        return False
    raise Unexpected(
        "true, 1, yes, y, có, x, or false, 0, no, n, không (other words need a code table)"
    )


class TimeReader:
    """Reads instants as `times` declares them; gives epoch milliseconds."""

    def __init__(self, times: Times) -> None:
        self._formats, self._clock = times.formats, times.clock_time
        self._zone = zone_of(times.zone)
        self._known: dict[str, int] = {}

    def __call__(self, cell: FileCell) -> int:
        """Raises: Unexpected for what none of the formats reads."""
        if isinstance(cell, datetime):
            # a workbook's day is its midnight
            return self._sane(self._instant(cell, only_day=is_midnight(cell)))
        if not isinstance(cell, str | int | DecimalNumber) or isinstance(cell, bool):
            raise Unexpected(self._expected(cell))
        text = cell_text(cell)
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[text] = self._read(cell)
        return known

    def _read(self, cell: FileCell) -> int:
        for pattern, text in product(self._formats, cell_spellings(cell)):
            try:
                return self._sane(self._read_as(pattern, text))
            except (ValueError, OverflowError):
                continue
        raise Unexpected(self._expected(cell))

    def _expected(self, cell: FileCell) -> str:
        kept = ""
        if isinstance(cell, int | DecimalNumber):
            kept = ", not a plain number (format the column as a date)"
        examples = " or ".join(dict.fromkeys(map(_example, self._formats)))
        return (
            f"a time from 1980 to 2099, written as {' or '.join(self._formats)} (such as"
            f" {examples}){kept}"
        )

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
            return PLAIN(text) * (1000 if pattern == "epoch_s" else 1)
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 (the zone is given below)
        if text.isdigit() and moment.strftime(pattern) != text:
            raise ValueError(text)  # without its leading zero, 1112026 is two days
        return self._instant(moment, only_day=not re.search("%[HIcXT]", pattern))

    def _instant(self, moment: datetime, *, only_day: bool) -> int:
        if only_day:
            moment = datetime.combine(moment.date(), self._clock, moment.tzinfo)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return to_ms(moment.astimezone(UTC))


def _example(pattern: str) -> str:
    """A time as a format writes it."""
    if pattern.startswith("epoch"):
        return str(to_ms(PROBE) // (1000 if pattern == "epoch_s" else 1))
    return PROBE.strftime("%Y-%m-%d %H:%M" if pattern == "iso" else pattern)


def list_reader(separator: str | None, item: Convert) -> Convert:
    """Reads a list: a JSON list as it is, else the cell's text cut at the separator."""

    def read(cell: FileCell) -> list[Any]:
        if isinstance(cell, list):
            return [item(part) for part in cell]
        parts: Sequence[FileCell] = [cell]
        if isinstance(cell, str) and separator is not None:
            parts = cell_text(cell).split(separator)
        return [item(part) for part in parts if not is_blank(part)]

    return read
