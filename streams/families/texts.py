"""The texts that people look at when they ask what is behind a figure: codes and labels of units,
never names of persons; None where one is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.states import Dossier, InventoryItem
from schemas.work_states import Activity, Document, Task
from streams.families.corrections import void_of
from streams.families.standing_tasks import standing_task


class VoidTexts(NamedTuple):
    """The agency that voided it, and the system that said so."""

    voided_by: str | None = None
    voided_source: str | None = None


class TaskTexts(NamedTuple):
    """The document that assigned it, who leads and who takes part (codes, with a comma between
    them), what is to be handed in, the unit that follows it up; the agency that voided it, and the
    system that said so.
    """

    document_number: str | None = None
    lead_agency: str | None = None
    coordinating_agencies: str | None = None
    product: str | None = None
    follower: str | None = None
    voided_by: str | None = None
    voided_source: str | None = None


Texts = VoidTexts | TaskTexts | tuple[()]


def _of_void(state: Dossier | Document | Activity) -> VoidTexts:
    void = void_of(state)
    return VoidTexts(void.agency, void.source) if void else VoidTexts()


def _none(_: InventoryItem) -> tuple[()]:
    return ()


def _of_task(state: Task) -> TaskTexts:
    task, void = standing_task(state).assigned, void_of(state)
    by = (void.agency, void.source) if void else (None, None)
    if task is None:
        return TaskTexts(voided_by=by[0], voided_source=by[1])
    return TaskTexts(
        task.document_number,
        task.lead_agency or task.agency,
        ", ".join(task.coordinating_agencies) or None,
        task.product,
        task.follower,
        *by,
    )


# By family: the names of its texts, and what gives them.
TEXTS: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Texts]]] = {
    "dossiers": (VoidTexts._fields, _of_void),
    "documents": (VoidTexts._fields, _of_void),
    "tasks": (TaskTexts._fields, _of_task),
    "activities": (VoidTexts._fields, _of_void),
    "inventory": ((), _none),
}
