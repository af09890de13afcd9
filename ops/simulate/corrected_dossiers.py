"""A dossier for each kind of correction by turns, so that even a small province has all of them,
told in each of the orders in which facts and corrections arrive.
"""

from __future__ import annotations

from itertools import count
from random import Random

from ops.simulate.corrected_facts import no_refusal, refusal_at_another_time
from ops.simulate.corrections import CORRECTIONS, no_reopening, reopening_at_another_time
from ops.simulate.dossier_facts import Payment
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.history import draw_reception, due_time, score
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.province import AGENCIES_OF
from ops.simulate.things import Teller, fresh_id
from schemas.clock import DAY_MS

_HALF_HOUR = 1_800
_OF_REFUSALS = (refusal_at_another_time, no_refusal)
_OF_REOPENINGS = (reopening_at_another_time, no_reopening)
# how late facts and their correction are reported: at once; the correction late; the facts after
# the correction. As many as have no factor in common with the kinds, so that all of them meet.
DELAYS = ((0, 0), (0, 3 * DAY_MS), (5 * DAY_MS, 0))


class _Delayed:
    """Reports everything so many milliseconds later than it happens."""

    def __init__(self, teller: Teller, lag: int) -> None:
        self.teller, self.backfill, self.lag = teller, teller.backfill, lag

    def event_id(self) -> str:
        """A fresh id."""
        return self.teller.event_id()

    def delay(self, agency: str) -> int:
        """Always the same."""
        return self.lag


def corrected_dossier(rng: Random, dossier: SimulatedDossier, at: int, number: int) -> None:
    """Give a dossier handed in at `at` (epoch ms) a course in which everything happened, and the
    correction whose turn it is.
    """
    correct = CORRECTIONS[number % len(CORRECTIONS)]
    teller, (late, later) = dossier.teller, DELAYS[number % len(DELAYS)]
    dossier.teller = _Delayed(teller, late)
    office = _everything(rng, dossier, at)
    if correct in _OF_REOPENINGS:
        dossier.reopen(from_office(office + _HALF_HOUR))
    if correct in _OF_REFUSALS:
        dossier.refuse(from_office(office + _HALF_HOUR), dossier.receptions[0].value.facts)
    dossier.teller = _Delayed(teller, later)
    said = correct(rng, dossier, from_office(office + 2 * _HALF_HOUR))
    assert said, f"{correct} has something to say of a dossier of which everything is known"
    dossier.teller = teller


def _everything(rng: Random, dossier: SimulatedDossier, at: int) -> int:
    """Fee, papers, a move, an end, a return and a rating; returns the office second of the last."""
    reception, procedure = draw_reception(rng, at)
    times = count(to_office(at) + OFFICE_DAY, OFFICE_DAY)

    def then() -> int:
        return from_office(next(times))

    dossier.receive(at, reception, due_time(to_office(at), rng.choice((1, 3, 5, 8, 12))))
    payment = Payment(f"SAMPLE-{fresh_id(rng)[:18]}", procedure.fee + 1_000, True, "paid")
    dossier.ask_fee(then(), payment.reference)
    dossier.ask_supplement(then())
    dossier.pay(then(), payment)
    dossier.complete_supplement(then(), None)
    offices = [one.code for one in AGENCIES_OF["department"].drawn if one.code != dossier.handler]
    dossier.transfer(then(), rng.choice(offices), electronic=True)
    digitised = rng.random() < 0.7
    dossier.finish(then(), digitised)
    dossier.return_result(then(), digitised, "counter")
    dossier.rate(then(), fresh_id(rng), score(rng))
    return next(times)
