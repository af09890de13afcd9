"""Ids and codes in their one canonical form, so that one thing is never two for a character that
nobody sees.

Whatever comes in, by whichever door, is brought into Unicode's composed form (NFC; Vietnamese is
typed in two ways), blanks around it go, other blanks inside become plain ones, and characters
without width go. What a reader could not see and what changes how the rest is read is refused.
docs/send-events.md has the table.

Ids that are in the log already keep counting as they are: `is_thing_id` says what the doors before
this rule let in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# for schemas; what else is refused no plain pattern says
THING_ID = r"^[^\x00-\x1f\x7f-\x9f|]{1,128}$"
LONGEST_ID = 128
# Composed form sorts runs of accents, at a cost that grows with their square: longer text is no id
# in any form.
_LONGEST_RAW = 1_024

_BLANKS = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
# soft hyphen, zero-width characters, byte order mark
_WITHOUT_WIDTH = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_TIDIED = str.maketrans(dict.fromkeys(_BLANKS, " ") | dict.fromkeys(_WITHOUT_WIDTH, ""))

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Fillers and variation selectors: Unicode calls them letters and marks, but nothing is to be seen
# of them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_LET_IN_BEFORE = re.compile(rf"[^\x00-\x1f\x7f-\x9f|{_BIDI}]{{1,{LONGEST_ID}}}")
_DIRECTION = re.compile(f"[{_BIDI}]")


def canonical(text: str) -> str:
    """The canonical form of an id or a code; canonical text comes back as it is.

    Raises: ValueError for characters that no id may hold; its message goes on behind the field's
    name ("holds …").
    """
    if text.isascii() and text.isprintable():
        return text.strip(" ")
    text = text.strip()
    if len(text) > _LONGEST_RAW:
        raise ValueError(f"is longer than {LONGEST_ID} characters")
    if not text.isprintable():
        text = text.translate(_TIDIED)
    text = unicodedata.normalize("NFC", text).strip()
    if not text.isprintable() or _UNSEEN.search(text):
        raise ValueError(_hidden(text))
    return text


def is_thing_id(text: str) -> bool:
    """Whether a thing's id, read back from Kafka, could have come in by a door.

    Wider than what comes in today: the doors once let in text in decomposed form, blanks around it
    and characters without width, and those things go on counting. Never one with `|`, control
    characters or marks that change the direction of writing, nor an empty one or one of more than
    128 characters.
    """
    if text.isascii() and text.isprintable():
        return 0 < len(text) <= LONGEST_ID and "|" not in text
    return _LET_IN_BEFORE.fullmatch(text) is not None


def text_in(longest: int) -> Callable[[str], str]:
    """A check: gives the canonical form of an id or a label of at most so many characters.

    The check raises ValueError, as `canonical` does.
    """

    def check(text: str) -> str:
        text = canonical(text)
        if not text:
            raise ValueError("is empty")
        if len(text) > longest:
            raise ValueError(f"is longer than {longest} characters")
        if "|" in text:
            raise ValueError("holds the character |, which the hub keeps for itself")
        return text

    return check


def code_in(pattern: str, longest: int, signs: str) -> Callable[[str], str]:
    """A check: gives the canonical form of a code of that pattern: so many letters, digits and
    these signs, none of them first.

    The check raises ValueError, as `canonical` does.
    """
    fits = re.compile(pattern.removesuffix("$") + r"\Z").match

    def check(text: str) -> str:
        if fits(text):
            return text
        text = canonical(text)
        if not fits(text):
            raise ValueError(_no_code(text, longest, signs))
        return text

    return check


def _no_code(text: str, longest: int, signs: str) -> str:
    if not text:
        return "is empty"
    of = f"a code is made of letters without accents, digits and {' '.join(signs)}"
    for character in text:
        if not (character.isascii() and character.isalnum()) and character not in signs:
            return f"holds {'a blank' if character == ' ' else f'the character {character}'}: {of}"
    if len(text) > longest:
        return f"is longer than {longest} characters"
    return f"begins with {text[0]}: {of}, and begins with a letter or a digit"


def _hidden(text: str) -> str:
    found = _UNSEEN.search(text)
    character = found.group() if found else next(one for one in text if not one.isprintable())
    name = f"U+{ord(character):04X}"
    if _DIRECTION.match(character):
        return f"holds {name}, which changes the direction of writing"
    category = unicodedata.category(character)
    if category == "Cc" or category in ("Zl", "Zp"):
        return f"holds the control character {name}"
    if category == "Cs":
        return f"holds half a character ({name})"
    if category in ("Cn", "Co"):
        return f"holds {name}, which is no character of any script"
    return f"holds the invisible character {name}"
