"""The province as it works now: each call states one fact of this very moment, or one that is
reported late.

Dossiers begun here end here, within minutes instead of days, so that a watcher sees every figure
move.
"""

from __future__ import annotations

from random import Random

from ops.simulate.corrections import SHORT_CORRECTIONS, put_right, void
from ops.simulate.documents import SimulatedDocument, draw_agencies, send, sent_document
from ops.simulate.dossier_facts import Payment, ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier, dossier_id
from ops.simulate.history import (
    MINISTRY,
    ONE_STOP,
    draw_reception,
    due_time,
    pays_online,
    returned_how,
    score,
)
from ops.simulate.hours import to_office
from ops.simulate.province import AGENCIES_OF, Procedure
from ops.simulate.things import PromptTeller, fresh_id
from ops.simulate.truth import Truth
from schemas.codes import DocumentStatus
from schemas.events import Event

_AT_WORK = 150  # dossiers and documents in hand at once
_DUPLICATES = 0.05
_HOUR = 3_600_000
_ANSWERS: tuple[DocumentStatus, ...] = ("01", "03", "06")


class LiveDossier:
    """A dossier and what is still to happen to it."""

    def __init__(self, rng: Random, dossier: SimulatedDossier, at: int) -> None:
        self.rng, self.dossier, self.last = rng, dossier, at
        reception, self.procedure = draw_reception(rng, at)
        self.reference = f"SAMPLE-{fresh_id(rng)[:18]}"
        self.digitised = rng.random() < 0.72
        if self.procedure.tier == "vertical":
            dossier.source = MINISTRY
        if rng.random() < 0.03:
            self.script: list[str] = ["put_right"] if rng.random() < 0.1 else []
            dossier.refuse(at, reception)
            return
        self.script = _script(rng, self.procedure)
        self._receive(at, reception)

    def _receive(self, at: int, reception: ReceptionFacts) -> None:
        due = due_time(to_office(at), self.procedure.days)
        if self.rng.random() < 0.15:  # done while the applicant waits
            due = at + self.rng.randint(60_000, 1_200_000)
        self.dossier.receive(at, reception, due)

    def act(self, at: int) -> None:
        """The next thing on its way."""
        rng, dossier, what = self.rng, self.dossier, self.script.pop(0)
        self.last = at
        if what == "pay":
            online = pays_online(rng, dossier)
            dossier.pay(at, Payment(self.reference, self.procedure.fee, online, "paid"))
        elif what == "transfer":
            dossier.transfer(at, self._other(), rng.random() < 0.83)
        elif what == "complete_supplement":
            dossier.complete_supplement(at, max(dossier.dues[0].value, due_time(to_office(at), 1)))
        elif what == "finish":
            dossier.finish(at, self.digitised)
        elif what == "return":
            dossier.return_result(at, self.digitised, returned_how(rng, self.digitised))
        else:
            self._act_plainly(at, what)

    def _act_plainly(self, at: int, what: str) -> None:
        dossier = self.dossier
        if what == "ask_fee":
            dossier.ask_fee(at, self.reference)
        elif what == "rate":
            dossier.rate(at, fresh_id(self.rng), score(self.rng))
        elif what == "step":
            dossier.step(at, "verify")
        elif what == "put_right":
            correction = put_right(self.rng, dossier, at, SHORT_CORRECTIONS)
            if correction is void and self.rng.random() < 0.5:
                self.script.append("restore")
        else:
            plain = {
                "ask_supplement": dossier.ask_supplement,
                "withdraw": dossier.withdraw,
                "restore": dossier.restore,
            }
            plain[what](at)

    def _other(self) -> str:
        other = AGENCIES_OF["department"].draw(self.rng).code
        if other == self.dossier.handler:
            other = AGENCIES_OF["vertical"].draw(self.rng).code
        return other

    @property
    def newest(self) -> Event:
        """What was told of it last."""
        return self.dossier.newest

    def count(self, truth: Truth) -> None:
        """Add it to a truth."""
        truth.add(self.dossier)


