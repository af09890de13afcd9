"""What every province has, however small it is and whenever it is asked: a few things of each sort,
one well done and one badly, and work that is due on each of the next days, so that no indicator
comes out empty, nothing or full.

A fact that an indicator comes to need goes into `_dossier`: `well` says whether it is the good one.
"""

from __future__ import annotations

from random import Random

from ops.simulate.activities import ActivityKind, SimulatedActivity, StatedActivity
from ops.simulate.documents import SimulatedDocument, sent_document
from ops.simulate.dossier_facts import Payment, ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier, dossier_id
from ops.simulate.history import ONE_STOP, due_time
from ops.simulate.hours import CLOSES, OFFICE_DAY, from_office, instant_on, to_office
from ops.simulate.oddities import Oddity, odd_dossier
from ops.simulate.province import AGENCIES_OF, CENTRE, PROCEDURES_OF, SAME_DAY, Procedure
from ops.simulate.tasks import SimulatedTask
from ops.simulate.things import FOREVER, PromptTeller, ReportedEvent, fresh_id
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS, day_number
from schemas.codes import RatingSubject, ReturnedHow

_AHEAD = 10  # days on which something is due
_ACTIVITY_KINDS: tuple[ActivityKind, ...] = ("meetings", "inspections", "work_records")
_SUBJECTS: tuple[RatingSubject, ...] = ("procedure", "agency", "health", "education")
_HALF_HOUR = 1_800


