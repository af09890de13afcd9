"""Decides dossiers' courses in office time: how long each takes, what happens on the way, and when
the hub is told.

Every decision comes from the seeded generator; nothing reads the wall clock.
"""

from __future__ import annotations

from random import Random

from ops.simulate.communes import ENDED, HEIRS, communes_at, handlers_at, heir_of
from ops.simulate.corrected_facts import no_refusal
from ops.simulate.corrections import no_end, put_right
from ops.simulate.dossier_facts import Payment, ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.hours import OFFICE_DAY, OPENS, closing, from_office, to_office
from ops.simulate.province import AGENCIES_OF, CENTRE, PROCEDURES_OF, TARDY, TIERS, Procedure
from ops.simulate.things import PromptTeller, fresh_id
from schemas.codes import ApplicantKind, Channel, ReturnedHow

_TIER_SHARE = (62, 87, 100)  # cumulative, in the order of TIERS
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
# by level; level 2 offers nothing online, so these few are errors worth a flag
_ONLINE_SHARE = {4: 0.68, 3: 0.38, 2: 0.01}
_BUSINESS_FIELDS = frozenset(
    {"enterprise", "trade", "tax", "customs", "household business", "investment"}
)
REFUSED_WRONGLY = 0.1  # of those refused
DOSSIERS_PUT_RIGHT = 0.03  # of all
_NEVER_MOVED = 0.03  # of those open as their agency ended, and still told under its code
_STEPS = ("verify", "appraise", "draft", "sign")
MINISTRY = "sample:ministry"
ONE_STOP = "sample:one-stop"


class HistoryTeller(PromptTeller):
    """Reports as agencies' systems do: most within minutes, some hours or days later, tardy systems
    more often.
    """

    def delay(self, agency: str) -> int:
        """Milliseconds from the fact to its report."""
        rng = self.rng
        chance = rng.random() * (0.4 if agency in TARDY else 1.0)
        if chance > 0.12:
            return int(rng.random() * 120_000) + 500
        if chance > 0.04:
            return _MINUTE + int(rng.random() * 3 * _HOUR)
        if chance > 0.008:
            return _HOUR + int(rng.random() * 20 * _HOUR)
        return _DAY + int(rng.random() * 5 * _DAY)


def draw_reception(
    rng: Random, at: int, *, online_only: bool = False
) -> tuple[ReceptionFacts, Procedure]:
    """Which procedure is asked for at an instant (epoch ms), where and how."""
    procedure = PROCEDURES_OF[rng.choices(TIERS, cum_weights=_TIER_SHARE)[0]].draw(rng)
    handler = handlers_at(at, procedure).draw(rng).code
    channel = "online" if online_only else _channel(rng, procedure)
    # Dossiers may be handed in anywhere in the province (NĐ 118/2025): the receiving unit is not
    # always the handling one.
    receiver = handler
    if procedure.tier != "commune" and channel != "online" and rng.random() < 0.5:
        receiver = CENTRE if rng.random() < 0.8 else communes_at(at).draw(rng).code
    business = procedure.field in _BUSINESS_FIELDS or rng.random() < 0.03
    applicant: ApplicantKind = "business" if business else "citizen"
    reception = ReceptionFacts(
        receiver,
        handler,
        procedure.code,
        channel,
        procedure.level,
        applicant,
        authenticated=channel == "online" or rng.random() < 0.4,
        with_fee=procedure.fee > 0,
        reused_data=rng.random() < 0.45,
    )
    return reception, procedure


def _channel(rng: Random, procedure: Procedure) -> Channel:
    chance = rng.random()
    if chance < _ONLINE_SHARE[procedure.level]:
        return "online"
    return "post" if chance > 0.97 else "counter"


