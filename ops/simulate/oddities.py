"""Dossiers whose facts do not fit together, as agencies' systems report them now and then: each
breaks one rule of data quality, or is told so late that it looked overdue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from ops.simulate.dossier_facts import Payment
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.history import MINISTRY, draw_reception, due_time
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.province import SAME_DAY
from schemas.clock import DAY_MS

_HOUR = 3_600  # of office time
# 2036 typed for 2026: ahead of the hub's clock, whenever the history is told
TEN_YEARS = 3_652 * DAY_MS


class OddDossier:
    """A dossier handed in at an instant, two working days long, with one thing wrong. `ahead` lies
    in the future as it is told.
    """

    def __init__(self, rng: Random, dossier: SimulatedDossier, at: int, ahead: int) -> None:
        self.dossier, self.at, self.office, self.ahead = dossier, at, to_office(at), ahead
        self.reception, _ = draw_reception(rng, at)

    def _moment(self, days: float) -> int:
        return from_office(self.office + int(days * OFFICE_DAY))

    def _receive(self) -> None:
        self.dossier.receive(self.at, self.reception, due_time(self.office, 3))

    def received_after_end(self) -> None:
        """Done an hour before it was handed in."""
        self._receive()
        self.dossier.finish(self.at - _HOUR * 1_000, digitised=True)

    def step_before_reception(self) -> None:
        """Worked on before it was handed in."""
        self.dossier.handler = self.reception.handler
        self.dossier.step(self.at - _HOUR * 1_000, "verify")
        self._receive()
        self.dossier.finish(self._moment(1), digitised=True)

    def step_after_end(self) -> None:
        """Worked on after it was done."""
        self._receive()
        self.dossier.finish(self._moment(1), digitised=True)
        self.dossier.step(self._moment(1.5), "archive")

    def returned_before_end(self) -> None:
        """Handed over before it was done."""
        self._receive()
        self.dossier.finish(self._moment(2), digitised=False)
        self.dossier.return_result(self._moment(1), digitised=False, how="counter")

    def end_without_reception(self) -> None:
        """Done, and never heard of before."""
        self.dossier.handler = self.reception.handler
        self.dossier.finish(self._moment(1), digitised=True)

    def finish_never_reported(self) -> None:
        """Handed over, and nobody says when it was done."""
        self._receive()
        self.dossier.return_result(self._moment(2), digitised=True, how="online")

    def due_moved_after_passed(self) -> None:
        """An extension after the due time had passed."""
        self._receive()
        self.dossier.change_due(self._moment(5), due_time(self.office, 9))
        self.dossier.finish(self._moment(6), digitised=True)

    def sources_disagree(self) -> None:
        """Two systems say different times."""
        self._receive()
        self.dossier.finish(self._moment(1), digitised=True)
        self.dossier.source = MINISTRY
        self.dossier.finish(self._moment(1.5), digitised=True)

    def offline_procedure_online(self) -> None:
        """Online, for a procedure that has no online service."""
        self.reception = replace(self.reception, channel="online", level=2)
        self._receive()
        self.dossier.finish(self._moment(1), digitised=True)

    def payment_restated(self) -> None:
        """Paid, and under the same id of another amount; the greater one stands."""
        self._receive()
        payment = Payment(f"SAMPLE-{self.dossier.thing_id[-24:]}", 10_000, True, "paid")
        self.dossier.pay(self._moment(0.1), payment)
        self.dossier.tell_otherwise(amount=9_000)
        self.dossier.finish(self._moment(1), digitised=True)

    def return_restated(self) -> None:
        """Handed over, and under the same id in another way."""
        self._receive()
        self.dossier.finish(self._moment(1), digitised=True)
        self.dossier.return_result(self._moment(2), digitised=True, how="counter")
        self.dossier.tell_otherwise(how="post")

    def told_late(self) -> None:
        """Done in time, and reported when it looked overdue."""
        self._receive()
        self.dossier.finish(self._moment(1), digitised=True, told_at=self._moment(6))

    def received_in_future(self) -> None:
        """A correction with a wrong date of reception."""
        self.dossier.receive(self.at, self.reception, None)
        self.dossier.correct(self._moment(0.5), self.reception, received_at=self.ahead)

    def ended_in_future(self) -> None:
        """A wrong date of the end, of a procedure that has no legal days to compare ten years
        with.
        """
        self.reception = replace(self.reception, procedure=SAME_DAY.code)
        self._receive()
        self.dossier.finish(self.ahead, digitised=True, told_at=self._moment(1))


Oddity = Callable[[OddDossier], None]
ODDITIES: tuple[Oddity, ...] = (
    OddDossier.received_after_end,
    OddDossier.step_before_reception,
    OddDossier.step_after_end,
    OddDossier.returned_before_end,
    OddDossier.end_without_reception,
    OddDossier.finish_never_reported,
    OddDossier.due_moved_after_passed,
    OddDossier.sources_disagree,
    OddDossier.offline_procedure_online,
    OddDossier.payment_restated,
    OddDossier.return_restated,
)


def told_when_heard(*, future: bool) -> tuple[Oddity, ...]:
    """Those that hang on when they are heard, which imported history does not say.

    Without `future` no event lies ahead itself: the gateway would refuse it.
    """
    always = (OddDossier.told_late, OddDossier.received_in_future)
    return (*always, OddDossier.ended_in_future) if future else always


def odd_dossier(rng: Random, dossier: SimulatedDossier, at: int, ahead: int, tell: Oddity) -> None:
    """Give a dossier handed in at `at` (epoch ms) an oddity."""
    tell(OddDossier(rng, dossier, at, ahead))
