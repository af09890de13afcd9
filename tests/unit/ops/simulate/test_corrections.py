"""Each correction that the simulation makes: it says something, and its truth is what the workers'
rules give, whatever has been heard of facts and corrections so far, in whatever order.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from flow_sums import Flow, standing_of
from hub_rules import States, hub_counts, merge

from ops.simulate import corrected_dossiers
from ops.simulate.corrected_dossiers import corrected_dossier
from ops.simulate.corrections import CORRECTIONS, put_right
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.form06a import date_of, standing
from ops.simulate.history import ONE_STOP, simulate_dossier
from ops.simulate.run import START
from ops.simulate.things import FOREVER, PromptTeller, ReportedEvent
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS, HOUR_MS, day_number
from streams.families import ALL, FAMILIES

MORNING = START + 8 * HOUR_MS
KINDS = [one.__name__ for one in CORRECTIONS]


def corrected(kind: str, seed: int) -> SimulatedDossier:
    """A dossier with a correction of a kind, told in one of the orders."""
    rng = Random(f"{kind}|{seed}")
    dossier = SimulatedDossier(f"SAMPLE-{kind}-{seed}", ONE_STOP, PromptTeller(rng))
    corrected_dossier(rng, dossier, MORNING, KINDS.index(kind) + seed * len(KINDS))
    return dossier


def is_correction(event: Any) -> bool:
    """Whether it puts something right."""
    anew = getattr(event, "effective_at", None) is not None or not getattr(event, "holds", True)
    return anew or event.type in ("dossier.voided", "dossier.restored")


def cells(events: list[ReportedEvent]) -> list[Any]:
    """What the workers' rules give, day by day."""
    states: States = {}
    for when, event in events:
        merge(states, event.family, event.thing, event.type, event.__dict__, when)
    return [cell for state in states.values() for cell in FAMILIES["dossiers"].counts(state, ALL)]


def truth_of(dossier: SimulatedDossier, before: int = FOREVER) -> Truth:
    truth = Truth()
    truth.add(dossier, before)
    return truth


def assert_the_same(truth: Truth, events: list[ReportedEvent], measures: set[Any]) -> None:
    sums, _ = hub_counts(events)
    found = {key: sums[key] for key in sums if (key[0], key[1], key[3]) in measures and sums[key]}
    assert found == {key: number for key, number in truth.counts.items() if number}
    flow, days = Flow(events), [day_number(at) + more for at, _ in events for more in (0, 1, 9)]
    for on, flown in flow.upto({date_of(day) for day in days}, lambda row: row[0]):
        naive = standing(truth.dossiers, on)
        assert {agency: one._asdict() for agency, one in naive.items()} == {
            agency: standing_of(sums) for agency, sums in flown.items()
        }


@pytest.fixture(scope="module")
def measures() -> set[Any]:
    """(family, kind, measure) of what the truth counts at all."""
    rng, truth = Random(1), Truth()
    for number in range(400):
        dossier = SimulatedDossier(f"SAMPLE-{number}", ONE_STOP, PromptTeller(rng))
        simulate_dossier(rng, dossier, MORNING, online_only=False)
        put_right(rng, dossier, MORNING + 300 * DAY_MS)
        truth.add(dossier)
    return {(family, kind, measure) for family, kind, _, measure in truth.counts}


@pytest.mark.parametrize("kind", KINDS)
def test_its_truth_is_what_the_workers_rules_give(kind: str, measures: set[Any]) -> None:
    """Of all that was told, in another order and twice, and of what was told up to any report."""
    changed = 0
    for seed in range(9):
        dossier = corrected(kind, seed)
        told = dossier.events
        others = Random(seed).sample(told * 2, len(told) * 2)
        assert_the_same(truth_of(dossier), others, measures)
        for before in sorted({at for at, _ in told}):
            heard = [one for one in told if one.at < before]
            assert_the_same(truth_of(dossier, before), heard, measures)
        plain = [one for one in told if not is_correction(one.event)]
        changed += cells(told) != cells(plain)
    assert changed or kind == "void_and_restore"


def test_corrections_arrive_at_once_late_and_before_their_facts() -> None:
    orders = set()
    for seed in range(len(corrected_dossiers.DELAYS)):
        told = corrected("no_end", seed).events
        first = min(at for at, event in told if is_correction(event))
        last = max(at for at, event in told if not is_correction(event))
        lag = first - max(event.occurred_at for _, event in told)
        orders.add("before" if first < last else "late" if lag > DAY_MS else "at once")
    assert orders == {"at once", "late", "before"}


def test_a_correction_that_fits_nothing_says_nothing() -> None:
    """Of a dossier of which only the reception is known, all but its due time and itself."""
    fits = {"due_otherwise", "no_due", "void", "void_and_restore"}
    for correction in CORRECTIONS:
        rng = Random(1)
        dossier = SimulatedDossier("SAMPLE-1", ONE_STOP, PromptTeller(rng))
        whole = corrected("void", 1)
        dossier.receive(MORNING, whole.receptions[0].value.facts, MORNING + DAY_MS)
        told = correction(rng, dossier, MORNING + DAY_MS)
        assert told == (len(dossier.events) > 1)
        assert told == (correction.__name__ in fits)


def test_a_dossier_that_was_not_ended_stays_open_on_every_day() -> None:
    """What a correction took back counts nowhere, on no day."""
    dossier = corrected("no_end", 0)
    days = truth_of(dossier).dossiers
    for number in range(0, 60, 3):
        (stands,) = standing(days, date(2026, 1, 5) + timedelta(days=number)).values()
        assert stands.open == stands.open_06a == 1
