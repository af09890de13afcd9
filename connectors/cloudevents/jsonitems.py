"""JSON taken apart item by item, so that a hostile body costs no more than an honest one.

A batch is never built as a whole: each item is parsed out of a window no longer than an event may
be, and reading stops at the first item too many. Items come with their own text, for the
quarantine, and with the names that stand twice in an object, which JSON leaves undefined and which
the hub therefore refuses. (Python's own parser: it can begin anywhere and says where it ended.)

An item that can't be read says why and takes no other along, as long as it can be seen where it
ends: at the next comma or bracket that is in none of its texts and brackets.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any, NamedTuple, NoReturn

EVENT_LIMIT = 64 << 10  # characters; CloudEvents 1.0 obliges nobody to forward more than 64 KiB
_WINDOWS = (4 << 10, EVENT_LIMIT)
# a literal or an escape that the window's end cuts is reported no further than this before it
_LONGEST_TOKEN = 12
# of all unreadable items of a batch that are followed to find their ends: tens of milliseconds
BRACKETS = 200_000

_space = re.compile(r"[ \t\n\r]*+")
# Possessive, so that nothing is remembered of the way: megabytes of text must not become as many
# places to come back to.
_TEXT = r'"(?:[^"\\]++|\\.)*+"'
_border = re.compile(rf'[^"\[\]{{}},]*+(?:{_TEXT}[^"\[\]{{}},]*+)*+([\[\]{{}},])', re.DOTALL)
_bracket = re.compile(rf'[^"\[\]{{}}]*+(?:{_TEXT}[^"\[\]{{}}]*+)*+([\[\]{{}}])', re.DOTALL)
NO_UTF8 = re.compile("[\udc80-\udcff]")  # what stands for a byte that is not UTF-8

# Python's parser in other words.
_WORDS = {
    "Expecting value": "a value is missing or is none that JSON knows",
    "Expecting property name enclosed in double quotes": "a name in double quotes is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing",
    "Illegal trailing comma before end of object": "a comma stands before a closing bracket",
    "Illegal trailing comma before end of array": "a comma stands before a closing bracket",
    "Unterminated string starting at": "a text does not end",
    "Invalid control character at": "a text holds a line break, a tab or another control character",
    "Invalid \\escape": "a text holds a backslash that begins nothing",
    "Invalid \\uXXXX escape": "a text holds \\u without four hexadecimal digits",
}


class NotJson(Exception):
    """The text is not JSON; says where and why."""


class ItemTooLong(Exception):
    """An item does not end within EVENT_LIMIT characters."""

    reason = (
        f"is longer than {EVENT_LIMIT:,} characters: an event carries codes and times, never"
        " documents"
    )

    def __init__(self, index: int) -> None:
        super().__init__(f"Item {index} {self.reason}.")


class TooManyItems(Exception):
    """A batch holds more items than allowed."""


class JsonItem(NamedTuple):
    """A parsed item, its text as it came, and the names that stand twice in one of its objects; or
    why it can't be read.
    """

    value: Any
    text: str
    repeated: tuple[str, ...]
    problem: str = ""


def body_text(body: bytes) -> str:
    """The body as text; a byte order mark is passed over, bytes that are not UTF-8 become what only
    `encode` with `surrogateescape` turns back into them.
    """
    return body.decode("utf-8-sig", "surrogateescape")


def is_array(text: str) -> bool:
    """Whether the text begins as a JSON array."""
    return text.startswith("[", _skip(text, 0))


def read_one(text: str) -> JsonItem:
    """The text's only value.

    Raises: NotJson, ItemTooLong
    """
    reader = _Reader(text)
    item, end = reader.item(_skip(text, 0), 0)
    if _skip(text, end) != len(text):
        raise NotJson(f"something stands behind the event (character {_skip(text, end)})")
    return item


def read_array(text: str, limit: int) -> Iterator[JsonItem]:
    """The items of the text's only value, an array, one by one.

    Raises: NotJson, TooManyItems; ItemTooLong for one whose end is nowhere to be seen
    """
    reader, at = _Reader(text), _skip(text, _skip(text, 0) + 1)
    more = not text.startswith("]", at)
    index = 0
    while more:
        if index == limit:
            raise TooManyItems(
                f"A batch may hold {limit:,} events: send the rest in further requests."
            )
        item, end = reader.item_and_border(at, index)
        yield item
        more = text.startswith(",", end)
        at = _skip(text, end + 1) if more else end
        index += 1
    if _skip(text, at + 1) != len(text):
        raise NotJson(f"something stands behind the batch (character {_skip(text, at + 1)})")


def _skip(text: str, at: int) -> int:
    found = _space.match(text, at)
    return found.end() if found else at


class _Reader:
    """Parses values out of windows of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._utf8 = text.isascii() or not NO_UTF8.search(text)
        self._followed = 0
        self._repeated: list[str] = []
        self._decode = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=_no_constant
        ).raw_decode

    def item_and_border(self, at: int, index: int) -> tuple[JsonItem, int]:
        """The item of an array that begins at a character, readable or not, and where the comma or
        bracket behind it stands.
        """
        try:
            item, end = self.item(at, index)
            end = _skip(self._text, end)
            if self._text.startswith((",", "]"), end):
                return item, end
            raise NotJson(f"a comma or a closing bracket is missing (character {end})")
        except (NotJson, ItemTooLong) as error:
            border = self._border(at)
            if border is None:
                raise
            reason = f"can't be read: {error}" if isinstance(error, NotJson) else error.reason
            return JsonItem(None, self._text[at:border], (), reason), border

    def item(self, at: int, index: int) -> tuple[JsonItem, int]:
        """The item that begins at a character, and where it ends."""
        for window in _WINDOWS:
            last = at + window >= len(self._text)
            self._repeated.clear()
            found = self._try(self._text[at : at + window], at, last)
            if found is not None:
                value, length = found
                text = self._text[at : at + length]
                if not self._utf8 and (strange := NO_UTF8.search(text)):
                    raise NotJson(
                        f"it holds bytes that are not UTF-8 (character {at + strange.start()})"
                    )
                return JsonItem(value, text, tuple(self._repeated)), at + length
            if last:
                break
        raise ItemTooLong(index)

    def _border(self, at: int) -> int | None:
        """Where the comma or closing bracket behind the item stands; None if its texts and brackets
        do not end, or nothing is there.
        """
        depth, end = 0, at
        while self._followed < BRACKETS:
            self._followed += 1
            found = (_bracket if depth else _border).match(self._text, end)
            if found is None:
                return None
            sign, end = found.group(1), found.end()
            if depth == 0 and sign in ",]":
                return end - 1 if self._text[at : end - 1].strip(" \t\r\n") else None
            depth += 1 if sign in "[{" else -1
            if depth < 0:
                return None
        return None

    def _try(self, piece: str, at: int, last: bool) -> tuple[Any, int] | None:
        """The value at the beginning of the piece and its length; None if the piece's end seems to
        cut it.
        """
        try:
            value, end = self._decode(piece)
        except JSONDecodeError as error:
            if not last and (
                error.msg.startswith("Unterminated string")
                or error.pos >= len(piece) - _LONGEST_TOKEN
            ):
                return None
            # of a constant only its name is known
            place = error.pos if error.doc == piece else piece.find(error.doc)
            raise NotJson(f"{_WORDS.get(error.msg, error.msg)} (character {at + place})") from None
        except RecursionError:
            raise NotJson(f"the value at character {at} is nested too deeply") from None
        except ValueError:  # Python refuses to convert thousands of digits
            raise NotJson(f"a number behind character {at} has too many digits") from None
        return None if end == len(piece) and not last else (value, end)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            times = Counter(name for name, _ in pairs)
            self._repeated.extend(name for name in times if times[name] > 1)
        return found


def _no_constant(name: str) -> NoReturn:
    raise JSONDecodeError(f"{name} is no number that JSON knows", name, 0)
