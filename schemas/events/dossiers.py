"""Facts about dossiers (hồ sơ thủ tục hành chính), keyed by the dossier's code (MaHoSo).

Which register or map of the dossier's state each fact sets, and how ties are broken:
docs/figures.md.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from schemas.codes import (
    ApplicantKind,
    Channel,
    DossierStatus,
    OnlineLevel,
    PaymentState,
    RatingSubject,
    ReturnedHow,
)
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
)


class DossierEvent(Event):
    """Base of every fact about a dossier."""

    key: ClassVar[str] = "dossier_id"
    family: ClassVar[str] = "dossiers"

    dossier_id: ThingId


class CorrectableDossierEvent(DossierEvent, Correctable):
    """A fact about a dossier that can be put right."""


class Reception(DossierEvent):
    """What is said of a dossier at its reception (NgayTiepNhan, KenhThucHien, MaTTHC…), by
    `received` or `corrected`.
    """

    procedure: Code = Field(description="Procedure code (MaTTHC)")
    channel: Channel = Field(description="How it came (KenhThucHien)")
    level: OnlineLevel | None = Field(
        None, description="Level of the online service: 2 information, 3 partial, 4 full"
    )
    applicant: ApplicantKind | None = Field(
        None, description="Kind of applicant (LoaiDoiTuong); never who"
    )
    authenticated: bool = Field(
        False, description="Applicant authenticated by the national electronic identity"
    )
    with_fee: bool = Field(
        False, description="A fee is due for this dossier; one of 0 đồng is none"
    )
    reused_data: bool = Field(
        False, description="Data or papers the State already holds were reused"
    )
    papers_digitised: bool = Field(
        False, description="Its papers exist in digital form (HoSoCoThanhPhanSoHoa)"
    )
    from_personal_store: bool = Field(
        False,
        description="A paper was taken from the applicant's store on the portal (DuocLayTuKhoDMQG)",
    )
    population_data: bool = Field(
        False, description="Data of the national population database was used (DSKetNoiCSDL)"
    )
    channel_unknown: bool = Field(
        False, description="The system can't say how it came; `channel` is then `other`"
    )
    handling_agency: AgencyCode | None = Field(
        None, description="Agency that handles it first; the receiving one if absent"
    )
    unit: Label | None = None
    due_at: Instant | None = Field(None, description="Date of appointment (NgayHenTra)")


class DossierReceived(Reception):
    """The dossier was accepted; `agency` is the receiving agency, `occurred_at` the time of
    reception.
    """

    type: ClassVar[str] = "dossier.received"


class DossierCorrected(Reception):
    """The reception stated anew, as a whole, by the receiving agency; `occurred_at` is the time of
    the correction.
    """

    type: ClassVar[str] = "dossier.corrected"

    received_at: Instant


class DossierStepTaken(DossierEvent):
    """A processing step by `agency`, which thereby handles the dossier (packet
    CapNhatTienDoHoSoMC).
    """

    type: ClassVar[str] = "dossier.step_taken"

    step: Label | None = None
    unit: Label | None = None
    status: DossierStatus | None = Field(
        None, description="The portal's state after the step (TrangThai)"
    )


class DossierSupplementRequested(CorrectableDossierEvent):
    """The applicant was asked for further papers; the dossier waits (state 5)."""

    type: ClassVar[str] = "dossier.supplement_requested"


class DossierSupplementCompleted(CorrectableDossierEvent):
    """The further papers came in; the wait ends, with a new due time where one was given."""

    type: ClassVar[str] = "dossier.supplement_completed"

    due_at: Instant | None = None


class DossierSuspended(CorrectableDossierEvent):
    """Processing was stopped (Dừng xử lý, state 8), which closes the dossier as QĐ 766 counts."""

    type: ClassVar[str] = "dossier.suspended"


class DossierReopened(CorrectableDossierEvent):
    """Processing goes on: undoes every closing fact that occurred before it."""

    type: ClassVar[str] = "dossier.reopened"


class DossierDueChanged(CorrectableDossierEvent):
    """A new due time (form 04 of TT 03/2025: apology and extension)."""

    type: ClassVar[str] = "dossier.due_changed"

    due_at: Instant


class DossierTransferred(CorrectableDossierEvent):
    """The dossier moved between agencies; `to_agency` handles it from then on."""

    type: ClassVar[str] = "dossier.transferred"

    from_agency: AgencyCode
    to_agency: AgencyCode
    unit: Label | None = None
    electronic: bool = Field(description="Moved by electronic means only")

    @field_validator("holds")
    @classmethod
    def _names_the_move(cls, holds: bool, said: ValidationInfo) -> bool:
        if not holds and said.data.get("effective_at") is None:
            raise ValueError("is false: say in effective_at which move, by its time")
        return holds


class DossierFeeRequested(CorrectableDossierEvent):
    """The applicant was asked to pay; the dossier waits (state 6)."""

    type: ClassVar[str] = "dossier.fee_requested"

    reference: ThingId | None = None


class DossierPaid(CorrectableDossierEvent):
    """The state of a payment (MaThamChieu, TrangThaiGD); payments count once per reference."""

    type: ClassVar[str] = "dossier.paid"

    reference: ThingId = Field(description="Payment reference (MaThamChieu)")
    amount: Annotated[int, Field(ge=0, le=10**15, description="Amount in đồng")]
    online: bool
    state: PaymentState = "paid"


class DossierFinished(CorrectableDossierEvent):
    """Processing ended (NgayKetThucXuLy, state 9)."""

    type: ClassVar[str] = "dossier.finished"

    digitised: bool = Field(False, description="The result exists in digital form")


class DossierResultReturned(CorrectableDossierEvent):
    """The result was handed over (NgayTra, state 10)."""

    type: ClassVar[str] = "dossier.result_returned"

    digitised: bool = Field(False, description="The result exists in digital form")
    how: ReturnedHow = "counter"


class DossierRefused(CorrectableDossierEvent):
    """The dossier was not accepted (NgayTuChoi, state 3); `agency` is the one that refused."""

    type: ClassVar[str] = "dossier.refused"

    procedure: Code


class DossierWithdrawn(CorrectableDossierEvent):
    """The applicant took the dossier back (state 7)."""

    type: ClassVar[str] = "dossier.withdrawn"


class DossierRated(CorrectableDossierEvent):
    """An applicant's rating of how the dossier was handled."""

    type: ClassVar[str] = "dossier.rated"

    rating_id: ThingId
    satisfied: bool
    score: Annotated[int, Field(ge=1, le=5)] | None = None
    about: RatingSubject = "procedure"


class DossierVoided(DossierEvent, Voided):
    """The dossier was entered by mistake: it counts nowhere, but is listed as voided."""

    type: ClassVar[str] = "dossier.voided"


class DossierRestored(DossierEvent, Restored):
    """The dossier was voided by mistake: it counts again."""

    type: ClassVar[str] = "dossier.restored"


EVENTS: tuple[type[DossierEvent], ...] = (
    DossierReceived,
    DossierCorrected,
    DossierStepTaken,
    DossierSupplementRequested,
    DossierSupplementCompleted,
    DossierSuspended,
    DossierReopened,
    DossierDueChanged,
    DossierTransferred,
    DossierFeeRequested,
    DossierPaid,
    DossierFinished,
    DossierResultReturned,
    DossierRefused,
    DossierWithdrawn,
    DossierRated,
    DossierVoided,
    DossierRestored,
)
