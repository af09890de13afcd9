"""States of documents, tasks and activities; what all states share is in schemas/states.py.

Of corrections `occurred_at` is when they were made. A register is `restated` where it was also
stated otherwise, at the same instant and under the same id.
"""

from __future__ import annotations

import msgspec

from schemas.states import Register, ReporterFact, Statement, VoidFact


class InstantCorrection(Register, frozen=True):
    """Whether something happened, and when."""

    holds: bool
    at: int
    restated: bool = False


class SendingFact(Register, frozen=True):
    """A document was sent: what, and how."""

    agency: str
    document_type: str
    electronic: bool
    signed: bool
    restated: bool = False


class SendingCorrection(Register, frozen=True):
    """Whether a document was sent, and how."""

    holds: bool
    fact: SendingFact
    restated: bool = False


class DocumentAmendments(msgspec.Struct, array_like=True):
    """What is rarely said of a document: corrections and a void."""

    void: VoidFact | None = None
    sent: SendingCorrection | None = None
    statuses: dict[str, InstantCorrection] = {}  # by receiver|status
    recall: dict[str, InstantCorrection] = {}  # by answer: asked, agreed, refused


class Document(msgspec.Struct, array_like=True):
    """What is known of a document; meaning and merge rules: streams/families/documents.py."""

    sent: SendingFact | None = None
    statuses: dict[str, dict[str, int]] = {}  # receiver -> status code -> greatest time
    recall: dict[str, int] = {}  # asked, agreed, refused -> greatest time
    reporter: ReporterFact | None = None  # the newest, only while the sending is unknown
    amended: DocumentAmendments | None = None  # None of nearly every document


class AssignmentFact(Register, frozen=True):
    """A task was assigned, by one agency to another, and what for."""

    assigned_by: str
    agency: str
    category: str
    document_number: str | None = None
    document_at: int | None = None
    lead_agency: str | None = None
    coordinating_agencies: tuple[str, ...] = ()
    product: str | None = None
    follower: str | None = None
    restated: bool = False


class AssignmentCorrection(Register, frozen=True):
    """Whether a task was assigned, and how; with its deadline (0: none)."""

    holds: bool
    fact: AssignmentFact
    due: int
    restated: bool = False


class DeadlineCorrection(Statement, frozen=True):
    """Every deadline anew, by the instant from which on it held; `restated`: two were said of the
    last one.
    """

    instants: dict[int, int]
    restated: bool = False


class ProgressFact(Register, frozen=True):
    """How far a task is."""

    progress: str
    restated: bool = False


class TaskAmendments(msgspec.Struct, array_like=True):
    """What is rarely said of a task: corrections, a void, and of which instant (0: none) two
    different deadlines were said, where that is the last one.
    """

    void: VoidFact | None = None
    assigned: AssignmentCorrection | None = None
    dues: DeadlineCorrection | None = None
    completed: InstantCorrection | None = None
    returned: InstantCorrection | None = None
    cancelled: InstantCorrection | None = None
    restated_due: int = 0
    restated_assigned_due: int = 0


class Task(msgspec.Struct, array_like=True):
    """What is known of a task; meaning and merge rules: streams/families/tasks.py."""

    assigned: AssignmentFact | None = None
    dues: dict[int, int] = {}  # occurred_at of the extension that set it -> deadline
    progress: ProgressFact | None = None
    completed: int = 0
    returned: int = 0
    cancelled: int = 0
    reporter: ReporterFact | None = None  # the newest, only while the assignment is unknown
    assigned_dues: dict[int, int] = {}  # the same of assignments
    amended: TaskAmendments | None = None  # None of nearly every task


class ActivityFact(Register, frozen=True):
    """An activity as a whole."""

    kind: str  # of cell
    agency: str
    level: str
    held_at: int
    digitally: bool  # in the system, online
    secret: bool
    restated: bool = False


class ActivityCorrection(Register, frozen=True):
    """Whether an activity took place, and how."""

    holds: bool
    fact: ActivityFact
    restated: bool = False


class ActivityAmendments(msgspec.Struct, array_like=True):
    """What is rarely said of an activity: corrections and a void."""

    void: VoidFact | None = None
    stated: ActivityCorrection | None = None
    cancelled: InstantCorrection | None = None


class Activity(msgspec.Struct, array_like=True):
    """What is known of a meeting, an inspection or a work record; meaning and merge rules:
    streams/families/activities.py.
    """

    stated: ActivityFact | None = None
    cancelled: int = 0
    amended: ActivityAmendments | None = None  # None of nearly every activity
