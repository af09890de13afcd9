"""The exact figures of a simulated province, counted from the facts that were decided, as far as
they are reported.

An oracle: it shares no code with the workers. Its measures carry the names of `schemas.cells`, so
that they compare one to one with sums of cells; the rules are those of docs/figures.md, and the
simulated things are such that no rule is in doubt.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter

from ops.simulate.documents import SimulatedDocument
from ops.simulate.dossier_facts import Payment, ReceptionFacts
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.form06a import DossierDays, dossier_days
from ops.simulate.known import (
    KnownDossier,
    KnownEnd,
    is_voided,
    known_dossier,
    refusing_agency,
    standing_payments,
)
from ops.simulate.things import FOREVER, latest
from schemas.clock import day

_Measure = tuple[str, str, str, str]  # family, kind, agency, measure

_ABOUT = {
    "procedure": "",
    "agency": "_agency",
    "health": "_health_education",
    "education": "_health_education",
}
_LEVELS = {3: "received_partial", 4: "received_full"}
_ANSWERS = {
    "01": ("received", "arrived"),
    "02": ("received", "refused"),
    "03": ("received", "accepted"),
    "06": ("handled", "completed"),
}


class Truth:
    """Counts of simulated things. `events` and `duplicates` are what was told, the rest what it
    means.
    """

    def __init__(self) -> None:
        self.counts: Counter[_Measure] = Counter()
        # agency -> sorted due times of open dossiers that do not wait
        self.due_times: dict[str, list[int]] = {}
        self.deadlines: dict[str, list[int]] = {}  # agency -> sorted deadlines of open tasks
        self.dossiers: list[DossierDays] = []  # accepted and not voided, for what was on any day
        self.events = 0
        self.duplicates = 0
        self.as_of = 0  # facts reported before this instant are counted

    def copy(self) -> Truth:
        """An independent copy."""
        twin = Truth()
        twin.include(self)
        return twin

    def include(self, other: Truth) -> None:
        """Add another truth, about other things."""
        self.counts.update(other.counts)
        for mine, others in ((self.due_times, other.due_times), (self.deadlines, other.deadlines)):
            for agency, dues in others.items():
                mine[agency] = sorted(mine.get(agency, []) + dues)
        self.dossiers += other.dossiers
        self.events += other.events
        self.duplicates += other.duplicates
        self.as_of = max(self.as_of, other.as_of)

    def add(self, dossier: SimulatedDossier, before: int = FOREVER) -> None:
        """Count a dossier by its facts reported before an instant."""
        self.as_of = max(self.as_of, before if before != FOREVER else 0)
        known = known_dossier(dossier, before)
        spoke = dossier.handler if known is None else known.handler
        if dossier.voids and is_voided(dossier, before):
            self.one("voided", spoke, "voided")
            return
        if dossier.restated and dossier.restated.known(before):
            self.one("flagged", spoke, "restated")
        refused = refusing_agency(dossier, before) if dossier.refusals else ""
        if refused:
            self.one("refused", refused, "refused")
        if known is None:
            return
        if not refused:
            self._accepted(dossier, known, before)
        self._paid(standing_payments(dossier, before), known.handler)
        for rating in dossier.ratings.known(before):
            about = _ABOUT[rating.value.about]
            satisfied = f"satisfied{about}" if rating.value.satisfied else ""
            self.one("rated", known.handler, f"ratings{about}", satisfied)

    def one(self, kind: str, agency: str, *measures: str, family: str = "dossiers") -> None:
        """One to each of the measures; empty names stand for those that are not."""
        for measure in measures:
            if measure:
                self.counts[family, kind, agency, measure] += 1

    def _accepted(self, dossier: SimulatedDossier, known: KnownDossier, before: int) -> None:
        self._received(known.reception, dossier.teller.backfill)
        days = dossier_days(known)
        self.dossiers.append(days)
        taken = "taken_online" if days.online else "taken_other"
        if known.reopened:
            self.one("reopened", known.handler, "reopened")
            self.one("undone", known.handler, *("undone" for _ in known.undone))
        if known.end is None:
            self.one("flow", known.handler, taken)
            self._open(known)
        else:
            self.one("flow", known.handler, taken, "left", f"left_{days.result}")
            moves = [fact.value.electronic for fact in dossier.transfers.known(before)]
            self._closed(known, known.end, moves)

    def _received(self, reception: ReceptionFacts, backfill: bool) -> None:
        self.one(
            "received",
            reception.agency,
            "received",
            f"received_{reception.channel}",
            _LEVELS.get(reception.level, ""),
            "with_fee" if reception.with_fee else "",
            "authenticated" if reception.authenticated else "",
            "reused_data" if reception.reused_data else "",
            "backfilled" if backfill else "",
        )

    def _open(self, known: KnownDossier) -> None:
        self.one("open", known.handler, "open", "waiting" if known.waiting else "")
        if known.due is not None and not known.waiting:
            insort(self.due_times.setdefault(known.handler, []), known.due)

    def _closed(self, known: KnownDossier, end: KnownEnd, moves: list[bool]) -> None:
        self.one("closed", known.handler, "closed", end.outcome, *_timing(end.at, known.due))
        if end.outcome != "finished":
            return
        self.one(
            "closed",
            known.handler,
            "results",
            "finished_online" if known.reception.channel == "online" else "",
            "results_digitised" if end.digitised else "",
            "moved" if moves else "",
            "moved_electronically" if moves and all(moves) else "",
        )

    def _paid(self, payments: list[Payment], handler: str) -> None:
        for payment in payments:
            if payment.state != "paid":
                continue
            online = payment.online
            self.one("paid", handler, "transactions", "transactions_online" if online else "")
            self.counts["dossiers", "paid", handler, "amount"] += payment.amount
            self.counts["dossiers", "paid", handler, "amount_online"] += payment.amount * online

    def add_document(self, document: SimulatedDocument, before: int = FOREVER) -> None:
        """Count a document by its facts reported before an instant."""
        sendings, void = document.sendings.known(before), latest(document.voids.known(before))
        if void is not None and void.value:
            self.one("voided", document.sender, "voided", family="documents")
            return
        if not sendings:
            return
        _, electronic, signed = sendings[0].value
        self.one(
            "sent",
            document.sender,
            "documents",
            "electronic" if electronic else "",
            "signed" if signed else "",
            "electronic_signed" if electronic and signed else "",
            family="documents",
        )
        for answer in document.answers.known(before):
            receiver, status = answer.value
            if status in _ANSWERS:
                kind, measure = _ANSWERS[status]
                self.one(kind, receiver, measure, family="documents")
        for recall in document.recalls.known(before):
            measure = "refused_recall" if recall.value == "refused" else recall.value
            self.one("recalled", document.sender, measure, family="documents")

    def total(self, family: str, kind: str, measure: str, agency: str | None = None) -> int:
        """A measure's sum over the province, or one agency's."""
        return sum(
            count
            for (f, k, a, m), count in self.counts.items()
            if (f, k, m) == (family, kind, measure) and agency in (None, a)
        )

    def overdue(self, at: int, agency: str | None = None) -> int:
        """Open dossiers that do not wait and whose due time is before `at` (epoch ms)."""
        return sum(
            bisect_left(dues, at)
            for owner, dues in self.due_times.items()
            if agency in (None, owner)
        )

    def tasks_overdue(self, at: int, agency: str | None = None) -> int:
        """Open tasks whose deadline is before `at` (epoch ms)."""
        return sum(
            bisect_left(dues, at)
            for owner, dues in self.deadlines.items()
            if agency in (None, owner)
        )


def _timing(end: int, due: int | None) -> tuple[str, ...]:
    """On time if it ended by the due instant; early if on an earlier day."""
    if due is None:
        return ("no_due",)
    if end > due:
        return ("late",)
    return ("on_time", "early") if day(end) < day(due) else ("on_time",)
