"""Dossiers: what stands of facts and corrections, as a plain state that counts like any other.

A correction puts its fact in the place of every fact of its kind that was said before it. An
ordinary fact was said when it occurred; at one instant the correction is later. A reopening undoes
what was *said* before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from schemas.states import (
    MOST,
    ClosingFact,
    Dossier,
    DossierAmendments,
    EndCorrection,
    FinishFact,
    HandlerFact,
    HeardAt,
    InstantsCorrection,
    PaymentFact,
    RatingFact,
    ReceptionFact,
    RefusalCorrection,
    RefusalFact,
    Register,
    ReturnCorrection,
    ReturnFact,
    Statement,
)
from streams.families.bounds import too_many
from streams.families.dossiers.amendments import moved_at
from streams.families.dossiers.closed import OUTCOMES

_Fact = TypeVar("_Fact", ReturnFact, RefusalFact, ClosingFact)
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_OF_CORRECTION = b""  # the event id of a handler that a correction made

Heard = (
    FinishFact
    | ReturnFact
    | RefusalFact
    | ClosingFact
    | EndCorrection
    | ReturnCorrection
    | RefusalCorrection
)


class SettledDossier(NamedTuple):
    """A state in which no correction is left and no reopening undoes anything any more; when it was
    last reopened (0: never), and whether there were more corrections than count.
    """

    state: Dossier
    reopened: int
    too_many: bool


def gathered_too_much(state: Dossier) -> bool:
    """Whether anything about it is so much that it counts nothing. Written out: on the path of
    every event.
    """
    return (
        len(state.payments) > MOST["payments"]
        or len(state.ratings) > MOST["ratings"]
        or len(state.finish) > MOST["finish"]
        or len(state.transfers) > MOST["transfers"]
        or len(state.papers) > MOST["papers"]
        or len(state.fees) > MOST["fees"]
        or len(state.dues) > MOST["dues"]
        or len(state.earlier) > MOST["earlier"]
    )


def settled(state: Dossier) -> SettledDossier:
    """What stands. A state without corrections stays as it is, its reopening included."""
    amended = state.amended
    if amended is None:
        return SettledDossier(state, state.reopened, False)
    counting = _counting(amended)
    reopened = _reopened(state, counting)
    plain = Dossier(
        reception=_reception(state, counting),
        handler=_handler(state, counting),
        dues=_instants("dues", state.dues, counting.dues),
        finish=_not_undone(state.finish, reopened),
        returned=_returned(state, counting, reopened),
        refusal=_refusal(state, counting, reopened),
        withdrawal=_unless_undone(state.withdrawal, reopened),
        stop=_unless_undone(state.stop, reopened),
        step_at=state.step_at,
        payments=_payments(state, counting),
        transfers=_transfers(state, counting),
        ratings=_ratings(state, counting),
        reporter=state.reporter,
        first_step_at=state.first_step_at,
        papers=_instants("papers", state.papers, counting.papers),
        fees=_instants("fees", state.fees, counting.fees),
    )
    if counting.end is not None and counting.end.occurred_at >= reopened:
        _end_anew(plain, state, counting, counting.end)
    return SettledDossier(plain, reopened, counting != amended)


def _counting(amended: DossierAmendments) -> DossierAmendments:
    """Those of which there are not too many."""
    return DossierAmendments(
        void=amended.void,
        end=amended.end,
        returned=amended.returned,
        refusal=amended.refusal,
        reopened=amended.reopened,
        dues=_unless_too_many("amended_dues", amended.dues),
        papers=_unless_too_many("amended_papers", amended.papers),
        fees=_unless_too_many("amended_fees", amended.fees),
        payments=_few("amended_payments", amended.payments),
        ratings=_few("amended_ratings", amended.ratings),
        moves=_few("amended_moves", amended.moves),
        earlier_ends=_few("amended_earlier_ends", amended.earlier_ends),
        earlier_returns=_few("amended_earlier_returns", amended.earlier_returns),
    )


def _few(group: str, corrections: dict[_Key, _Value]) -> dict[_Key, _Value]:
    return {} if too_many(group, corrections) else corrections


def _unless_too_many(group: str, said: InstantsCorrection | None) -> InstantsCorrection | None:
    return None if said is None or too_many(group, said.instants) else said


def _outdoes(correction: Register | Statement, ordinary: Register | Statement | None) -> bool:
    """Whether a correction stands, against the ordinary fact of its kind if there is one."""
    return ordinary is None or correction.occurred_at >= ordinary.occurred_at


def _reopened(state: Dossier, amended: DossierAmendments) -> int:
    said = amended.reopened
    return state.reopened if said is None or said.occurred_at < state.reopened else said.at


def _not_undone(finish: dict[str, FinishFact], since: int) -> dict[str, FinishFact]:
    return {source: fact for source, fact in finish.items() if fact.occurred_at >= since}


def _unless_undone(fact: _Fact | None, since: int) -> _Fact | None:
    return None if fact is None or fact.occurred_at < since else fact


def _reception(state: Dossier, amended: DossierAmendments) -> ReceptionFact | None:
    """Without the due time that it says, where a correction said since that it is another."""
    reception, said = state.reception, amended.dues
    if reception is None or said is None or too_many("dues", state.dues):
        return reception
    if said.occurred_at < reception.occurred_at:
        return reception
    return replace(reception, due_at=0)


def _returned(state: Dossier, amended: DossierAmendments, reopened: int) -> ReturnFact | None:
    ordinary, said = state.returned, amended.returned
    if said is None or not _outdoes(said, ordinary):
        return _unless_undone(ordinary, reopened)
    if not said.holds or said.occurred_at < reopened:
        return None
    heard_at = _first_heard(said, ordinary)
    return ReturnFact(said.at, said.event_id, said.digitised, said.how, heard_at, said.restated)


def _refusal(state: Dossier, amended: DossierAmendments, reopened: int) -> RefusalFact | None:
    ordinary, said = state.refusal, amended.refusal
    if said is None or not _outdoes(said, ordinary):
        return _unless_undone(ordinary, reopened)
    if not said.holds or said.occurred_at < reopened:
        return None
    heard_at = _first_heard(said, ordinary)
    return RefusalFact(said.at, said.event_id, said.agency, said.procedure, heard_at, said.restated)


def _first_heard(*facts: Heard | None) -> HeardAt:
    """When the hub first heard that it was so at all, rightly or wrongly stated."""
    known = [fact.heard_at for fact in facts if fact is not None and fact.heard_at is not None]
    return min(known, default=None)


def _end_anew(
    plain: Dossier, state: Dossier, amended: DossierAmendments, said: EndCorrection
) -> None:
    """Put the corrected end in the place of every end that was said before it."""
    since, outcome = said.occurred_at + 1, OUTCOMES[said.outcome]
    ends = (*state.finish.values(), state.withdrawal, state.stop)
    outdone = [one for one in ends if one is not None and one.occurred_at < since]
    heard_at = _first_heard(said, *outdone)
    plain.finish = _not_undone(plain.finish, since)
    plain.withdrawal = _unless_undone(plain.withdrawal, since)
    plain.stop = _unless_undone(plain.stop, since)
    if outcome == "finished":
        if not plain.finish:
            fact = FinishFact(said.at, said.event_id, said.digitised, heard_at, said.restated)
            plain.finish = {"": fact}
        return
    if plain.returned is not None and _said_of_return(state, amended) < since:
        plain.returned = None  # it would be the end
    if plain.withdrawal is None and plain.stop is None:
        closing = ClosingFact(said.at, said.event_id, heard_at, said.restated)
        plain.withdrawal = closing if outcome == "withdrawn" else None
        plain.stop = closing if outcome == "stopped" else None


def _said_of_return(state: Dossier, amended: DossierAmendments) -> int:
    """When the return that stands was said."""
    facts = [fact.occurred_at for fact in (state.returned, amended.returned) if fact is not None]
    return max(facts)


def _instants(
    group: str, ordinary: dict[int, int], said: InstantsCorrection | None
) -> dict[int, int]:
    if said is None or too_many(group, ordinary):
        return ordinary
    stand = dict(said.instants)
    for at, value in ordinary.items():
        if at > said.occurred_at:
            # both may speak of an instant to come: papers were asked for then, and some came
            stand[at] = stand.get(at, 0) | value
    return stand


def _payments(state: Dossier, amended: DossierAmendments) -> dict[str, PaymentFact]:
    if not amended.payments or too_many("payments", state.payments):
        return state.payments
    stand = dict(state.payments)
    for reference, said in amended.payments.items():
        ordinary = stand.get(reference)
        if ordinary is not None and ordinary.occurred_at > said.occurred_at:
            if ordinary.paid_before <= said.occurred_at:
                stand[reference] = replace(ordinary, paid_before=0)
            continue
        stand.pop(reference, None)
        if said.holds:
            stand[reference] = PaymentFact(said.at, said.rank, said.amount, said.online)
    return stand


def _ratings(state: Dossier, amended: DossierAmendments) -> dict[str, RatingFact]:
    if not amended.ratings or too_many("ratings", state.ratings):
        return state.ratings
    stand = dict(state.ratings)
    for rating_id, said in amended.ratings.items():
        if _outdoes(said, stand.get(rating_id)):
            stand.pop(rating_id, None)
            if said.holds:
                stand[rating_id] = RatingFact(said.at, said.satisfied, said.about, said.score)
    return stand


def _transfers(state: Dossier, amended: DossierAmendments) -> dict[str, bool]:
    if not amended.moves or too_many("transfers", state.transfers):
        return state.transfers
    stand = dict(state.transfers)
    for move, said in amended.moves.items():
        if move in stand and said.occurred_at < moved_at(move):
            continue
        stand.pop(move, None)
        if said.holds:
            stand[move] = said.electronic
    return stand


def _handler(state: Dossier, amended: DossierAmendments) -> HandlerFact | None:
    """Who has it. What a move gave to somebody that never was is with who gave it."""
    handler = _told_handler(state)
    if too_many("transfers", state.transfers):
        return handler
    if handler is not None:
        gave = sorted(_gave_wrongly(amended, handler))
        if gave:
            handler = HandlerFact(handler.occurred_at, _OF_CORRECTION, gave[-1], None)
    for at, to_agency in sorted(_moves_that_hold(amended)):
        later = handler is None or at >= handler.occurred_at
        if later and (handler is None or handler.agency != to_agency):
            handler = HandlerFact(at, _OF_CORRECTION, to_agency, None)
    return handler


def _told_handler(state: Dossier) -> HandlerFact | None:
    """Who has it by ordinary facts, and since when."""
    reception, handler = state.reception, state.handler
    if reception is None:
        return handler
    if handler is not None and handler.occurred_at >= reception.received_at:
        return handler
    agency = reception.handler or reception.agency
    return HandlerFact(reception.received_at, _OF_CORRECTION, agency, None)


def _gave_wrongly(amended: DossierAmendments, handler: HandlerFact) -> Iterator[str]:
    """From whom the handler got it by a move that never was."""
    for move, said in amended.moves.items():
        from_agency, to_agency, _ = move.split("|")
        at = moved_at(move)
        theirs = (at, to_agency) == (handler.occurred_at, handler.agency)
        if theirs and not said.holds and said.occurred_at >= at:
            yield from_agency


def _moves_that_hold(amended: DossierAmendments) -> Iterator[tuple[int, str]]:
    """When and to whom."""
    for move, said in amended.moves.items():
        if said.holds:
            yield moved_at(move), move.split("|")[1]
