"""What was heard, read naively, for oracles that compute figures straight from events by the words
of their definitions.

Facts about one thing are a list and every question is asked of the whole list (the readers of
oracle_facts.py). Nothing here knows cells, kinds of cells or the terms of the catalogue. The
oracles: naive_dossiers.py, naive_quality.py, naive_payments.py and naive_others.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from office_hours import working_seconds
from oracle_corrections import settled, void_of
from oracle_facts import Dossier, Fact, date_of, first_heard

from schemas.events import Event

Told = tuple[int, Event]
# At most so many seconds; beyond the last one is no class.
LAGS = (
    1,
    5,
    15,
    60,
    300,
    900,
    3_600,
    7_200,
    14_400,
    28_800,
    86_400,
    172_800,
    432_000,
    864_000,
    2_592_000,
    7_776_000,
)
WORKING_LAGS = (3_600, 14_400, 28_800, 57_600, 144_000, 633_600)
PERCENTILES = (50, 90)


@dataclass(frozen=True)
class Figure:
    """Numerator and denominator (None: a count, or absent), and percentiles; `points` of a
    score.
    """

    numerator: int | None
    denominator: int | None = None
    percentiles: dict[str, int | None] = field(default_factory=dict)
    points: float | None = None


ABSENT = Figure(None)


@dataclass
class Asked:
    """A window of days (None: no bound), an agency (None: all), and the instant of asking."""

    now: int
    first: date | None = None
    last: date | None = None
    agency: str | None = None

    @property
    def today(self) -> date:
        """The day of asking."""
        return date_of(self.now)  # type: ignore[no-any-return]

    def day(self, ms: int) -> bool:
        """Whether an instant lies on a day of the window."""
        return (self.first is None or self.first <= date_of(ms)) and (
            self.last is None or date_of(ms) <= self.last
        )

    def before(self, ms: int) -> bool:
        """Whether it lies on a day before the window."""
        return self.first is not None and date_of(ms) < self.first

    def at(self, agency: str) -> bool:
        """Whether the agency is asked about."""
        return self.agency in (None, agency)

    @property
    def standing(self) -> int:
        """The last instant of the day on which what exists is looked at: the window's last one, or
        today.
        """
        return midnight(self.last or self.today) + 86_400_000 - 1

    @property
    def soon(self) -> int:
        """When eight working hours from now will have passed."""
        return working_hours_later(self.now)


def midnight(day: date) -> int:
    """The first instant of a day in Viet Nam (epoch ms)."""
    return (day - date(1970, 1, 1)).days * 86_400_000 - 7 * 3_600_000


@cache
def working_hours_later(now: int, minutes: int = 8 * 60) -> int:
    """Minute by minute through office hours: 7:00 to 11:30 and 13:30 to 17:00, Monday to Friday. No
    public holiday is near.
    """
    # read as if it were of Viet Nam
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now, hours=7)
    while minutes:
        clock = moment.time()
        open_ = time(7) <= clock < time(11, 30) or time(13, 30) <= clock < time(17)
        minutes -= open_ and moment.weekday() < 5
        moment, now = moment + timedelta(minutes=1), now + 60_000
    return now


class Case(Dossier):
    """All facts about one dossier, in the words of the definitions."""

    @property
    def accepted(self) -> bool:
        """Received and not refused."""
        return self.reception is not None and not self.refused

    @property
    def procedure(self) -> str:
        """As the reception says."""
        return str(self.said("procedure"))

    def said(self, name: str) -> Any:
        """What the reception says."""
        assert self.reception is not None
        return self.reception.fields[name]

    @property
    def closed(self) -> bool:
        """Accepted, and ended."""
        return self.accepted and self.end() is not None

    @property
    def ended_at(self) -> int:
        """When a closed one ended."""
        end = self.end()
        assert end is not None
        return end[0]

    @property
    def outcome(self) -> str:
        """How a closed one ended: finished, withdrawn or stopped."""
        end = self.end()
        assert end is not None
        return end[1]

    @property
    def left_at(self) -> int:
        """From when a closed one is open no more: no earlier than it was received."""
        return max(self.received_at, self.ended_at)

    @property
    def end_heard_at(self) -> int | None:
        """When the hub first knew; None for imported history."""
        end = self.end()
        assert end is not None
        return end[2]

    @property
    def finished(self) -> bool:
        """Closed by a finish or a return of the result."""
        end = self.end()
        return self.closed and end is not None and end[1] == "finished"

    @property
    def reception_heard_at(self) -> int | None:
        """When the hub first knew of the reception as it stands."""
        assert self.reception is not None
        return first_heard(self.receptions, self.reception.at)

    @property
    def results(self) -> list[Fact]:
        """The finish and the return that stand."""
        return [
            fact
            for name in ("finished", "result_returned")
            if (fact := self.standing(name)) is not None
        ]

    @property
    def returned(self) -> Fact | None:
        """The return of the result that stands."""
        return self.standing("result_returned")

    @property
    def steps(self) -> list[int]:
        """When steps were taken."""
        return [fact.at for fact in self.of("step_taken")]


def begins(fact: Fact) -> int:
    """From when a statement holds: without a word of its own, from the beginning of its day."""
    for name in ("period_from", "valid_from"):
        if fact.fields.get(name) is not None:
            return int(fact.fields[name])
    return midnight(date_of(fact.at))


def stated(facts: list[Fact]) -> Iterable[Fact]:
    """The statements of an item that ever held: of those that begin at one instant the newest."""
    newest = dict[int, Fact]()
    for fact in sorted(facts, key=lambda one: (one.at, one.fields["event_id"])):
        if fact.type != "system.heartbeat":
            newest[begins(fact)] = fact
    return newest.values()


@dataclass
class World:
    """Everything that was heard, by thing."""

    told: Sequence[Told]
    # family -> thing -> facts
    things: dict[str, dict[str, list[Fact]]] = field(default_factory=dict)
    dossiers: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        for heard, event in self.told:
            things = self.things.setdefault(event.family, {})
            things.setdefault(event.thing, []).append(Fact(event.type, event.model_dump(), heard))
        self.dossiers = [
            Case(settled(facts), facts) for facts in self.of("dossiers") if void_of(facts) is None
        ]

    def of(self, family: str) -> list[list[Fact]]:
        """The facts about each thing of a family."""
        return list(self.things.get(family, {}).values())

    def fields(self, *names: str) -> set[str]:
        """The procedures that were ever registered with one of these fields."""
        return {
            fact.fields["procedure"]
            for facts in self.of("inventory")
            for fact in stated(facts)
            if fact.type == "procedure.registered" and fact.fields["field"] in names
        }


Oracle = Callable[[World, Asked], Figure]
ORACLES: dict[str, Oracle] = {}


def defines(*ids: str) -> Callable[[Oracle], Oracle]:
    """Registers the oracle of indicators."""

    def register(oracle: Oracle) -> Oracle:
        ORACLES.update(dict.fromkeys(ids, oracle))
        return oracle

    return register


def share(numerator: Iterable[bool]) -> Figure:
    """How many of so many."""
    found = list(numerator)
    return Figure(sum(found), len(found))


def lag(times: Iterable[tuple[int, int]]) -> Figure:
    """Seconds from a time until it was heard of."""
    return timed((max(0, heard - at) // 1000 for at, heard in times), LAGS)


def working_lag(times: Iterable[tuple[int, int]]) -> Figure:
    """Office hours, in seconds, from a time until it was heard of."""
    return timed((working_seconds(at, heard) for at, heard in times), WORKING_LAGS)


def timed(seconds: Iterable[int], classes: tuple[int, ...]) -> Figure:
    """How many in all, of how many, and in which class the percentiles lie (nearest rank)."""
    found = sorted(seconds)
    percentiles: dict[str, int | None] = {}
    for percentile in PERCENTILES:
        rank = -(-percentile * len(found) // 100)
        percentiles[f"p{percentile}"] = (
            next((bound for bound in classes if found[rank - 1] <= bound), None) if found else None
        )
    return Figure(sum(found), len(found), percentiles)
