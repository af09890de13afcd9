"""Cells: the absolute counts that workers publish to `lgsp.cells` and the cube reads, and the pages
that carry them.

A cell belongs to (family, kind, agency, category, at) within one partition; a figure is the sum
over partitions. `at` is a day (YYYYMMDD), an instant (epoch ms; 0: none) or 0. Its counts are kept
by place: the place of a measure among its kind's measures. A kind of stock holds what changed on a
day, also less than nothing: what exists on a day is the sum up to and including it.

A page is what one record holds: all cells of a family and an agency on one day (an instant's day in
the province's zone). Its Kafka key is `family|agency|day`, its value a MessagePack map from
`kind|category` (with `|at` behind it for instants) to a map from place to amount. What is zero is
left out; a page without cells is a tombstone. Single cells would be a record each: of a simulated
million dossiers 2.9 million, where 0.4 million pages hold them.

Measures are only ever appended: their places are the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from schemas.clock import day
from schemas.codes import ADMINISTRATIVE_LEVELS, CHANNELS
from schemas.errors import ContractError, NewerLayout
from schemas.masking import quoted

CellSums = dict[int, int]  # place -> amount
CellPage = dict[str, CellSums]  # cell's name -> its counts
At = Literal["day", "instant", "stock", "none"]

# Upper bounds (inclusive, in days) of the processing-time classes; the last class is open.
DAYS_BOUNDS: tuple[int, ...] = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    12,
    15,
    20,
    25,
    30,
    45,
    60,
    90,
    180,
    365,
)
# Upper bounds (inclusive, in seconds) of the report-lag classes; the last class is open.
LAG_BOUNDS: tuple[int, ...] = (
    1,
    5,
    15,
    60,
    300,
    900,
    3_600,
    7_200,
    14_400,
    28_800,
    86_400,
    172_800,
    432_000,
    864_000,
    2_592_000,
    7_776_000,
)
# Upper bounds (inclusive, in seconds of working time; a working day has eight hours) of the classes
# of report lag in working time: an hour, half a day, a day, two, a week, a month. What is quicker
# shows by the clock.
WORKING_LAG_BOUNDS: tuple[int, ...] = (3_600, 14_400, 28_800, 57_600, 144_000, 633_600)
# Upper bounds (inclusive, in hours) of the document-handling classes; the last class is open.
HOURS_BOUNDS: tuple[int, ...] = (1, 2, 4, 8, 24, 48, 72, 120, 240, 720)


def classes(name: str, bounds: tuple[int, ...]) -> tuple[str, ...]:
    """The measures of a histogram: one per bound, and an open one."""
    return (*(f"{name}_le_{bound}" for bound in bounds), f"{name}_more")


def by_level(measure: str) -> tuple[str, ...]:
    """A measure for each administrative level."""
    return tuple(f"{measure}_{level}" for level in ADMINISTRATIVE_LEVELS)


@dataclass(frozen=True, slots=True)
class CellKind:
    """What a kind of cell counts, and what its `at` is."""

    at: At
    measures: tuple[str, ...]
    reported: bool = False  # amounts are what an agency says, which may be less than nothing

    @property
    def signed(self) -> bool:
        """Whether an amount may be less than nothing."""
        return self.at == "stock" or self.reported


CELL_KINDS: dict[str, dict[str, CellKind]] = {
    "dossiers": {
        "received": CellKind(
            "day",
            (
                "received",
                *(f"received_{channel}" for channel in CHANNELS),
                "received_partial",
                "received_full",
                "with_fee",
                "authenticated",
                "reused_data",
                "backfilled",
                "reception_reports",
                "reception_lag_seconds",
                *classes("reception_lag", LAG_BOUNDS),
                "reception_working_lag_seconds",
                *classes("reception_working_lag", WORKING_LAG_BOUNDS),
                "papers_digitised",
                "from_personal_store",
                "identified",
                "paid_online",
            ),
        ),
        "refused": CellKind("day", ("refused",)),
        "closed": CellKind(
            "day",
            (
                "closed",
                "finished",
                "withdrawn",
                "stopped",
                "finished_online",
                "on_time",
                "early",
                "late",
                "no_due",
                "late_766",
                "late_06a",
                "results",
                "results_digitised",
                "moved",
                "moved_electronically",
                "reported_late",
                "looked_overdue",
                "processing_seconds",
                "reports",
                "lag_seconds",
                *classes("lag", LAG_BOUNDS),
                *classes("days", DAYS_BOUNDS),
                "finished_without_step",
                "return_reports",
                "return_lag_seconds",
                *classes("return_lag", LAG_BOUNDS),
                "working_lag_seconds",
                *classes("working_lag", WORKING_LAG_BOUNDS),
                "return_working_lag_seconds",
                *classes("return_working_lag", WORKING_LAG_BOUNDS),
                "processing_working_seconds",
                "paused_working_seconds",
                "asked_for_papers",
                "asked_again_in_time",
                "digitised_throughout",
            ),
        ),
        "paid": CellKind("day", ("transactions", "transactions_online", "amount", "amount_online")),
        "rated": CellKind(
            "day",
            (
                "ratings",
                "satisfied",
                "ratings_agency",
                "satisfied_agency",
                "ratings_health_education",
                "satisfied_health_education",
            ),
        ),
        "open": CellKind("instant", ("open", "waiting")),
        "flagged": CellKind(
            "day",
            (
                "flagged",
                "offline_procedure_online",
                "no_reception",
                "finished_without_end",
                "received_in_future",
                "ended_in_future",
                "received_after_end",
                "due_moved_after_passed",
                "step_after_end",
                "sources_disagree",
                "due_before_reception",
                "step_before_reception",
                "returned_before_end",
                "end_without_reception",
                "supplement_before_reception",
                "too_many",
            ),
        ),
        "reopened": CellKind("day", ("reopened",)),
    },
    "documents": {
        "sent": CellKind("day", ("documents", "electronic", "signed", "electronic_signed")),
        "received": CellKind("day", ("arrived", "accepted", "refused")),
        "accepted": CellKind(
            "day", ("accepted_timed", "accepted_seconds", *classes("accepted_h", HOURS_BOUNDS))
        ),
        "handled": CellKind(
            "day",
            (
                "completed",
                "completed_timed",
                "completed_seconds",
                *classes("completed_h", HOURS_BOUNDS),
            ),
        ),
        "recalled": CellKind("day", ("asked", "agreed", "refused_recall")),
        "flagged": CellKind("day", ("no_sending", "too_many")),
    },
    "tasks": {
        "assigned": CellKind("day", ("assigned", "with_deadline", "without_deadline")),
        "open": CellKind(
            "instant", ("open", "not_started", "running", "waiting_confirmation", "returned")
        ),
        "completed": CellKind("day", ("completed", "on_time", "late", "no_deadline", "extended")),
        "cancelled": CellKind("day", ("cancelled",)),
        "flagged": CellKind(
            "day",
            (
                "flagged",
                "no_assignment",
                "due_before_assignment",
                "completed_before_assignment",
                "due_moved_after_passed",
                "too_many",
            ),
        ),
    },
    "activities": {
        "meetings": CellKind(
            "day",
            (
                "meetings",
                "meetings_in_system",
                *by_level("meetings"),
                *by_level("meetings_in_system"),
            ),
        ),
        "inspections": CellKind("day", ("inspections", "inspections_digital")),
        "work_records": CellKind(
            "day",
            (
                "work_records",
                "work_records_online",
                *by_level("work_records"),
                *by_level("work_records_online"),
                "work_records_secret",
            ),
        ),
    },
    "inventory": {
        "agencies": CellKind("stock", ("agencies", "agencies_expected")),
        "procedures": CellKind(
            "stock",
            (
                "procedures",
                "eligible_online",
                "offered_online",
                "on_national_portal",
                "with_fee",
                "payable_online",
                "internal",
                "internal_published",
                "full_online",
                "full_online_multichannel",
                "days_before",
                "days_now",
            ),
        ),
        "systems": CellKind(
            "stock",
            (
                "systems",
                "portals",
                "portals_connected",
                "information_systems",
                "information_systems_connected",
                "reporting_systems",
                "reporting_systems_connected",
            ),
        ),
        "datasets": CellKind("stock", ("datasets", "datasets_shared", "datasets_open")),
        "accounts": CellKind("stock", ("users", "users_authenticated")),
        "reported": CellKind(
            "day", ("figures", "numerator", "denominator", "without_denominator"), reported=True
        ),
    },
    "heartbeats": {
        "beat": CellKind("none", ("occurred_at",)),
    },
}


# How far a partition's cells have come: the offset of the next event to apply, the version of the
# counting rules, which office hours they counted by and the number that their author gave these
# (both 0: the rules ask for none), and how many records in a row were refused before that offset.
# Written in every transaction, on a page of its own, so that whoever reads cells knows exactly
# which events they stand for.
APPLIED = "applied"
APPLIED_MEASURES = ("layout", "version", "calendar", "offset", "hours", "refused_run")
_LAYOUT, _OFFSET = APPLIED_MEASURES.index("layout"), APPLIED_MEASURES.index("offset")
# In the first layout the offset stood where the layout stands now. A hub of that time takes this
# number for the offset, which is never the group's: it refuses these books instead of counting them
# by its older rules.
APPLIED_LAYOUT = -2
for _kinds in CELL_KINDS.values():
    _kinds[APPLIED] = CellKind("none", APPLIED_MEASURES)


class CountingRules(NamedTuple):
    """What a family's cells were counted by: the version of its rules, the fingerprint of the
    office hours, and their number.

    Fingerprint and number are 0 where the rules need no office hours; the number is also 0 in cells
    of before there was one.
    """

    version: int
    calendar: int = 0
    hours: int = 0

    def __str__(self) -> str:
        hours = (
            f" and office hours number {self.hours} ({self.calendar:08x})" if self.calendar else ""
        )
        return f"version {self.version}{hours}"


class CellsStanding(NamedTuple):
    """What a page `applied` says: which events the cells stand for, and what they were counted
    by.
    """

    offset: int
    rules: CountingRules
    refused_run: int = 0


# The version of a family's rules from which on a measure, by family, kind and name, is counted;
# from the first one on if it is not named. Books that stand at older rules do not have it yet,
# which is not the same as none: whoever shows figures leaves it out.
_ADDED: dict[int, dict[str, tuple[str, ...]]] = {  # to dossiers, by version and kind
    2: {
        "received": (
            "reception_reports",
            "reception_lag_seconds",
            *classes("reception_lag", LAG_BOUNDS),
        ),
        "closed": (
            "finished_without_step",
            "return_reports",
            "return_lag_seconds",
            *classes("return_lag", LAG_BOUNDS),
        ),
        "flagged": (
            "due_before_reception",
            "step_before_reception",
            "returned_before_end",
            "end_without_reception",
            "supplement_before_reception",
        ),
        "reopened": ("reopened",),
    },
    3: {
        "received": (
            "reception_working_lag_seconds",
            *classes("reception_working_lag", WORKING_LAG_BOUNDS),
            "papers_digitised",
            "from_personal_store",
            "identified",
            "paid_online",
        ),
        "closed": (
            "working_lag_seconds",
            *classes("working_lag", WORKING_LAG_BOUNDS),
            "return_working_lag_seconds",
            *classes("return_working_lag", WORKING_LAG_BOUNDS),
            "processing_working_seconds",
            "paused_working_seconds",
            "asked_for_papers",
            "asked_again_in_time",
            "digitised_throughout",
        ),
    },
    4: {"flagged": ("too_many",)},
}
SINCE: dict[tuple[str, str, str], int] = {
    ("dossiers", kind, measure): version
    for version, kinds in _ADDED.items()
    for kind, measures in kinds.items()
    for measure in measures
} | {("documents", "flagged", "too_many"): 2, ("tasks", "flagged", "too_many"): 2}


def applied_row(family: str, standing: CellsStanding) -> tuple[bytes, bytes]:
    """Key and value of a family's `applied` page; one per partition."""
    offset, rules, refused_run = standing
    values = (APPLIED_LAYOUT, rules.version, rules.calendar, offset, rules.hours, refused_run)
    return applied_key(family), encode_page(
        {f"{APPLIED}|-": {place: value for place, value in enumerate(values) if value}}
    )


