"""Documents between agencies: sent, answered by their receivers with statuses 01 to 06, sometimes
refused or asked back, a few put right or voided.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from ops.simulate.hours import from_office, to_office
from ops.simulate.province import AGENCIES
from ops.simulate.things import FactGroup, SimulatedThing, Teller
from schemas.clock import to_datetime
from schemas.codes import DocumentStatus, RecallAnswer
from schemas.events.documents import (
    DocumentRecalled,
    DocumentRestored,
    DocumentSent,
    DocumentStatusChanged,
    DocumentVoided,
)

# DocumentType.Type; 18 is an official letter
DOCUMENTS_PUT_RIGHT = 0.03  # of all
_TYPES: tuple[str, ...] = ("18", "18", "18", "2", "3", "7")


class Sending(NamedTuple):
    """What a document is, and how it went out."""

    kind: str
    electronic: bool
    signed: bool


class Answer(NamedTuple):
    """A receiver's status."""

    receiver: str
    status: DocumentStatus


class SimulatedDocument(SimulatedThing):
    """One document's facts. Every (receiver, status) and every recall answer is stated once."""

    __slots__ = ("answers", "recalls", "sender", "sendings", "voids")
    origin = "sample:documents"

    def __init__(self, document_id: str, sender: str, teller: Teller) -> None:
        super().__init__(document_id, teller)
        self.sender = sender
        self.sendings: FactGroup[Sending] = FactGroup()
        self.answers: FactGroup[Answer] = FactGroup()
        self.recalls: FactGroup[RecallAnswer] = FactGroup()
        self.voids: FactGroup[bool] = FactGroup()  # False: restored

    def send(self, at: int, to: list[str], kind: str, electronic: bool, signed: bool) -> None:
        """The document goes out."""
        reported = self.tell(
            DocumentSent,
            at,
            self.sender,
            to=to,
            document_type=kind,
            electronic=electronic,
            signed=signed,
        )
        self.sendings.add(at, reported, Sending(kind, electronic, signed))

    def answer(self, at: int, receiver: str, status: DocumentStatus) -> None:
        """A receiver's status."""
        reported = self.tell(DocumentStatusChanged, at, receiver, status=status)
        self.answers.add(at, reported, Answer(receiver, status))

    def recall(self, at: int, agency: str, answer: RecallAnswer) -> None:
        """Asked back by the sender, or that request answered."""
        reported = self.tell(DocumentRecalled, at, agency, answer=answer)
        self.recalls.add(at, reported, answer)

    def send_anew(self, at: int, to: list[str], sending: Sending) -> None:
        """It was sent when it was said, in another way."""
        sent = self.sendings[0].occurred
        reported = self.tell(
            DocumentSent,
            at,
            self.sender,
            to=to,
            effective_at=sent,
            document_type=sending.kind,
            electronic=sending.electronic,
            signed=sending.signed,
        )
        self.sendings.put_right(0, sent, reported, sending)

    def no_answer(self, at: int) -> None:
        """The receiver who answered last never did."""
        receiver, status = self.answers[-1].value
        reported = self.tell(DocumentStatusChanged, at, receiver, status=status, holds=False)
        self.answers.put_right(-1, at, reported, None)

    def no_recall(self, at: int) -> None:
        """What was said last of a recall never was."""
        answer = self.recalls[-1].value
        reported = self.tell(DocumentRecalled, at, self.sender, answer=answer, holds=False)
        self.recalls.put_right(-1, at, reported, None)

    def void(self, at: int) -> None:
        """Entered by mistake."""
        self.voids.add(at, self.tell(DocumentVoided, at, self.sender), True)

    def restore(self, at: int) -> None:
        """Voided by mistake."""
        self.voids.add(at, self.tell(DocumentRestored, at, self.sender), False)


def simulate_document(rng: Random, teller: Teller, at: int, serial: str) -> SimulatedDocument:
    """A document sent at `at` (epoch ms) with everything that will become of it."""
    sender, *receivers = draw_agencies(rng)
    document = sent_document(sender, at, serial, teller)
    send(rng, document, at, receivers)
    for receiver in receivers:
        _answers(rng, document, to_office(at), receiver)
    if rng.random() < 0.02:
        asked = to_office(at) + rng.randint(600, 7_200)
        document.recall(from_office(asked), sender, "asked")
        answered = from_office(asked + rng.randint(600, 30_000))
        document.recall(answered, receivers[0], "agreed" if rng.random() < 0.8 else "refused")
    if rng.random() < DOCUMENTS_PUT_RIGHT:
        last = to_office(max(event.occurred_at for _, event in document.events))
        _put_right(rng, document, from_office(last + rng.randint(600, 90_000)), receivers)
    return document


def _put_right(rng: Random, document: SimulatedDocument, at: int, receivers: list[str]) -> None:
    """What was said last of a recall, else how it went out, or an answer; or it is voided, perhaps
    by mistake.
    """
    chance = rng.random()
    if chance < 0.2:
        document.void(at)
        if chance < 0.05:
            document.restore(at + rng.randint(600_000, 90_000_000))
    elif document.recalls:
        document.no_recall(at)
    elif chance < 0.6:
        sent = document.sendings[0].value
        document.send_anew(at, receivers, sent._replace(signed=not sent.signed))
    else:
        document.no_answer(at)


def sent_document(sender: str, at: int, serial: str, teller: Teller) -> SimulatedDocument:
    """A document that is sent at `at` (epoch ms); its id says by whom and when."""
    document_id = f"{sender},{to_datetime(at):%Y/%m/%d},{serial}/SAMPLE"
    return SimulatedDocument(document_id, sender, teller)


def draw_agencies(rng: Random) -> list[str]:
    """The sender's code, then one or more receivers'."""
    count = 2 if rng.random() < 0.7 else rng.randint(3, 7)
    return [agency.code for agency in rng.sample(AGENCIES, count)]


def send(rng: Random, document: SimulatedDocument, at: int, receivers: list[str]) -> None:
    """Most go electronically, and nearly all of those are signed."""
    electronic = rng.random() < 0.93
    document.send(at, receivers, rng.choice(_TYPES), electronic, electronic and rng.random() < 0.95)


def _answers(rng: Random, document: SimulatedDocument, office: int, receiver: str) -> None:
    """01, then 02, or 03 and on to 06; some receivers stop on the way, as open work does."""
    refused = rng.random() < 0.03
    path: tuple[DocumentStatus, ...] = ("01", "02") if refused else ("01", "03", "04", "05", "06")
    if not refused and rng.random() < 0.7:
        path = ("01", "03", "06")
    for status in path:
        office += rng.randint(60, 3_600) if status == "01" else rng.randint(600, 40_000)
        document.answer(from_office(office), receiver, status)
        if rng.random() < 0.05:
            return
