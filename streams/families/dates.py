"""The dates that people look at when they ask what is behind a figure, by name: epoch ms, those that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.states import Document, Dossier, Task
from streams.families.dossier_counts import end_of
from streams.families.tasks import completed_at

Dates = dict[str, int]


def of_dossier(state: Dossier) -> Dates:
    """Reception, due time in force, end and return that stand, and when the hub first heard of reception and end."""
    reception, returned, end = state.reception, state.returned, end_of(state)
    return _known(
        received_at=reception[2] if reception else None,
        reception_heard_at=reception[8] if reception else None,
        due_at=state.dues[max(state.dues)] if state.dues else None,
        ended_at=end[0] if end else None,
        end_heard_at=end[2] if end else None,
        returned_at=returned[0] if returned and returned[0] >= state.reopened else None,
        reopened_at=state.reopened or None,
        refused_at=state.refusal[0] if state.refusal else None,
    )


def of_document(state: Document) -> Dates:
    """Sending."""
    return _known(sent_at=state.sent[0] if state.sent else None)


def of_task(state: Task) -> Dates:
    """Assignment, deadline in force, completion that stands, last return."""
    return _known(
        assigned_at=state.assigned[0] if state.assigned else None,
        due_at=state.dues[max(state.dues)] if state.dues else None,
        completed_at=completed_at(state) or None,
        returned_at=state.returned or None,
        cancelled_at=state.cancelled or None,
    )


def _known(**dates: int | None) -> Dates:
    return {name: at for name, at in dates.items() if at is not None}


DATES: Mapping[str, Callable[[Any], Dates]] = {"dossiers": of_dossier, "documents": of_document, "tasks": of_task}
