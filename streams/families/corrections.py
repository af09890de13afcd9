"""Corrections and voids: what their joins have in common, whatever the kind of thing.

A correction is kept beside the ordinary facts of its kind, as a register of its own: the one made
last. What stands is asked of both when counting, so the order of arrival plays no part. A
correction outdoes the ordinary facts that were said before it or at its instant. Which correction
does what: docs/corrections.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from schemas.states import Dossier, DossierAmendments, Register, VoidFact, pack_id
from schemas.wire import Fields
from schemas.work_states import (
    Activity,
    ActivityAmendments,
    Document,
    DocumentAmendments,
    InstantCorrection,
    Task,
    TaskAmendments,
)
from streams.families.base import Merge, newer, newer_restated

_Fact = TypeVar("_Fact", bound=Register)
Amendment = Callable[[Any, Fields, int], None]
# What is rarely said of a thing, by the state that has it as `amended`.
_AMENDMENTS: dict[type, type] = {
    Dossier: DossierAmendments,
    Document: DocumentAmendments,
    Task: TaskAmendments,
    Activity: ActivityAmendments,
}


def amendments(state: Any) -> Any:
    """What is rarely said of a thing, to be joined into."""
    if state.amended is None:
        state.amended = _AMENDMENTS[type(state)]()
    return state.amended


def correctable(merge: Merge, amend: Amendment) -> Merge:
    """Joins an ordinary fact by `merge`, and a correction of one by `amend` into the thing's
    amendments.
    """

    @wraps(merge)
    def join(state: Any, fields: Fields, broker_ms: int) -> None:
        if fields["effective_at"] is None and fields["holds"]:
            merge(state, fields, broker_ms)
        else:
            amend(amendments(state), fields, broker_ms)

    return join


def effective_at(fields: Fields) -> int:
    """When a fact happened: what a correction says, else its own time."""
    at = fields["effective_at"]
    return int(fields["occurred_at"] if at is None else at)


def instant_correction(fields: Fields) -> InstantCorrection:
    """A correction of which only the time is kept."""
    return InstantCorrection(
        fields["occurred_at"], pack_id(fields["event_id"]), fields["holds"], effective_at(fields)
    )


def amends_instant(name: str) -> Amendment:
    """Joins a correction into the amendments' field of that name."""

    def amend(amended: Any, fields: Fields, _: int) -> None:
        setattr(amended, name, newer_restated(getattr(amended, name), instant_correction(fields)))

    return amend


def amend_entry(entries: dict[str, InstantCorrection], key: str, fields: Fields) -> None:
    """Joins a correction of one entry of a map."""
    entries[key] = newer_restated(entries.get(key), instant_correction(fields))


class StandingInstant(NamedTuple):
    """When something happened and when that was said (0: it did not), and whether it was said
    otherwise, too.
    """

    at: int
    said: int
    restated: bool = False


def standing_instant(at: int, correction: InstantCorrection | None) -> StandingInstant:
    """What stands of ordinary facts of which the newest is `at` (0: none), and of a correction."""
    if correction is None or at > correction.occurred_at:
        return StandingInstant(at, at)
    if not correction.holds:
        return StandingInstant(0, 0, correction.restated)
    return StandingInstant(correction.at, correction.occurred_at, correction.restated)


class StandingFact(NamedTuple):
    """The fact that stands, if one does, when it was said, and whether it was said otherwise,
    too. `denied`: the correction that says there is none.
    """

    fact: Any
    said: int = 0
    restated: bool = False
    denied: Any = None


def standing_fact(fact: Any, correction: Any) -> StandingFact:
    """What stands of the newest ordinary fact and of a correction that states it anew, if there
    are any.
    """
    if correction is None or (fact is not None and fact.occurred_at > correction.occurred_at):
        return StandingFact(fact, fact.occurred_at, fact.restated) if fact else StandingFact(None)
    if not correction.holds:
        return StandingFact(None, correction.occurred_at, correction.restated, correction)
    return StandingFact(correction.fact, correction.occurred_at, correction.restated)


def at_instant(fact: _Fact, at: int) -> _Fact:
    """The same fact as of another instant: of a correction, when it happened in truth."""
    return replace(fact, occurred_at=at)


def voided(state: Any, fields: Fields, _: int) -> None:
    """Entered by mistake."""
    _void(state, fields, voided=True)


def restored(state: Any, fields: Fields, _: int) -> None:
    """Voided by mistake."""
    _void(state, fields, voided=False)


def _void(state: Any, fields: Fields, *, voided: bool) -> None:
    said = VoidFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        voided,
        fields["agency"],
        fields["source"],
    )
    amended = amendments(state)
    amended.void = newer(amended.void, said)


def void_of(state: Any) -> VoidFact | None:
    """The void that stands."""
    void: VoidFact | None = None if state.amended is None else state.amended.void
    return void if void is not None and void.voided else None