def read_applied_page(value: bytes | None) -> CellsStanding:
    """What an `applied` page says; nothing was applied where there is none.

    Raises: ContractError for what is no such page. NewerLayout for one that a later version of the
    hub wrote.
    """
    sums = _of_today(next(iter(decode_page(value).values()), {}))
    _, version, calendar, offset, hours, refused_run = (
        sums.get(place, 0) for place in range(len(APPLIED_MEASURES))
    )
    return CellsStanding(offset, CountingRules(version, calendar, hours), refused_run)


def _of_today(sums: CellSums) -> CellSums:
    """The counts of an `applied` page in today's places, without the layout."""
    layout = sums.get(_LAYOUT, 0)
    if layout < APPLIED_LAYOUT:
        raise NewerLayout(
            f"The page `{APPLIED}` has layout {-layout}, and this version of the hub knows layouts"
            f" up to {-APPLIED_LAYOUT}."
        )
    rest = {place: amount for place, amount in sums.items() if place != _LAYOUT}
    return rest if layout == APPLIED_LAYOUT else rest | {_OFFSET: layout}


def applied_key(family: str) -> bytes:
    """The key of a family's `applied` page."""
    return f"{family}|hub|{APPLIED}".encode()


def is_applied(key: bytes | None) -> bool:
    """Whether a page is a family's `applied`: the last one that a transaction writes of the
    family.
    """
    return key is not None and key.endswith(_APPLIED_PAGE)