class Certain:
    """Tells things and counts them into a truth, by their facts reported before an instant.
    `events` are told in no order.
    """

    def __init__(
        self, rng: Random, teller: PromptTeller, tag: str, truth: Truth, before: int = FOREVER
    ) -> None:
        self.rng, self.teller, self.tag, self.truth, self.before = rng, teller, tag, truth, before
        self.events: list[ReportedEvent] = []
        self.number = 0

    def _serial(self, name: str) -> str:
        self.number += 1
        return f"SAMPLE-{name}-{self.tag}-C{self.number:03}"

    def _new_dossier(self, at: int) -> SimulatedDossier:
        return SimulatedDossier(dossier_id(at, self._serial("certain")), ONE_STOP, self.teller)

    def _keep(
        self, thing: SimulatedDossier | SimulatedTask | SimulatedActivity | SimulatedDocument
    ) -> None:
        if isinstance(thing, SimulatedDossier):
            self.truth.add(thing, self.before)
        elif isinstance(thing, SimulatedDocument):
            self.truth.add_document(thing, self.before)
        else:
            thing.count(self.truth, self.before)
        self.events += thing.events

    def settled(self, at: int) -> None:
        """Of each sort one well done and one badly, begun on the day of `at` (epoch ms) and done
        within six office days.
        """
        office = to_office(at)
        for well in (True, False):
            self._dossier(office, well)
            self._document(office, well)
            self._task(office, well)
            for kind in _ACTIVITY_KINDS:
                stated = StatedActivity(kind, CENTRE, "province", digitally=well)
                activity = SimulatedActivity(self._serial(kind), self.teller)
                activity.state(from_office(office), stated)
                self._keep(activity)
        self._voided(office)

    def _voided(self, office: int) -> None:
        """Of each sort one that was entered by mistake, and one that was voided by mistake."""
        at, later, again = (from_office(office + hours * _HALF_HOUR) for hours in (0, 1, 2))
        for number in range(2):
            task = self._new_task(at, due_time(office, 3))
            letter = sent_document(CENTRE, at, self._serial("letter"), self.teller)
            letter.send(at, [AGENCIES_OF["commune"].drawn[0].code], "18", True, True)
            meeting = SimulatedActivity(self._serial("meetings"), self.teller)
            meeting.state(at, StatedActivity("meetings", CENTRE, "province", digitally=True))
            task.void(later)
            letter.void(later)
            meeting.void(later, CENTRE)
            if number:
                task.restore(again)
                letter.restore(again)
                meeting.restore(again, CENTRE)
            for thing in (task, letter, meeting):
                self._keep(thing)

    def _dossier(self, office: int, well: bool) -> None:
        """Of land, moved, paid, finished, returned and rated: as it should be, or on paper, late
        and to nobody's delight.
        """
        dossier, procedure = self._new_dossier(from_office(office)), _land()
        home, other = (one.code for one in AGENCIES_OF["department"].drawn[:2])
        reception = ReceptionFacts(
            home,
            home,
            procedure.code,
            "online" if well else "counter",
            procedure.level,
            "citizen",
            authenticated=well,
            with_fee=procedure.fee > 0,
            reused_data=well,
        )
        dossier.receive(from_office(office), reception, due_time(office, 3))
        payment = Payment(f"SAMPLE-{fresh_id(self.rng)[:18]}", procedure.fee, well, "paid")
        dossier.pay(from_office(office + _HALF_HOUR), payment)
        if well:
            dossier.step(from_office(office + 2 * _HALF_HOUR), "verify")
        dossier.transfer(from_office(office + 3 * _HALF_HOUR), other, well)
        if not well:
            dossier.ask_supplement(from_office(office + 4 * _HALF_HOUR))
            dossier.complete_supplement(from_office(office + OFFICE_DAY), None)
        done = office + OFFICE_DAY * (1 if well else 5)
        dossier.finish(from_office(done), digitised=well)
        if not well:
            dossier.reopen(from_office(done + _HALF_HOUR))
            dossier.finish(from_office(done + 2 * _HALF_HOUR), digitised=False)
        how: ReturnedHow = "online" if well else "counter"
        dossier.return_result(from_office(done + 3 * _HALF_HOUR), digitised=well, how=how)
        for number, about in enumerate(_SUBJECTS, 4):
            at = from_office(done + number * _HALF_HOUR)
            dossier.rate(at, fresh_id(self.rng), 5 if well else 2, about)
        self._keep(dossier)
        if not well:
            self._entered_twice(dossier, reception, office)

    def _entered_twice(
        self, dossier: SimulatedDossier, reception: ReceptionFacts, office: int
    ) -> None:
        """The same dossier under another id, which is noticed and voided."""
        again = self._new_dossier(from_office(office + 60))
        again.receive(from_office(office + 60), reception, dossier.dues[0].value)
        again.void(from_office(office + 2 * _HALF_HOUR))
        self._keep(again)

    def _document(self, office: int, well: bool) -> None:
        at = from_office(office)
        document = sent_document(CENTRE, at, self._serial("letter"), self.teller)
        receivers = [AGENCIES_OF["commune"].drawn[0].code]
        document.send(at, receivers, "18", electronic=well, signed=well)
        self._keep(document)

    def _task(self, office: int, well: bool) -> None:
        """Done in time or late, and one more that is never done, or cancelled."""
        for due, done in ((3, 1 if well else 5), (2, None)):
            task = self._new_task(from_office(office), due_time(office, due))
            if done is not None:
                task.complete(from_office(office + done * OFFICE_DAY))
            elif not well:
                task.cancel(from_office(office + OFFICE_DAY))
            self._keep(task)

    def _new_task(self, at: int, due_at: int) -> SimulatedTask:
        task = SimulatedTask(self._serial("task"), self.teller)
        task.assign(at, AGENCIES_OF["department"].drawn[1].code, "plan", due_at)
        return task

    def pending(self, begun: int, asked: int) -> None:
        """A dossier and a task, begun at an instant, for each day from that of `asked` on: due at
        17:00, Saturdays and Sundays too; and a dossier that waits for papers from its beginning on.

        Whatever the next eight working hours are, the office closes in them.
        """
        dues = [instant_on(day_number(asked) + number, CLOSES) for number in range(_AHEAD + 1)]
        for due in dues:
            if due <= begun:
                continue
            self._keep(self._open(begun, due))
            self._keep(self._new_task(begun, due))
        waiting = self._open(begun, dues[-1])
        waiting.ask_supplement(begun)
        self._keep(waiting)

    def _open(self, begun: int, due: int) -> SimulatedDossier:
        dossier = self._new_dossier(begun)
        dossier.receive(begun, _on_paper(AGENCIES_OF["department"].drawn[1].code), due)
        return dossier

    def odd(self, at: int, ahead: int, tell: Oddity) -> None:
        """A dossier with an oddity."""
        dossier = self._new_dossier(at)
        odd_dossier(self.rng, dossier, at, ahead, tell)
        self._keep(dossier)

    def carried_over(self, at: int, done: int | None) -> None:
        """A dossier of the year before, perhaps done at last; of a procedure without legal days, or
        it would outweigh all others' time.
        """
        dossier = self._new_dossier(at)
        reception = _on_paper(AGENCIES_OF["department"].draw(self.rng).code, SAME_DAY)
        dossier.receive(at, reception, due_time(to_office(at), _land().days))
        if done is not None:
            dossier.finish(done, digitised=False)
        self._keep(dossier)


def _on_paper(agency: str, procedure: Procedure | None = None) -> ReceptionFacts:
    """A dossier handed in at an agency's counter, of land unless another procedure is named."""
    procedure = procedure or _land()
    return ReceptionFacts(
        agency,
        agency,
        procedure.code,
        "counter",
        procedure.level,
        "citizen",
        authenticated=False,
        with_fee=False,
        reused_data=False,
    )


def _land() -> Procedure:
    """A procedure of the departments, of a field whose ratings are told apart."""
    return next(one for one in PROCEDURES_OF["department"].drawn if one.field == "land")


def beginning_before(at: int) -> int:
    """The beginning of an office day that is over by an instant."""
    return from_office(to_office(at - 4 * DAY_MS))
