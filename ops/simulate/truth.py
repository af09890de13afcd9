"""The exact figures of a simulated province, counted from the facts that were decided, as far as
they are reported.

An oracle: it shares no code with the workers. Its measures carry the names of `schemas.cells`, so
that they compare one to one with sums of cells; the rules are those of docs/figures.md, and the
simulated things are such that no rule is in doubt.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.simulate.documents import SimulatedDocument
from ops.simulate.dossiers import DossierEnd, Payment, ReceptionFacts, SimulatedDossier
from ops.simulate.things import StatedFact, latest_value
from schemas.clock import day, to_datetime

FOREVER = 1 << 62
_Measure = tuple[str, str, str, str]  # family, kind, agency, measure

# (indicator, numerator, denominator), each (family, kind, measure)
SHARES: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "dossiers_online_share": (
        ("dossiers", "closed", "finished_online"),
        ("dossiers", "closed", "finished"),
    ),
    "transfers_electronic_share": (
        ("dossiers", "closed", "moved_electronically"),
        ("dossiers", "closed", "moved"),
    ),
    "payments_online_share": (
        ("dossiers", "paid", "transactions_online"),
        ("dossiers", "paid", "transactions"),
    ),
    "results_digitised_share": (
        ("dossiers", "closed", "results_digitised"),
        ("dossiers", "closed", "results"),
    ),
    "satisfaction": (("dossiers", "rated", "satisfied"), ("dossiers", "rated", "ratings")),
    "dossiers_on_time_share": (("dossiers", "closed", "on_time"), ("dossiers", "closed", "closed")),
    "documents_electronic_share": (
        ("documents", "sent", "electronic_signed"),
        ("documents", "sent", "documents"),
    ),
    "tasks_on_time_share": (("tasks", "completed", "on_time"), ("tasks", "completed", "completed")),
    "meetings_in_system_share": (
        ("activities", "meetings", "meetings_in_system"),
        ("activities", "meetings", "meetings"),
    ),
    "inspections_digital_share": (
        ("activities", "inspections", "inspections_digital"),
        ("activities", "inspections", "inspections"),
    ),
    "work_records_online_share": (
        ("activities", "work_records", "work_records_online"),
        ("activities", "work_records", "work_records"),
    ),
    "procedures_online_share": (
        ("inventory", "procedures", "offered_online"),
        ("inventory", "procedures", "eligible_online"),
    ),
    "procedures_online_payment_share": (
        ("inventory", "procedures", "payable_online"),
        ("inventory", "procedures", "with_fee"),
    ),
    "portals_connected_share": (
        ("inventory", "systems", "portals_connected"),
        ("inventory", "systems", "portals"),
    ),
    "authenticated_users_share": (
        ("inventory", "accounts", "users_authenticated"),
        ("inventory", "accounts", "users"),
    ),
}

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
        self.events += other.events
        self.duplicates += other.duplicates
        self.as_of = max(self.as_of, other.as_of)

    def add(self, dossier: SimulatedDossier, before: int = FOREVER) -> None:
        """Count a dossier by its facts reported before an instant."""
        self.as_of = max(self.as_of, before if before != FOREVER else 0)
        refused = latest_value(dossier.refusals, before)
        if refused is not None:
            self.one("refused", refused, "refused")
        reception = latest_value(dossier.receptions, before)
        if reception is None:
            return
        self._received(reception, dossier.teller.backfill)
        handler = latest_value(dossier.handlers, before) or reception.agency
        end = _ending(dossier, before)
        due = latest_value(dossier.dues, before)
        if end is None:
            self._open(dossier, handler, due, before)
        else:
            self._closed(dossier, handler, reception, end, due, before)
        self._paid(dossier.payments, handler, before)
        for rating in dossier.ratings:
            if rating.reported < before:
                satisfied, about = rating.value
                self.one(
                    "rated",
                    handler,
                    f"ratings{_ABOUT[about]}",
                    f"satisfied{_ABOUT[about]}" if satisfied else "",
                )

    def one(self, kind: str, agency: str, *measures: str, family: str = "dossiers") -> None:
        """One to each of the measures; empty names stand for those that are not."""
        for measure in measures:
            if measure:
                self.counts[family, kind, agency, measure] += 1

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

    def _open(self, dossier: SimulatedDossier, handler: str, due: int | None, before: int) -> None:
        waiting = True in (
            latest_value(dossier.supplement_waits, before),
            latest_value(dossier.fee_waits, before),
        )
        self.one("open", handler, "open", "waiting" if waiting else "")
        if due is not None and not waiting:
            insort(self.due_times.setdefault(handler, []), due)

    def _closed(
        self,
        dossier: SimulatedDossier,
        handler: str,
        reception: ReceptionFacts,
        end: StatedFact[DossierEnd],
        due: int | None,
        before: int,
    ) -> None:
        outcome = "finished" if end.value.outcome == "returned" else end.value.outcome
        self.one("closed", handler, "closed", outcome, *_timing(end.occurred, due))
        if outcome != "finished":
            return
        moves = [move.value for move in dossier.transfers if move.reported < before]
        self.one(
            "closed",
            handler,
            "results",
            "finished_online" if reception.channel == "online" else "",
            "results_digitised" if end.value.digitised else "",
            "moved" if moves else "",
            "moved_electronically" if moves and all(moves) else "",
        )

    def _paid(self, payments: list[StatedFact[Payment]], handler: str, before: int) -> None:
        for reference in {fact.value.reference for fact in payments}:
            payment = latest_value(
                (fact for fact in payments if fact.value.reference == reference), before
            )
            if payment is None or payment.state != "paid":
                continue
            self.one(
                "paid", handler, "transactions", "transactions_online" if payment.online else ""
            )
            self.counts["dossiers", "paid", handler, "amount"] += payment.amount
            self.counts["dossiers", "paid", handler, "amount_online"] += (
                payment.amount if payment.online else 0
            )

    def add_document(self, document: SimulatedDocument, before: int = FOREVER) -> None:
        """Count a document by its facts reported before an instant."""
        if document.sent is None or document.sent.reported >= before:
            return
        electronic, signed = document.sent.value
        self.one(
            "sent",
            document.sender,
            "documents",
            "electronic" if electronic else "",
            "signed" if signed else "",
            "electronic_signed" if electronic and signed else "",
            family="documents",
        )
        for answer in document.answers:
            receiver, status = answer.value
            if answer.reported < before and status in _ANSWERS:
                kind, measure = _ANSWERS[status]
                self.one(kind, receiver, measure, family="documents")
        for recall in document.recalls:
            if recall.reported < before:
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

    def figures(self, now: int) -> dict[str, Any]:
        """Everything as plain data: sums by family, kind and measure, indicators, the same sums by
        agency, overdue at `now`.
        """
        totals: dict[str, dict[str, dict[str, int]]] = {}
        agencies: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
        for (family, kind, agency, measure), count in sorted(self.counts.items()):
            for place in (totals, agencies.setdefault(agency, {})):
                sums = place.setdefault(family, {}).setdefault(kind, {})
                sums[measure] = sums.get(measure, 0) + count
        shares = {
            name: {"numerator": self.total(*up), "denominator": self.total(*down)}
            for name, (up, down) in SHARES.items()
        }
        return {
            "events": self.events,
            "duplicates": self.duplicates,
            "as_of": self.as_of,
            "asked_at": now,
            "overdue": self.overdue(now),
            "tasks_overdue": self.tasks_overdue(now),
            "indicators": shares,
            "totals": totals,
            "agencies": agencies,
        }

    def write(self, path: Path, now: int) -> None:
        """The figures as a JSON file."""
        path.write_text(json.dumps(self.figures(now), indent=1, ensure_ascii=False) + "\n", "utf-8")

    def print(self, console: Console, now: int) -> None:
        """The figures as a table."""
        console.print(_table(self.figures(now)))


def _ending(dossier: SimulatedDossier, before: int) -> StatedFact[DossierEnd] | None:
    """The end that stands: the finish, else the return, else whatever closed it; none after the
    last reopening.
    """
    known = sorted(fact for fact in dossier.ends if fact.reported < before)
    reopened = max((fact.occurred for fact in known if fact.value.outcome == "reopened"), default=0)
    standing = [fact for fact in known if fact.occurred > reopened]
    for outcome in ("finished", "returned"):
        for fact in reversed(standing):
            if fact.value.outcome == outcome:
                return fact
    return standing[-1] if standing else None


def _timing(end: int, due: int | None) -> tuple[str, ...]:
    """On time if it ended by the due instant; early if on an earlier day."""
    if due is None:
        return ("no_due",)
    if end > due:
        return ("late",)
    return ("on_time", "early") if day(end) < day(due) else ("on_time",)


def _table(figures: dict[str, Any]) -> Table:
    table = Table(
        title=(
            f"What was generated: {figures['events']:,} events, {figures['duplicates']:,} of them"
            " sent twice"
        )
    )
    table.add_column("figure")
    table.add_column("count", justify="right")
    table.add_column("of", justify="right")
    table.add_column("share", justify="right")
    for family, kinds in figures["totals"].items():
        for kind, measures in kinds.items():
            for measure, count in measures.items():
                table.add_row(f"{family} · {kind} · {measure}", f"{count:,}")
    asked_at = f"{to_datetime(figures['asked_at']):%Y-%m-%d %H:%M}"
    table.add_row(f"dossiers overdue on {asked_at}", f"{figures['overdue']:,}")
    table.add_row(f"tasks overdue on {asked_at}", f"{figures['tasks_overdue']:,}")
    table.add_section()
    for name, share in figures["indicators"].items():
        up, down = share["numerator"], share["denominator"]
        table.add_row(
            name, f"{up:,}", f"{down:,}", f"{100 * up / down:.2f} %" if down else "no value"
        )
    return table
