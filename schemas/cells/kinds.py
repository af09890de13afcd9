"""Every kind of cell: what it counts, in the order of its measures' indexes, and since when.

Measures are only ever appended: their indexes are the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.codes import ADMINISTRATIVE_LEVELS, CHANNELS

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
    *(1, 5, 15, 60, 300, 900),
    *(hours * 3_600 for hours in (1, 2, 4, 8, 24, 48, 120, 240, 720, 2_160)),
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


# The columns of form 07b beside the number of procedures.
PROCEDURES_07B: tuple[str, ...] = (
    *by_level("procedures"),
    "one_stop",
    *by_level("one_stop"),
    "process_issued",
    *by_level("process_issued"),
)


@dataclass(frozen=True, slots=True)
class CellKind:
    """What a kind of cell counts, and what its `at` is."""

    at: At
    measures: tuple[str, ...]
    reported: bool = False  # amounts are what an agency says, which may be less than nothing
    implied: bool = False  # on days that follow from what was said: nobody need have told of them

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
                "finished_late",
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
                "restated",
            ),
        ),
        "reopened": CellKind("day", ("reopened",)),
        "voided": CellKind("day", ("voided",)),
        # What changes on a day at the handling agency, so that sums up to a day say what was open,
        # waiting and overdue at its end. 06a's columns 4, 5 and 7 to 10 are sums of a period.
        "flow": CellKind(
            "day",
            (
                "taken_online",
                "taken_other",
                "left",
                "left_stopped",
                "left_early",
                "left_on_time",
                "left_late",
                "asked",
                "back",
                "fell_due",
                "settled",
                "wait_from",
                "wait_to",
                "taken_undated",
                "left_undated",
            ),
            implied=True,
        ),
        "undone": CellKind("day", ("undone",)),
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
        "flagged": CellKind("day", ("no_sending", "too_many", "restated")),
        "voided": CellKind("day", ("voided",)),
    },
    "tasks": {
        "assigned": CellKind("day", ("assigned", "with_deadline", "without_deadline")),
        # deadline_days: the days of the deadlines, as days since 1 January 1970, so that a sum of
        # them says how many days tasks are overdue on any day
        "open": CellKind(
            "instant",
            (
                "open",
                "not_started",
                "running",
                "waiting_confirmation",
                "returned",
                "deadline_days",
            ),
        ),
        "completed": CellKind(
            "day", ("completed", "on_time", "late", "no_deadline", "extended", "late_days")
        ),
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
                "restated",
            ),
        ),
        "voided": CellKind("day", ("voided",)),
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
        "flagged": CellKind("day", ("restated",)),
        "voided": CellKind("day", ("voided",)),
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
                *PROCEDURES_07B,
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

# The hub's own bookkeeping beside a family's counts (schemas/cells/applied.py).
APPLIED = "applied"
APPLIED_MEASURES = ("layout", "version", "calendar", "offset", "hours", "refused_run")
for _kinds in CELL_KINDS.values():
    _kinds[APPLIED] = CellKind("none", APPLIED_MEASURES)


def counted(family: str) -> dict[str, CellKind]:
    """The kinds whose measures are counts and may be summed; the others are the hub's own
    bookkeeping.
    """
    return {name: kind for name, kind in CELL_KINDS[family].items() if kind.at != "none"}
