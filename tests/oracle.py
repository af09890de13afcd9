"""A second opinion: what facts count for, worked out naively from the definitions in
docs/figures.md.

It knows nothing of states, registers, batches or cells' bytes: facts about one thing are a list,
sorted by (time, event id), and each question is asked of the whole list. Slow and plain on purpose;
no code is shared with the workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gathered import finishes_known, too_many
from office_hours import working_seconds

from schemas.cells.kinds import DAYS_BOUNDS, HOURS_BOUNDS, LAG_BOUNDS, WORKING_LAG_BOUNDS

FIVE_MINUTES = 300_000
PAYMENT_ORDER = ["pending", "failed", "paid", "refunded"]
RATING_ABOUT = {
    "procedure": "",
    "agency": "_agency",
    "health": "_health_education",
    "education": "_health_education",
}

Cell = tuple[str, str, str, int]  # kind, agency, category, at
Figures = dict[Cell, dict[str, int]]


class Fact(NamedTuple):
    """An event as it was heard; `heard` is the broker's time."""

    type: str
    fields: dict[str, Any]
    heard: int

    @property
    def at(self) -> int:
        """When it happened."""
        return int(self.fields["occurred_at"])


class Tally:
    """Figures by cell and measure; measures that are zero are not mentioned."""

    def __init__(self) -> None:
        self.amounts: Counter[tuple[Cell, str]] = Counter()

    def add(
        self, kind: str, agency: str, category: str, at: int, *measures: str, **amounts: int
    ) -> None:
        """One to each measure, and amounts to the named ones."""
        for measure in measures:
            self.amounts[(kind, agency, category, at), measure] += 1
        for measure, amount in amounts.items():
            self.amounts[(kind, agency, category, at), measure] += amount

    def figures(self) -> Figures:
        """What is not zero."""
        found: Figures = {}
        for (cell, measure), amount in self.amounts.items():
            if amount:
                found.setdefault(cell, {})[measure] = amount
        return found


