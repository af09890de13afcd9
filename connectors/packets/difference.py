"""From what the hub was told to what is so now: the facts in between.

A fact has the time at which it happened, and an id made of that, so that the same packet makes the
same fact again. What was said before of its kind at a later time would outdo it: then, and where a
value is put right, it is a correction made when the hub hears of it (docs/corrections.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import asdict, astuple, replace

from connectors.packets.states import (
    ASKED_FOR,
    DossierStanding,
    EndTold,
    FactUnsent,
    LastSaid,
    PacketRecord,
)


class PacketDifference(NamedTuple):
    """The facts, and the record once they are told."""

    facts: list[FactUnsent]
    record: PacketRecord


def made_at(said: LastSaid, heard_at: int) -> int:
    """When what the hub hears now is said: later than all that was said before."""
    last: int = max(astuple(said))
    return max(heard_at, last + 1)


def difference(
    record: PacketRecord, standing: DossierStanding, *, source: str, agency: str, made: int
) -> PacketDifference:
    """What has to be told so that what the hub was told becomes what is so."""
    telling = _Telling(record, standing, source, agency, made)
    telling.reopening()
    telling.refusal()
    telling.reception()
    telling.papers()
    telling.due()
    telling.fees()
    telling.payments()
    telling.end()
    telling.returned()
    told = replace(
        record, standing=standing, said=telling.said, first_due_at=telling.first_due_at, unsent=()
    )
    return PacketDifference(telling.facts, told)


def step_fact(dossier_id: str, source: str, agency: str, at: int, status: int) -> FactUnsent:
    """A processing step."""
    fields: dict[str, str | int | bool | None] = {
        "event_id": f"{dossier_id}/step/{at}/{status}",
        "source": source,
        "agency": agency,
        "occurred_at": at,
        "dossier_id": dossier_id,
        "status": status,
    }
    return FactUnsent("dossier.step_taken", fields)


class _Telling:
    """The facts of one difference as they are found."""

    def __init__(
        self, record: PacketRecord, standing: DossierStanding, source: str, agency: str, made: int
    ) -> None:
        self.facts: list[FactUnsent] = []
        self.said, self.first_due_at = record.said, record.first_due_at
        self._dossier_id, self._source, self._agency = record.dossier_id, source, agency
        self._old, self._new, self._made = record.standing, standing, made

    # ---- how facts are said

    def _fact(self, name: str, at: int, tail: str, **fields: Any) -> None:
        common: dict[str, Any] = {
            "event_id": f"{self._dossier_id}/{name}/{tail}",
            "source": self._source,
            "agency": self._agency,
            "occurred_at": at,
            "dossier_id": self._dossier_id,
        }
        self.facts.append(FactUnsent(f"dossier.{name}", common | fields))

    def _ordinary(self, name: str, kind: str, at: int, number: str = "", **fields: Any) -> None:
        """It happened at `at`."""
        self._fact(name, at, f"{at}{number}", **fields)
        self._say(kind, at)

    def _corrected(self, name: str, kind: str, at: int, number: str = "", **fields: Any) -> None:
        """It happened at `at`, and the hub was told otherwise, or of something later."""
        tail = f"{at}{number}/{self._made}"
        self._fact(name, self._made, tail, effective_at=at, **fields)
        self._say(kind, self._made)

    def _denied(self, name: str, kind: str, number: str = "", **fields: Any) -> None:
        """It never happened."""
        self._fact(name, self._made, f"none{number}/{self._made}", holds=False, **fields)
        self._say(kind, self._made)

    def _say(self, kind: str, at: int) -> None:
        self.said = replace(self.said, **{kind: max(at, getattr(self.said, kind))})

    def _is_news(self, kind: str, at: int) -> bool:
        """Whether an ordinary fact of that time stands: nothing of its kind was said since."""
        since = self.said.reopened if kind in ("end", "returned", "refusal") else 0
        return at > getattr(self.said, kind) and at >= since

    # ---- the kinds of facts

    def reopening(self) -> None:
        """No end and no refusal is left of those there were: reopened, behind all of them."""
        old, new = self._old, self._new
        over = [
            getattr(self.said, kind)
            for kind in ("end", "returned", "refusal")
            if getattr(old, kind) is not None
        ]
        taken_back = old.end is not None and new.end is None
        accepted_after_all = old.refusal is not None and new.refusal is None
        if taken_back or accepted_after_all:
            at = max(over) + 1
            self._ordinary("reopened", "reopened", at)
            self._old = replace(old, end=None, returned=None, refusal=None)

    def refusal(self) -> None:
        """Not accepted."""
        old, new = self._old.refusal, self._new.refusal
        if new is None or new == old:
            return
        moved_on = old is None or (new.at > old.at and new.procedure == old.procedure)
        tell = self._ordinary if moved_on and self._is_news("refusal", new.at) else self._corrected
        tell("refused", "refusal", new.at, procedure=new.procedure)

    def reception(self) -> None:
        """Accepted; or the reception stated anew, with the due time that it said."""
        old, new = self._old.reception, self._new.reception
        if new is None or new == old:
            return
        fields = asdict(new)
        received_at = fields.pop("received_at")
        del fields["agency"]
        if old is None:
            self.first_due_at = self._new.due_at
            self._ordinary("received", "reception", received_at, **fields, due_at=self._due())
            self._say("due", received_at)
            self._old = replace(self._old, due_at=self._new.due_at)
            return
        if received_at > self.said.due:  # what was said of the due time would be outdone
            self.first_due_at = self._new.due_at
            self._old = replace(self._old, due_at=self._new.due_at)
            self._say("due", received_at)
        fields |= {"received_at": received_at, "due_at": self._due()}
        self._fact("corrected", self._made, f"{received_at}/{self._made}", **fields)
        self._say("reception", self._made)

    def _due(self) -> int | None:
        return self.first_due_at or None

    def due(self) -> None:
        """Another due time, or none any more."""
        old, new = self._old.due_at, self._new.due_at
        if new == old or self._new.reception is None:
            return
        if new:
            self._ordinary("due_changed", "due", self._made, due_at=new)
        else:
            self._denied("due_changed", "due", due_at=old)
            self.first_due_at = 0

    def papers(self) -> None:
        """Asked for and come in. An answer that comes with another due time says so itself."""
        old, new = self._old.papers, self._new.papers
        if old == new:
            return
        fresh = [instant for instant in new if instant not in old]
        if set(old) <= set(new) and all(self._is_news("papers", at) for at, _ in fresh):
            for at, kind in fresh:
                self._papers_said(at, kind)
            return
        for place, (at, kind) in enumerate(new):
            self._corrected(_papers_fact(kind), "papers", at, f"/{place}")
        if not new:
            self._denied("supplement_requested", "papers")

    def _papers_said(self, at: int, kind: int) -> None:
        due = self._new.due_at
        last = at == max(at for at, _ in self._new.papers)
        if kind != ASKED_FOR and last and due and due != self._old.due_at and at > self.said.due:
            self._ordinary("supplement_completed", "papers", at, due_at=due)
            self._say("due", at)
            self._old = replace(self._old, due_at=due)
        else:
            self._ordinary(_papers_fact(kind), "papers", at)

    def fees(self) -> None:
        """Asked for. What ends such a wait is the payment."""
        old, new = self._old.fees, self._new.fees
        if old == new:
            return
        fresh = [at for at in new if at not in old]
        if set(old) <= set(new) and all(self._is_news("fees", at) for at in fresh):
            for at in fresh:
                self._ordinary("fee_requested", "fees", at)
            return
        for place, at in enumerate(new):
            self._corrected("fee_requested", "fees", at, f"/{place}")
        if not new:
            self._denied("fee_requested", "fees")

    def payments(self) -> None:
        """Paid, by the number of the fee."""
        old, new = self._old.payments, self._new.payments
        for number in range(max(len(old), len(new))):
            fields: dict[str, Any] = {"reference": f"{self._dossier_id}/fee/{number + 1}"}
            if number >= len(new):
                gone = old[number]
                fields |= {"amount": gone.amount, "online": gone.online}
                self._denied("paid", "payments", f"/{number + 1}", **fields)
                continue
            paid = new[number]
            if number < len(old) and old[number] == paid:
                continue
            fields |= {"amount": paid.amount, "online": paid.online}
            first = number >= len(old) and self._is_news("payments", paid.at)
            tell = self._ordinary if first else self._corrected
            tell("paid", "payments", paid.at, f"/{number + 1}", **fields)

    def end(self) -> None:
        """Finished, withdrawn or suspended."""
        old, new = self._old.end, self._new.end
        if new is None or new == old:
            return
        first = old is None and (new.outcome == "finished" or self._old.returned is None)
        later = old is not None and old.outcome == new.outcome and new.at > old.at
        fields = _end_fields(new)
        news = (first or later) and self._is_news("end", new.at)
        tell = self._ordinary if news else self._corrected
        tell(new.outcome, "end", new.at, **fields)

    def returned(self) -> None:
        """The result was handed over; or it was not, though the end stands."""
        old, new = self._old.returned, self._new.returned
        if new == old:
            return
        if new is None:
            self._denied("result_returned", "returned")
            return
        moved_on = old is None or new.at > old.at
        news = moved_on and self._is_news("returned", new.at)
        tell = self._ordinary if news else self._corrected
        tell("result_returned", "returned", new.at, digitised=new.digitised, how=new.how)


def _papers_fact(kind: int) -> str:
    return "supplement_requested" if kind == ASKED_FOR else "supplement_completed"


def _end_fields(end: EndTold) -> dict[str, Any]:
    return {"digitised": end.digitised} if end.outcome == "finished" else {}
