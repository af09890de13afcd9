"""Random dossiers with everything that can happen to one, on every day of two months: sums of what
flowed up to a day are what a look at each dossier on that day finds, and form 06a's columns too.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import pytest
from facts import Heard, Record, record
from oracle_corrections import settled, void_of
from oracle_facts import Dossier, Fact, date_of
from oracle_undone import undone_ends
from strategies import DAY as DAY_MS
from strategies import HOUR, NOON

from schemas.cells.kinds import CELL_KINDS
from schemas.cells.pages import parse_key
from schemas.clock import as_date
from schemas.events import EVENT_TYPES
from schemas.wire import Decoder
from streams.families import ALL, FAMILIES
from streams.families.base import Contribution

COUNT = 20_000 if os.environ.get("CI") == "true" else 1_500
DAY = timedelta(days=1)
FIRST, LAST = date(2025, 11, 1), date(2025, 12, 31)
AGENCIES = ("A", "B", "C")
MEASURES = CELL_KINDS["dossiers"]["flow"].measures
# Type of event -> how many of 100 dossiers are told of it, and what it says.
MORE: dict[str, tuple[int, dict[str, object]]] = {
    "finished": (75, {}),
    "result_returned": (30, {}),
    "withdrawn": (5, {}),
    "suspended": (8, {}),
    "reopened": (15, {}),
    "refused": (3, {"procedure": "p"}),
    "due_changed": (15, {}),
    "supplement_requested": (40, {}),
    "supplement_completed": (30, {}),
    "fee_requested": (30, {}),
    "paid": (30, {"amount": 50_000, "online": True}),
    "step_taken": (30, {}),
    "transferred": (20, {"electronic": True}),
    "voided": (4, {}),
    "restored": (2, {}),
}
ONCE_MORE = 25  # of 100 facts are followed by another of their type


def moment(rng: Random) -> int:
    """Mostly within three months around the two, at any hour."""
    return NOON - 38 * DAY_MS + rng.randrange(90) * DAY_MS + rng.randrange(24) * HOUR


def told(rng: Random, name: str, key: str, number: int, **fields: object) -> Heard:
    model = EVENT_TYPES[f"dossier.{name}"]
    values: dict[str, object] = {
        "event_id": f"{number}",
        "source": rng.choice(("one-stop", "ministry")),
        "agency": rng.choice(AGENCIES),
        "occurred_at": moment(rng),
        "dossier_id": key,
        "reference": rng.choice(("r1", "r2")),
        "due_at": moment(rng),
        "from_agency": "A",
        "to_agency": rng.choice(AGENCIES),
    }
    if "holds" in model.model_fields and rng.random() < 0.12:
        values |= {"effective_at": moment(rng), "holds": rng.random() < 0.6}
    known = {name: value for name, value in (values | fields).items() if name in model.model_fields}
    return model.model_validate(known), moment(rng)


def story(rng: Random, key: str) -> Iterator[Heard]:
    """Facts about one dossier, in no order."""
    due = moment(rng) if rng.random() < 0.85 else None
    channel = rng.choice(("online", "counter"))
    yield told(rng, "received", key, 0, procedure="p", channel=channel, due_at=due)
    number = 0
    for name, (share, fields) in MORE.items():
        chance = share / 100
        while rng.random() < chance:
            number += 1
            chance = ONCE_MORE / 100
            yield told(rng, name, key, number, **fields)


@dataclass(frozen=True)
class Life:
    """What a look at a dossier needs to know, by date."""

    agency: str
    online: bool
    received: date
    left: date | None
    outcome: str
    due: date | None
    waits: tuple[tuple[date, date | None], ...]

    def open_on(self, day: date) -> bool:
        return self.received <= day and (self.left is None or self.left > day)

    def waiting_on(self, day: date) -> bool:
        return self.open_on(day) and any(
            since <= day and (until is None or until > day) for since, until in self.waits
        )

    def overdue_on(self, day: date) -> bool:
        past = self.due is not None and self.due < day
        return past and self.open_on(day) and not self.waiting_on(day)

    @property
    def left_as(self) -> str:
        if self.outcome == "withdrawn" or self.due is None or self.left == self.due:
            return "on time"
        return "early" if self.left is not None and self.left < self.due else "late"


def life_of(facts: list[Fact]) -> Life | None:
    """None: it counts on no day."""
    if void_of(facts) is not None:
        return None
    dossier = Dossier(settled(facts), facts)
    if dossier.reception is None or dossier.refused:
        return None
    end = dossier.end()
    received = date_of(dossier.received_at)
    waits = []
    for asked, came in (dossier.papers(), dossier.fees()):
        for at in asked - came:
            ends = min((other for other in came if other > at), default=None)
            waits.append((date_of(at), None if ends is None else date_of(ends)))
    return Life(
        agency=dossier.handler,
        online=dossier.reception.fields["channel"] == "online",
        received=received,
        left=None if end is None else max(received, date_of(end[0])),
        outcome="" if end is None else end[1],
        due=date_of(dossier.due) if dossier.due else None,
        waits=tuple(waits),
    )


Sums = Counter[tuple[str, str]]  # by agency and measure


@pytest.fixture(scope="module")
def stories() -> list[list[Heard]]:
    rng = Random(20_251_130)
    return [list(story(rng, f"d{number}")) for number in range(COUNT)]


@pytest.fixture(scope="module")
def contributions(stories: list[list[Heard]]) -> list[Contribution]:
    """What the family's counts say of each dossier."""
    family, decode = FAMILIES["dossiers"], Decoder("dossiers")
    found: list[Contribution] = []
    for facts in stories:
        state = family.state()
        for one in facts:
            as_kept: Record = record(*one)
            kind, fields = decode(as_kept.value)
            family.merges[kind](state, fields, as_kept.timestamp)
        found += family.counts(state, ALL)
    return found


