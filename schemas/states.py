"""States: what is known of one thing, the join of all its events; the values of the `lgsp.*.state`
topics. Those of documents, tasks and activities are in schemas/work_states.py.

MessagePack arrays, so a state is small (a million stay in memory) and quick to read. Fields are
only ever appended, with a default: older and newer readers then read each other. The facts in
them are arrays too; other facts take new rules, for which they are made anew from the events.

An event id that is a UUID is kept as a zero byte and its 16 bytes, any other as its UTF-8. Ids are
compared as text.

A record with an empty key is about nothing: it says how far the partition's states have come
(`StatesApplied`).

One thing may gather only so much (`MOST`), so that its state stays below what Kafka takes.
"""

from __future__ import annotations

from typing import Any

import msgspec

EventId = bytes
# How many entries of each map of a state count; one more is kept, so that it shows when there are
# too many (streams/families/bounds.py). The longest ids are 128 characters of four bytes, so an
# entry takes at most so many bytes: payments 536, ratings 537, finish 1,050, transfers 88, dues 18,
# papers, fees and earlier 10, statuses 50 (each of another receiver), recall 524 (a word that no
# connector lets in), corrections of payments, ratings, ends, returns and statuses 570, of moves 90,
# of the others 18.
# A dossier with everything full takes 6.6 MB, a document 1.1 MB: clearly below the 8 MiB that the
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
    "fees": 2_000,
    "assigned_dues": 2_000,
    "earlier": 2_000,
    # of corrections
    "amended_payments": 200,
    "amended_ratings": 200,
    "amended_moves": 200,
    "amended_dues": 200,
    "amended_papers": 200,
    "amended_fees": 200,
    "amended_statuses": 200,
    "amended_earlier_ends": 100,
    "amended_earlier_returns": 100,
}

# least broker time at which the fact was heard; None: only as imported history
HeardAt = int | None
# `restated` of a fact: it was also stated otherwise, at the same instant and under the same id


