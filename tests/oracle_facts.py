"""Facts as plain words, what those about one dossier say, and how what they count for is added up:
what oracles have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gathered import amended_too_many, finishes_known, is_correction, move_of, too_many
from office_hours import working_seconds

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

    @property
    def said(self) -> int:
        """When it was said to have happened: of a correction later."""
        return int(self.fields.get("said", self.at))


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


def _named(facts: Iterable[Fact], *types: str) -> list[Fact]:
    return [fact for fact in facts if fact.type.removeprefix("dossier.") in types]


def asked_last(asked: set[int], came: set[int]) -> bool:
    """Whether nothing came since, nor at the same instant."""
    return bool(asked) and max(asked) > max(came, default=0)


class Dossier:
    """All facts about one dossier, as oracle_corrections.py settles them. `told`: as they were
    told.
    """

    def __init__(self, facts: list[Fact], told: list[Fact] | None = None) -> None:
        self.facts = facts
        self.told = facts if told is None else told
        self.receptions = self.of("received", "corrected")
        self.reception = last(self.receptions)
        self.reopened = max((fact.at for fact in self.of("reopened")), default=0)
        self.refusal = last(self.of("refused"))
        self.too_many = too_many(facts)
        self.much = bool(self.too_many | too_many(self.told) | amended_too_many(self.told))

    def of(self, *types: str) -> list[Fact]:
        """The facts of some types."""
        found = _named(self.facts, *types)
        return finishes_known(found) if types == ("finished",) else found

    @property
    def spoken(self) -> list[Fact]:
        """All that was told of it, but that it was voided or restored."""
        return [fact for fact in self.told if not fact.type.endswith(("voided", "restored"))]

    @property
    def newest(self) -> tuple[int, str]:
        """When it was last spoken of, and by whom."""
        return max((fact.at, fact.fields["agency"]) for fact in self.spoken)

    def standing(self, kind: str) -> Fact | None:
        """The newest closing fact of a type, if no later reopening undoes it."""
        fact = last(self.of(kind))
        return fact if fact is not None and fact.said >= self.reopened else None

    @property
    def received_at(self) -> int:
        """The time of reception as last stated."""
        assert self.reception is not None
        return int(self.reception.fields.get("received_at", self.reception.at))

    @property
    def refused(self) -> bool:
        """Never accepted: refused, and neither reopened nor received later."""
        if self.refusal is None or self.refusal.said < self.reopened:
            return False
        return self.reception is None or self.refusal.at >= self.received_at

    @property
    def handler(self) -> str:
        """Who handles it: as last said by a reception, a step or a move. A move that never was
        gives it back to whom it came from, if nobody has had it since.
        """
        assert self.reception is not None
        corrected = [fact for fact in self.facts if "said" in fact.fields]
        plain = [fact for fact in self.told if not is_correction(fact)]
        newest = last(_named(plain, "step_taken", "transferred"))
        first = self.reception.fields["handling_agency"] or self.reception.fields["agency"]
        at, agency = self.received_at, str(first)
        if newest is not None and newest.at >= at:
            at, agency = newest.at, str(newest.fields.get("to_agency") or newest.fields["agency"])
        wrong = [
            fact.fields["from_agency"]
            for fact in self.moves_that_never_were
            if move_of(fact)[1:] == (agency, at) and fact.at >= at
        ]
        if wrong:
            agency = max(wrong)
        moves = _named(corrected, "transferred")
        for move in sorted(moves, key=lambda fact: (fact.at, fact.fields["to_agency"])):
            if move.at >= at:
                at, agency = move.at, move.fields["to_agency"]
        return agency

    @property
    def moves_that_never_were(self) -> list[Fact]:
        """The corrections that say so and stand."""
        if "amended_moves" in amended_too_many(self.told) or "transfers" in too_many(self.told):
            return []
        moves = [fact for fact in _named(self.told, "transferred") if is_correction(fact)]
        last_said = {
            move_of(fact): fact
            for fact in sorted(
                moves,
                key=lambda fact: (fact.at, fact.fields["holds"], fact.fields["electronic"]),
            )
        }
        return [fact for fact in last_said.values() if not fact.fields["holds"]]

    @property
    def dues(self) -> list[tuple[int, int]]:
        """(when said, due time) in order; of two said at one instant, the later due time."""
        said = [
            (fact.at, fact.fields["due_at"])
            for fact in self.facts
            if fact.fields.get("due_at") is not None and fact not in self.receptions
        ]
        if self.reception is not None and self.reception.fields["due_at"] is not None:
            said.append((self.received_at, self.reception.fields["due_at"]))
        return sorted(dict(sorted(said)).items())

    @property
    def due(self) -> int:
        """The due time in force; 0: none."""
        return self.dues[-1][1] if self.dues else 0

    @property
    def waiting(self) -> bool:
        """For papers or for a fee."""
        papers = self.waits_for_papers and "papers" not in self.too_many
        return papers or asked_last(*self.fees())

    @property
    def waits_for_papers(self) -> bool:
        """Asked for, and nothing came since."""
        return asked_last(*self.papers())

    def papers(self) -> tuple[set[int], set[int]]:
        """When papers were asked for, and when some came."""
        asked, came = self.of("supplement_requested"), self.of("supplement_completed")
        return {fact.at for fact in asked}, {fact.at for fact in came}

    def fees(self) -> tuple[set[int], set[int]]:
        """When fees were asked for, and when each payment was last said to be made."""
        if self.too_many & {"fees", "payments"}:
            return set(), set()
        paid: dict[str, int] = {}
        for fact in self.of("paid"):
            if fact.fields["state"] == "paid":
                reference = fact.fields["reference"]
                paid[reference] = max(fact.at, paid.get(reference, 0))
        return {fact.at for fact in self.of("fee_requested")}, set(paid.values())

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