class LiveDocument:
    """A document and its receivers' answers to come."""

    def __init__(
        self, rng: Random, document: SimulatedDocument, at: int, receivers: list[str]
    ) -> None:
        self.document, self.last = document, at
        send(rng, document, at, receivers)
        self.script = [(status, receiver) for status in _ANSWERS for receiver in receivers]

    def act(self, at: int) -> None:
        """The next answer."""
        status, receiver = self.script.pop(0)
        self.last = at
        self.document.answer(at, receiver, status)

    @property
    def newest(self) -> Event:
        """What was told of it last."""
        return self.document.newest

    def count(self, truth: Truth) -> None:
        """Add it to a truth."""
        truth.add_document(self.document)


def _script(rng: Random, procedure: Procedure) -> list[str]:
    script = []
    if procedure.fee:
        script += ["ask_fee", "pay"] if rng.random() < 0.2 else ["pay"]
    script += ["step"] if rng.random() < 0.5 else []
    script += ["ask_supplement", "complete_supplement"] if rng.random() < 0.06 else []
    script += ["transfer"] if rng.random() < 0.25 else []
    if rng.random() < 0.02:
        return [*script, "withdraw"]
    script += ["finish"]
    script += ["return"] if rng.random() < 0.45 else []
    script += ["rate"] if rng.random() < 0.25 else []
    return script + (["put_right"] if rng.random() < 0.04 else [])


class LiveProvince:
    """Makes events of the present. `started` (epoch ms) is part of every id, so that no two runs
    speak of the same dossier.
    """

    def __init__(self, seed: int, started: int) -> None:
        self.rng = Random(f"{seed}|{started}")
        self.teller = PromptTeller(self.rng)
        self.tag = f"L{started:x}"
        self.number = 0
        self.at_work: list[LiveDossier | LiveDocument] = []
        self.again: list[Event] = []
        self.done = Truth()

    def next(self, now: int) -> Event:
        """One event; `now` is epoch ms."""
        if self.again and self.rng.random() < 0.5:
            self.done.duplicates += 1
            return self._told(self.again.pop())
        index = self.rng.randrange(len(self.at_work)) if self.at_work else 0
        share = 0.15 if len(self.at_work) > _AT_WORK else 0.3
        if not self.at_work or self.rng.random() < share or self.at_work[index].last >= now:
            event = self._begin(now)
        else:
            event = self._go_on(index, now)
        if self.rng.random() < _DUPLICATES:
            self.again.append(event)
        return self._told(event)

    def _told(self, event: Event) -> Event:
        self.done.events += 1
        return event

    def _begin(self, now: int) -> Event:
        rng = self.rng
        self.number += 1
        at = now if rng.random() > 0.08 else now - rng.randrange(3 * _HOUR)
        new: LiveDossier | LiveDocument
        if rng.random() < 0.1:
            sender, *receivers = draw_agencies(rng)
            document = sent_document(sender, at, f"{self.number}-{self.tag}", self.teller)
            new = LiveDocument(rng, document, at, receivers)
        else:
            serial = f"{self.tag}-{self.number:06}"
            dossier = SimulatedDossier(dossier_id(at, serial), ONE_STOP, self.teller)
            new = LiveDossier(rng, dossier, at)
        if new.script:
            self.at_work.append(new)
        else:
            new.count(self.done)
        return new.newest

    def _go_on(self, index: int, now: int) -> Event:
        work = self.at_work[index]
        work.act(now if self.rng.random() > 0.05 else self.rng.randint(work.last + 1, now))
        if not work.script:
            self.at_work[index] = self.at_work[-1]
            self.at_work.pop()
            work.count(self.done)
        return work.newest

    def truth(self) -> Truth:
        """The exact figures of everything told so far."""
        whole = self.done.copy()
        for work in self.at_work:
            work.count(whole)
        return whole
