"""Every live figure is what its definition says of the events: from random facts through states,
cells and cube to the answer.

The oracles (tests/naive*.py) read nothing but the events. A live indicator without one fails.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import naive_dossiers
import naive_others
import naive_payments
import naive_quality
import pytest
from cubes import INDICATORS
from facts import Heard, told
from heard import Told, answers, hub_that_heard
from hypothesis import given
from hypothesis import strategies as st
from naive import ORACLES, Asked, Figure, World
from strategies import AGENCIES, DAY, HOUR, INSTANTS, ITEMS, NOON, THEMES, distinct, examples
from strategies import heard as fact_of

from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.catalogue.indicators import Indicator
from ops.simulate.province import AGENCIES_OF
from ops.simulate.whole import whole_province
from schemas.clock import ZONE, to_ms
from schemas.events import EVENTS_BY_FAMILY as EVENTS

assert naive_dossiers
assert naive_others
assert naive_payments
assert naive_quality
LIVE = [
    one
    for one in INDICATORS.values()
    if one.source in ("events", "procedures", "coverage", "score")
]
FAMILIES = ("dossiers", "documents", "tasks", "activities", "inventory")
EXAMPLES = {"dossiers": 50, "inventory": 20}
STORIES = 6
WINDOWS: tuple[tuple[date | None, date | None], ...] = (
    (None, None),
    (date(2025, 11, 23), date(2025, 11, 23)),
    (None, date(2025, 11, 23)),
    (date(2025, 11, 24), None),
    (date(2025, 10, 15), date(2026, 12, 14)),
)
RECEIVED = told("dossier.received", "11-20 08:00", due_at="11-21 17:00", procedure="p")
REOPENED = told("dossier.reopened", "11-21 12:00")
# A Sunday, a Tuesday at eleven, a Monday at half past four in October, a Friday evening; no public
# holiday is near.
MOMENTS = (NOON, NOON + 2 * DAY, NOON - 41 * DAY + 5 * HOUR + HOUR // 2, NOON - 2 * DAY + 9 * HOUR)
BEGINNINGS = st.sampled_from((NOON - 40 * DAY, NOON, NOON + DAY))
AGENCY = (0,)  # the place of agency.registered


@st.composite
def registers(draw: st.DrawFn) -> list[Heard]:
    """Nobody, or three agencies of which some should report, for a while; and the fields of both
    procedures, or of none.
    """
    facts = []
    for code, field in zip(
        "pq",
        draw(st.sampled_from(("", ("land", "other"), ("other", "construction")))),
        strict=False,
    ):
        level = draw(st.sampled_from((2, 4)))
        facts.append(
            registered(
                "procedure",
                code,
                procedure=code,
                field=field,
                level=level,
                valid_from=NOON - 400 * DAY,
            )
        )
    for code in draw(st.sampled_from(("", "ABC"))):
        begins, expected = draw(BEGINNINGS), draw(st.booleans())
        ends = draw(st.none() | st.just(begins + 2 * DAY))
        facts.append(
            registered(
                "agency", code, agency=code, expected=expected, valid_from=begins, valid_to=ends
            )
        )
    return facts


def registered(what: str, code: str, **fields: Any) -> Heard:
    return told(
        f"{what}.registered", "01-02 08:00", item_id=f"{what}/{code}", event_id=code, **fields
    )


@st.composite
def histories(draw: st.DrawFn, family: str) -> list[Heard]:
    """A few short stories of a family, each about things of its own, and a register, which alone
    states agencies, each once.
    """
    one = st.sampled_from(themes(family)).flatmap(lambda theme: story(family, theme))
    # by itself Hypothesis keeps lists too short for facts to meet
    told_ = draw(st.lists(one, min_size=STORIES, max_size=STORIES))
    facts = [
        (event.model_copy(update={event.key: f"{number}-{event.thing}"}), at)
        for number, ones in enumerate(told_)
        for event, at in ones
    ]
    return distinct(facts) + draw(registers())


def themes(family: str) -> list[tuple[int, ...]]:
    """Places of the types of events that a story is told with, the one that it begins with
    first.
    """
    places = {model.type.partition(".")[2]: place for place, model in enumerate(EVENTS[family])}
    if family == "dossiers":
        return [tuple(places[name] for name in names) for names in THEMES]
    return (
        [theme for theme in ITEMS if theme != AGENCY]
        if family == "inventory"
        else [tuple(places.values())]
    )


@st.composite
def story(draw: st.DrawFn, family: str, theme: tuple[int, ...]) -> list[Heard]:
    """Beginnings of two things, and whatever else the theme holds."""
    instants, agencies = draw(st.sampled_from(INSTANTS)), draw(st.sampled_from(AGENCIES))
    first, *_ = facts = [fact_of(family, place, 2, instants, agencies) for place in theme]
    return draw(st.lists(first, min_size=2, max_size=2)) + draw(
        st.lists(st.one_of(facts), min_size=5, max_size=5)
    )


def shown(answer: IndicatorAnswer) -> Figure:
    """The answer as oracles tell theirs."""
    return Figure(
        answer.numerator,
        answer.denominator,
        answer.percentiles,
        answer.value if answer.source == "score" else None,
    )


def compare(indicator: Indicator, answer: IndicatorAnswer, expected: Figure) -> None:
    """The same parts, and the value that they make."""
    assert shown(answer) == expected, indicator.id
    if indicator.source != "score" and expected.numerator is not None:
        whole = expected.denominator
        assert answer.value == (
            expected.numerator if whole is None else expected.numerator / whole if whole else None
        ), indicator.id


@pytest.mark.parametrize("family", FAMILIES)
def test_figures_are_what_the_definitions_say(family: str) -> None:
    @examples(EXAMPLES.get(family, 10))
    @given(histories(family), st.sampled_from(MOMENTS), st.sampled_from([None, "A"]))
    def check(facts: list[Heard], now: int, agency: str | None) -> None:
        heard = [(at, event) for event, at in facts]
        check_all(
            heard,
            now,
            agency if any(event.type == "agency.registered" for event, _ in facts) else None,
        )

    check()


# What random facts seldom meet in: each is a story of one dossier.
CORNERS: tuple[tuple[Heard, ...], ...] = (
    # looked overdue for two days
    (RECEIVED, told("dossier.finished", "11-21 08:00", heard="11-23 08:00")),
    (
        RECEIVED,
        told("dossier.supplement_requested", "11-20 12:00"),
        told("dossier.finished", "11-21 08:00", heard="11-23 08:00"),
    ),
    (RECEIVED, told("dossier.finished", "11-21 17:00")),  # at the very instant
    (
        RECEIVED,
        told("dossier.finished", "11-21 16:00"),
        told("dossier.result_returned", "11-21 17:00", heard="11-21 18:00"),
    ),
    (
        RECEIVED,
        told("dossier.finished", "11-21 16:00"),
        told("dossier.result_returned", "11-21 17:01", digitised=True),
    ),
    # late by the hour, not by date
    (RECEIVED, told("dossier.finished", "11-21 18:00"), told("dossier.step_taken", "11-21 18:01")),
    (
        RECEIVED,
        told("dossier.finished", "11-21 08:05", heard="11-21 08:00"),
        told("dossier.step_taken", "11-20 08:00"),
    ),
    (RECEIVED, told("dossier.finished", "11-21 08:06", heard="11-21 08:00")),
    (
        RECEIVED,
        told("dossier.finished", "11-21 08:00"),
        told("dossier.finished", "11-21 09:00", source="ministry"),
    ),
    (
        RECEIVED,
        told("dossier.finished", "11-21 08:00"),
        told("dossier.finished", "11-22 09:00", source="ministry"),
        REOPENED,
    ),
    (RECEIVED, told("dossier.due_changed", "11-21 17:00", due_at="11-25 17:00")),
    (RECEIVED, told("dossier.due_changed", "11-21 17:01", due_at="11-25 17:00")),
    (
        RECEIVED,
        told("dossier.rated", "11-22 08:00"),
        told("dossier.rated", "11-22 08:00", event_id="z", satisfied=False),
    ),
)


@pytest.mark.parametrize("now", MOMENTS)
def test_figures_of_facts_that_seldom_meet_are_what_the_definitions_say(now: int) -> None:
    heard = [
        (at, event.model_copy(update={"dossier_id": f"corner-{number}"}))
        for number, story_ in enumerate(CORNERS)
        for event, at in story_
    ]
    check_all(heard, now, None)
    # each by itself: two mistakes of one sort would make up for each other
    for number in range(len(CORNERS)):
        check_all([one for one in heard if one[1].thing == f"corner-{number}"], now, None)


def test_a_field_that_was_put_right_never_held() -> None:
    """The second statement begins with the same day, so the first one was of no day."""
    said = [("11-03 09:00", "land"), ("11-03 09:01", "justice")]
    facts = [told("procedure.registered", at, field=field) for at, field in said]
    check_all([(at, event) for event, at in facts], facts[-1][1], None)


@pytest.mark.parametrize("agency", [None, AGENCIES_OF["department"].drawn[1].code])
def test_figures_of_a_simulated_province_are_what_the_definitions_say(agency: str | None) -> None:
    """Of the whole province none of them is trivial (test_simulate_indicators.py), so every oracle
    has something to say.
    """
    now = to_ms(datetime(2025, 11, 20, 15, tzinfo=ZONE))
    check_all(list(whole_province(5, 120, now - 25 * DAY, 25)), now, agency)


def check_all(heard: list[Told], now: int, agency: str | None) -> None:
    """Every live indicator over every window, those of this moment as of now."""
    world = World(heard)
    with hub_that_heard(heard, now) as questions:
        of_now = {
            name: one
            for name, one in answers(questions, **of(agency)).items()
            if INDICATORS[name].asks_now
        }
        for window in WINDOWS:
            asked = Asked(now, *window, agency)
            found = answers(questions, **parameters(asked)) | of_now
            for one in LIVE:
                # who reports is not told of one agency
                if one.source != "coverage" or agency is None:
                    compare(one, found[one.id], ORACLES[one.id](world, asked))


def parameters(asked: Asked) -> dict[str, Any]:
    """As in the address."""
    days = {
        name: day.isoformat() for name, day in (("from", asked.first), ("to", asked.last)) if day
    }
    return (days or {"window": "all"}) | of(asked.agency)


def of(agency: str | None) -> dict[str, Any]:
    return {"agency": agency} if agency else {}


def test_every_live_indicator_has_an_oracle() -> None:
    assert set(ORACLES) == {one.id for one in LIVE}
