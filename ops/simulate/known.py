"""What is true of a simulated dossier in the end, by what was reported before an instant: each fact
as it was put right last, and what follows from it.

A second reading of docs/figures.md, on the decided facts and not on events.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

from ops.simulate.dossier_facts import DossierEnd, Payment, ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.things import FOREVER, FactGroup, StatedFact, latest

Wait = tuple[int, int]  # from, to (epoch ms)


class KnownEnd(NamedTuple):
    """How a dossier ended, when (epoch ms), and whether its result exists in digital form."""

    at: int
    outcome: str  # finished, withdrawn, stopped
    digitised: bool


class KnownDossier(NamedTuple):
    """What is true of a dossier that was accepted."""

    reception: ReceptionFacts
    received_at: int
    handler: str
    due: int | None
    end: KnownEnd | None
    waits: tuple[Wait, ...]  # for papers and for fees, which may overlap

    @property
    def waiting(self) -> bool:
        """Whether it waits still."""
        return any(until == FOREVER for _, until in self.waits)


def known_dossier(dossier: SimulatedDossier, before: int = FOREVER) -> KnownDossier | None:
    """None: it was not accepted as far as is known."""
    reception = latest(dossier.receptions.known(before))
    if reception is None:
        return None
    facts, received_at = reception.value
    handler, due = (latest(group.known(before)) for group in (dossier.handlers, dossier.dues))
    return KnownDossier(
        facts,
        received_at,
        facts.agency if handler is None else handler.value,
        None if due is None else due.value,
        _end(dossier, before),
        (*_paper_waits(dossier, before), *_fee_waits(dossier, before)),
    )


def refusing_agency(dossier: SimulatedDossier, before: int = FOREVER) -> str | None:
    """Who refused it; None if nobody did, or it was taken in or opened again later."""
    refusal = latest(dossier.refusals.known(before))
    if refusal is None:
        return None
    reception = latest(dossier.receptions.known(before))
    if reception is not None and refusal.occurred < reception.value.received_at:
        return None
    reopened = [one.occurred for one in dossier.ends.known(before) if _reopens(one)]
    return None if refusal.occurred < max(reopened, default=0) else refusal.value.agency


def voiding_agency(dossier: SimulatedDossier, before: int = FOREVER) -> str:
    """Who voided it; empty if it stands."""
    void = latest(dossier.voids.known(before))
    return "" if void is None else void.value


def standing_payments(dossier: SimulatedDossier, before: int = FOREVER) -> list[Payment]:
    """The newest state of each payment."""
    newest: dict[str, StatedFact[Payment]] = {}
    for fact in sorted(dossier.payments.known(before), key=attrgetter("occurred")):
        newest[fact.value.reference] = fact
    return [fact.value for fact in newest.values()]


def _reopens(fact: StatedFact[DossierEnd]) -> bool:
    return fact.value.outcome == "reopened"


def _end(dossier: SimulatedDossier, before: int) -> KnownEnd | None:
    """Of what was told after the last reopening: the finish, else the return, else whatever closed
    it.
    """
    ends = dossier.ends.known(before)
    begins, reopened = 0, 0
    for number, fact in enumerate(ends, 1):
        if _reopens(fact):
            begins, reopened = number, fact.occurred
    standing = ends[begins:]
    returns = [fact for fact in dossier.returns.known(before) if fact.occurred > reopened]
    finished = latest(fact for fact in standing if fact.value.outcome == "finished")
    returned = latest(returns)
    if finished is not None or returned is not None:
        told: list[StatedFact[Any]] = [fact for fact in (finished, returned) if fact is not None]
        digitised = any(fact.value.digitised for fact in told)
        return KnownEnd(told[0].occurred, "finished", digitised)
    closing = latest(standing)
    return None if closing is None else KnownEnd(closing.occurred, closing.value.outcome, False)


def _paper_waits(dossier: SimulatedDossier, before: int) -> list[Wait]:
    asked, came = dossier.papers_asked, dossier.papers_came
    return _waits(asked, (fact.occurred for fact in came.known(before)), before)


def _fee_waits(dossier: SimulatedDossier, before: int) -> list[Wait]:
    """A wait for a fee lasts until something is paid."""
    payments = dossier.payments.known(before) if dossier.fee_asked.facts else []
    paid = (fact.occurred for fact in payments if fact.value.state == "paid")
    return _waits(dossier.fee_asked, paid, before)


def _waits(asked: FactGroup[bool], came: Iterable[int], before: int) -> list[Wait]:
    """Each from a request to the first answer after it."""
    if not asked.facts:  # nearly always
        return []
    answers = sorted(came)
    waits = []
    for request in asked.known(before):
        later = (at for at in answers if at > request.occurred)
        waits.append((request.occurred, next(later, FOREVER)))
    return waits