def date_of(ms: int) -> Any:
    """The calendar date in Viet Nam."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms, hours=7)).date()


def ymd(ms: int) -> int:
    """The date as cells carry it."""
    return int(date_of(ms).strftime("%Y%m%d"))


def bound(name: str, value: int, bounds: tuple[int, ...]) -> str:
    """The class of a histogram that a value falls into."""
    return next((f"{name}_le_{limit}" for limit in bounds if value <= limit), f"{name}_more")


def last(facts: Iterable[Fact]) -> Fact | None:
    """The newest fact; of one instant, the one with the greatest event id."""
    return max(facts, key=lambda fact: (fact.at, fact.fields["event_id"]), default=None)


def first_heard(facts: Iterable[Fact], at: int) -> int | None:
    """When the hub first knew of something that happened at an instant; imported history says
    nothing of that.
    """
    return min(
        (fact.heard for fact in facts if fact.at == at and not fact.fields["backfill"]),
        default=None,
    )


class Dossier:
    """All facts about one dossier."""

    def __init__(self, facts: list[Fact]) -> None:
        self.facts = facts
        self.receptions = self.of("received", "corrected")
        self.reception = last(self.receptions)
        self.reopened = max((fact.at for fact in self.of("reopened")), default=0)
        self.refusal = last(self.of("refused"))
        self.too_many = too_many(facts)

    def of(self, *types: str) -> list[Fact]:
        """The facts of some types."""
        found = [fact for fact in self.facts if fact.type.removeprefix("dossier.") in types]
        return finishes_known(found) if types == ("finished",) else found

    def standing(self, kind: str) -> Fact | None:
        """The newest closing fact of a type, if no later reopening undoes it."""
        fact = last(self.of(kind))
        return fact if fact is not None and fact.at >= self.reopened else None

    @property
    def received_at(self) -> int:
        """The time of reception as last stated."""
        assert self.reception is not None
        return int(self.reception.fields.get("received_at", self.reception.at))

    @property
    def refused(self) -> bool:
        """Never accepted: refused, and neither reopened nor received later."""
        if self.refusal is None or self.refusal.at < self.reopened:
            return False
        return self.reception is None or self.refusal.at >= self.received_at

    @property
    def handler(self) -> str:
        """Who handles it: as last said by a reception, a step or a move."""
        assert self.reception is not None
        said = self.of("received", "step_taken", "transferred")
        said += [fact for fact in self.of("corrected") if fact.fields["handling_agency"]]
        newest = last(said)
        if newest is None:
            return str(self.reception.fields["agency"])
        return str(
            newest.fields.get("to_agency")
            or newest.fields.get("handling_agency")
            or newest.fields["agency"]
        )

    @property
    def dues(self) -> list[tuple[int, int]]:
        """(when said, due time) in order; of two said at one instant, the later due time."""
        said = [
            (fact.at, fact.fields["due_at"])
            for fact in self.facts
            if fact.fields.get("due_at") is not None
        ]
        return sorted(dict(sorted(said)).items())

    @property
    def due(self) -> int:
        """The due time in force; 0: none."""
        return self.dues[-1][1] if self.dues else 0

    @property
    def waiting(self) -> bool:
        """For papers or for a fee."""
        fee = last(
            [
                *self.of("fee_requested"),
                *(fact for fact in self.of("paid") if fact.fields["state"] == "paid"),
            ]
        )
        return self.waits_for_papers or bool(fee and fee.type.endswith("requested"))

    @property
    def waits_for_papers(self) -> bool:
        """Asked for, and not completed since."""
        papers = last(self.of("supplement_requested", "supplement_completed"))
        return bool(papers and papers.type.endswith("requested"))

    def payments(self) -> list[tuple[int, int, bool]]:
        """(time, amount, online) of each completed payment, as last said of its reference; none of
        too many.
        """
        if "payments" in self.too_many:
            return []
        newest: dict[str, tuple[int, int, int, bool]] = {}
        for fact in self.of("paid"):
            said = (
                fact.at,
                PAYMENT_ORDER.index(fact.fields["state"]),
                fact.fields["amount"],
                fact.fields["online"],
            )
            newest[fact.fields["reference"]] = max(said, newest.get(fact.fields["reference"], said))
        return [
            (at, amount, online)
            for at, state, amount, online in newest.values()
            if PAYMENT_ORDER[state] == "paid"
        ]

    def waits(self, end: int) -> tuple[int, int]:
        """At how many instants papers were asked for up to the end, and the office hours (s)
        between reception and end spent waiting.
        """
        if "papers" in self.too_many:
            return 0, 0
        asked = {fact.at for fact in self.of("supplement_requested") if fact.at <= end}
        came = {fact.at for fact in self.of("supplement_completed") if fact.at <= end}
        paused, done = 0, 0
        for at in sorted(asked - came):
            if at > done:  # not within a wait that has been counted
                done = min((other for other in came if other > at), default=end)
                paused += working_seconds(max(at, self.received_at), done)
        return len(asked), paused

    def end(self) -> tuple[int, str, int | None] | None:
        """End time, outcome, when the hub first knew of it."""
        for kind, outcome in (("finished", "finished"), ("result_returned", "finished")):
            fact = self.standing(kind)
            if fact is not None:
                return fact.at, outcome, first_heard(self.of(kind), fact.at)
        ends = [
            (fact.at, outcome, kind)
            for kind, outcome in (("suspended", "stopped"), ("withdrawn", "withdrawn"))
            if (fact := self.standing(kind)) is not None
        ]
        if not ends:
            return None
        at, outcome, kind = max(ends, key=lambda end: end[:2])
        return at, outcome, first_heard(self.of(kind), at)


def dossier_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one dossier."""
    dossier = Dossier(facts)
    if dossier.refused:
        assert dossier.refusal is not None
        fields = dossier.refusal.fields
        tally.add(
            "refused", fields["agency"], fields["procedure"], ymd(dossier.refusal.at), "refused"
        )
    if dossier.reception is None:
        if not dossier.refused and facts:
            at, agency = max((fact.at, fact.fields["agency"]) for fact in facts)
            tally.add("flagged", agency, "-", ymd(at), *_without_reception(dossier))
        return
    agency, procedure = dossier.handler, dossier.reception.fields["procedure"]
    end = None if dossier.refused else dossier.end()
    if not dossier.refused:
        _received(dossier, tally)
        if end is None:
            tally.add(
                "open",
                agency,
                procedure,
                dossier.due,
                "open",
                *(["waiting"] if dossier.waiting else []),
            )
        else:
            _closed(dossier, end, tally)
        if dossier.reopened:
            tally.add("reopened", agency, procedure, ymd(dossier.reopened), "reopened")
    _paid_and_rated(dossier, agency, procedure, tally)
    flags = _flags(dossier, end)
    if flags:
        tally.add("flagged", agency, procedure, ymd(dossier.received_at), "flagged", *flags)


