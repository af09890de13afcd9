"""Facts about tasks that the People's Committee and its Chairman assign (theo dõi nhiệm vụ; QĐ
42/2014/QĐ-TTg), keyed by the task's id.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from schemas.codes import TaskProgress
from schemas.events.base import (
    AgencyCode,
    Code,
    Correctable,
    Event,
    Instant,
    Label,
    Restored,
    ThingId,
    Voided,
    described_text,
)
from schemas.ids import THING_ID, text_in

DocumentNumber = Annotated[
    str,
    AfterValidator(text_in(64)),
    described_text("Number and notation of a document, such as 12/TB-UBND", THING_ID, 64),
]


class TaskEvent(Event):
    """Base of every fact about a task."""

    key: ClassVar[str] = "task_id"
    family: ClassVar[str] = "tasks"

    task_id: ThingId


class CorrectableTaskEvent(TaskEvent, Correctable):
    """A fact about a task that can be put right."""


class TaskAssigned(CorrectableTaskEvent):
    """`agency` assigned the task to `to_agency`; without `due_at` it has no deadline."""

    type: ClassVar[str] = "task.assigned"

    to_agency: AgencyCode
    category: Code = Field("other", description="Kind of task, as the task system codes it")
    due_at: Instant | None = None
    document_number: DocumentNumber | None = Field(
        None, description="Of the document that assigns it, such as 12/TB-UBND"
    )
    document_at: Instant | None = Field(
        None, description="Date of that document: any instant of the day"
    )
    lead_agency: AgencyCode | None = Field(
        None, description="Who leads the work, where that is not `to_agency`"
    )
    coordinating_agencies: Annotated[list[AgencyCode], Field(max_length=50)] = Field(
        [], description="Who takes part in it"
    )
    product: Label | None = Field(
        None, description="What is to be handed in, such as a report; nothing about persons"
    )
    follower: Label | None = Field(
        None, description="The unit that follows it up; never a person's name"
    )


class TaskProgressed(TaskEvent):
    """`agency` reports how far it is."""

    type: ClassVar[str] = "task.progressed"

    progress: TaskProgress = "running"


class TaskExtended(CorrectableTaskEvent):
    """A new deadline."""

    type: ClassVar[str] = "task.extended"

    due_at: Instant


class TaskCompleted(CorrectableTaskEvent):
    """The task is done."""

    type: ClassVar[str] = "task.completed"


class TaskReturned(CorrectableTaskEvent):
    """Sent back to be done again: undoes a completion that occurred before it."""

    type: ClassVar[str] = "task.returned"


class TaskCancelled(CorrectableTaskEvent):
    """No longer to be done."""

    type: ClassVar[str] = "task.cancelled"


class TaskVoided(TaskEvent, Voided):
    """The task was entered by mistake: it counts nowhere, but is listed as voided."""

    type: ClassVar[str] = "task.voided"


class TaskRestored(TaskEvent, Restored):
    """The task was voided by mistake: it counts again."""

    type: ClassVar[str] = "task.restored"


EVENTS: tuple[type[TaskEvent], ...] = (
    TaskAssigned,
    TaskProgressed,
    TaskExtended,
    TaskCompleted,
    TaskReturned,
    TaskCancelled,
    TaskVoided,
    TaskRestored,
)
