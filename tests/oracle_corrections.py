"""What stands of what was told of a dossier, read naively: a correction erases the facts of its
kind that were said before it and is put in their place, in the list of everything that was told.

A fact that a correction made carries `said`, when the correction was made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from gathered import (
    ENDS,
    amended_too_many,
    finishes_known,
    is_correction,
    move_of,
    states_due,
    too_many,
)
from oracle_facts import PAYMENT_ORDER, Dossier, Fact, first_heard, last

RETURN, REFUSAL, REOPENING = "dossier.result_returned", "dossier.refused", "dossier.reopened"
PAID, RATED, MOVED = "dossier.paid", "dossier.rated", "dossier.transferred"
PAPERS = ("dossier.supplement_requested", "dossier.supplement_completed")
FEES = ("dossier.fee_requested",)


def void_of(facts: Iterable[Fact]) -> Fact | None:
    """The void that stands."""
    newest = last(fact for fact in facts if fact.type in ("dossier.voided", "dossier.restored"))
    return newest if newest is not None and newest.type == "dossier.voided" else None


def settled(facts: list[Fact]) -> list[Fact]:
    """The facts as if everything had been told rightly at once."""
    plain = [fact for fact in facts if not is_correction(fact)]
    corrections = [fact for fact in facts if is_correction(fact)]
    without = amended_too_many(facts)
    told_too_much = too_many(plain)
    plain = _end(plain, corrections)
    plain = _one(plain, corrections, REFUSAL)
    plain = _one(plain, corrections, REOPENING)
    for type_, group, entry in (
        (PAID, "payments", lambda fact: fact.fields["reference"]),
        (RATED, "ratings", lambda fact: fact.fields["rating_id"]),
        (MOVED, "transfers", move_of),
    ):
        amended = "amended_moves" if type_ == MOVED else f"amended_{group}"
        if group not in told_too_much and amended not in without:
            plain = _by_entry(plain, corrections, type_, entry)
    if "papers" not in told_too_much and "amended_papers" not in without:
        plain = _instants(plain, corrections, PAPERS)
    if "fees" not in told_too_much and "amended_fees" not in without:
        plain = _instants(plain, corrections, FEES)
    if "dues" not in told_too_much and "amended_dues" not in without:
        plain = _dues(plain, corrections)
    return plain


def effective(fact: Fact) -> int:
    """When what a correction says happened in truth."""
    at = fact.fields["effective_at"]
    return fact.at if at is None else int(at)


def put(correction: Fact, heard: int | None = None, **fields: Any) -> Fact:
    """The fact that a correction puts in the place of others; it moves to when it happened."""
    told = correction.fields | {"occurred_at": effective(correction), "said": correction.at}
    fact = Fact(correction.type, told | fields, correction.heard)
    if heard is not None:
        fact = Fact(fact.type, fact.fields | {"backfill": False}, heard)
    return fact


def _of(facts: Iterable[Fact], *types: str) -> list[Fact]:
    return [fact for fact in facts if fact.type in types]


def _without(facts: Iterable[Fact], erased: Iterable[Fact]) -> list[Fact]:
    gone = {id(fact) for fact in erased}
    return [fact for fact in facts if id(fact) not in gone]


def _heard(correction: Fact, corrections: list[Fact], outdone: Iterable[int | None]) -> int | None:
    """When the hub first heard that there was such a fact at all."""
    same = [one for one in corrections if one.at == correction.at]
    times = [one.heard for one in same if not one.fields["backfill"]]
    times += [at for at in outdone if at is not None]
    return min(times, default=None)


def _end(plain: list[Fact], corrections: list[Fact]) -> list[Fact]:
    """Returns are corrected by their own corrections, and are no ends where one denies it."""
    newest = last(_of(corrections, *ENDS))
    plain = _one(plain, corrections, RETURN)
    if newest is None:
        return plain
    holds = newest.fields["holds"]
    registers: list[Fact | None] = [last(_of(plain, *ENDS[1:2])), last(_of(plain, *ENDS[2:]))]
    by_source: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in finishes_known(_of(plain, ENDS[0])):
        by_source[fact.fields["source"]].append(fact)
    registers += [last(told) for told in by_source.values()]
    outdone = [
        first_heard(_like(plain, fact), fact.at)
        for fact in registers
        if fact is not None and fact.at <= newest.at
    ]
    plain = _without(plain, [fact for fact in _of(plain, *ENDS) if fact.at <= newest.at])
    if not (holds and newest.type == ENDS[0]):
        plain = _without(plain, [fact for fact in _of(plain, RETURN) if fact.said <= newest.at])
    if not holds:
        return plain
    later = ENDS[:1] if newest.type == ENDS[0] else ENDS[1:]
    reopened = _reopened(plain, corrections)
    if any(fact.at >= reopened for fact in _of(plain, *later)):
        return plain
    heard = _heard(newest, _of(corrections, *ENDS), outdone)
    fields = {"source": "", "digitised": newest.fields.get("digitised", False)}
    return [*plain, put(newest, heard, **fields)]


def _reopened(plain: list[Fact], corrections: list[Fact]) -> int:
    newest = last(_of(_one(plain, corrections, REOPENING), REOPENING))
    return 0 if newest is None else newest.at


def _like(plain: list[Fact], fact: Fact) -> list[Fact]:
    """What tells of the same register."""
    same = _of(plain, fact.type)
    if fact.type == ENDS[0]:
        return [one for one in same if one.fields["source"] == fact.fields["source"]]
    return same


def _one(plain: list[Fact], corrections: list[Fact], type_: str) -> list[Fact]:
    """Of facts of which the newest counts."""
    newest = last(_of(corrections, type_))
    if newest is None:
        return plain
    erased = [fact for fact in _of(plain, type_) if fact.at <= newest.at]
    ordinary = last(_of(plain, type_))
    plain = _without(plain, erased)
    if not newest.fields["holds"] or (ordinary is not None and ordinary.at > newest.at):
        return plain
    outdone = [] if ordinary is None else [first_heard(erased, ordinary.at)]
    return [*plain, put(newest, _heard(newest, _of(corrections, type_), outdone))]


def _by_entry(
    plain: list[Fact], corrections: list[Fact], type_: str, entry: Callable[[Fact], Any]
) -> list[Fact]:
    """Of facts that are told apart by a key."""
    told: defaultdict[Any, list[Fact]] = defaultdict(list)
    for fact in _of(corrections, type_):
        told[entry(fact)].append(fact)
    for key, said in told.items():
        newest = max(said, key=_rank)
        erased = [one for one in _of(plain, type_) if entry(one) == key and one.at <= newest.at]
        kept = [one for one in _of(plain, type_) if entry(one) == key and one.at > newest.at]
        plain = _without(plain, erased)
        if newest.fields["holds"] and not kept:
            plain = [*plain, put(newest)]
    return plain


def _rank(fact: Fact) -> tuple[Any, ...]:
    fields = fact.fields
    said = (fact.at, fields["holds"])
    if fact.type == PAID:
        state = PAYMENT_ORDER.index(fields["state"])
        return *said, effective(fact), state, fields["amount"], fields["online"]
    if fact.type == RATED:
        score = fields["score"] or 0
        return *said, effective(fact), fields["satisfied"], fields["about"], score
    return *said, fields["electronic"]


def _newest_together(corrections: list[Fact]) -> list[Fact]:
    """Those of the last instant at which any was made."""
    made = max((fact.at for fact in corrections), default=None)
    return [fact for fact in corrections if fact.at == made]


def _instants(plain: list[Fact], corrections: list[Fact], types: tuple[str, ...]) -> list[Fact]:
    """Of facts that one correction states anew, all of them."""
    newest = _newest_together(_of(corrections, *types))
    if not newest:
        return plain
    erased = [fact for fact in _of(plain, *types) if fact.at <= newest[0].at]
    dues = [
        Fact("dossier.due_changed", fact.fields, fact.heard)
        for fact in erased
        if fact.fields.get("due_at") is not None
    ]
    anew = [put(fact, due_at=None) for fact in newest if fact.fields["holds"]]
    return [*_without(plain, erased), *dues, *anew]


def _dues(plain: list[Fact], corrections: list[Fact]) -> list[Fact]:
    """Due times are said with other facts too, which stay."""
    saying = [fact for fact in corrections if states_due(fact)]
    newest = _newest_together(saying)
    if not newest:
        return plain
    kept = [
        Fact(fact.type, fact.fields | {"due_at": None}, fact.heard)
        if fact.at <= newest[0].at and fact.fields.get("due_at") is not None
        else fact
        for fact in plain
    ]
    for fact in newest:
        if fact.fields["holds"]:
            since = min(effective(fact), fact.at)
            fields = fact.fields | {"occurred_at": since}
            kept.append(Fact("dossier.due_changed", fields, fact.heard))
    return kept


# Of facts with ids of their own: what they say.
RECEIVED, REFUSED = ("received", "corrected"), ("refused",)
SAYS: dict[tuple[str, ...], tuple[str, ...]] = {
    RECEIVED: (
        *("received_at", "agency", "procedure", "channel", "level", "authenticated", "with_fee"),
        *("reused_data", "papers_digitised", "from_personal_store", "population_data"),
        *("backfill", "due_at", "handling_agency"),
    ),
    ("finished",): ("digitised",),
    ("result_returned",): ("digitised", "how"),
    REFUSED: ("agency", "procedure"),
}


def _one_id_for_two(dossier: Dossier) -> bool:
    """Whether an id was used for something else, of the newest fact of its kind and source."""
    for kinds, names in SAYS.items():
        facts = dossier.of(*kinds)
        for source in {fact.fields["source"] if kinds == ("finished",) else "" for fact in facts}:
            told = [fact for fact in facts if source in ("", fact.fields["source"])]
            newest = last(told)
            assert newest is not None
            if kinds not in (RECEIVED, REFUSED) and newest.said < dossier.reopened:
                continue
            if kinds == REFUSED and not dossier.refused:
                continue
            same = [one for one in told if _id_of(one) == _id_of(newest)]
            if len({tuple(one.fields.get(name) for name in names) for one in same}) > 1:
                return True
    return False


def _id_of(fact: Fact) -> tuple[int, str]:
    return fact.said, fact.fields["event_id"]


def restated(dossier: Dossier) -> bool:
    """Whether a payment or rating that stands was stated otherwise at the same instant, or an id
    was used twice.
    """
    if _one_id_for_two(dossier):
        return True
    for kind, group, key, names in (
        ("paid", "payments", "reference", ("amount", "online")),
        ("rated", "ratings", "rating_id", ("satisfied", "about", "score")),
    ):
        facts = [] if group in dossier.too_many else dossier.of(kind)
        for entry in {fact.fields[key] for fact in facts}:
            told = [fact for fact in facts if fact.fields[key] == entry]
            newest = max(fact.at for fact in told)
            said = {
                tuple(fact.fields[name] for name in names) for fact in told if fact.at == newest
            }
            if len(said) > 1:
                return True
    return False