def _without_reception(dossier: Dossier) -> list[str]:
    much = ["too_many"] if dossier.too_many else []
    if dossier.end() is not None:
        return ["flagged", "no_reception", "end_without_reception", *much]
    return (
        ["supplement_before_reception"]
        if dossier.waits_for_papers and not much
        else ["flagged", "no_reception", *much]
    )


def reported(name: str, at: int, heard: int | None) -> tuple[list[str], dict[str, int]]:
    """Measures and amounts of a report's lag; nothing for imported history."""
    if heard is None:
        return [], {}
    seconds, working = max(0, heard - at) // 1000, working_seconds(at, heard)
    measures = [
        f"{name}reports",
        bound(f"{name}lag", seconds, LAG_BOUNDS),
        bound(f"{name}working_lag", working, WORKING_LAG_BOUNDS),
    ]
    return measures, {f"{name}lag_seconds": seconds, f"{name}working_lag_seconds": working}


def _received(dossier: Dossier, tally: Tally) -> None:
    assert dossier.reception is not None
    fields = dossier.reception.fields
    measures = ["received", f"received_{fields['channel']}"]
    measures += [
        name
        for level, name in ((3, "received_partial"), (4, "received_full"))
        if fields["level"] == level
    ]
    measures += [
        name
        for name in (
            "with_fee",
            "authenticated",
            "reused_data",
            "papers_digitised",
            "from_personal_store",
        )
        if fields[name]
    ]
    measures += (
        ["identified"]
        if fields["authenticated"] or fields["from_personal_store"] or fields["population_data"]
        else []
    )
    measures += (
        ["paid_online"]
        if fields["with_fee"] and any(online for _, _, online in dossier.payments())
        else []
    )
    measures += ["backfilled"] if fields["backfill"] else []
    said_at = dossier.reception.at
    reports, seconds = reported("reception_", said_at, first_heard(dossier.receptions, said_at))
    tally.add(
        "received",
        fields["agency"],
        fields["procedure"],
        ymd(dossier.received_at),
        *measures,
        *reports,
        **seconds,
    )


