"""Which records may count: what somebody else wrote to the hub's topics is told apart here, for
workers and the recount alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.ids import is_thing_id
from schemas.masking import quoted
from schemas.partitioner import partition_of

_PLAIN = re.compile(rb"[!-{}~]{1,128}").fullmatch  # printable ASCII but `|`: nearly every id


@dataclass(frozen=True, slots=True)
class Home:
    """A partition among so many: which keys belong there."""

    partition: int
    partitions: int


def strange(key: bytes, home: Home | None) -> str | None:
    """Why no door wrote a record of this key to this partition; None if one may have. `home` None:
    the family's keys don't choose.

    A thing that is told of on two partitions would be two things, and count twice.
    """
    if not _PLAIN(key) and (why := _no_id(key)):
        return why
    if home is None:
        return None
    right = partition_of(key, home.partitions)
    if right == home.partition:
        return None
    return (
        f"the key belongs to partition {right}, not {home.partition}: another system's producer"
        " chose it, by another rule"
    )


def _no_id(key: bytes) -> str | None:
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return f"the key, {len(key):,} bytes, is no text, so it is no id that a connector lets in"
    return (
        None if is_thing_id(text) else f"the key {quoted(text)} is no id that a connector lets in"
    )


def looks_like_state(row: bytes) -> bool:
    """Whether a row of a state topic begins as one: with the head of a MessagePack array. Quick:
    for a million at a take-over.
    """
    head = row[0]
    return head & 0xF0 == 0x90 or head in (0xDC, 0xDD)


def looks_like_page(row: bytes) -> bool:
    """The same of a page of cells: the head of a MessagePack map."""
    head = row[0]
    return head & 0xF0 == 0x80 or head in (0xDE, 0xDF)
