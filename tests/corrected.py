"""What was put right, read naively: the facts that were said before a correction of their kind are
erased, and the correction is told as the fact that it states, at the instant that it names.

`said_at` of such a fact is when the correction was made. Whole lists are looked at, in no order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Any

from gathered import is_correction
from oracle_facts import Fact

ACTIVITY = "an activity as a whole"


def said(fact: Fact) -> int:
    """When it was said."""
    return int(fact.fields.get("said_at", fact.at))


def newest(facts: Iterable[Fact]) -> Fact | None:
    """The fact said last; of one instant the one with the greatest event id."""
    return max(facts, key=lambda fact: (said(fact), fact.fields["event_id"]), default=None)


def kind_of(fact: Fact) -> Hashable:
    """What a correction outdoes: facts of the same kind."""
    fields = fact.fields
    match fact.type:
        case "document.status_changed":
            return fact.type, fields["agency"], fields["status"]
        case "document.recalled":
            return fact.type, fields["answer"]
        case "activity.meeting_held" | "activity.inspection_done" | "activity.work_record_handled":
            return ACTIVITY
    return fact.type


def void(facts: Iterable[Fact]) -> Fact | None:
    """The void that stands."""
    told = newest(fact for fact in facts if _about_entry(fact))
    return told if told is not None and told.type.endswith(".voided") else None


def corrected(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that are left, without voids; of deadlines ask `deadlines`."""
    kinds: defaultdict[Hashable, list[Fact]] = defaultdict(list)
    for fact in facts:
        if not _about_entry(fact):
            kinds[kind_of(fact)].append(fact)
    left: list[Fact] = []
    for told in kinds.values():
        left += _left(told)
    return left


def _about_entry(fact: Fact) -> bool:
    return fact.type.endswith((".voided", ".restored"))


def _left(told: list[Fact]) -> list[Fact]:
    correction = newest(fact for fact in told if is_correction(fact))
    ordinary = [fact for fact in told if not is_correction(fact)]
    if correction is None:
        return ordinary
    left = [fact for fact in ordinary if fact.at > correction.at]
    return [*left, as_stated(correction)] if correction.fields["holds"] else left


def as_stated(correction: Fact) -> Fact:
    """The fact that a correction states."""
    fields: dict[str, Any] = {**correction.fields, "said_at": correction.at}
    if fields["effective_at"] is not None:
        fields["occurred_at"] = fields["effective_at"]
    return Fact(correction.type, fields, correction.heard)


def denied(facts: Iterable[Fact], type_: str) -> Fact | None:
    """The correction that says there never was such a fact, if it was said last."""
    told = [fact for fact in facts if fact.type == type_]
    correction = newest(fact for fact in told if is_correction(fact))
    if correction is None or correction.fields["holds"]:
        return None
    return None if any(fact.at > correction.at for fact in told) else correction


def deadlines(facts: list[Fact]) -> list[tuple[int, int, int]]:
    """A task's deadlines: (instant from which on it held, when that was said, deadline), in order.
    Corrections made at one instant state them together.
    """
    of_assignments = [fact for fact in facts if fact.type == "task.assigned"]
    moves = [fact for fact in facts if fact.type == "task.extended"]
    anew = [fact for fact in moves if is_correction(fact)]
    since = max((fact.at for fact in anew), default=0)
    stated = [as_stated(fact) for fact in anew if fact.at == since and fact.fields["holds"]]
    others = [*corrected(of_assignments), *(fact for fact in moves if not is_correction(fact))]
    stated += [fact for fact in others if said(fact) > since]
    return sorted(
        (min(fact.at, said(fact)), said(fact), fact.fields["due_at"])
        for fact in stated
        if fact.fields["due_at"] is not None
    )


def deadline_restated(told: list[tuple[int, int, int]]) -> bool:
    """Whether two deadlines were said at once of the last instant."""
    return len({due for *when, due in told if when == list(told[-1][:2])}) > 1