def _closed(dossier: Dossier, end: tuple[int, str, int | None], tally: Tally) -> None:
    assert dossier.reception is not None
    at, outcome, heard = end
    measures = [
        "closed",
        outcome,
        *(_result(dossier) if outcome == "finished" else []),
        *_in_time(dossier, at),
    ]
    measures.append(
        bound("days", max(0, (date_of(at) - date_of(dossier.received_at)).days), DAYS_BOUNDS)
    )
    requests, paused = dossier.waits(at)
    measures += ["asked_for_papers"] if requests else []
    measures += (
        ["asked_again_in_time"]
        if requests > 1 and dossier.due and date_of(at) <= date_of(dossier.due)
        else []
    )
    working = working_seconds(dossier.received_at, at) - paused if outcome == "finished" else 0
    amounts = {
        "processing_seconds": max(0, at - dossier.received_at) // 1000,
        "processing_working_seconds": working,
        "paused_working_seconds": paused,
    }
    reports, seconds = reported("", at, heard)
    if heard is not None:
        measures += ["reported_late"] if date_of(heard) > date_of(at) else []
        measures += ["looked_overdue"] if at <= dossier.due < heard and not dossier.waiting else []
    returned = dossier.standing("result_returned")
    if returned is not None and outcome == "finished":
        more_reports, more_seconds = reported(
            "return_", returned.at, first_heard(dossier.of("result_returned"), returned.at)
        )
        reports, seconds = reports + more_reports, seconds | more_seconds
    tally.add(
        "closed",
        dossier.handler,
        dossier.reception.fields["procedure"],
        ymd(at),
        *measures,
        *reports,
        **amounts,
        **seconds,
    )


def _result(dossier: Dossier) -> list[str]:
    assert dossier.reception is not None
    measures = ["results"] if dossier.of("step_taken") else ["results", "finished_without_step"]
    if dossier.reception.fields["channel"] == "online":
        measures.append("finished_online")
    facts = (dossier.standing("finished"), dossier.standing("result_returned"))
    if any(fact is not None and fact.fields["digitised"] for fact in facts):
        measures.append("results_digitised")
        measures += ["digitised_throughout"] if dossier.reception.fields["papers_digitised"] else []
    moves = dossier.of("transferred")
    if moves and "transfers" not in dossier.too_many:
        measures.append("moved")
        if all(move.fields["electronic"] for move in moves):
            measures.append("moved_electronically")
    return measures


def _in_time(dossier: Dossier, at: int) -> list[str]:
    due = dossier.due
    if not due:
        return ["no_due"]
    measures = ["on_time" if at <= due else "late"]
    measures += ["early"] if date_of(at) < date_of(due) else []
    measures += ["late_766"] if date_of(at) > date_of(due) else []
    returned = dossier.standing("result_returned")
    return measures + (["late_06a"] if returned is not None and returned.at > due else [])


def _paid_and_rated(dossier: Dossier, agency: str, procedure: str, tally: Tally) -> None:
    for at, amount, online in dossier.payments():
        tally.add("paid", agency, procedure, ymd(at), "transactions", amount=amount)
        if online:
            tally.add(
                "paid", agency, procedure, ymd(at), "transactions_online", amount_online=amount
            )
    ratings: dict[str, tuple[int, bool, str]] = {}
    for fact in dossier.of("rated") if "ratings" not in dossier.too_many else []:
        rating = (fact.at, fact.fields["satisfied"], fact.fields["about"])
        ratings[fact.fields["rating_id"]] = max(
            rating, ratings.get(fact.fields["rating_id"], rating)
        )
    for at, satisfied, about in ratings.values():
        suffix = RATING_ABOUT[about]
        tally.add(
            "rated",
            agency,
            procedure,
            ymd(at),
            f"ratings{suffix}",
            *([f"satisfied{suffix}"] if satisfied else []),
        )