_APPLIED_PAGE = f"|hub|{APPLIED}".encode()


def counted(family: str) -> dict[str, CellKind]:
    """The kinds whose measures are counts and may be summed; the others are the hub's own
    bookkeeping.
    """
    return {name: kind for name, kind in CELL_KINDS[family].items() if kind.at != "none"}


class CellKey(NamedTuple):
    """What a cell belongs to."""

    family: str
    kind: str
    agency: str
    category: str
    at: int


def parse_key(key: bytes) -> CellKey:
    """A cell's key as counts name it, `family|kind|agency|category|at`, taken apart.

    Raises: ContractError for a key that is no cell's.
    """
    try:
        family, kind, agency, category, at = key.decode().split("|")
        if kind not in CELL_KINDS[family]:
            raise KeyError(kind)
        return CellKey(family, kind, agency, category, int(at))
    except (ValueError, KeyError) as error:
        raise ContractError(
            f"{quoted(key)} is no key of a cell (family|kind|agency|category|at)"
        ) from error


def page_of(key: bytes) -> tuple[bytes, str]:
    """The page that a cell's key belongs to, and its name there. Quick: on the path of every
    event.
    """
    family, kind, agency, category, at = key.decode().split("|")
    if CELL_KINDS[family][kind].at == "instant":
        return (
            f"{family}|{agency}|{day(int(at)) if at != '0' else 0}".encode(),
            f"{kind}|{category}|{at}",
        )
    return f"{family}|{agency}|{at}".encode(), f"{kind}|{category}"


