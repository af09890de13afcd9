"""What is said of a simulated dossier, as plain values for the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from schemas.codes import ApplicantKind, Channel, OnlineLevel, PaymentState, RatingSubject

Outcome = Literal["finished", "withdrawn", "stopped", "reopened"]


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


class Return(NamedTuple):
    """A result handed over."""

    digitised: bool


class StatedRefusal(NamedTuple):
    """By whom, and what was asked for."""

    agency: str
    procedure: str


class Move(NamedTuple):
    """From one agency to another."""

    origin: str
    to: str
    electronic: bool


class Rating(NamedTuple):
    """What an applicant said, and about what."""

    rating_id: str
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


class StatedReception(NamedTuple):
    """A reception, and when it was (epoch ms)."""

    facts: ReceptionFacts
    received_at: int
