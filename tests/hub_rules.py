"""The workers' own rules over a list of events, without books or bytes: what the simulation's truth is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.cells import KINDS
from schemas.events import Event
from streams.families import ALL, FAMILIES


def hub_counts(told: Iterable[tuple[int, Event]]) -> tuple[Counter[tuple[str, str, str, str]], list[tuple[str, int]]]:
    """The workers' own rules over the events: sums by (family, kind, agency, measure), and (agency, due time) of open dossiers."""
    states: dict[tuple[str, str], Any] = {}
    for when, event in told:
        family = FAMILIES[event.family]
        state = states.setdefault((event.family, event.thing), family.state())
        family.merges[event.type](state, event.__dict__, when)
    sums: Counter[tuple[str, str, str, str]] = Counter()
    dues = []
    for (name, _), state in states.items():
        for key, ones, amounts in FAMILIES[name].counts(state, ALL):
            family_, kind, agency, _, instant = key.decode().split("|")
            measures = KINDS[family_][kind].measures
            for place, amount in (*((place, 1) for place in ones), *amounts):
                sums[family_, kind, agency, measures[place]] += amount
            if (family_, kind) == ("dossiers", "open") and ones == (0,) and int(instant):
                dues.append((agency, int(instant)))
    return sums, dues