@pytest.fixture(scope="module")
def flowed(contributions: list[Contribution]) -> dict[date, Sums]:
    """What flowed on each day."""
    found: defaultdict[date, Sums] = defaultdict(Counter)
    for key, ones, _ in contributions:
        _, cell, agency, _, at = parse_key(key)
        if cell == "flow":
            found[as_date(at)].update((agency, MEASURES[place]) for place in ones)
    return found


@pytest.fixture(scope="module")
def lives(stories: list[list[Heard]]) -> list[Life]:
    told = ([Fact(event.type, event.model_dump(), at) for event, at in one] for one in stories)
    return [life for one in told if (life := life_of(one)) is not None]


def days() -> Iterator[date]:
    day = FIRST
    while day <= LAST:
        yield day
        day += DAY


def up_to(flowed: dict[date, Sums], day: date) -> Sums:
    total: Sums = Counter()
    for at in flowed:
        if at <= day:
            total.update(flowed[at])
    return total


def told_of(total: Sums, agency: str, plus: str, minus: str = "") -> int:
    added = sum(total[agency, name] for name in plus.split())
    return added - sum(total[agency, name] for name in minus.split())


def test_every_day_is_as_a_look_at_every_dossier_finds(
    flowed: dict[date, Sums], lives: list[Life]
) -> None:
    seen: Counter[str] = Counter()
    for day in days():
        total = up_to(flowed, day)
        for agency in AGENCIES:
            mine = [life for life in lives if life.agency == agency]
            looked = {
                "open": sum(life.open_on(day) for life in mine),
                "waiting": sum(life.waiting_on(day) for life in mine),
                "overdue": sum(life.overdue_on(day) for life in mine),
            }
            summed = {
                "open": told_of(total, agency, "taken_online taken_other", "left"),
                "waiting": told_of(total, agency, "asked", "back"),
                "overdue": told_of(total, agency, "fell_due wait_to", "settled wait_from"),
            }
            assert summed == looked, (day, agency)
            seen.update(looked)
    assert min(seen["open"], seen["waiting"], seen["overdue"]) > COUNT


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (FIRST, date(2025, 11, 14)),
        (date(2025, 11, 15), date(2025, 12, 14)),
        (date(2025, 12, 1), LAST),
        (FIRST, LAST),
    ],
)
def test_form_06a_is_as_a_look_at_every_dossier_finds(
    flowed: dict[date, Sums], lives: list[Life], first: date, last: date
) -> None:
    before, until = up_to(flowed, first - DAY), up_to(flowed, last)
    within = Counter(until)
    within.subtract(before)
    for agency in AGENCIES:
        columns = {
            4: told_of(within, agency, "taken_online"),
            5: told_of(within, agency, "taken_other"),
            6: told_of(before, agency, "taken_online taken_other left_stopped", "left"),
            8: told_of(within, agency, "left_early"),
            9: told_of(within, agency, "left_on_time"),
            10: told_of(within, agency, "left_late"),
            11: told_of(until, agency, "taken_online taken_other left_stopped", "left"),
            13: told_of(until, agency, "fell_due wait_to", "settled wait_from"),
        }
        mine = [life for life in lives if life.agency == agency]
        assert columns == looked_up(mine, first, last), agency
        received, solved = columns[4] + columns[5] + columns[6], columns[8] + columns[9]
        assert received == solved + columns[10] + columns[11]


def looked_up(lives: list[Life], first: date, last: date) -> dict[int, int]:
    """Form 06a's columns; what was stopped is still open there."""
    columns = dict.fromkeys((4, 5, 6, 8, 9, 10, 11, 13), 0)
    for life in lives:
        solved = None if life.outcome == "stopped" else life.left
        if first <= life.received <= last:
            columns[4 if life.online else 5] += 1
        if life.received < first and (solved is None or solved >= first):
            columns[6] += 1
        if solved is not None and first <= solved <= last:
            columns[{"early": 8, "on time": 9, "late": 10}[life.left_as]] += 1
        if life.received <= last and (solved is None or solved > last):
            columns[11] += 1
        columns[13] += life.overdue_on(last)
    return columns


def test_ends_that_were_undone_are_those_that_had_been_told_before(
    stories: list[list[Heard]], contributions: list[Contribution]
) -> None:
    counted: Counter[tuple[str, date]] = Counter()
    for key, ones, _ in contributions:
        _, cell, agency, _, at = parse_key(key)
        if cell == "undone":
            assert ones == (0,)
            counted[agency, as_date(at)] += 1
    looked: Counter[tuple[str, date]] = Counter()
    for told_ in stories:
        facts = [Fact(event.type, event.model_dump(), at) for event, at in told_]
        if (life := life_of(facts)) is not None:
            looked.update((life.agency, day) for day in {*map(date_of, undone_ends(facts))})
    assert counted == looked
    assert counted.total() > COUNT / 20
