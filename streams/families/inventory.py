"""What exists: agencies, procedures, systems, datasets, accounts, and reported figures; state and
counts (in words: docs/figures.md).

An item is a map from beginning to statement. A statement holds from its beginning until the next
one begins or until its own end, whichever is first; it adds to the stock on the day it begins and
takes the same away on the day it ends.

A state must not grow without end where a system states the same item night after night: a statement
without a beginning of its own begins with its day, and of many beginnings the latest `KEPT` are
known. Which those are hangs on no order of arrival either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

from schemas.clock import day, day_start
from schemas.codes import ADMINISTRATIVE_LEVELS, AGENCY_LEVELS, SYSTEM_KINDS
from schemas.states import EventId, InventoryItem, id_text, pack_id
from schemas.wire import Fields
from streams.families.base import ALL, Contribution, Family, measure_indexes

_Details = dict[str, Any]
_Statement = tuple[int, EventId, str, str, int | None, _Details]
_Stocked = dict[str, int]
_Stock = tuple[str, str, _Stocked]  # kind of cell, category, measures
_Validity = tuple[
    int, int | None
]  # from an instant until before another; None: until further notice

_NOT_DETAILS = {"event_id", "source", "agency", "occurred_at", "backfill", "valid_from", "valid_to"}
_INDEXES = {
    kind: measure_indexes("inventory", kind)
    for kind in ("agencies", "procedures", "systems", "datasets", "accounts", "reported")
}
_REPORTED = "figure.reported"
# statements of one item; the largest ones together stay below Kafka's limit for a record
MOST_STATEMENTS = 500


def _valid(kind: str) -> Callable[[InventoryItem, Fields, int], None]:
    def stated(state: InventoryItem, fields: Fields, _: int) -> None:
        begins = (
            day_start(fields["occurred_at"])
            if fields["valid_from"] is None
            else fields["valid_from"]
        )
        _state(state, begins, kind, fields, fields["valid_to"])

    return stated


def accounts_counted(state: InventoryItem, fields: Fields, _: int) -> None:
    """How many accounts there are from this day on, as last counted on it."""
    _state(state, day_start(fields["occurred_at"]), "accounts.counted", fields, None)


def figure_reported(state: InventoryItem, fields: Fields, _: int) -> None:
    """A figure for a period; of one period, the greatest revision stands."""
    _state(state, fields["period_from"], _REPORTED, fields, None)


def system_heartbeat(state: InventoryItem, fields: Fields, _: int) -> None:
    """The system was alive."""
    at = fields["occurred_at"]
    state.heartbeat = max(state.heartbeat, at)
    state.first_heartbeat = min(state.first_heartbeat or at, at)


def _state(
    state: InventoryItem, begins: int, kind: str, fields: Fields, valid_to: int | None
) -> None:
    details = {name: value for name, value in fields.items() if name not in _NOT_DETAILS}
    new: _Statement = (
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        kind,
        fields["agency"],
        valid_to,
        details,
    )
    known = state.statements.get(begins, new)
    stands = max(new, known, key=_rank)
    state.statements[begins] = stands
    if _said(new) == _said(known):
        if not _alike(new, known):
            state.restated = sorted({begins, *(state.restated or ())})
    elif stands is new:
        _forget_restated(state, begins)
    if len(state.statements) > MOST_STATEMENTS:
        oldest = min(state.statements)
        del state.statements[oldest]
        _forget_restated(state, oldest)


def _said(statement: _Statement) -> tuple[int, int]:
    """What decides between two statements of one beginning; where it is equal, they contest each
    other if they differ.
    """
    return statement[5].get("revision", 0), statement[0]


def _alike(one: _Statement, other: _Statement) -> bool:
    """Whether they say the same, under whatever id; older states lack fields of today."""
    known = one[5].keys() & other[5].keys()
    return one[2:5] == other[2:5] and all(one[5][name] == other[5][name] for name in known)


def _forget_restated(state: InventoryItem, begins: int) -> None:
    """What stands there now, if anything, is contested by nobody."""
    if state.restated is not None:
        state.restated = [one for one in state.restated if one != begins] or None


def _rank(statement: _Statement) -> tuple[int, int, str, str]:
    """Which of two statements of one beginning stands: the greater (revision, time, event id)."""
    return *_said(statement), id_text(statement[1]), repr(statement[2:])


def counts(state: InventoryItem, _parts: int = ALL) -> list[Contribution]:
    """The cells that an item counts in."""
    found: list[Contribution] = []
    for span, (_, _, kind, agency, _, details) in _spans(state.statements):
        if kind == _REPORTED:
            found.append(_reported(agency, details))
        elif span[1] is None or span[1] > span[0]:
            for (cell, category, amounts), (begins, ends) in _stocks(
                kind, details, span, state.first_heartbeat
            ):
                key = f"inventory|{cell}|{agency}|{category}|"
                found.append(_change(key, cell, begins, amounts, 1))
                if ends is not None:
                    found.append(_change(key, cell, ends, amounts, -1))
    return found


def shown(state: InventoryItem) -> object:
    """What the directory tells of an item, such as its name, by beginning."""
    return {begins: statement[2:] for begins, statement in state.statements.items()}


def touched(old: InventoryItem, new: InventoryItem) -> int:
    """A further heartbeat changes no count."""
    return (
        0
        if old.first_heartbeat == new.first_heartbeat and old.statements == new.statements
        else ALL
    )


def _spans(statements: dict[int, _Statement]) -> Iterator[tuple[_Validity, _Statement]]:
    """Each statement with what is left of its validity."""
    beginnings = sorted(statements)
    for begins, following in zip_longest(beginnings, beginnings[1:]):
        statement = statements[begins]
        ends = [end for end in (statement[4], following) if end is not None]
        yield (begins, min(ends) if ends else None), statement


def _change(key: str, kind: str, at: int, amounts: _Stocked, sign: int) -> Contribution:
    measures = _INDEXES[kind]
    return (
        f"{key}{day(at)}".encode(),
        (),
        tuple((measures[name], sign * amount) for name, amount in amounts.items()),
    )


def _reported(agency: str, details: _Details) -> Contribution:
    measures, denominator = _INDEXES["reported"], details["denominator"]
    divided = (
        (measures["without_denominator"], 1)
        if denominator is None
        else (measures["denominator"], denominator)
    )
    sums = ((measures["figures"], 1), (measures["numerator"], details["numerator"]), divided)
    return (
        f"inventory|reported|{agency}|{details['indicator']}|{day(details['period_to'])}".encode(),
        (),
        sums,
    )


def _stocks(
    kind: str, details: _Details, span: _Validity, heard: int
) -> Iterator[tuple[_Stock, _Validity]]:
    """What a statement adds to the stock, and for how long."""
    if kind != "system.registered":
        yield _STOCKS[kind](details), span
        return
    category = details["kind"] if details["kind"] in SYSTEM_KINDS else "other"
    yield ("systems", category, _systems(details)), span
    if details["kind"] == "reporting" and details["on_national_reporting"]:
        yield ("systems", category, {"reporting_systems_connected": 1}), span
    connected, answering = _connected(details), (max(span[0], heard), span[1])
    if heard and connected and (span[1] is None or span[1] > answering[0]):
        yield ("systems", category, connected), answering


def _systems(details: _Details) -> _Stocked:
    """A system by what it is."""
    counted = {
        "systems": True,
        "portals": details["kind"] in ("portal", "one_stop"),
        "information_systems": details["citizen_facing"],
        "reporting_systems": details["kind"] == "reporting",
    }
    return {name: 1 for name, yes in counted.items() if yes}


def _connected(details: _Details) -> _Stocked:
    """What a system counts for besides, once it has been heard: registered as connected is a
    promise, a heartbeat keeps it.
    """
    counted = {
        "portals_connected": details["kind"] in ("portal", "one_stop")
        and details["on_national_portal"],
        "information_systems_connected": details["citizen_facing"]
        and details["on_document_axis"]
        and details["on_lgsp"],
    }
    return {name: 1 for name, yes in counted.items() if yes}


def _agencies(details: _Details) -> _Stock:
    level = details["level"] if details["level"] in AGENCY_LEVELS else "other"
    return "agencies", level, {"agencies": 1, "agencies_expected": int(details["expected"])}


def _procedures(details: _Details) -> _Stock:
    """Internal procedures are counted apart; the others by how they are offered to citizens and
    businesses.
    """
    if details["internal"]:
        return (
            "procedures",
            details["field"],
            {"internal": 1, "internal_published": int(details["published"])},
        )
    full = details["level"] == 4
    offered = details["eligible_online"] and details["level"] >= 3
    counted = {
        "procedures": True,
        "eligible_online": details["eligible_online"],
        "offered_online": offered,
        "on_national_portal": offered and details["on_national_portal"],
        "with_fee": details["with_fee"],
        "payable_online": details["with_fee"] and details["payable_online"],
        "full_online": full,
        "full_online_multichannel": full and details["mobile"] and details["access_means"] > 1,
    }
    return (
        "procedures",
        details["field"],
        {name: 1 for name, yes in counted.items() if yes} | _days(details) | _form_07b(details),
    )


def _form_07b(details: _Details) -> _Stocked:
    """By level of the administration what form 07b/VPCP/KSTT counts: a procedure at each of its
    levels once. States of before version 3 know nothing of it.
    """
    stated = details.get("administrative_levels", ())
    levels = [level for level in ADMINISTRATIVE_LEVELS if level in stated]
    counted = dict.fromkeys((f"procedures_{level}" for level in levels), 1)
    for name in ("one_stop", "process_issued"):
        if details.get(name):
            counted |= dict.fromkeys((name, *(f"{name}_{level}" for level in levels)), 1)
    return counted


def _days(details: _Details) -> _Stocked:
    """Legal days before and after the review, for procedures that were reviewed: both are known."""
    before, after = details["days_before"], details["days_now"]
    return {} if before is None or after is None else {"days_before": before, "days_now": after}


def _datasets(details: _Details) -> _Stock:
    return (
        "datasets",
        "-",
        {
            "datasets": 1,
            "datasets_shared": int(details["shared"]),
            "datasets_open": int(details["open_data"]),
        },
    )


def _accounts(details: _Details) -> _Stock:
    return (
        "accounts",
        "-",
        {"users": details["users"], "users_authenticated": details["authenticated"]},
    )


_STOCKS: dict[str, Callable[[_Details], _Stock]] = {
    "agency.registered": _agencies,
    "procedure.registered": _procedures,
    "dataset.registered": _datasets,
    "accounts.counted": _accounts,
}

FAMILY = Family(
    name="inventory",
    version=3,
    state=InventoryItem,
    merges={
        **{
            kind: _valid(kind)
            for kind in (
                "agency.registered",
                "procedure.registered",
                "system.registered",
                "dataset.registered",
            )
        },
        "system.heartbeat": system_heartbeat,
        "accounts.counted": accounts_counted,
        "figure.reported": figure_reported,
    },
    counts=counts,
    touched=touched,
    shown=shown,
)
