"""Facts about what exists: agencies, procedures, systems, datasets, user accounts, and figures that
agencies report.

Each item is stated as a whole with its validity (`valid_from`, `valid_to`: the first day no longer
valid); stated again for the same beginning, the newest statement stays. So the history of an item
is a map from beginning to statement, and figures can be asked for any day: a statement holds until
the next one begins, or until its own `valid_to`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from schemas.clock import EARLIEST_MS, day_start
from schemas.codes import AdministrativeLevel, AgencyLevel, Channel, OnlineLevel, SystemKind
from schemas.events.base import AgencyCode, Code, Event, Instant, ThingId
from schemas.ids import THING_ID, text_in

_Name = Annotated[
    str,
    AfterValidator(text_in(120)),
    Field(json_schema_extra={"pattern": THING_ID, "maxLength": 120}),
]


class InventoryEvent(Event):
    """Base of every fact about an item; `item_id` is its kind and code, such as
    `procedure/2.002307`, and belongs to one item only.
    """

    key: ClassVar[str] = "item_id"
    family: ClassVar[str] = "inventory"

    item_id: ThingId


class Valid(InventoryEvent):
    """An item that is valid for a while; without `valid_from` from the event's day on, without
    `valid_to` until further notice.
    """

    valid_from: Instant | None = Field(
        None,
        description="First instant for which it is so; the beginning of the event's day if absent",
    )
    valid_to: Instant | None = Field(
        None,
        description=(
            "First instant for which it is no longer so; the same as `valid_from`: never was"
        ),
    )

    @field_validator("valid_to")
    @classmethod
    def _not_before_it_begins(cls, valid_to: int | None, said: ValidationInfo) -> int | None:
        begins = said.data.get("valid_from") or day_start(said.data.get("occurred_at", EARLIEST_MS))
        if valid_to is not None and valid_to < begins:
            raise ValueError(
                "lies before valid_from (the beginning of the event's day if absent): say since"
                " when it was so"
            )
        return valid_to


class AgencyRegistered(Valid):
    """An agency as it is from a day on (QĐ 20/2020/QĐ-TTg); `agency` is its code."""

    type: ClassVar[str] = "agency.registered"

    level: AgencyLevel = Field(
        description=(
            "Its place in the administration; `vertical`: of a ministry, `unit`: a public service"
            " unit"
        )
    )
    parent: AgencyCode | None = None
    successor: AgencyCode | None = Field(
        None, description="Which agency took over when this one ended"
    )
    alias: Annotated[list[AgencyCode], Field(max_length=10)] = Field(
        [], description="Other codes of the same agency (TT 10/2016 form)"
    )
    name_vi: _Name | None = None
    name_en: _Name | None = None
    expected: bool = Field(True, description="Expected to report: counts in coverage")

    @field_validator("parent")
    @classmethod
    def _above_itself(cls, parent: str | None, said: ValidationInfo) -> str | None:
        if parent is not None and parent == said.data.get("agency"):
            raise ValueError("is the agency itself: name the one above it, or none")
        return parent


class ProcedureRegistered(Valid):
    """An administrative procedure as it is from a day on; `agency` is the one that handles it."""

    type: ClassVar[str] = "procedure.registered"

    procedure: Code
    field: Code = Field("other", description="Field (lĩnh vực)")
    level: OnlineLevel = Field(
        2, description="Highest level at which it is offered: 2 information, 3 partial, 4 full"
    )
    internal: bool = Field(False, description="Between state agencies (thủ tục hành chính nội bộ)")
    published: bool = Field(True, description="Published and current")
    eligible_online: bool = Field(True, description="Fit to be offered online")
    on_national_portal: bool = False
    with_fee: bool = False
    payable_online: bool = False
    access_means: Annotated[int, Field(ge=0, le=20)] = Field(
        1, description="Access means on which it is offered"
    )
    mobile: bool = Field(False, description="One of them is mobile")
    days_before: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        None, description="Legal working days before the review"
    )
    days_now: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        None, description="Legal working days now"
    )
    name_vi: _Name | None = None
    name_en: _Name | None = None
    administrative_levels: Annotated[list[AdministrativeLevel], Field(max_length=10)] = Field(
        [], description="Levels of the administration that handle it; empty: not known"
    )
    one_stop: bool = Field(
        False, description="Handled at one-stop shops (cơ chế một cửa, một cửa liên thông)"
    )
    process_issued: bool = Field(
        False, description="Its internal process (quy trình nội bộ) is issued"
    )
    channel: Channel | None = Field(
        None, description="How its dossiers come in, where a system's packets do not say"
    )


class SystemRegistered(Valid):
    """An information system as it is from a day on."""

    type: ClassVar[str] = "system.registered"

    kind: SystemKind
    citizen_facing: bool = False
    on_national_portal: bool = False
    on_document_axis: bool = False
    on_lgsp: bool = False
    on_national_reporting: bool = False


class SystemHeartbeat(InventoryEvent):
    """The system answers: until this is heard, no portal or citizen-facing system counts as
    connected.
    """

    type: ClassVar[str] = "system.heartbeat"


class DatasetRegistered(Valid):
    """A dataset as it is from a day on."""

    type: ClassVar[str] = "dataset.registered"

    shared: bool = Field(False, description="Shared through the LGSP")
    open_data: bool = False


class AccountsCounted(InventoryEvent):
    """How many users of online services there are, and how many with a unified electronic identity,
    at `occurred_at`.
    """

    type: ClassVar[str] = "accounts.counted"

    users: Annotated[int, Field(ge=0, le=10**9, description="Users of online services")]
    authenticated: Annotated[
        int,
        Field(ge=0, le=10**9, description="How many of them have a unified electronic identity"),
    ]

    @field_validator("authenticated")
    @classmethod
    def _some_of_them(cls, authenticated: int, said: ValidationInfo) -> int:
        if authenticated > said.data.get("users", authenticated):
            raise ValueError("should be no more than users")
        return authenticated


class FigureReported(InventoryEvent):
    """A figure that an agency reports for a period; shown beside live figures, never mixed with
    them.

    `item_id` names indicator, agency and kind of period (`figure/public_payroll_cut/H35/year`): of
    one item, a beginning is one period.
    """

    type: ClassVar[str] = "figure.reported"

    indicator: Code
    period_from: Instant
    period_to: Instant = Field(
        description="Any time of the period's last day, on which the figure is shown"
    )
    numerator: Annotated[int, Field(ge=-(10**15), le=10**15)]
    denominator: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        None, description="Absent: the numerator is the figure itself"
    )
    document: _Name | None = Field(None, description="Number of the source document")
    revision: Annotated[
        int, Field(ge=1, le=1_000, description="Of one period the greatest revision stands")
    ] = 1

    @field_validator("period_to")
    @classmethod
    def _not_before_the_period_begins(cls, period_to: int, said: ValidationInfo) -> int:
        if period_to < said.data.get("period_from", period_to):
            raise ValueError("lies before period_from")
        return period_to


EVENTS: tuple[type[InventoryEvent], ...] = (
    AgencyRegistered,
    ProcedureRegistered,
    SystemRegistered,
    SystemHeartbeat,
    DatasetRegistered,
    AccountsCounted,
    FigureReported,
)