def _flags(dossier: Dossier, end: tuple[int, str, int | None] | None) -> list[str]:
    assert dossier.reception is not None
    fields = dossier.reception.fields
    heard = first_heard(dossier.receptions, dossier.reception.at)
    steps = [fact.at for fact in dossier.of("step_taken")]
    # Each source's last word on the end of processing, as far as it stands.
    said = {
        fact.fields["source"]: fact.at
        for fact in sorted(dossier.of("finished"), key=lambda fact: fact.at)
    }
    ends = {at for at in said.values() if at >= dossier.reopened}
    finished, returned = dossier.standing("finished"), dossier.standing("result_returned")
    moved = zip(dossier.dues, dossier.dues[1:], strict=False)
    broken = {
        "offline_procedure_online": fields["level"] == 2 and fields["channel"] == "online",
        "received_in_future": heard is not None and dossier.received_at > heard + FIVE_MINUTES,
        "too_many": bool(dossier.too_many),
        "due_moved_after_passed": "dues" not in dossier.too_many
        and any(at > passed and due != passed for (_, passed), (at, due) in moved),
        "sources_disagree": len(ends) > 1 and "finish" not in dossier.too_many,
        "finished_without_end": end is not None and end[1] == "finished" and finished is None,
        "ended_in_future": end is not None
        and end[2] is not None
        and end[0] > end[2] + FIVE_MINUTES,
        "received_after_end": end is not None and dossier.received_at > end[0],
        "step_after_end": end is not None and any(step > end[0] for step in steps),
        "due_before_reception": 0 < dossier.due < dossier.received_at,
        "step_before_reception": any(step < dossier.received_at for step in steps),
        "returned_before_end": end is not None
        and finished is not None
        and returned is not None
        and returned.at < finished.at,
    }
    return [flag for flag, yes in broken.items() if yes]


def document_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one document."""
    sent, much = last(fact for fact in facts if fact.type == "document.sent"), too_many(facts)
    flags = ["too_many"] if much else []
    if sent is None:
        at, agency = max((fact.at, fact.fields["agency"]) for fact in facts)
        tally.add("flagged", agency, "-", ymd(at), "no_sending", *flags)
        return
    sender, kind = sent.fields["agency"], sent.fields["document_type"]
    electronic, signed = sent.fields["electronic"], sent.fields["signed"]
    measures = {
        "documents": True,
        "electronic": electronic,
        "signed": signed,
        "electronic_signed": electronic and signed,
    }
    tally.add("sent", sender, kind, ymd(sent.at), *(name for name, yes in measures.items() if yes))
    tally.add("flagged", sender, kind, ymd(sent.at), *flags)
    answers: dict[str, dict[str, int]] = {}
    for fact in sorted(facts, key=lambda fact: fact.at):
        if fact.type == "document.status_changed" and "statuses" not in much:
            answers.setdefault(fact.fields["agency"], {})[fact.fields["status"]] = fact.at
    for receiver, times in answers.items():
        _answered(receiver, kind, sent.at, times, tally)
    recalls = {
        fact.fields["answer"]: fact.at
        for fact in sorted(facts, key=lambda fact: fact.at)
        if fact.type == "document.recalled"
    }
    for answer, at in recalls.items() if "recall" not in much else []:
        tally.add(
            "recalled", sender, kind, ymd(at), "refused_recall" if answer == "refused" else answer
        )


def _answered(receiver: str, kind: str, sent_at: int, times: dict[str, int], tally: Tally) -> None:
    if "01" in times:
        tally.add("received", receiver, kind, ymd(times["01"]), "arrived")
    accepted, refused = times.get("03", 0), times.get("02", 0)
    if refused > accepted:
        tally.add("received", receiver, kind, ymd(refused), "refused")
    elif accepted:
        tally.add("received", receiver, kind, ymd(accepted), "accepted")
        _timed("accepted", "accepted", receiver, kind, accepted, accepted - sent_at, tally)
    if "06" in times:
        tally.add("handled", receiver, kind, ymd(times["06"]), "completed")
        _timed("handled", "completed", receiver, kind, times["06"], times["06"] - sent_at, tally)


def _timed(
    cell: str, name: str, receiver: str, kind: str, at: int, took: int, tally: Tally
) -> None:
    milliseconds = max(0, took)
    hours = -(-milliseconds // 3_600_000)
    seconds = {f"{name}_seconds": milliseconds // 1000}
    tally.add(
        cell,
        receiver,
        kind,
        ymd(at),
        f"{name}_timed",
        bound(f"{name}_h", hours, HOURS_BOUNDS),
        **seconds,
    )


def heartbeat_figures(facts: list[Fact], tally: Tally) -> None:
    """When the newest heartbeat of one partition was heard."""
    tally.add("beat", "hub", "-", 0, occurred_at=max(fact.heard for fact in facts))
