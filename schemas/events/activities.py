"""Facts about what agencies did: meetings, inspections, work records, each keyed by its own id.

An activity is stated as a whole; stated again, the newest statement stays.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from schemas.codes import AdministrativeLevel
from schemas.events.base import Correctable, Event, Instant, Restored, ThingId, Voided


class ActivityEvent(Event):
    """Base of every fact about an activity; `agency` did it, `occurred_at` is when this was stated
    or happened.
    """

    key: ClassVar[str] = "activity_id"
    family: ClassVar[str] = "activities"

    activity_id: ThingId


class CorrectableActivityEvent(ActivityEvent, Correctable):
    """A fact about an activity that can be put right."""


class ActivityStatement(CorrectableActivityEvent):
    """An activity stated as a whole."""

    level: AdministrativeLevel = Field(
        description="Level of the agency at that time (the district level ended on 30 June 2025)"
    )
    held_at: Instant | None = Field(
        None,
        description=(
            "When it took place, where that is not the time of this event (of a correction:"
            " effective_at)"
        ),
    )


class MeetingHeld(ActivityStatement):
    """A meeting of a People's Committee (plan, line 236)."""

    type: ClassVar[str] = "activity.meeting_held"

    in_system: bool = Field(description="Held through the meeting and work-processing system")


class InspectionDone(ActivityStatement):
    """An inspection by a managing authority (plan, lines 240 and 252)."""

    type: ClassVar[str] = "activity.inspection_done"

    digital: bool = Field(
        description="Done through digital means and the authority's information system"
    )


class WorkRecordHandled(ActivityStatement):
    """A work record (hồ sơ công việc; plan, lines 238 and 250)."""

    type: ClassVar[str] = "activity.work_record_handled"

    online: bool = Field(description="Handled online")
    secret: bool = Field(False, description="A state secret: left out of the share")


class ActivityCancelled(CorrectableActivityEvent):
    """It did not take place after all; a later statement says that it did."""

    type: ClassVar[str] = "activity.cancelled"


class ActivityVoided(ActivityEvent, Voided):
    """The activity was entered by mistake: it counts nowhere, but is listed as voided."""

    type: ClassVar[str] = "activity.voided"


class ActivityRestored(ActivityEvent, Restored):
    """The activity was voided by mistake: it counts again."""

    type: ClassVar[str] = "activity.restored"


EVENTS: tuple[type[ActivityEvent], ...] = (
    MeetingHeld,
    InspectionDone,
    WorkRecordHandled,
    ActivityCancelled,
    ActivityVoided,
    ActivityRestored,
)
