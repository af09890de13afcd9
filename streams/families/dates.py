"""The dates that people look at when they ask what is behind a figure: epoch ms, None where one is
not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.states import Dossier, InventoryItem
from schemas.work_states import Activity, Document, Task
from streams.families.activities import standing_activity
from streams.families.corrections import void_of
from streams.families.documents import standing_document
from streams.families.dossiers.closed import end_of, returned_of
from streams.families.dossiers.reception import due_of
from streams.families.dossiers.settling import settled
from streams.families.dossiers.undone import undone_ends
from streams.families.standing_tasks import standing_task


class DossierDates(NamedTuple):
    """Reception, due time in force, end and return that stand, last reopening, refusal, void; when
    the hub first heard of two of them; the last end that a reopening undid.
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
    undone_at: int | None = None


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


class ActivityDates(NamedTuple):
    """When it took place, last cancellation, void."""

    held_at: int | None = None
    cancelled_at: int | None = None
    voided_at: int | None = None


class ItemDates(NamedTuple):
    """Beginning of the newest statement and its end, when it was said, first and last heartbeat."""

    valid_from: int | None = None
    valid_to: int | None = None
    stated_at: int | None = None
    first_heartbeat_at: int | None = None
    last_heartbeat_at: int | None = None


Dates = DossierDates | DocumentDates | TaskDates | ActivityDates | ItemDates


def of_dossier(state: Dossier) -> DossierDates:
    """A dossier's dates."""
    void, undone = void_of(state), undone_ends(state)
    state, reopened, _ = settled(state)
    reception, returned, end = state.reception, returned_of(state), end_of(state)
    return DossierDates(
        received_at=reception.received_at if reception else None,
        reception_heard_at=reception.heard_at if reception else None,
        due_at=due_of(state) or None,
        ended_at=end.at if end else None,
        end_heard_at=end.heard_at if end else None,
        returned_at=returned.occurred_at if returned else None,
        reopened_at=reopened or None,
        refused_at=state.refusal.occurred_at if state.refusal else None,
        voided_at=void.occurred_at if void else None,
        undone_at=undone[-1].at if undone else None,
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


def of_activity(state: Activity) -> ActivityDates:
    """An activity's dates."""
    activity, void = standing_activity(state), void_of(state)
    return ActivityDates(
        held_at=activity.fact.held_at if activity.fact else None,
        cancelled_at=activity.cancelled or None,
        voided_at=void.occurred_at if void else None,
    )


def of_item(state: InventoryItem) -> ItemDates:
    """An item's dates, of its statement that begins last."""
    begins = max(state.statements, default=None)
    stated_at, valid_to = None, None
    if begins is not None:
        stated_at, _, _, _, valid_to, _ = state.statements[begins]
    return ItemDates(
        valid_from=begins,
        valid_to=valid_to,
        stated_at=stated_at,
        first_heartbeat_at=state.first_heartbeat or None,
        last_heartbeat_at=state.heartbeat or None,
    )


# By family: the names of its dates, and what gives them.
DATES: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Dates]]] = {
    "dossiers": (DossierDates._fields, of_dossier),
    "documents": (DocumentDates._fields, of_document),
    "tasks": (TaskDates._fields, of_task),
    "activities": (ActivityDates._fields, of_activity),
    "inventory": (ItemDates._fields, of_item),
}
