"""Facts about tasks that the People's Committee and its Chairman assign (theo dõi nhiệm vụ; QĐ
42/2014/QĐ-TTg), keyed by the task's id.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from schemas.codes import TaskProgress
from schemas.events.base import AgencyCode, Code, Event, Instant, ThingId


class TaskEvent(Event):
    """Base of every fact about a task."""

    key: ClassVar[str] = "task_id"
    family: ClassVar[str] = "tasks"

    task_id: ThingId


class TaskAssigned(TaskEvent):
    """`agency` assigned the task to `to_agency`; without `due_at` it has no deadline."""

    type: ClassVar[str] = "task.assigned"

    to_agency: AgencyCode
    category: Code = Field("other", description="Kind of task, as the task system codes it")
    due_at: Instant | None = None


class TaskProgressed(TaskEvent):
    """`agency` reports how far it is."""

    type: ClassVar[str] = "task.progressed"

    progress: TaskProgress = "running"


class TaskExtended(TaskEvent):
    """A new deadline."""

    type: ClassVar[str] = "task.extended"

    due_at: Instant


class TaskCompleted(TaskEvent):
    """The task is done."""

    type: ClassVar[str] = "task.completed"


class TaskReturned(TaskEvent):
    """Sent back to be done again: undoes a completion that occurred before it."""

    type: ClassVar[str] = "task.returned"


class TaskCancelled(TaskEvent):
    """No longer to be done."""

    type: ClassVar[str] = "task.cancelled"


EVENTS: tuple[type[TaskEvent], ...] = (
    TaskAssigned,
    TaskProgressed,
    TaskExtended,
    TaskCompleted,
    TaskReturned,
    TaskCancelled,
)