def due_time(received_office: int, days: int) -> int:
    """17:00 of the last working day allowed; what comes in late on a day may go on into the
    next.
    """
    day, rest = divmod(received_office, OFFICE_DAY)
    return closing(day + max(days, 1 if rest > OFFICE_DAY * 3 // 4 else 0))


def simulate_dossier(rng: Random, dossier: SimulatedDossier, at: int, *, online_only: bool) -> None:
    """Give a dossier handed in at `at` (epoch ms) its whole course."""
    reception, procedure = draw_reception(rng, at, online_only=online_only)
    if procedure.tier == "vertical":
        dossier.source = MINISTRY
    if rng.random() < 0.03:
        dossier.refuse(at, reception)
        if rng.random() > REFUSED_WRONGLY:
            return
        no_refusal(rng, dossier, later_on(rng, at))
        at = later_on(rng, dossier.newest.occurred_at)
    Course(rng, dossier, procedure, at).run(reception)


def later_on(rng: Random, at: int) -> int:
    """An instant of office time when somebody looks at it again: mostly soon, sometimes after
    weeks.
    """
    return from_office(to_office(at) + 600 + int(rng.random() ** 4 * 20 * OFFICE_DAY))


class Course:
    """One accepted dossier from its reception to its end. `office` is the moving present, in office
    seconds.
    """

    def __init__(
        self, rng: Random, dossier: SimulatedDossier, procedure: Procedure, at: int
    ) -> None:
        self.rng = rng
        self.dossier = dossier
        self.procedure = procedure
        self.received_at = at
        self.office = to_office(at)
        self.due = due_time(self.office, procedure.days)
        share = rng.uniform(0.25, 0.97) if rng.random() < 0.91 else rng.uniform(1.02, 2.2)
        # whether the merger of communes has nothing more to do with it
        self.merged = at >= ENDED or rng.random() < _NEVER_MOVED
        self.takes = int(max(procedure.days, 0.35) * OFFICE_DAY * share)
        self.done = self.office + self.takes

    def _now(self) -> int:
        """The present instant. In the night before the merger's first morning open work moves on to
        the agencies' successors.
        """
        at = from_office(self.office)
        if not self.merged and at >= ENDED:
            self._merge()
        return at

    def _merge(self) -> None:
        self.merged = True
        heir = HEIRS.get(self.dossier.handler)
        if heir is not None:
            night = ENDED + self.rng.randrange(OPENS * 1_000)
            self.dossier.transfer(night, heir, electronic=True)

    def _later(self, share: float) -> int:
        """Moves the present on by up to a share of the handling time; returns the instant."""
        self.office += 60 + int(self.rng.random() * share * self.takes)
        return self._now()

    def _pause(self, days: float) -> int:
        wait = 600 + int(self.rng.random() * days * OFFICE_DAY)
        self.done += wait
        self.office += wait
        return self._now()

    def run(self, reception: ReceptionFacts) -> None:
        """Reception, what happens on the way, an end; what is put right afterwards."""
        self._live(reception)
        if self.rng.random() < DOSSIERS_PUT_RIGHT:
            self._put_right()
        if not self.merged and self.dossier.ends.last is None:  # it waits, through the merger
            self._merge()

    def _live(self, reception: ReceptionFacts) -> None:
        """All but what is said of it later."""
        rng, dossier = self.rng, self.dossier
        dossier.receive(self.received_at, reception, None if rng.random() < 0.01 else self.due)
        if rng.random() < 0.02:
            channel: Channel = "post" if reception.channel == "counter" else "counter"
            dossier.correct(self._later(0.02), reception.corrected(channel))
        if rng.random() < 0.002:
            self._refused_by_mistake(reception)
        if self.procedure.fee and not self._fee():
            return
        self._steps()
        if rng.random() < 0.06 and not self._supplement():
            return
        if rng.random() < 0.25:
            self._move(reception)
        if dossier.dues and rng.random() < 0.03:
            self._extend()
        self._end()

    def _refused_by_mistake(self, reception: ReceptionFacts) -> None:
        """After it had been accepted, which is noticed soon."""
        self.dossier.refuse(self._later(0.02), reception)
        no_refusal(self.rng, self.dossier, self._later(0.02))

    def _fee(self) -> bool:
        """The fee, paid at once or asked for; False if it is never paid and the dossier waits
        on.
        """
        rng, dossier = self.rng, self.dossier
        reference = f"SAMPLE-{fresh_id(rng)[:18]}"
        online = pays_online(rng, dossier)
        paid = Payment(reference, self.procedure.fee, online, "paid")
        if online and rng.random() < 0.06:  # a bank's time-out: the outcome is known only later
            at = self._later(0.01)
            dossier.pay(at, paid._replace(state="failed" if rng.random() < 0.3 else "pending"))
        elif rng.random() < 0.2:
            dossier.ask_fee(self._later(0.05), reference)
            if rng.random() < 0.05:
                return self._given_up()
            self._pause(1.0)
            if rng.random() < 0.05:
                return self._papers_too(paid)
        dossier.pay(self._later(0.01), paid)
        return True

    def _papers_too(self, paid: Payment) -> bool:
        """Papers are asked for while the fee is, and either comes first."""
        if self.rng.random() < 0.5:
            self.dossier.ask_supplement(self._later(0.1))
            self.dossier.pay(self._pause(1.0), paid)
            return self._papers_came()
        if self._supplement():
            self.dossier.pay(self._pause(1.0), paid)
            return True
        return False

    def _steps(self) -> None:
        chance = self.rng.random()
        for number in range((chance > 0.5) + (chance > 0.92)):
            self.dossier.step(self._later(0.15), _STEPS[number])

    def _supplement(self) -> bool:
        """Papers asked for; False if they never come and the dossier waits on."""
        rng, dossier = self.rng, self.dossier
        dossier.ask_supplement(self._later(0.2))
        if rng.random() < 0.15:
            return self._given_up()
        return self._papers_came()

    def _papers_came(self) -> bool:
        """The papers, perhaps after they were asked for again; a new due time with them."""
        if self.rng.random() < 0.05:
            self.dossier.ask_supplement(self._pause(2.0))
        completed = self._pause(6.0)
        self.due = max(self.due, due_time(self.office, max(1, self.procedure.days // 2)))
        self.dossier.complete_supplement(completed, self.due if self.dossier.dues else None)
        return True

    def _given_up(self) -> bool:
        """What was asked for never comes: False. The dossier waits on, or somebody ends it after
        weeks.
        """
        chance = self.rng.random()
        if chance < 0.2:
            self.dossier.withdraw(self._pause(30.0))
        elif chance < 0.4:
            self.dossier.stop(self._pause(30.0))
        return False

    def _move(self, reception: ReceptionFacts) -> None:
        """To another agency, and often back."""
        rng, dossier = self.rng, self.dossier
        home = dossier.handler
        other = AGENCIES_OF["department"].draw(rng).code
        if other == home:
            other = AGENCIES_OF["vertical"].draw(rng).code
        electronic = rng.random() < 0.83
        dossier.transfer(self._later(0.1), other, electronic)
        if rng.random() < 0.3:
            at = self._later(0.2)
            dossier.transfer(at, heir_of(home, at), electronic or rng.random() < 0.5)

    def _extend(self) -> None:
        at = self._later(0.1)
        self.due = max(self.due, due_time(self.office, self.procedure.days // 2 + 2))
        self.dossier.change_due(at, self.due)

    def _put_right(self) -> None:
        """Something that was told of it is put right; one that has not ended after all mostly ends
        later, and a few are put right twice.
        """
        rng, dossier = self.rng, self.dossier
        while True:
            at = later_on(rng, from_office(self.office))
            self.office = to_office(at)
            correction = put_right(rng, dossier, at)
            if correction is no_end and rng.random() < 0.7:
                self.office += 600 + int(rng.random() * 5 * OFFICE_DAY)
                self._finish(self._now(), digitised=rng.random() < 0.72)
            if rng.random() > 0.1:
                return

    def _end(self) -> None:
        """Finished, or withdrawn, or stopped; a few are opened again and finished anew."""
        rng, dossier = self.rng, self.dossier
        self.office = max(self.office + 60, self.done)
        at, chance = self._now(), rng.random()
        if chance < 0.015:
            dossier.withdraw(at)
            return
        digitised = rng.random() < 0.72
        if chance < 0.03:
            dossier.stop(at)
        else:
            self._finish(at, digitised)
        if chance < 0.005 or 0.02 < chance < 0.04:
            self.office += 600 + int(rng.random() * 2 * OFFICE_DAY)
            dossier.reopen(self._now())
            self.office += 600 + int(rng.random() * 2 * OFFICE_DAY)
            self._finish(self._now(), digitised)

    def _finish(self, at: int, digitised: bool) -> None:
        rng, dossier = self.rng, self.dossier
        echo = MINISTRY if dossier.source == ONE_STOP and rng.random() < 0.015 else ""
        dossier.finish(at, digitised, echo)
        if rng.random() < 0.45:
            self.office += 120 + int(rng.random() * OFFICE_DAY)
            dossier.return_result(self._now(), digitised, returned_how(rng, digitised))
        if rng.random() < 0.18:
            self.office += 60 + int(rng.random() * OFFICE_DAY)
            dossier.rate(self._now(), fresh_id(rng), score(rng))


def pays_online(rng: Random, dossier: SimulatedDossier) -> bool:
    """Who applied online mostly pays so too."""
    return rng.random() < (0.62 if dossier.receptions[0].value.facts.channel == "online" else 0.18)


def returned_how(rng: Random, digitised: bool) -> ReturnedHow:
    """How a result is handed over."""
    if digitised and rng.random() < 0.5:
        return "online"
    return "post" if rng.random() < 0.1 else "counter"


def score(rng: Random) -> int:
    """A rating from 5 down to 1."""
    return rng.choices((5, 4, 3, 2, 1), cum_weights=(68, 90, 95, 98, 100))[0]
