"""A dossier as it is simulated: its facts from the reception to the end, and what is said later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ops.simulate.dossier_facts import (
    DossierEnd,
    Move,
    Payment,
    Rating,
    ReceptionFacts,
    Return,
    StatedReception,
    StatedRefusal,
)
from ops.simulate.things import FactGroup, ReportedEvent, SimulatedThing, Teller
from schemas.clock import to_datetime
from schemas.codes import RatingSubject, ReturnedHow
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
    DossierRestored,
    DossierResultReturned,
    DossierStepTaken,
    DossierSupplementCompleted,
    DossierSupplementRequested,
    DossierSuspended,
    DossierTransferred,
    DossierVoided,
    DossierWithdrawn,
)


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
        "fee_asked",
        "handler",
        "handlers",
        "papers_asked",
        "papers_came",
        "payments",
        "ratings",
        "receptions",
        "refusals",
        "restated",
        "returnable",
        "returns",
        "transfers",
        "voids",
    )

    def __init__(self, dossier_id: str, source: str, teller: Teller) -> None:
        super().__init__(dossier_id, teller, source)
        self.handler = ""
        self.returnable = 0  # when the newest finish is reported
        self.receptions: FactGroup[StatedReception] = FactGroup()
        self.handlers: FactGroup[str] = FactGroup()
        self.dues: FactGroup[int] = FactGroup()
        self.papers_asked: FactGroup[bool] = FactGroup()
        self.papers_came: FactGroup[bool] = FactGroup()
        self.fee_asked: FactGroup[bool] = FactGroup()
        self.ends: FactGroup[DossierEnd] = FactGroup()
        self.returns: FactGroup[Return] = FactGroup()
        self.payments: FactGroup[Payment] = FactGroup()
        self.transfers: FactGroup[Move] = FactGroup()
        self.ratings: FactGroup[Rating] = FactGroup()
        self.refusals: FactGroup[StatedRefusal] = FactGroup()
        self.restated: FactGroup[bool] = FactGroup()
        self.voids: FactGroup[bool] = FactGroup()  # False: restored

    def receive(self, at: int, reception: ReceptionFacts, due_at: int | None) -> None:
        """Accepted by the receiving agency."""
        reported = self.tell(
            DossierReceived, at, reception.agency, due_at=due_at, **reception.fields()
        )
        self._receive(at, reported, StatedReception(reception, at), due_at)

    def _receive(self, at: int, reported: int, said: StatedReception, due_at: int | None) -> None:
        """Its first handler and due time hold from the reception on, whenever they are stated."""
        self.receptions.add(at, reported, said)
        self._handle(said.received_at, reported, said.facts.handler)
        if due_at is not None:
            self.dues.add(said.received_at, reported, due_at)

    def refuse(self, at: int, reception: ReceptionFacts) -> None:
        """Never accepted."""
        self.handler = self.handler or reception.handler
        refusal = StatedRefusal(reception.agency, reception.procedure)
        reported = self.tell(DossierRefused, at, refusal.agency, procedure=refusal.procedure)
        self.refusals.add(at, reported, refusal)

    def correct(self, at: int, reception: ReceptionFacts, received_at: int = 0) -> None:
        """The reception stated anew; due time and handler stay, so that the truth hangs on no rule
        about them; its time, unless given.
        """
        reception = replace(reception, handler=self.handler)
        due_at = self.dues[0].value if self.dues else None
        received_at = received_at or self.receptions[0].occurred
        reported = self.tell(
            DossierCorrected,
            at,
            reception.agency,
            received_at=received_at,
            due_at=due_at,
            **reception.fields(),
        )
        self._receive(at, reported, StatedReception(reception, received_at), due_at)

    def _handle(self, at: int, reported: int, agency: str) -> None:
        self.handler = agency
        self.handlers.add(at, reported, agency)

    def step(self, at: int, label: str) -> None:
        """A step by the agency that handles the dossier anyway."""
        reported = self.tell(DossierStepTaken, at, self.handler, step=label, status=4)
        self._handle(at, reported, self.handler)

    def transfer(self, at: int, to: str, electronic: bool) -> None:
        """To another agency."""
        before = self.handler
        reported = self.tell(
            DossierTransferred, at, before, from_agency=before, to_agency=to, electronic=electronic
        )
        self.transfers.add(at, reported, Move(before, to, electronic))
        self._handle(at, reported, to)

    def ask_supplement(self, at: int) -> None:
        """The dossier waits for papers."""
        reported = self.tell(DossierSupplementRequested, at, self.handler)
        self.papers_asked.add(at, reported, True)

    def complete_supplement(self, at: int, due_at: int | None) -> None:
        """The papers came, with a new due time."""
        reported = self.tell(DossierSupplementCompleted, at, self.handler, due_at=due_at)
        self.papers_came.add(at, reported, True)
        if due_at is not None:
            self.dues.add(at, reported, due_at)

    def ask_fee(self, at: int, reference: str) -> None:
        """The dossier waits for the fee."""
        reported = self.tell(DossierFeeRequested, at, self.handler, reference=reference)
        self.fee_asked.add(at, reported, True)

    def pay(self, at: int, payment: Payment) -> None:
        """A state of a payment; only a paid one ends a wait for the fee."""
        reported = self.tell(
            DossierPaid,
            at,
            self.handler,
            **payment._asdict(),
        )
        self.payments.add(at, reported, payment)

    def change_due(self, at: int, due_at: int) -> None:
        """Apology and extension."""
        reported = self.tell(DossierDueChanged, at, self.handler, due_at=due_at)
        self.dues.add(at, reported, due_at)

    def finish(self, at: int, digitised: bool, echo: str = "", told_at: int = 0) -> None:
        """Processing ended; `echo` is a second system that reports the same end under its own
        id.
        """
        reported = self.tell(
            DossierFinished, at, self.handler, told_at=told_at, digitised=digitised
        )
        if echo:
            reported = min(
                reported,
                self.tell(DossierFinished, at, self.handler, source=echo, digitised=digitised),
            )
        self.returnable = reported
        self.ends.add(at, reported, DossierEnd("finished", digitised))

    def return_result(self, at: int, digitised: bool, how: ReturnedHow) -> None:
        """Result handed over; reported no earlier than the finish, so that the end time never hangs
        on which of them is known.
        """
        reported = self.tell(
            DossierResultReturned,
            at,
            self.handler,
            floor=self.returnable,
            digitised=digitised,
            how=how,
        )
        self.returns.add(at, reported, Return(digitised))

    def withdraw(self, at: int) -> None:
        """Taken back by the applicant."""
        reported = self.tell(DossierWithdrawn, at, self.handler)
        self.ends.add(at, reported, DossierEnd("withdrawn"))

    def stop(self, at: int) -> None:
        """Processing stopped."""
        reported = self.tell(DossierSuspended, at, self.handler)
        self.ends.add(at, reported, DossierEnd("stopped"))

    def reopen(self, at: int) -> None:
        """Processing goes on."""
        reported = self.tell(DossierReopened, at, self.handler)
        self.ends.add(at, reported, DossierEnd("reopened"))

    def rate(self, at: int, rating_id: str, score: int, about: RatingSubject = "procedure") -> None:
        """Rated by the applicant; 4 and 5 are satisfied."""
        satisfied = score >= 4
        reported = self.tell(
            DossierRated,
            at,
            self.handler,
            rating_id=rating_id,
            score=score,
            satisfied=satisfied,
            about=about,
        )
        self.ratings.add(at, reported, Rating(rating_id, satisfied, about))

    def tell_otherwise(self, **fields: Any) -> None:
        """The fact told last once more under its id, with other content: who hears both can't know
        which is true.
        """
        at, event = self.events[-1]
        again = event.model_copy(update=fields)
        self.events.append(ReportedEvent(at + 60_000, again))
        self.restated.add(event.occurred_at, at + 60_000, True)

    def void(self, at: int) -> None:
        """Entered by mistake."""
        self.voids.add(at, self.tell(DossierVoided, at, self.handler), True)

    def restore(self, at: int) -> None:
        """Voided by mistake."""
        self.voids.add(at, self.tell(DossierRestored, at, self.handler), False)
