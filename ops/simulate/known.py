"""What is true of a simulated dossier in the end, by what was reported before an instant: each fact
as it was put right last, and what follows from it.

A second reading of docs/figures.md, on the decided facts and not on events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

from ops.simulate.dossier_facts import DossierEnd, Payment, ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.things import FOREVER, StatedFact, latest
from schemas.clock import day

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
    reopened: int  # when for the last time (epoch ms); 0: never
    waits: tuple[Wait, ...]  # for papers and for fees, which may overlap
    undone: frozenset[int]  # the days of ends that reopenings undid

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
    handler = latest(dossier.handlers.known(before))
    due = latest(dossier.dues.known(before))
    reopened, standing = _since_reopened(dossier, before)
    return KnownDossier(
        facts,
        received_at,
        facts.agency if handler is None else handler.value,
        None if due is None else due.value,
        _end(dossier, standing, reopened, before),
        reopened,
        _waits_of(dossier, before) if dossier.papers_asked or dossier.fee_asked else (),
        _undone(dossier, before) if reopened else frozenset(),
    )


def refusing_agency(dossier: SimulatedDossier, before: int = FOREVER) -> str:
    """Who refused it; empty if nobody did, or it was taken in or opened again later."""
    refusal = latest(dossier.refusals.known(before))
    if refusal is None:
        return ""
    reception = latest(dossier.receptions.known(before))
    if reception is not None and refusal.occurred < reception.value.received_at:
        return ""
    reopened, _ = _since_reopened(dossier, before)
    return "" if refusal.occurred < reopened else refusal.value.agency


def is_voided(dossier: SimulatedDossier, before: int = FOREVER) -> bool:
    """Whether the last word is that it was entered by mistake."""
    void = latest(dossier.voids.known(before))
    return void is not None and void.value


def standing_payments(dossier: SimulatedDossier, before: int = FOREVER) -> list[Payment]:
    """The newest state of each payment."""
    payments = dossier.payments.known(before)
    if len(payments) > 1:
        payments.sort(key=attrgetter("occurred"))
    return list({fact.value.reference: fact.value for fact in payments}.values())


def _since_reopened(
    dossier: SimulatedDossier, before: int
) -> tuple[int, list[StatedFact[DossierEnd]]]:
    """When it was last opened again (0: never), and the ends told since."""
    ends = dossier.ends.known(before)
    for number in range(len(ends), 0, -1):
        fact = ends[number - 1]
        if fact.value.outcome == "reopened":
            return fact.occurred, ends[number:]
    return 0, ends


def _undone(dossier: SimulatedDossier, before: int) -> frozenset[int]:
    """The days of the ends after which it was opened again. No return is one: each comes after a
    finish.
    """
    days: set[int] = set()
    ended: list[StatedFact[DossierEnd]] = []
    for fact in dossier.ends.known(before):
        if fact.value.outcome != "reopened":
            ended.append(fact)
            continue
        end = latest([one for one in ended if one.value.outcome == "finished"] or ended)
        if end is not None:
            days.add(day(end.occurred))
        ended = []
    return frozenset(days)


def _end(
    dossier: SimulatedDossier, standing: list[StatedFact[DossierEnd]], reopened: int, before: int
) -> KnownEnd | None:
    """Of what was told after the last reopening: the finish, else the return, else whatever closed
    it.
    """
    finished = [fact for fact in standing if fact.value.outcome == "finished"]
    returns = [fact for fact in dossier.returns.known(before) if fact.occurred > reopened]
    finish, returned, closing = latest(finished), latest(returns), latest(standing)
    if finish is not None:
        digitised = finish.value.digitised or (returned is not None and returned.value.digitised)
        return KnownEnd(finish.occurred, "finished", digitised)
    if returned is not None:
        return KnownEnd(returned.occurred, "finished", returned.value.digitised)
    return None if closing is None else KnownEnd(closing.occurred, closing.value.outcome, False)


def _waits_of(dossier: SimulatedDossier, before: int) -> tuple[Wait, ...]:
    """For papers until they came, for fees until something was paid."""
    came = (fact.occurred for fact in dossier.papers_came.known(before))
    payments = dossier.payments.known(before)
    paid = (fact.occurred for fact in payments if fact.value.state == "paid")
    for_papers = _waits(dossier.papers_asked.known(before), came)
    return (*for_papers, *_waits(dossier.fee_asked.known(before), paid))


def _waits(asked: Iterable[StatedFact[bool]], came: Iterable[int]) -> Iterator[Wait]:
    """Each from a request to the first answer after it."""
    answers = sorted(came)
    for request in asked:
        later = (at for at in answers if at > request.occurred)
        yield request.occurred, next(later, FOREVER)
