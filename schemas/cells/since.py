"""Since when each measure is counted: by which version of its family's rules."""

from __future__ import annotations

from schemas.cells.kinds import (
    CELL_KINDS,
    LAG_BOUNDS,
    PROCEDURES_07B,
    WORKING_LAG_BOUNDS,
    classes,
)

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
    5: {
        "flagged": ("restated",),
        "voided": CELL_KINDS["dossiers"]["voided"].measures,
        "flow": CELL_KINDS["dossiers"]["flow"].measures,
        "undone": CELL_KINDS["dossiers"]["undone"].measures,
        "closed": ("finished_late",),
        "received": ("channel_unknown",),
    },
}
SINCE: dict[tuple[str, str, str], int] = {
    ("dossiers", kind, measure): version
    for version, kinds in _ADDED.items()
    for kind, measures in kinds.items()
    for measure in measures
}
SINCE |= {
    ("documents", "flagged", "too_many"): 2,
    ("tasks", "flagged", "too_many"): 2,
    ("tasks", "open", "deadline_days"): 3,
    ("tasks", "completed", "late_days"): 3,
}
for _family in ("documents", "tasks", "activities"):
    SINCE[_family, "flagged", "restated"] = 3
    SINCE[_family, "voided", "voided"] = 3
SINCE |= {("inventory", "procedures", measure): 3 for measure in PROCEDURES_07B}
