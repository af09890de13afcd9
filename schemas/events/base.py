"""What every event has, and the small types that events are made of.

An event is an immutable fact in the past tense. It carries codes, never names or texts about persons.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.clock import EARLIEST_MS, LATEST_MS, to_ms
from schemas.codes import AGENCY, CODE, THING_ID

AgencyCode = Annotated[str, Field(pattern=AGENCY, description="Agency code, QĐ 20/2020/QĐ-TTg: up to 35 of 0-9 A-Z a-z . _ -")]
Code = Annotated[str, Field(pattern=CODE, description="A code of up to 64 of 0-9 A-Z a-z . _ : -")]
ThingId = Annotated[str, Field(pattern=THING_ID, description="Id of the dossier, document…: up to 128 characters, no control characters")]
Label = Annotated[str, Field(max_length=64, pattern=THING_ID, description="Short label of a unit or step; never a person's name")]


def _instant(value: Any) -> Any:
    """RFC 3339 text with its zone, or epoch milliseconds."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("should be a time such as 2026-11-03T09:00:00+07:00 (that day or hour does not exist)") from None
        if moment.tzinfo is None:
            raise ValueError("needs its time zone, such as 2026-11-03T09:00:00+07:00")
        return to_ms(moment)
    return value


Instant = Annotated[
    int,
    Field(ge=EARLIEST_MS, lt=LATEST_MS, strict=True, description="An instant: RFC 3339 with its zone, or epoch milliseconds UTC"),
    BeforeValidator(_instant, json_schema_input_type=str | int),
]


class Event(BaseModel):
    """Base of all facts. Subclasses give `type`, `key` (the field that names the thing) and their own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: ClassVar[str]
    key: ClassVar[str]
    family: ClassVar[str]

    event_id: Annotated[str, Field(min_length=1, max_length=128, pattern=THING_ID, description="CloudEvents id: unique in its source")]
    source: Annotated[str, Field(min_length=1, max_length=128, pattern=THING_ID, description="CloudEvents source: the system that reports")]
    agency: AgencyCode
    occurred_at: Instant
    backfill: bool = Field(False, description="Imported history: counts everywhere except in report lag")

    @property
    def thing(self) -> str:
        """The id of the thing that the event is about; the Kafka key."""
        return str(getattr(self, self.key))
