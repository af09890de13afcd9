"""JSON taken apart item by item, so that a hostile body costs no more than an honest one.

A batch is never built as a whole: each item is parsed out of a window no longer than an event may be, and reading stops at the
first item too many. Items come with their own text, for the quarantine, and with the names that stand twice in an object, which
JSON leaves undefined and which the hub therefore refuses. (Python's own parser: it can begin anywhere and says where it ended.)
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any, NamedTuple, NoReturn

EVENT_LIMIT = 64 << 10  # characters; CloudEvents 1.0 obliges nobody to forward more than 64 KiB
WINDOWS = (4 << 10, EVENT_LIMIT)
LONGEST_TOKEN = 12  # a literal or an escape that the window's end cuts is reported no further than this before it

_space = re.compile(r"[ \t\n\r]*")


class NotJson(Exception):
    """The text is not JSON; says where and why."""


class ItemTooLong(Exception):
    """An item does not end within EVENT_LIMIT characters."""

    def __init__(self, index: int) -> None:
        super().__init__(f"Item {index} is longer than {EVENT_LIMIT:,} characters: an event carries codes and times, never documents.")


class TooManyItems(Exception):
    """A batch holds more items than allowed."""


class Item(NamedTuple):
    """A parsed item, its text as it came, and the names that stand twice in one of its objects."""

    value: Any
    text: str
    repeated: tuple[str, ...]


def text_of(body: bytes) -> str:
    """The body as text; a byte order mark is passed over.

    Raises: NotJson for bytes that are not UTF-8.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is not UTF-8 (byte {error.start})") from None


def is_array(text: str) -> bool:
    """Whether the text begins as a JSON array."""
    return text.startswith("[", _skip(text, 0))


def read_one(text: str) -> Item:
    """The text's only value.

    Raises: NotJson, ItemTooLong
    """
    item, end = _Reader(text).item(_skip(text, 0), 0)
    if _skip(text, end) != len(text):
        raise NotJson(f"something stands behind the event (character {_skip(text, end)})")
    return item


def read_array(text: str, limit: int) -> Iterator[Item]:
    """The items of the text's only value, an array, one by one.

    Raises: NotJson, ItemTooLong, TooManyItems
    """
    reader, at = _Reader(text), _skip(text, _skip(text, 0) + 1)
    more = not text.startswith("]", at)
    index = 0
    while more:
        if index == limit:
            raise TooManyItems(f"A batch may hold {limit:,} events: send the rest in further requests.")
        item, end = reader.item(at, index)
        yield item
        at, more = _behind_item(text, _skip(text, end))
        index += 1
    if _skip(text, at + 1) != len(text):
        raise NotJson(f"something stands behind the batch (character {_skip(text, at + 1)})")


def _behind_item(text: str, at: int) -> tuple[int, bool]:
    """Where the next item, or the closing bracket, stands; whether there is a next item."""
    if text.startswith(",", at):
        return _skip(text, at + 1), True
    if text.startswith("]", at):
        return at, False
    raise NotJson(f"expecting `,` or `]` at character {at}")


def _skip(text: str, at: int) -> int:
    found = _space.match(text, at)
    return found.end() if found else at


class _Reader:
    """Parses values out of windows of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._repeated: list[str] = []
        self._decode = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=_no_constant).raw_decode

    def item(self, at: int, index: int) -> tuple[Item, int]:
        """The item that begins at a character, and where it ends."""
        for window in WINDOWS:
            last = at + window >= len(self._text)
            self._repeated.clear()
            found = self._try(self._text[at : at + window], at, last)
            if found is not None:
                value, length = found
                return Item(value, self._text[at : at + length], tuple(self._repeated)), at + length
            if last:
                break
        raise ItemTooLong(index)

    def _try(self, piece: str, at: int, last: bool) -> tuple[Any, int] | None:
        """The value at the beginning of the piece and its length; None if the piece's end seems to cut it."""
        try:
            value, end = self._decode(piece)
        except JSONDecodeError as error:
            if not last and (error.msg.startswith("Unterminated string") or error.pos >= len(piece) - LONGEST_TOKEN):
                return None
            raise NotJson(f"{error.msg} (character {at + error.pos})") from None
        except RecursionError:
            raise NotJson(f"the value at character {at} is nested too deeply") from None
        except ValueError:  # Python refuses to convert thousands of digits
            raise NotJson(f"a number behind character {at} has too many digits") from None
        return None if end == len(piece) and not last else (value, end)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            self._repeated.extend(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return found


def _no_constant(name: str) -> NoReturn:
    raise JSONDecodeError(f"{name} is not JSON", name, 0)
