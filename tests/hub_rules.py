"""The workers' own rules over a list of events, without books or bytes: what the simulation's truth
is compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.cells.kinds import CELL_KINDS
from schemas.events import Event
from streams.families import ALL, FAMILIES
from streams.families.base import Fields

Sums = Counter[tuple[str, str, str, str]]
States = dict[tuple[str, Any], Any]  # by family and thing


def hub_counts(told: Iterable[tuple[int, Event]]) -> tuple[Sums, list[tuple[str, int]]]:
    """The workers' own rules over the events: sums by (family, kind, agency, measure), and (agency,
    due time) of open dossiers.
    """
    states: States = {}
    for when, event in told:
        merge(states, event.family, event.thing, event.type, event.__dict__, when)
    return sums_of(states)


def merge(states: States, family: str, thing: Any, kind: str, fields: Fields, when: int) -> None:
    """Take a fact in."""
    FAMILIES[family].merges[kind](
        states.setdefault((family, thing), FAMILIES[family].state()), fields, when
    )


def sums_of(states: States) -> tuple[Sums, list[tuple[str, int]]]:
    """What states count for."""
    sums: Sums = Counter()
    dues = []
    for (name, _), state in states.items():
        for key, ones, amounts in FAMILIES[name].counts(state, ALL):
            family_, kind, agency, _, instant = key.decode().split("|")
            measures = CELL_KINDS[family_][kind].measures
            for place, amount in (*((place, 1) for place in ones), *amounts):
                sums[family_, kind, agency, measures[place]] += amount
            if (family_, kind) == ("dossiers", "open") and ones == (0,) and int(instant):
                dues.append((agency, int(instant)))
    return sums, dues
