"""How much was told of one thing, read naively: the oracles count nothing of what there is too much
of.

Everything that was told is kept, and looked at as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from schemas.states import MOST

Fields = dict[str, Any]

# By type of event: the group that it adds to, and which of its entries it is about.
GATHERS: dict[str, tuple[str, Callable[[Fields], object]]] = {
    "dossier.paid": ("payments", lambda fields: fields["reference"]),
    "dossier.rated": ("ratings", lambda fields: fields["rating_id"]),
    "dossier.finished": ("finish", lambda fields: fields["source"]),
    "dossier.transferred": (
        "transfers",
        lambda fields: (fields["from_agency"], fields["to_agency"], fields["occurred_at"]),
    ),
    "dossier.supplement_requested": ("papers", lambda fields: fields["occurred_at"]),
    "dossier.supplement_completed": ("papers", lambda fields: fields["occurred_at"]),
    "document.status_changed": ("statuses", lambda fields: (fields["agency"], fields["status"])),
    "document.recalled": ("recall", lambda fields: fields["answer"]),
}


def too_many(facts: Iterable[Any]) -> set[str]:
    """The groups of which more was told than counts."""
    entries: defaultdict[str, set[object]] = defaultdict(set)
    for fact in facts:
        if fact.type in GATHERS:
            group, entry = GATHERS[fact.type]
            entries[group].add(entry(fact.fields))
        if fact.fields.get("due_at") is not None:
            entries["dues"].add(fact.at)
    return {group for group, told in entries.items() if len(told) > MOST[group]}


def finishes_known(finishes: list[Any]) -> list[Any]:
    """The finishes of the sources that are known; of too many, one more than count: those that
    finished it last, by name where equal.
    """
    last = {fact.fields["source"]: fact.at for fact in sorted(finishes, key=lambda fact: fact.at)}
    known = sorted(last, key=lambda source: (last[source], source), reverse=True)[
        : MOST["finish"] + 1
    ]
    return [fact for fact in finishes if fact.fields["source"] in known]
