"""A dossier as it is simulated: its facts from the reception to the end, and what is said later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from ops.simulate.things import SimulatedThing, StatedFact, Teller
from schemas.clock import to_datetime
from schemas.codes import (
    ApplicantKind,
    Channel,
    OnlineLevel,
    PaymentState,
    RatingSubject,
    ReturnedHow,
)
from schemas.events.dossiers import (
    DossierCorrected,
    DossierDueChanged,
    DossierFeeRequested,
    DossierFinished,
    DossierPaid,
    DossierRated,
    DossierReceived,
    DossierRefused,
    DossierReopened,
    DossierResultReturned,
    DossierStepTaken,
    DossierSupplementCompleted,
    DossierSupplementRequested,
    DossierSuspended,
    DossierTransferred,
    DossierWithdrawn,
)

Outcome = Literal["finished", "returned", "withdrawn", "stopped", "reopened"]


class Payment(NamedTuple):
    """One state of a payment."""

    reference: str
    amount: int
    online: bool
    state: PaymentState


class DossierEnd(NamedTuple):
    """What ended a dossier, or opened it again."""

    outcome: Outcome
    digitised: bool = False


class Rating(NamedTuple):
    """What an applicant said, and about what."""

    satisfied: bool
    about: RatingSubject


@dataclass(frozen=True, slots=True)
class ReceptionFacts:
    """What is known of a dossier at its reception."""

    agency: str
    handler: str
    procedure: str
    channel: Channel
    level: OnlineLevel
    applicant: ApplicantKind
    authenticated: bool
    with_fee: bool
    reused_data: bool

    def corrected(self, channel: Channel) -> ReceptionFacts:
        """The same with the channel put right."""
        return replace(self, channel=channel)

    def fields(self) -> dict[str, Any]:
        """As fields of a reception event. Who applies online sends files; a citizen's data are
        reused from the population database.
        """
        return {
            "procedure": self.procedure,
            "channel": self.channel,
            "level": self.level,
            "applicant": self.applicant,
            "authenticated": self.authenticated,
            "with_fee": self.with_fee,
            "reused_data": self.reused_data,
            "papers_digitised": self.channel == "online" or self.reused_data,
            "from_personal_store": self.reused_data and self.authenticated,
            "population_data": self.reused_data and self.applicant == "citizen",
            "handling_agency": self.handler if self.handler != self.agency else None,
        }


def dossier_id(at: int, serial: str) -> str:
    """The id of a dossier handed in at an instant (epoch ms)."""
    return f"H35.SAMPLE-{to_datetime(at):%y%m%d}-{serial}"


class SimulatedDossier(SimulatedThing):
    """One dossier's facts. Each method states a fact at `at` (epoch ms); within one dossier no two
    facts share an instant.
    """

    __slots__ = (
        "dues",
        "ends",
        "fee_waits",
        "handler",
        "handlers",
        "payments",
        "ratings",
        "receptions",
        "refusals",
        "returnable",
        "supplement_waits",
        "transfers",
    )

    def __init__(self, dossier_id: str, source: str, teller: Teller) -> None:
        super().__init__(dossier_id, teller, source)
        self.handler = ""
        self.returnable = 0  # when the newest finish is reported
        self.receptions: list[StatedFact[ReceptionFacts]] = []
        self.handlers: list[StatedFact[str]] = []
        self.dues: list[StatedFact[int]] = []
        self.supplement_waits: list[StatedFact[bool]] = []
        self.fee_waits: list[StatedFact[bool]] = []
        self.ends: list[StatedFact[DossierEnd]] = []
        self.payments: list[StatedFact[Payment]] = []
        self.transfers: list[StatedFact[bool]] = []
        self.ratings: list[StatedFact[Rating]] = []
        self.refusals: list[StatedFact[str]] = []

    def receive(self, at: int, reception: ReceptionFacts, due_at: int | None) -> None:
        """Accepted by the receiving agency."""
        reported = self._tell(
            DossierReceived, at, reception.agency, due_at=due_at, **reception.fields()
        )
        self.receptions.append(StatedFact(at, reported, reception))
        self._handle(at, reported, reception.handler)
        if due_at is not None:
            self.dues.append(StatedFact(at, reported, due_at))

    def refuse(self, at: int, reception: ReceptionFacts) -> None:
        """Never accepted."""
        reported = self._tell(DossierRefused, at, reception.agency, procedure=reception.procedure)
        self.refusals.append(StatedFact(at, reported, reception.agency))

    def correct(self, at: int, reception: ReceptionFacts, received_at: int = 0) -> None:
        """The reception stated anew; due time and handler stay, so that the truth hangs on no rule
        about them; its time, unless given.
        """
        due_at = self.dues[0].value if self.dues else None
        received_at = received_at or self.receptions[0].occurred
        reported = self._tell(
            DossierCorrected,
            at,
            reception.agency,
            received_at=received_at,
            due_at=due_at,
            **reception.fields(),
        )
        self.receptions.append(StatedFact(at, reported, reception))
        self._handle(at, reported, reception.handler)
        if due_at is not None:
            self.dues.append(StatedFact(at, reported, due_at))

    def _handle(self, at: int, reported: int, agency: str) -> None:
        self.handler = agency
        self.handlers.append(StatedFact(at, reported, agency))

    def step(self, at: int, label: str) -> None:
        """A step by the agency that handles the dossier anyway."""
        self._handle(
            at, self._tell(DossierStepTaken, at, self.handler, step=label, status=4), self.handler
        )

    def transfer(self, at: int, to: str, electronic: bool) -> None:
        """To another agency."""
        before = self.handler
        reported = self._tell(
            DossierTransferred, at, before, from_agency=before, to_agency=to, electronic=electronic
        )
        self.transfers.append(StatedFact(at, reported, electronic))
        self._handle(at, reported, to)

    def ask_supplement(self, at: int) -> None:
        """The dossier waits for papers."""
        self.supplement_waits.append(
            StatedFact(at, self._tell(DossierSupplementRequested, at, self.handler), True)
        )

    def complete_supplement(self, at: int, due_at: int | None) -> None:
        """The papers came, with a new due time."""
        reported = self._tell(DossierSupplementCompleted, at, self.handler, due_at=due_at)
        self.supplement_waits.append(StatedFact(at, reported, False))
        if due_at is not None:
            self.dues.append(StatedFact(at, reported, due_at))

    def ask_fee(self, at: int, reference: str) -> None:
        """The dossier waits for the fee."""
        self.fee_waits.append(
            StatedFact(
                at, self._tell(DossierFeeRequested, at, self.handler, reference=reference), True
            )
        )

    def pay(self, at: int, payment: Payment) -> None:
        """A state of a payment; only a paid one ends a wait for the fee."""
        reported = self._tell(
            DossierPaid,
            at,
            self.handler,
            reference=payment.reference,
            amount=payment.amount,
            online=payment.online,
            state=payment.state,
        )
        self.payments.append(StatedFact(at, reported, payment))
        if payment.state == "paid":
            self.fee_waits.append(StatedFact(at, reported, False))

    def change_due(self, at: int, due_at: int) -> None:
        """Apology and extension."""
        self.dues.append(
            StatedFact(at, self._tell(DossierDueChanged, at, self.handler, due_at=due_at), due_at)
        )

    def finish(self, at: int, digitised: bool, echo: str = "", told_at: int = 0) -> None:
        """Processing ended; `echo` is a second system that reports the same end under its own
        id.
        """
        reported = self._tell(
            DossierFinished, at, self.handler, told_at=told_at, digitised=digitised
        )
        if echo:
            reported = min(
                reported,
                self._tell(DossierFinished, at, self.handler, source=echo, digitised=digitised),
            )
        self.returnable = reported
        self.ends.append(StatedFact(at, reported, DossierEnd("finished", digitised)))

    def return_result(self, at: int, digitised: bool, how: ReturnedHow) -> None:
        """Result handed over; reported no earlier than the finish, so that the end time never hangs
        on which of them is known.
        """
        reported = self._tell(
            DossierResultReturned,
            at,
            self.handler,
            floor=self.returnable,
            digitised=digitised,
            how=how,
        )
        self.ends.append(StatedFact(at, reported, DossierEnd("returned", digitised)))

    def withdraw(self, at: int) -> None:
        """Taken back by the applicant."""
        self.ends.append(
            StatedFact(at, self._tell(DossierWithdrawn, at, self.handler), DossierEnd("withdrawn"))
        )

    def stop(self, at: int) -> None:
        """Processing stopped."""
        self.ends.append(
            StatedFact(at, self._tell(DossierSuspended, at, self.handler), DossierEnd("stopped"))
        )

    def reopen(self, at: int) -> None:
        """Processing goes on."""
        self.ends.append(
            StatedFact(at, self._tell(DossierReopened, at, self.handler), DossierEnd("reopened"))
        )

    def rate(self, at: int, rating_id: str, score: int, about: RatingSubject = "procedure") -> None:
        """Rated by the applicant; 4 and 5 are satisfied."""
        satisfied = score >= 4
        reported = self._tell(
            DossierRated,
            at,
            self.handler,
            rating_id=rating_id,
            score=score,
            satisfied=satisfied,
            about=about,
        )
        self.ratings.append(StatedFact(at, reported, Rating(satisfied, about)))
