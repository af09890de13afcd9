"""JSON objects as cells by name: numbers as they were written, no key twice, objects within joined
by dots (`fee.amount`).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from json import JSONDecodeError, JSONDecoder
from typing import Any

from connectors.files.readers.cells import DecimalNumber, FileCell, cell_text
from schemas.masking import quoted, shown

_DEEPEST = 8
_DIGITS = 1000  # of a number; Python reads no more than a few thousand


class _Twice(ValueError):
    """A key that stands twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        name = cell_text(name)
        if name in found:
            raise _Twice(_twice(name))
        found[name] = value
    return found


def _twice(name: str) -> str:
    return f"the key {quoted(name)} stands twice, and nobody can tell which value holds: keep one"


def _real(text: str) -> DecimalNumber:
    try:
        return DecimalNumber(Decimal(text), text)
    except InvalidOperation:
        raise ValueError(text) from None


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(text)
    return int(text)


def _no_constant(text: str) -> None:
    raise ValueError(text)


_DECODER = JSONDecoder(
    object_pairs_hook=_object, parse_float=_real, parse_int=_whole, parse_constant=_no_constant
)


_PASSING = JSONDecoder(parse_float=str, parse_int=str)


def element_at(text: str, offset: int) -> tuple[dict[str, FileCell] | str, int]:
    """The cells of the JSON value that begins at an offset, or what is wrong with it; and where it
    ends.

    Raises: JSONDecodeError where no whole value stands, RecursionError.
    """
    try:
        value, end = _DECODER.raw_decode(text, offset)
    except JSONDecodeError:
        raise
    except ValueError as error:  # of a value that is whole all the same
        return _problem_of(error, text), _PASSING.raw_decode(text, offset)[1]
    return _named(value), end


def object_cells(text: str) -> dict[str, FileCell] | str:
    """The cells of a text that should be one JSON object, or what is wrong with it."""
    try:
        cells, end = element_at(text, 0)
    except (ValueError, RecursionError) as error:
        return _problem_of(error, text)
    if text[end:].strip():
        return (
            f"the line goes on behind its object (at character {end + 1}): each line should be one"
            " object"
        )
    return cells


def _problem_of(error: Exception, text: str) -> str:
    """What makes a text no JSON, for people."""
    if isinstance(error, _Twice):
        return str(error)
    if isinstance(error, RecursionError):
        return "the line holds objects within objects without end"
    if not isinstance(error, JSONDecodeError):
        return f"the line is no JSON: {shown(str(error))} is no number that JSON has"
    if error.pos >= len(text.rstrip()):
        return "the line is no JSON: it breaks off before its end"
    return f"the line is no JSON: something is wrong at character {error.pos + 1}"


def _named(value: Any) -> dict[str, FileCell] | str:
    """An object's cells by their names, or what is wrong with it."""
    if not isinstance(value, dict):
        return 'the line is no JSON object: each line should be one, as {"name": value, …}'
    cells: dict[str, FileCell] = {}
    try:
        _flatten(value, "", 1, cells)
    except _Twice as twice:
        return str(twice)
    return cells


def _flatten(value: dict[str, Any], prefix: str, depth: int, cells: dict[str, FileCell]) -> None:
    """An object's own name stays beside those within it, so that a column that should be a value is
    not taken for blank.
    """
    for key, part in value.items():
        name = prefix + key
        if name in cells:
            raise _Twice(_twice(name))
        cells[name] = part
        if isinstance(part, dict) and depth < _DEEPEST:
            _flatten(part, f"{name}.", depth + 1, cells)
