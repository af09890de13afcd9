"""What is shown of something that came in, in any message, log or record that is kept: a code as it
is, all else by its shape.

Whoever quotes what somebody sent goes through here, so that a name, an address or a number of a
person is told nowhere, whatever field it was put into.
"""

from __future__ import annotations

import re

from schemas.digests import Digest
from schemas.ids import canonical
from schemas.personal import personal_number

_LONGEST = 128  # characters of what is shown as it is
_SHAPE = 40  # characters of a shape
# Codes, ids and times have no blanks and no letters beyond ASCII, which names and addresses in
# Vietnamese do.
_CODE = re.compile(r"[0-9A-Za-z._:;/+,#!?()\[\]{}=|-]*", re.ASCII)
_TIME = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T]\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(["
    r" ]?(Z|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)
# whoever it belongs to: numbers of persons have nine and more, running numbers less
_DIGITS = re.compile(r"\d{9}")
# Groups of digits with signs between, as (0912)345678 or 001/085/001234: which groups are usual is
# asked where an id is judged; what is only told is masked however it is grouped.
_GROUPS = re.compile(r"(?<![0-9A-Za-z])\d{1,8}(?:[^0-9A-Za-z]{1,2}\d{1,8})+(?![0-9A-Za-z])")
_NAME = re.compile(r"[A-Za-z_][0-9A-Za-z_.:-]{0,63}", re.ASCII)
_SIGNS = "…–—·×÷≥≤“”"  # that sentences of the hub may have
_HASHED = re.compile(r"(?P<shape>.*)~[0-9a-f]{8}", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def is_plain(text: str) -> bool:
    """Whether a text looks like a code, an id, a number or a time, and like nothing of a person."""
    if len(text) > _LONGEST:
        return False
    if _TIME.fullmatch(text):
        return True
    return _CODE.fullmatch(text) is not None and not _DIGITS.search(text) and not _is_personal(text)


def _is_personal(text: str) -> bool:
    joined = (re.sub(r"\D", "", found[0]) for found in _GROUPS.finditer(text))
    return personal_number(text) is not None or any(
        len(digits) > 9 and personal_number(digits) for digits in joined
    )


def shown(value: object) -> str:
    """A value as it may be told: as it is where it is plain, else masked."""
    text = _text(value)
    return text if is_plain(text) else masked(text)


def quoted(value: object) -> str:
    """The same in quotes, for sentences."""
    return f"'{shown(value)}'"


def masked(text: str) -> str:
    """A text's shape: x for letters, # for digits, blanks and signs as they are; of a long one the
    beginning and its length.
    """
    text = _composed(text)
    shape = "".join(map(_sign, text[:_SHAPE]))
    return shape if len(text) <= _SHAPE else f"{shape}… ({len(text):,} characters)"


def name_shown(name: str) -> str:
    """A field's name as it may be told; a sender may have put anything in the place of a name."""
    plain = (
        _NAME.fullmatch(name) is not None and not _DIGITS.search(name) and not _is_personal(name)
    )
    return name if plain else f"(a name of {len(name):,} characters)"


def without_numbers(text: str) -> str:
    """A text whose digits are masked if it seems to hold a number of a person: for names of
    files.
    """
    return re.sub(r"\d", "#", text) if _is_personal(text) or _DIGITS.search(text) else text


def file_shown(name: str, digest: Digest) -> str:
    """A file's name as it may be kept: as it is where it is plain, else its shape and the beginning
    of its keyed hash, by which it is told from others of that shape. What this has given stays.
    """
    if is_plain(name):
        return name
    hashed = _HASHED.fullmatch(name)
    if hashed is not None and masked(hashed["shape"]) == hashed["shape"]:
        return name
    whole = name.encode("utf-8", "surrogateescape")
    return f"{masked(name[:_SHAPE]).strip()}~{digest.of(whole)[:8]}"


def masked_sentence(sentence: str) -> str:
    """A sentence of an earlier version of the hub, which quoted what it spoke of: its quotes and
    numbers masked.
    """

    def mask(found: re.Match[str]) -> str:
        return quoted(found[1] if found[1] is not None else found[2])

    def told(word: str) -> bool:
        return word.strip(_SIGNS).isascii() and not _DIGITS.search(word)

    words = _QUOTED.sub(mask, sentence).split(" ")
    return " ".join(word if told(word) else masked(word) for word in words)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value) if not isinstance(value, int) or abs(value) < 10**30 else "#" * 31
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    size = len(value) if isinstance(value, list | tuple | dict) else 0
    return f"[{'list' if isinstance(value, list | tuple) else 'object'}:{size}]"


def _composed(text: str) -> str:
    """As many characters as are seen: accents that stand by themselves would tell which letters
    they belong to.
    """
    try:
        return canonical(text)
    except ValueError:
        return text


def _sign(character: str) -> str:
    if not character.isprintable():
        return "?"
    if character.isdigit():
        return "#"
    return "x" if character.isalpha() or not character.isascii() else character