def cells_of_page(key: bytes | None, value: bytes | None) -> Iterator[tuple[CellKey, CellSums]]:
    """The cells of a page; a tombstone has none.

    Raises: ContractError for what is no page, before the first cell or on the way.
    """
    try:
        family, agency, part = (key or b"").decode().split("|")
        kinds, at = CELL_KINDS[family], 0 if part == APPLIED else int(part)
    except (ValueError, KeyError) as error:
        raise ContractError(f"{quoted(key)} is no key of a page (family|agency|day)") from error
    for name, sums in decode_page(value).items():
        if part == APPLIED:
            sums = _of_today(sums)
        try:
            kind, category, *instant = name.split("|")
            if bool(instant) != (kinds[kind].at == "instant"):
                raise ValueError(name)
            yield CellKey(family, kind, agency, category, int(*instant) if instant else at), sums
        except (ValueError, KeyError, TypeError) as error:
            raise ContractError(
                f"{quoted(name)} on page {quoted(key)} is no cell (kind|category, and |at for an"
                " instant)"
            ) from error


_decoder = msgspec.msgpack.Decoder(CellPage)
encode_page = msgspec.msgpack.Encoder().encode


def decode_page(value: bytes | None) -> CellPage:
    """The cells of a page by name; a tombstone has none.

    Raises: ContractError for anything but a map of maps of whole numbers.
    """
    if not value:
        return {}
    try:
        return _decoder.decode(value)
    except msgspec.DecodeError as error:
        raise ContractError(
            f"a record of {len(value):,} bytes is no page of cells (a map from names to counts by"
            " place)"
        ) from error
