"""What every event has, and the small types that events are made of.

An event is an immutable fact in the past tense. It carries codes, never names or texts about
persons.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.clock import EARLIEST_MS, LATEST_MS
from schemas.codes import AGENCY_PATTERN, CODE_PATTERN
from schemas.ids import LONGEST_ID, THING_ID, code_in, text_in
from schemas.times import parse_instant


def described_text(description: str, pattern: str, longest: int) -> Any:
    """What schemas say of text that `schemas.ids` checks."""
    return Field(
        description=description, json_schema_extra={"pattern": pattern, "maxLength": longest}
    )


AgencyCode = Annotated[
    str,
    AfterValidator(code_in(AGENCY_PATTERN, 35, "._-")),
    described_text(
        "Agency code, QĐ 20/2020/QĐ-TTg: up to 35 of 0-9 A-Z a-z . _ -", AGENCY_PATTERN, 35
    ),
]
Code = Annotated[
    str,
    AfterValidator(code_in(CODE_PATTERN, 64, "._:-")),
    described_text("A code of up to 64 of 0-9 A-Z a-z . _ : -", CODE_PATTERN, 64),
]
_id = AfterValidator(text_in(LONGEST_ID))
ThingId = Annotated[
    str,
    _id,
    described_text(
        f"Id of the dossier, document…: up to {LONGEST_ID} characters, no control characters",
        THING_ID,
        LONGEST_ID,
    ),
]
Label = Annotated[
    str,
    AfterValidator(text_in(64)),
    described_text("Short label of a unit or step; never a person's name", THING_ID, 64),
]
Instant = Annotated[
    int,
    Field(
        ge=EARLIEST_MS,
        lt=LATEST_MS,
        strict=True,
        description="An instant: RFC 3339 with its zone, or epoch milliseconds UTC",
    ),
    BeforeValidator(parse_instant, json_schema_input_type=str | int),
]


class Event(BaseModel):
    """Base of all facts. Subclasses give `type`, `key` (the field that names the thing) and their
    own fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: ClassVar[str]
    key: ClassVar[str]
    family: ClassVar[str]

    event_id: Annotated[
        str, _id, described_text("CloudEvents id: unique in its source", THING_ID, LONGEST_ID)
    ]
    source: Annotated[
        str,
        _id,
        described_text("CloudEvents source: the system that reports", THING_ID, LONGEST_ID),
    ]
    agency: AgencyCode
    occurred_at: Instant
    backfill: bool = Field(
        False, description="Imported history: counts everywhere except in report lag"
    )

    @property
    def thing(self) -> str:
        """The id of the thing that the event is about; the Kafka key."""
        return str(getattr(self, self.key))


class Correctable(Event):
    """A fact that can be put right by stating it anew, as a whole.

    A correction has `effective_at`, `holds: false` or both; `occurred_at` is then when it was made.
    It outdoes every fact of its kind that was said before (docs/corrections.md).
    """

    effective_at: Instant | None = Field(
        None,
        description=(
            "Only in a correction: when it happened in truth; occurred_at is then the time of the"
            " correction"
        ),
    )
    holds: bool = Field(True, description="Only in a correction: false says that it never happened")


class Voided(Event):
    """Base of: it was entered by mistake and counts nowhere, whatever is said of it."""


class Restored(Event):
    """Base of: it was voided by mistake, and counts again. Nothing else lifts a void."""
