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

RECEPTIONS = ("dossier.received", "dossier.corrected")  # each says its own due time, once
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
    "dossier.fee_requested": ("fees", lambda fields: fields["occurred_at"]),
    "document.status_changed": ("statuses", lambda fields: (fields["agency"], fields["status"])),
    "document.recalled": ("recall", lambda fields: fields["answer"]),
}


ENDS = ("dossier.finished", "dossier.withdrawn", "dossier.suspended")
TURNS = (*ENDS, "dossier.result_returned", "dossier.reopened")
# Of corrections: those that are told apart by a key.
AMENDS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "dossier.paid": ("amended_payments", lambda fact: fact.fields["reference"]),
    "dossier.rated": ("amended_ratings", lambda fact: fact.fields["rating_id"]),
    "dossier.transferred": ("amended_moves", lambda fact: move_of(fact)),
}
# Those of which the ones that were made last state instants anew.
ANEW: dict[str, Callable[[Any], bool]] = {
    "amended_papers": lambda fact: fact.type.startswith("dossier.supplement_"),
    "amended_fees": lambda fact: fact.type == "dossier.fee_requested",
    "amended_dues": lambda fact: states_due(fact),
}


def states_due(fact: Any) -> bool:
    """Whether a correction says what the due time is, or that there is none."""
    if fact.type == "dossier.due_changed":
        return True
    return fact.fields.get("due_at") is not None and bool(fact.fields["holds"])


def is_correction(fact: Any) -> bool:
    """Whether a fact corrects others."""
    fields = fact.fields
    return fields.get("effective_at") is not None or not fields.get("holds", True)


def move_of(fact: Any) -> tuple[str, str, int]:
    """Between whom, and when."""
    fields = fact.fields
    at = fields["occurred_at"] if fields["effective_at"] is None else fields["effective_at"]
    return fields["from_agency"], fields["to_agency"], at


def amended_too_many(facts: Iterable[Any]) -> set[str]:
    """The groups of corrections of which more was told than counts."""
    corrections = [fact for fact in facts if is_correction(fact)]
    entries: defaultdict[str, set[object]] = defaultdict(set)
    for fact in corrections:
        if fact.type in AMENDS:
            group, entry = AMENDS[fact.type]
            entries[group].add(entry(fact))
    entries["amended_earlier_ends"] = _but_the_last(corrections, *ENDS)
    entries["amended_earlier_returns"] = _but_the_last(corrections, "dossier.result_returned")
    for group, corrects in ANEW.items():
        those = [fact for fact in corrections if corrects(fact)]
        made = max((fact.at for fact in those), default=0)
        for fact in those:
            if fact.at == made and fact.fields["holds"]:
                at = fact.fields["effective_at"]
                entries[group].add(min(at, made) if group == "amended_dues" else at)
    return {group for group, told in entries.items() if len(told) > MOST[group]}


def too_many(facts: Iterable[Any]) -> set[str]:
    """The groups of which more was told than counts; corrections are none of them."""
    entries: defaultdict[str, set[object]] = defaultdict(set)
    facts = list(facts)
    for fact in facts:
        if is_correction(fact) and "said" not in fact.fields:
            if fact.type == "document.status_changed":
                entries["amended_statuses"].add((fact.fields["agency"], fact.fields["status"]))
            continue
        if fact.type in GATHERS:
            group, entry = GATHERS[fact.type]
            entries[group].add(entry(fact.fields))
        if fact.fields.get("due_at") is not None and fact.type not in RECEPTIONS:
            entries["assigned_dues" if fact.type == "task.assigned" else "dues"].add(fact.at)
    entries["amended_dues"] = _amended_dues(facts)
    entries["earlier"] = _earlier(facts)
    return {group for group, told in entries.items() if len(told) > MOST[group]}


def _earlier(facts: list[Any]) -> set[object]:
    """When a dossier had ended or was reopened, but for the last time that it did so in each
    way.
    """
    ordinary = [fact for fact in facts if not is_correction(fact) and "said" not in fact.fields]
    return set().union(*(_but_the_last(ordinary, type_) for type_ in TURNS))


def _but_the_last(facts: list[Any], *types: str) -> set[object]:
    instants = {fact.at for fact in facts if fact.type in types}
    return instants - {max(instants, default=0)}


def _amended_dues(facts: list[Any]) -> set[object]:
    """The instants of which the correction made last says a task's deadline."""
    anew = [fact for fact in facts if fact.type == "task.extended" and is_correction(fact)]
    since = max((fact.at for fact in anew), default=0)
    last = [fact.fields for fact in anew if fact.at == since and fact.fields["holds"]]
    effective = [fields["effective_at"] for fields in last]
    return {since if at is None else min(at, since) for at in effective}


def finishes_known(finishes: list[Any]) -> list[Any]:
    """The finishes of the sources that are known; of too many, one more than count: those that
    finished it last, by name where equal.
    """
    last = {fact.fields["source"]: fact.at for fact in sorted(finishes, key=lambda fact: fact.at)}
    known = sorted(last, key=lambda source: (last[source], source), reverse=True)[
        : MOST["finish"] + 1
    ]
    return [fact for fact in finishes if fact.fields["source"] in known]
