"""The whole simulated province: beside a seed's dossiers an inventory, tasks, activities and more
ratings, all known exactly.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import count
from typing import Any

import pytest
from hub_rules import hub_counts

from metrics.catalogue.indicators import load_indicators
from ops.simulate.communes import DISTRICTS, ENDED, PROVINCE_CODE, former_communes
from ops.simulate.inventory import SILENT
from ops.simulate.live_beside import LiveBeside
from ops.simulate.registered import FIGURES_OF_YEAR
from ops.simulate.run import START
from ops.simulate.stream import events
from ops.simulate.truth import Truth
from ops.simulate.verdict import SHARES
from ops.simulate.whole import whole_province
from schemas.cells.kinds import CELL_KINDS
from schemas.clock import DAY_MS
from schemas.events import EVENT_TYPES, Event
from schemas.events.base import Correctable
from schemas.events.inventory import ProcedureRegistered
from schemas.wire import Decoder, encode
from streams.families import ALL, FAMILIES

# in one process, which makes each province once
pytestmark = pytest.mark.xdist_group("test_simulate_whole")
Told = list[tuple[int, Event]]
SEEDS = (1, 2, 3)


def whole(
    seed: int = 1, dossiers: int = 1_500, *, backfill: bool = False, future: bool = True
) -> tuple[Told, Truth]:
    """What the province tells in forty days and the truth about it."""
    return made(seed, dossiers, backfill, future)


@cache
def made(seed: int, dossiers: int, backfill: bool, future: bool) -> tuple[Told, Truth]:
    """Made once for all tests, which only read it."""
    truth = Truth()
    return list(
        whole_province(seed, dossiers, START, 40, truth=truth, backfill=backfill, future=future)
    ), truth


def test_the_dossiers_and_documents_of_a_seed_are_in_the_whole_province_as_they_are() -> None:
    told, truth = whole()
    alone = list(events(1, 1_500, START, 40))
    things = {event.thing for _, event in alone}
    among = [(when, event) for when, event in told if event.thing in things]
    assert among == alone
    assert truth.events == len(told) > len(among)
    assert [when for when, _ in told] == sorted(when for when, _ in told)
    assert truth.duplicates == len(told) - len({encode(event) for _, event in told})


@pytest.mark.parametrize("backfill", [True, False])
def test_the_whole_province_repeats_to_the_byte_and_survives_the_wire(backfill: bool) -> None:
    decoders = {family: Decoder(family) for family in FAMILIES}
    first, second = (
        whole(backfill=backfill)[0],
        list(whole_province(1, 1_500, START, 40, backfill=backfill)),
    )
    assert [(when, encode(event)) for when, event in first] == [
        (when, encode(event)) for when, event in second
    ]
    imported = {
        event.thing
        for _, event in first
        if event.type == "dossier.received" and event.occurred_at < START
    }
    assert imported
    for when, event in first:
        assert type(event).model_validate(event.model_dump()) == event
        assert decoders[event.family](encode(event))[0] == event.type
        assert START <= when < START + 40 * DAY_MS
        assert event.backfill is (backfill or event.thing in imported)
    future = [event for when, event in first if event.occurred_at > when]
    assert {event.type for event in future} == (set() if backfill else {"dossier.finished"})
    assert len(future) < 0.001 * len(first)
    assert not [
        event
        for when, event in whole(dossiers=600, backfill=backfill, future=False)[0]
        if event.occurred_at > when
    ]
    assert {event.type for _, event in first} == set(EVENT_TYPES) - {"hub.heartbeat"}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_whole_truth_is_what_the_workers_rules_give(seed: int) -> None:
    told, truth = whole(seed)
    sums, _ = hub_counts(told)
    for key, number in truth.counts.items():
        assert sums[key] == number, key
    counted = {(family, kind, measure) for family, kind, _, measure in truth.counts}
    assert {
        key for key, number in sums.items() if number and (key[0], key[1], key[3]) in counted
    } <= set(truth.counts)


def test_no_figure_of_the_whole_province_is_trivial() -> None:
    told, truth = whole()
    for name, (up, down) in SHARES.items():
        assert 0 < truth.total(*up) < truth.total(*down), name
    sums, _ = hub_counts(told)
    found = {
        (family, kind, measure) for (family, kind, _, measure), number in sums.items() if number
    }
    new = {
        (family, kind, name)
        for family in ("tasks", "activities", "inventory")
        for kind, one in CELL_KINDS[family].items()
        for name in one.measures
        if one.at != "none"
    }
    district = {one for one in new if one[2].endswith("_district")}  # there were none any more
    wrong = {one for one in new if one[1] == "flagged"}  # beside its dossiers all fits together
    assert new - found <= district | wrong | {("inventory", "reported", "without_denominator")}
    assert (
        truth.total("dossiers", "rated", "ratings_health_education")
        > truth.total("dossiers", "rated", "satisfied_health_education")
        > 0
    )
    assert 0 < truth.tasks_overdue(START + 40 * DAY_MS) < truth.total("tasks", "open", "open")


def test_a_small_province_puts_everything_right_that_can_be() -> None:
    """Each fact of a dossier that can be corrected: at another time or otherwise, and denied."""
    told: list[Any] = [one for _, one in whole(dossiers=100)[0] if one.family == "dossiers"]
    correctable = {
        name
        for name, event in EVENT_TYPES.items()
        if event.family == "dossiers" and issubclass(event, Correctable)
    }
    anew = {event.type for event in told if getattr(event, "effective_at", None) is not None}
    denied = {event.type for event in told if not getattr(event, "holds", True)}
    otherwise = {"dossier.withdrawn", "dossier.suspended"}  # one of them
    assert anew & otherwise
    assert anew | otherwise == correctable
    # an end is denied by one of its events, papers and the answer to them by the request
    assert denied == correctable - otherwise - {"dossier.supplement_completed"}
    assert {"dossier.voided", "dossier.restored"} < {event.type for event in told}


def test_what_the_catalogue_names_is_told() -> None:
    """That every indicator has a figure: test_simulate_indicators.py."""
    told, _ = whole(dossiers=100)
    catalogue = load_indicators().values()
    assert {one.id for one in catalogue if one.source == "reported"} == {
        name for name, *_ in FIGURES_OF_YEAR
    }
    fields = {event.field for _, event in told if isinstance(event, ProcedureRegistered)}
    assert fields >= {field for one in catalogue if one.filters for field in one.filters.fields}


def test_the_tasks_overdue_are_those_that_the_workers_leave_open() -> None:
    told, truth = whole()
    state_of = {
        event.thing: FAMILIES["tasks"].state() for _, event in told if event.family == "tasks"
    }
    for when, event in told:
        if event.family == "tasks":
            FAMILIES["tasks"].merges[event.type](state_of[event.thing], event.__dict__, when)
    keys = [
        key.decode().split("|")
        for state in state_of.values()
        for key, *_ in FAMILIES["tasks"].counts(state, ALL)
    ]
    now = START + 40 * DAY_MS
    assert (
        truth.tasks_overdue(now)
        == sum(kind == "open" and 0 < int(due) < now for _, kind, _, _, due in keys)
        > 0
    )


def test_eight_districts_and_106_communes_became_38_communes() -> None:
    items: list[Any] = [
        event for _, event in whole(dossiers=100)[0] if event.type == "agency.registered"
    ]
    before, after = (
        {
            one.agency: one
            for one in items
            if one.valid_from <= at and (one.valid_to is None or at < one.valid_to)
        }
        for at in (ENDED - 1, ENDED)
    )
    others = {"province": 1, "department": 14, "vertical": 8, "unit": 2}
    assert Counter(one.level for one in before.values()) == others | {"district": 8, "commune": 106}
    assert Counter(one.level for one in after.values()) == others | {"commune": 38}
    ended = [one for one in items if one.successor]
    assert len(ended) == 8 + 104 == len(DISTRICTS) + len(former_communes())
    assert all(one.successor in after and one.parent in before for one in ended)
    assert {one.parent for one in after.values()} == {None, PROVINCE_CODE}
    assert set(SILENT) < set(after)
    assert all("SAMPLE" in one.agency for one in items)


def test_beside_the_live_dossiers_the_truth_is_exact_too() -> None:
    beside, clock = LiveBeside(3, START), count(START, 5_000)
    opening = [(START, event) for event in beside.opening(START)]
    told = [*opening, *((now, beside.next(now)) for now in (next(clock) for _ in range(3_000)))]
    truth = beside.truth()
    sums, _ = hub_counts(told)
    assert truth.events == len(opening) + 3_000 == len(told)
    assert truth.total("tasks", "completed", "late") > 0
    assert truth.total("activities", "meetings", "meetings") > 0
    assert {key: sums[key] for key in truth.counts} == truth.counts
    assert beside.truth().counts == truth.counts  # asking changes nothing
    another = LiveBeside(3, START + 1)
    others = [*another.opening(START + 1), *(another.next(now) for now, _ in told[:200])]
    assert {event.thing for _, event in told}.isdisjoint(
        event.thing for event in others if event.family != "inventory"
    )
