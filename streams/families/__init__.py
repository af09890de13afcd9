"""What each kind of thing means: a family is a state, a merge per event type, and the counts of a
state.

A family module gives `FAMILY`. Nothing here knows Kafka, HTTP or the clock, so the same facts give
the same cells in any order, any number of times, today and at a replay.
"""

from __future__ import annotations

from schemas.settings import Settings
from schemas.worktime import office, work_time
from streams.families.base import ALL, Contribution, Family

__all__ = ["ALL", "FAMILIES", "Contribution", "Family", "families"]


def _load() -> dict[str, Family]:
    from streams.families import activities, documents, heartbeats, inventory, tasks
    from streams.families.dossiers import merges as dossiers

    modules = (dossiers, documents, tasks, activities, inventory, heartbeats)
    return {module.FAMILY.name: module.FAMILY for module in modules}


FAMILIES: dict[str, Family] = _load()


def families(settings: Settings) -> dict[str, Family]:
    """The families as they count by the office hours of the settings."""
    work = work_time(office(settings))
    return {name: family.at(work) for name, family in FAMILIES.items()}
