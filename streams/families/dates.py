"""The dates that people look at when they ask what is behind a figure: epoch ms, None where one is
not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.states import Dossier
from schemas.work_states import Document, Task
from streams.families.corrections import void_of
from streams.families.documents import standing_document
from streams.families.dossiers.closed import end_of, returned_of
from streams.families.dossiers.settling import settled
from streams.families.standing_tasks import standing_task


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
    """Sending, void that stands."""

    sent_at: int | None = None
    voided_at: int | None = None


class TaskDates(NamedTuple):
    """Assignment, deadline in force, completion that stands, last return and cancellation; the date
    of the document that assigned it; void that stands.
    """

    assigned_at: int | None = None
    due_at: int | None = None
    completed_at: int | None = None
    returned_at: int | None = None
    cancelled_at: int | None = None
    document_at: int | None = None
    voided_at: int | None = None


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
    sending, void = standing_document(state).sending, void_of(state)
    return DocumentDates(
        sent_at=sending.occurred_at if sending else None,
        voided_at=void.occurred_at if void else None,
    )


def of_task(state: Task) -> TaskDates:
    """A task's dates."""
    task, void = standing_task(state), void_of(state)
    return TaskDates(
        assigned_at=task.assigned.occurred_at if task.assigned else None,
        due_at=task.due or None,
        completed_at=task.completed or None,
        returned_at=task.returned or None,
        cancelled_at=task.cancelled or None,
        document_at=task.assigned.document_at if task.assigned else None,
        voided_at=void.occurred_at if void else None,
    )


# By family: the names of its dates, and what gives them.
DATES: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Dates]]] = {
    "dossiers": (DossierDates._fields, of_dossier),
    "documents": (DocumentDates._fields, of_document),
    "tasks": (TaskDates._fields, of_task),
}
