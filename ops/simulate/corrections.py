"""What is put right about a simulated dossier afterwards. Each correction is a function that tells
one of its kind at an instant (epoch ms), if the dossier has what it corrects, and writes down what
is true since; those of the end and of the dossier as a whole are here, the others in
corrected_facts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ops.simulate import corrected_facts
from ops.simulate.corrected_facts import between, first_known, say_anew
from ops.simulate.dossier_facts import DossierEnd
from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.things import StatedFact
from schemas.clock import DAY_MS
from schemas.events import Event
from schemas.events.dossiers import (
    DossierFinished,
    DossierReopened,
    DossierSuspended,
    DossierWithdrawn,
)

Correction = Callable[[Random, SimulatedDossier, int], bool]  # whether there was anything to say

_END_EVENTS: dict[str, type[Event]] = {
    "finished": DossierFinished,
    "withdrawn": DossierWithdrawn,
    "stopped": DossierSuspended,
}


def _end_that_stands(dossier: SimulatedDossier) -> StatedFact[DossierEnd] | None:
    end = dossier.ends.last
    return None if end is None or end.value.outcome == "reopened" else end


def _since_reopened(dossier: SimulatedDossier) -> tuple[int, int]:
    """The index of the first end after the last reopening, and when that was (0: never)."""
    for index in range(len(dossier.ends) - 1, -1, -1):
        fact = dossier.ends.at(index)
        if fact is not None and fact.value.outcome == "reopened":
            return index + 1, fact.occurred
    return 0, 0


def _end_anew(dossier: SimulatedDossier, at: int, effective: int, end: DossierEnd | None) -> None:
    """Tell it, and write down that this holds instead of every end told since the last reopening.
    Where it was not finished, nothing was returned either.
    """
    fields: dict[str, Any] = {"holds": False}
    if end is not None:
        fields = {"effective_at": effective}
        if end.outcome == "finished":
            fields["digitised"] = end.digitised
    event = DossierFinished if end is None else _END_EVENTS[end.outcome]
    reported = dossier.tell(event, at, dossier.handler, **fields)
    first, reopened = _since_reopened(dossier)
    last = len(dossier.ends) - 1
    for index in range(first, last + 1):
        dossier.ends.put_right(index, effective, reported, end if index == last else None)
    if end is not None and end.outcome == "finished":
        return
    for index, fact in enumerate(dossier.returns):
        if fact.occurred > reopened:
            dossier.returns.put_right(index, fact.occurred, reported, None)


def end_at_another_time(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It ended as was said, at another time."""
    end = _end_that_stands(dossier)
    if end is None:
        return False
    begins = max(first_known(dossier), _since_reopened(dossier)[1])
    _end_anew(dossier, at, between(rng, begins, at), end.value)
    return True


def end_otherwise(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It ended when it was said, otherwise."""
    end = _end_that_stands(dossier)
    if end is None:
        return False
    others = [
        DossierEnd("finished", digitised=True),
        DossierEnd("withdrawn"),
        DossierEnd("stopped"),
    ]
    other = rng.choice([one for one in others if one.outcome != end.value.outcome])
    _end_anew(dossier, at, end.occurred, other)
    return True


def no_end(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It has not ended."""
    if _end_that_stands(dossier) is None:
        return False
    _end_anew(dossier, at, at, None)
    return True


def reopening_at_another_time(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It was opened again earlier, after its end."""
    return _reopening(dossier, at, lambda end, reopened: between(rng, end, reopened))


def no_reopening(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It was never opened again: what had ended it, stands."""
    return _reopening(dossier, at, None)


def _reopening(dossier: SimulatedDossier, at: int, when: Callable[[int, int], int] | None) -> bool:
    """Of a dossier that was opened again once, after one end that nobody corrected since."""
    facts = dossier.ends
    turns = [index for index, fact in enumerate(facts) if fact.value.outcome == "reopened"]
    if turns != [1] or dossier.ends.was_put_right(0):
        return False
    effective = None if when is None else when(facts[0].occurred, facts[1].occurred)
    say_anew(dossier, dossier.ends, 1, DossierReopened, at, effective)
    return True


def void(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Entered by mistake."""
    dossier.void(at)
    return True


def void_and_restore(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Voided by mistake, which somebody noticed."""
    dossier.void(at)
    dossier.restore(at + rng.randrange(60_000, 3 * DAY_MS))
    return True


CORRECTIONS: tuple[Correction, ...] = (
    end_at_another_time,
    end_otherwise,
    no_end,
    corrected_facts.return_at_another_time,
    corrected_facts.no_return,
    corrected_facts.refusal_at_another_time,
    corrected_facts.no_refusal,
    corrected_facts.payment_otherwise,
    corrected_facts.never_paid,
    corrected_facts.rating_otherwise,
    corrected_facts.no_rating,
    corrected_facts.due_otherwise,
    corrected_facts.no_due,
    corrected_facts.move_on_paper,
    corrected_facts.no_move,
    corrected_facts.papers_at_other_times,
    corrected_facts.no_papers_asked,
    corrected_facts.fee_asked_at_another_time,
    corrected_facts.no_fee_asked,
    reopening_at_another_time,
    no_reopening,
    void,
    void_and_restore,
)
# those that are one event each
SHORT_CORRECTIONS = tuple(
    one
    for one in CORRECTIONS
    if one not in (corrected_facts.papers_at_other_times, void_and_restore)
)


def put_right(
    rng: Random,
    dossier: SimulatedDossier,
    at: int,
    kinds: tuple[Correction, ...] = CORRECTIONS,
) -> Correction:
    """Tell one correction of a kind that fits the dossier; returns which."""
    for correction in rng.sample(kinds, len(kinds)):
        if correction(rng, dossier, at):
            return correction
    raise AssertionError("a void fits every dossier")
