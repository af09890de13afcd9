"""Documents between agencies: sent, answered by their receivers with statuses 01 to 06, sometimes
refused or asked back.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from ops.simulate.hours import from_office, to_office
from ops.simulate.province import AGENCIES
from ops.simulate.things import SimulatedThing, StatedFact, Teller
from schemas.clock import to_datetime
from schemas.codes import DocumentStatus, RecallAnswer
from schemas.events.documents import DocumentRecalled, DocumentSent, DocumentStatusChanged

# DocumentType.Type; 18 is an official letter
_TYPES: tuple[str, ...] = ("18", "18", "18", "2", "3", "7")


class Sending(NamedTuple):
    """How a document went out."""

    electronic: bool
    signed: bool


class Answer(NamedTuple):
    """A receiver's status."""

    receiver: str
    status: DocumentStatus


class SimulatedDocument(SimulatedThing):
    """One document's facts. Every (receiver, status) and every recall answer is stated once."""

    __slots__ = ("answers", "recalls", "sender", "sent")
    origin = "sample:documents"

    def __init__(self, document_id: str, sender: str, teller: Teller) -> None:
        super().__init__(document_id, teller)
        self.sender = sender
        self.sent: StatedFact[Sending] | None = None
        self.answers: list[StatedFact[Answer]] = []
        self.recalls: list[StatedFact[RecallAnswer]] = []

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
        self.sent = StatedFact(at, reported, Sending(electronic, signed))

    def answer(self, at: int, receiver: str, status: DocumentStatus) -> None:
        """A receiver's status."""
        reported = self.tell(DocumentStatusChanged, at, receiver, status=status)
        self.answers.append(StatedFact(at, reported, Answer(receiver, status)))

    def recall(self, at: int, agency: str, answer: RecallAnswer) -> None:
        """Asked back by the sender, or that request answered."""
        reported = self.tell(DocumentRecalled, at, agency, answer=answer)
        self.recalls.append(StatedFact(at, reported, answer))


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
    return document


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