class Register(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A statement of which the one with the greatest (occurred_at, event id) stays."""

    occurred_at: int
    event_id: EventId


class Statement(
    msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True, order=True
):
    """A statement of which the greatest stays: all its values, compared in their order."""

    occurred_at: int


class ReporterFact(Statement, frozen=True):
    """Who spoke of a thing, while the fact that names its agency is not known."""

    agency: str


class ReceptionFact(Register, frozen=True):
    """A dossier's reception, as a whole: its first due time and first handler too."""

    received_at: int
    agency: str
    procedure: str
    channel: int  # index in CHANNELS
    level: int  # 0: unknown
    bits: int  # streams/families/dossiers/reception.py
    heard_at: HeardAt
    restated: bool = False
    due_at: int = 0  # 0: none
    handler: str | None = None  # None: the receiving agency


class HandlerFact(Register, frozen=True):
    """Who handles a dossier."""

    agency: str
    unit: str | None


class FinishFact(Register, frozen=True):
    """The end of processing."""

    digitised: bool
    heard_at: HeardAt
    restated: bool = False


class ReturnFact(Register, frozen=True):
    """The result was handed over."""

    digitised: bool
    how: str
    heard_at: HeardAt
    restated: bool = False


class RefusalFact(Register, frozen=True):
    """A dossier was not accepted, and by whom."""

    agency: str
    procedure: str
    heard_at: HeardAt
    restated: bool = False


class ClosingFact(Register, frozen=True):
    """A withdrawal or a stop."""

    heard_at: HeardAt
    restated: bool = False


class PaymentFact(Statement, frozen=True):
    """The state of a payment."""

    rank: int  # PAYMENT_RANK
    amount: int
    online: bool
    restated: bool = False
    paid_before: int = 0  # while it is not paid: when it was last said to be; 0: never


class RatingFact(Statement, frozen=True):
    """A rating."""

    satisfied: bool
    about: str
    score: int  # 0: unknown
    restated: bool = False


class VoidFact(Register, frozen=True):
    """Something was entered by mistake (`voided`), or it was not after all: by whom."""

    voided: bool
    agency: str
    source: str


# What corrections say. `occurred_at` is when the correction was made, `at` when it happened in
# truth, and where `holds` is false it never did.


class EndCorrection(Register, frozen=True):
    """How a dossier ended, or that it has not."""

    outcome: int  # index in streams/families/dossiers/closed.py: OUTCOMES; 0: it has not ended
    at: int
    digitised: bool
    heard_at: HeardAt
    restated: bool = False


class ReturnCorrection(Register, frozen=True):
    """How the result was handed over."""

    holds: bool
    at: int
    digitised: bool
    how: str
    heard_at: HeardAt
    restated: bool = False


class RefusalCorrection(Register, frozen=True):
    """Whether a dossier was refused, and by whom."""

    holds: bool
    at: int
    agency: str
    procedure: str
    heard_at: HeardAt
    restated: bool = False


class ReopeningCorrection(Register, frozen=True):
    """When a dossier was reopened; at 0 never."""

    at: int


class PaymentCorrection(Statement, frozen=True):
    """The state of a payment."""

    holds: bool
    at: int
    rank: int
    amount: int
    online: bool


class RatingCorrection(Statement, frozen=True):
    """A rating."""

    holds: bool
    at: int
    satisfied: bool
    about: str
    score: int


class MoveCorrection(Statement, frozen=True):
    """A move between agencies."""

    holds: bool
    electronic: bool


class InstantsCorrection(Statement, frozen=True):
    """All due times, requests for papers (with the answers) or requests for fees anew, by their
    instants.
    """

    instants: dict[int, int]


class DossierAmendments(msgspec.Struct, array_like=True):
    """What is rarely said of a dossier: corrections and a void.

    streams/families/dossiers/settling.py makes a plain state of it.
    """

    void: VoidFact | None = None
    end: EndCorrection | None = None
    returned: ReturnCorrection | None = None
    refusal: RefusalCorrection | None = None
    reopened: ReopeningCorrection | None = None
    dues: InstantsCorrection | None = None
    papers: InstantsCorrection | None = None
    fees: InstantsCorrection | None = None
    payments: dict[str, PaymentCorrection] = {}
    ratings: dict[str, RatingCorrection] = {}
    moves: dict[str, MoveCorrection] = {}
    # by when they were made: those before the newest, for the ends that reopenings undid
    earlier_ends: dict[int, EndCorrection] = {}
    earlier_returns: dict[int, ReturnCorrection] = {}


class Dossier(msgspec.Struct, array_like=True):
    """What is known of a dossier; meaning and merge rules: streams/families/dossiers/merges.py."""

    reception: ReceptionFact | None = None
    handler: HandlerFact | None = None
    dues: dict[int, int] = {}  # occurred_at of the fact that changed it -> due time
    supplement: Any = None  # no longer kept
    fee: Any = None  # no longer kept
    finish: dict[str, FinishFact] = {}  # by source
    returned: ReturnFact | None = None
    refusal: RefusalFact | None = None
    withdrawal: ClosingFact | None = None
    stop: ClosingFact | None = None
    reopened: int = 0
    step_at: int = 0
    payments: dict[str, PaymentFact] = {}  # by reference
    transfers: dict[str, bool] = {}  # by from|to|at: electronic
    ratings: dict[str, RatingFact] = {}  # by rating id
    reporter: ReporterFact | None = None  # the newest, only while the reception is unknown
    first_step_at: int = 0  # 0: no step is known
    # when further papers were asked for or came in -> ASKED, CAME or both
    papers: dict[int, int] = {}
    fees: dict[int, int] = {}  # as papers: when a fee was asked for
    amended: DossierAmendments | None = None  # None of nearly every dossier
    # ends and reopenings before the newest of their kind: when -> the bits of their kinds
    # (streams/families/dossiers/undone.py)
    earlier: dict[int, int] = {}


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
    # beginnings, in order, for which something else was said at the very instant of what stands
    restated: list[int] | None = None


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
