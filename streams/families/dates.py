"""The dates that people look at when they ask what is behind a figure: epoch ms, None where one is
not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.states import Document, Dossier, Task
from streams.families.dossiers.closed import end_of, returned_of
from streams.families.dossiers.settling import settled, void_of
from streams.families.tasks import completed_at


class DossierDates(NamedTuple):
    """Reception, due time in force, end and return that stand, last reopening, refusal, void; when
    the hub first heard of two of them.
    """

    received_at: int | None = None
    reception_heard_at: int | None = None
    due_at: int | None = None
    ended_at: int | None = None
    end_heard_at: int | None = None
    returned_at: int | None = None
    reopened_at: int | None = None
    refused_at: int | None = None
    voided_at: int | None = None


class DocumentDates(NamedTuple):
    """Sending."""

    sent_at: int | None = None


class TaskDates(NamedTuple):
    """Assignment, deadline in force, completion that stands, last return, last cancellation."""

    assigned_at: int | None = None
    due_at: int | None = None
    completed_at: int | None = None
    returned_at: int | None = None
    cancelled_at: int | None = None


Dates = DossierDates | DocumentDates | TaskDates


def of_dossier(state: Dossier) -> DossierDates:
    """A dossier's dates."""
    void = void_of(state)
    state, reopened, _ = settled(state)
    reception, returned, end = state.reception, returned_of(state), end_of(state)
    return DossierDates(
        received_at=reception.received_at if reception else None,
        reception_heard_at=reception.heard_at if reception else None,
        due_at=state.dues[max(state.dues)] if state.dues else None,
        ended_at=end.at if end else None,
        end_heard_at=end.heard_at if end else None,
        returned_at=returned.occurred_at if returned else None,
        reopened_at=reopened or None,
        refused_at=state.refusal.occurred_at if state.refusal else None,
        voided_at=void.occurred_at if void else None,
    )


def of_document(state: Document) -> DocumentDates:
    """A document's dates."""
    return DocumentDates(sent_at=state.sent.occurred_at if state.sent else None)


def of_task(state: Task) -> TaskDates:
    """A task's dates."""
    return TaskDates(
        assigned_at=state.assigned.occurred_at if state.assigned else None,
        due_at=state.dues[max(state.dues)] if state.dues else None,
        completed_at=completed_at(state) or None,
        returned_at=state.returned or None,
        cancelled_at=state.cancelled or None,
    )


# By family: the names of its dates, and what gives them.
DATES: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Dates]]] = {
    "dossiers": (DossierDates._fields, of_dossier),
    "documents": (DocumentDates._fields, of_document),
    "tasks": (TaskDates._fields, of_task),
}
