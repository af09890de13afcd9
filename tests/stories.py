"""The main figures of simulated things, naively, from the events alone: each thing's facts in the
order in which they were said, corrections put in the place of what they outdo.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from schemas.events import Event

_ENDS = frozenset({"dossier.finished", "dossier.withdrawn", "dossier.suspended"})
# what tells facts of one type apart; of the others all are of one kind
_NATURAL_KEYS = {
    "dossier.paid": ("reference",),
    "dossier.rated": ("rating_id",),
    "dossier.transferred": ("from_agency", "to_agency", "occurred_at"),
}


def recount(told: Iterable[tuple[int, Event]]) -> Counter[str]:
    """Counts by the names of measures."""
    facts = {event.event_id: event for _, event in told}.values()
    things: dict[str, list[Any]] = defaultdict(list)
    for event in sorted(facts, key=lambda fact: fact.occurred_at):
        things[event.thing].append(event)
    figures: Counter[str] = Counter()
    for story in things.values():
        if story[0].family == "dossiers":
            figures.update(naive_dossier(as_put_right(story)))
        else:
            figures.update(_document(story))
    return figures


def _document(story: list[Any]) -> list[str]:
    """The newest statement of how it was sent; nothing of one that is voided."""
    voids = [event for event in story if event.type in ("document.voided", "document.restored")]
    sendings = [event for event in story if event.type == "document.sent"]
    if voids and voids[-1].type == "document.voided":
        return ["voided"]
    if not sendings:
        return []
    sent = sendings[-1]
    return ["documents"] + ["electronic_signed"] * (sent.electronic and sent.signed)


def as_put_right(story: list[Any]) -> list[Any]:
    """A dossier's facts as they stand, in the order in which they were said."""
    standing: list[Any] = []
    for event in story:
        if getattr(event, "effective_at", None) is None and getattr(event, "holds", True):
            standing.append(event)
            continue
        truly = event.model_copy(update={"occurred_at": event.effective_at or event.occurred_at})
        if event.type == "dossier.due_changed":
            standing = [_without_due(fact) for fact in standing]
        standing = [fact for fact in standing if not _outdoes(truly, fact)]
        if event.holds and event.type == "dossier.reopened":
            # what was said after it happened is not undone by it
            standing = sorted([*standing, truly], key=lambda fact: fact.occurred_at)
        elif event.holds:
            standing.append(truly)
    return standing


def _without_due(fact: Any) -> Any:
    return fact.model_copy(update={"due_at": None}) if getattr(fact, "due_at", None) else fact


def _outdoes(correction: Any, fact: Any) -> bool:
    if correction.type in _ENDS:
        ends = not correction.holds or correction.type != "dossier.finished"
        return fact.type in _ENDS or (ends and fact.type == "dossier.result_returned")
    if correction.type.startswith("dossier.supplement"):
        return False  # their due times stand; waits are none of these figures
    key = _NATURAL_KEYS.get(correction.type, ())
    return fact.type == correction.type and all(
        getattr(fact, name) == getattr(correction, name) for name in key
    )


def naive_dossier(story: list[Any]) -> Counter[str]:
    """Of facts that all stand."""
    voids = _of(story, "voided", "restored")
    if voids and voids[-1].type == "dossier.voided":
        return Counter(["voided"])
    receptions = _of(story, "received", "corrected")
    refused = max((one.occurred_at for one in _of(story, "refused")), default=0)
    received = max((one.occurred_at for one in _of(story, "received")), default=0)
    figures: Counter[str] = Counter(["refused"] if refused > received else [])
    if not receptions:
        return figures
    if not figures:
        figures += _accepted(story, receptions[-1].channel)
    # the newest of a reference stays
    payments = {event.reference: event for event in _of(story, "paid")}
    for payment in payments.values():
        paid = payment.state == "paid"
        figures.update(
            ["transactions"] * paid + ["transactions_online"] * (paid and payment.online)
        )
    ratings = _of(story, "rated")
    figures.update(
        ["ratings"] * len(ratings) + ["satisfied"] * sum(event.satisfied for event in ratings)
    )
    return figures


def _of(story: list[Any], *types: str) -> list[Any]:
    return [event for event in story if event.type.removeprefix("dossier.") in types]


def _due(story: list[Any]) -> int | None:
    """The due time said last; a reception says it when it happens."""
    receptions = _of(story, "received", "corrected")
    said = [
        (event.occurred_at, event.due_at)
        for event in story
        if getattr(event, "due_at", None) and event not in receptions
    ]
    newest = receptions[-1]
    if newest.due_at:
        said.append((getattr(newest, "received_at", newest.occurred_at), newest.due_at))
    return max(said)[1] if said else None


def _accepted(story: list[Any], channel: str) -> Counter[str]:
    figures = Counter(["received", f"received_{channel}"])
    due = _due(story)
    end, digitised = None, False
    for event in story:
        if event.type == "dossier.reopened":
            end, digitised = None, False
        elif event.type in _ENDS:
            end, digitised = event, getattr(event, "digitised", False)
        elif event.type == "dossier.result_returned":
            end, digitised = end or event, digitised or event.digitised
    if end is None:
        return figures + Counter(["open"])
    figures["closed"] += 1
    figures["on_time" if due and end.occurred_at <= due else "late" if due else "no_due"] += 1
    if end.type in ("dossier.finished", "dossier.result_returned"):
        moves = [event.electronic for event in _of(story, "transferred")]
        figures.update(["finished"] + ["finished_online"] * (channel == "online"))
        figures.update(["moved"] * bool(moves) + ["results_digitised"] * digitised)
        figures["moved_electronically"] += bool(moves and all(moves))
    return figures
