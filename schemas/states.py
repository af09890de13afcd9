"""States: what is known of one thing, the join of all its events; the values of the `lgsp.*.state`
topics.

MessagePack arrays, so a state is small (a million stay in memory) and quick to read. Fields are
only ever appended, with a default: older and newer readers then read each other. A register is a
tuple that begins with (occurred_at, event id).

An event id that is a UUID is kept as a zero byte and its 16 bytes, any other as its UTF-8. Ids are
compared as text.

A record with an empty key is about nothing: it says how far the partition's states have come
(`Applied`).

One thing may gather only so much (`MOST`), so that its state stays below what Kafka takes.
"""

from __future__ import annotations

import msgspec

EventId = bytes
# How many entries of each map of a state count; one more is kept, so that it shows when there are
# too many (streams/families/bounds.py). The longest ids are 128 characters of four bytes, so an
# entry takes at most so many bytes: payments 536, ratings 537, finish 1,050, transfers 88, dues 18,
# papers 10, statuses 50 (each of another receiver), recall 524 (a word that no connector lets in).
# A dossier with everything full takes 6.2 MB, a document 1 MB: clearly below the 8 MiB that the
# topics of states take (`max.message.bytes`). A test builds both.
MOST: dict[str, int] = {
    "payments": 8_000,
    "ratings": 2_000,
    "finish": 500,
    "transfers": 2_000,
    "papers": 2_000,
    "dues": 2_000,
    "statuses": 8_000,
    "recall": 1_000,
}

# least broker time at which the fact was heard; None: only as imported history
HeardAt = int | None


class Dossier(msgspec.Struct, array_like=True):
    """What is known of a dossier; meaning and merge rules: streams/families/dossiers/merges.py."""

    # at, id, received_at, agency, procedure, channel (place in CHANNELS), level (0 unknown), bits,
    # reported
    reception: tuple[int, EventId, int, str, str, int, int, int, HeardAt] | None = None
    handler: tuple[int, EventId, str, str | None] | None = None  # at, id, agency, unit
    dues: dict[int, int] = {}  # occurred_at of the fact that set it -> due time
    supplement: tuple[int, EventId, bool] | None = None  # at, id, still waiting
    fee: tuple[int, EventId, bool] | None = None
    finish: dict[
        str, tuple[int, EventId, bool, HeardAt]
    ] = {}  # by source: at, id, digitised, reported
    returned: tuple[int, EventId, bool, str, HeardAt] | None = (
        None  # at, id, digitised, how, reported
    )
    refusal: tuple[int, EventId, str, str, HeardAt] | None = (
        None  # at, id, agency, procedure, reported
    )
    withdrawal: tuple[int, EventId, HeardAt] | None = None
    stop: tuple[int, EventId, HeardAt] | None = None
    reopened: int = 0
    step_at: int = 0
    # by reference: at, rank of the payment state, amount, online
    payments: dict[str, tuple[int, int, int, bool]] = {}
    transfers: dict[str, bool] = {}  # by from|to|at: electronic
    # by rating id: at, satisfied, about, score (0 unknown)
    ratings: dict[str, tuple[int, bool, str, int]] = {}
    # newest (at, agency) heard, only while the reception is unknown
    reporter: tuple[int, str] | None = None
    first_step_at: int = 0  # 0: no step is known
    # when further papers were asked for or came in -> ASKED, CAME or both
    papers: dict[int, int] = {}


class Document(msgspec.Struct, array_like=True):
    """What is known of a document; meaning and merge rules: streams/families/documents.py."""

    # at, id, agency, document type, electronic, signed
    sent: tuple[int, EventId, str, str, bool, bool] | None = None
    statuses: dict[str, dict[str, int]] = {}  # receiver -> status code -> greatest time
    recall: dict[str, int] = {}  # asked, agreed, refused -> greatest time
    # newest (at, agency) heard, only while the sending is unknown
    reporter: tuple[int, str] | None = None


class Task(msgspec.Struct, array_like=True):
    """What is known of a task; meaning and merge rules: streams/families/tasks.py."""

    # at, id, by which agency, to which agency, category
    assigned: tuple[int, EventId, str, str, str] | None = None
    dues: dict[int, int] = {}  # occurred_at of the fact that set it -> deadline
    progress: tuple[int, EventId, str] | None = None  # at, id, progress
    completed: int = 0
    returned: int = 0
    cancelled: int = 0
    # newest (at, agency) heard, only while the assignment is unknown
    reporter: tuple[int, str] | None = None


class Activity(msgspec.Struct, array_like=True):
    """What is known of a meeting, an inspection or a work record; meaning and merge rules:
    streams/families/activities.py.
    """

    # at, id, kind of cell, agency, level, held at, done digitally (in the system, online), secret
    stated: tuple[int, EventId, str, str, str, int, bool, bool] | None = None
    cancelled: int = 0


Detail = str | int | bool | list[str] | None


class InventoryItem(msgspec.Struct, array_like=True):
    """What is known of an agency, procedure, system, dataset, count of accounts or reported figure:
    streams/families/inventory.py.
    """

    # by the first instant for which it is said: at, id, event type, agency, valid to (None: until
    # further notice), the event's other fields
    statements: dict[int, tuple[int, EventId, str, str, int | None, dict[str, Detail]]] = {}
    heartbeat: int = 0  # the newest
    first_heartbeat: int = 0


class Heartbeat(msgspec.Struct, array_like=True):
    """The newest heartbeat of one partition."""

    occurred_at: int = 0  # by the gateway's clock; no longer kept
    heard: int = 0  # by the broker's


class StatesApplied(msgspec.Struct, array_like=True):
    """How far a partition's states have come: the offset of the next event to be joined.

    It is the last of what a transaction writes to the topic. So whoever read it last, has read the
    states of the events before `next` and of no other; the page `applied` of the same transaction
    in `lgsp.cells` says the same of the cells.
    """

    next: int


APPLIED_KEY = b""  # no thing's: events without a key are refused


def applied_state(offset: int) -> tuple[bytes, bytes]:
    """Key and value of the record that says so."""
    return APPLIED_KEY, msgspec.msgpack.encode(StatesApplied(offset))


read_applied = msgspec.msgpack.Decoder(StatesApplied).decode


def pack_id(event_id: str) -> EventId:
    """An event id in few bytes: a UUID written as usual (lower case, with hyphens) shrinks from 36
    to 17.
    """
    if len(event_id) == 36 and event_id[8] == event_id[13] == event_id[18] == event_id[23] == "-":
        digits = event_id.replace("-", "")
        if len(digits) == 32 and digits == digits.lower():
            try:
                packed = bytes.fromhex(digits)
            except ValueError:
                return event_id.encode()
            # fromhex passes over blanks
            return b"\0" + packed if len(packed) == 16 else event_id.encode()
    return event_id.encode()


def id_text(packed: EventId) -> str:
    """The event id as its source wrote it."""
    if len(packed) != 17 or packed[0]:
        return packed.decode()
    digits = packed[1:].hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
