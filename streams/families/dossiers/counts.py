"""Dossiers: the pure function from a state to the cells it counts in (the rules in words:
docs/figures.md).

Days are the province's; `at` of an open dossier is its exact due time, so that overdue is a
question asked later.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

from schemas.clock import day
from schemas.codes import CHANNELS, PAYMENT_RANK
from schemas.states import (
    Dossier,
    FinishFact,
    PaymentFact,
    RatingFact,
    ReceptionFact,
    RefusalFact,
    VoidFact,
)
from schemas.worktime import WorkTime
from streams.families.base import ALL, Contribution, Counts, measure_indexes
from streams.families.bounds import too_many
from streams.families.corrections import void_of
from streams.families.dossiers.closed import (
    ONLINE,
    DossierEnd,
    LagIndexes,
    MeasureAmounts,
    asked_last,
    closed,
    end_of,
    finish_of,
    is_waiting,
    lag,
    returned_of,
)
from streams.families.dossiers.flow import flow, taken
from streams.families.dossiers.reception import (
    MEASURE_OF_BITS,
    RECEIVED,
    WITH_FEE,
    due_of,
    dues_of,
    handler_of,
)
from streams.families.dossiers.settling import gathered_too_much, settled
from streams.families.dossiers.undone import undone_ends

_FUTURE_MS = 300_000  # clocks differ; beyond this a time lay in the future when the hub heard of it
_PAID = PAYMENT_RANK["paid"]

# the parts of a dossier's counts
RECEPTION, PROGRESS, PAYMENTS, RATINGS, FLAGS, TAKEN, FLOW = 1, 2, 4, 8, 16, 32, 64

_OF_END = PROGRESS | FLAGS | FLOW  # those that hang on whether and how it ended
_PAYMENTS = measure_indexes("dossiers", "paid")
_RATED = measure_indexes("dossiers", "rated")
_FLAGGED = measure_indexes("dossiers", "flagged")
_BY_CHANNEL = tuple(RECEIVED[f"received_{channel}"] for channel in CHANNELS)
_RECEPTION_LAG = LagIndexes.of("reception_", RECEIVED)


def counts_by(work: WorkTime) -> Counts:
    """The counts by these office hours."""
    return partial(counts, work)


def counts(work: WorkTime, state: Dossier, parts: int = ALL) -> list[Contribution]:
    """The cells that a dossier counts in; only the given parts where the others are known not to
    matter.
    """
    told, reopened, much = state, state.reopened, False
    if state.amended is not None:  # seldom
        void = void_of(state)
        state, reopened, much = settled(state)
        if void is not None:
            return [_voided(state, void)]
    reception = state.reception
    refusal = _standing_refusal(state)
    if reception is None:
        return _without_reception(state, refusal, much=much or gathered_too_much(told))
    found: list[Contribution] = []
    if parts & RECEPTION:
        found.append(_received(reception, state, work) if refusal is None else _refused(refusal))
    tail = _tail(state, reception)
    if refusal is None and parts & TAKEN:
        found.append(taken(reception, tail))
    end = None
    if refusal is None and parts & _OF_END:
        end = end_of(state)
        # nearly always nothing but the reception said one
        due = due_of(state) if state.dues else reception.due_at
        if parts & PROGRESS:
            found.append(_progress(state, tail, end, due, work))
            if reopened:
                found.append((f"dossiers|reopened|{tail}{day(reopened)}".encode(), (0,), ()))
                found += _undone(told, tail)
        if parts & FLOW:
            found += flow(state, reception, tail, end, due)
    if parts & PAYMENTS and state.payments and not too_many("payments", state.payments):
        found += _paid(state, tail)
    if parts & RATINGS and state.ratings and not too_many("ratings", state.ratings):
        found += _rated(state, tail)
    if parts & FLAGS:
        flags = _flags(state, told, reception, end)
        if much or gathered_too_much(told) or (told is not state and gathered_too_much(state)):
            flags.append(_FLAGGED["too_many"])
        if flags:
            key = f"dossiers|flagged|{tail}{day(reception.received_at)}"
            found.append((key.encode(), (_FLAGGED["flagged"], *flags), ()))
    return found


def _tail(state: Dossier, reception: ReceptionFact) -> str:
    """The part of cells' keys that says whose and of which procedure."""
    return f"{handler_of(state, reception)}|{reception.procedure}|"


def _voided(state: Dossier, void: VoidFact) -> Contribution:
    """Counts nowhere else: at its handler, else at the agency that voided it."""
    reception = state.reception
    tail = f"{void.agency}|-|" if reception is None else _tail(state, reception)
    return f"dossiers|voided|{tail}{day(void.occurred_at)}".encode(), (0,), ()


def touched(old: Dossier, new: Dossier) -> int:
    """The parts of the counts in which two states of one dossier can differ."""
    if (
        old.reception is None
        or new.amended is not None
        or new.reception != old.reception
        or new.refusal != old.refusal
        or new.reopened != old.reopened
    ):
        return ALL
    paid = new.payments != old.payments
    parts = 0
    if paid and _paid_online(new) != _paid_online(old):
        parts = RECEPTION
    if new.handler != old.handler and (
        handler_of(new, old.reception) != handler_of(old, old.reception)
    ):
        return parts | ALL & ~RECEPTION
    if paid:
        parts |= PAYMENTS
    if new.ratings != old.ratings:
        parts |= RATINGS
    if parts and _is_restated(new) != _is_restated(old):
        parts |= FLAGS
    if new.step_at != old.step_at or new.first_step_at != old.first_step_at:
        parts |= FLAGS
        if not old.step_at and (new.finish or new.returned):
            parts |= PROGRESS
    if paid and new.fees:
        parts |= PROGRESS | FLOW
    if new.dues != old.dues or _closings(new) != _closings(old):
        parts |= PROGRESS | FLAGS | FLOW
    elif new.papers != old.papers or new.fees != old.fees:
        parts |= PROGRESS | FLOW
    elif new.transfers != old.transfers or (new.reopened and new.earlier != old.earlier):
        parts |= PROGRESS
    if gathered_too_much(new):
        parts |= FLAGS
    return parts


def _closings(state: Dossier) -> tuple[object, ...]:
    return state.finish, state.returned, state.withdrawal, state.stop


def _progress(
    state: Dossier, tail: str, end: DossierEnd | None, due: int, work: WorkTime
) -> Contribution:
    if end is not None:
        return closed(state, tail, end, due, work)
    return (f"dossiers|open|{tail}{due}".encode(), (0, 1) if is_waiting(state) else (0,), ())


def _undone(told: Dossier, tail: str) -> list[Contribution]:
    """On each day of an end that a reopening undid, once."""
    days = {day(end.at) for end in undone_ends(told)}
    return [(f"dossiers|undone|{tail}{at}".encode(), (0,), ()) for at in sorted(days)]


def _standing_refusal(state: Dossier) -> RefusalFact | None:
    """The refusal, unless a reopening undid it, or a reception after it."""
    refusal, reception = state.refusal, state.reception
    if refusal is None or refusal.occurred_at < state.reopened:
        return None
    if reception is not None and refusal.occurred_at < reception.received_at:
        return None
    return refusal


def _refused(refusal: RefusalFact) -> Contribution:
    key = f"dossiers|refused|{refusal.agency}|{refusal.procedure}|{day(refusal.occurred_at)}"
    return (key.encode(), (0,), ())


def _without_reception(
    state: Dossier, refusal: RefusalFact | None, *, much: bool
) -> list[Contribution]:
    """Refused, else flagged at the agency that spoke of it; nothing where nobody has."""
    if refusal is not None:
        return [_refused(refusal)]
    reporter = state.reporter
    if reporter is None:
        return []
    key = f"dossiers|flagged|{reporter.agency}|-|{day(reporter.occurred_at)}"
    flags = _flags_without_reception(state, much=much or gathered_too_much(state))
    return [(key.encode(), flags, ())]


def _flags_without_reception(state: Dossier, *, much: bool) -> tuple[int, ...]:
    if end_of(state) is not None:
        flags = [_FLAGGED["flagged"], _FLAGGED["no_reception"], _FLAGGED["end_without_reception"]]
    elif not much and asked_last(state.papers):
        # the portal's state 5: to lack a reception breaks no rule then
        flags = [_FLAGGED["supplement_before_reception"]]
    else:
        flags = [_FLAGGED["flagged"], _FLAGGED["no_reception"]]
    if much:
        flags.append(_FLAGGED["too_many"])
    if _is_restated(state):
        flags.append(_FLAGGED["restated"])
    return tuple(flags)


def _received(reception: ReceptionFact, state: Dossier, work: WorkTime) -> Contribution:
    bits, level, heard_at = reception.bits, reception.level, reception.heard_at
    ones = [0, _BY_CHANNEL[reception.channel]]
    if level == 3:
        ones.append(RECEIVED["received_partial"])
    elif level > 3:
        ones.append(RECEIVED["received_full"])
    if bits:
        ones += [index for mask, index in MEASURE_OF_BITS if bits & mask]
    if state.payments and bits & WITH_FEE and _paid_online(state):
        ones.append(RECEIVED["paid_online"])
    amounts: MeasureAmounts = ()
    if heard_at is not None:
        amounts = lag(ones, reception.occurred_at, heard_at, _RECEPTION_LAG, work)
    key = f"dossiers|received|{reception.agency}|{reception.procedure}|{day(reception.received_at)}"
    return (key.encode(), tuple(ones), amounts)


def _paid_online(state: Dossier) -> bool:
    if too_many("payments", state.payments):
        return False
    return any(one.rank == _PAID and one.online for one in state.payments.values())


def _paid(state: Dossier, tail: str) -> list[Contribution]:
    found: list[Contribution] = []
    for payment in state.payments.values():
        if payment.rank == _PAID:
            amounts = (
                (_PAYMENTS["amount"], payment.amount),
                (_PAYMENTS["amount_online"], payment.amount if payment.online else 0),
            )
            key = f"dossiers|paid|{tail}{day(payment.occurred_at)}"
            found.append((key.encode(), (0, 1) if payment.online else (0,), amounts))
    return found


def _rated(state: Dossier, tail: str) -> list[Contribution]:
    found: list[Contribution] = []
    for rating in state.ratings.values():
        suffix = _RATING_SUFFIX.get(rating.about, "")
        ones = [_RATED[f"ratings{suffix}"]]
        if rating.satisfied:
            ones.append(_RATED[f"satisfied{suffix}"])
        key = f"dossiers|rated|{tail}{day(rating.occurred_at)}"
        found.append((key.encode(), tuple(ones), ()))
    return found


_RATING_SUFFIX = {
    "agency": "_agency",
    "health": "_health_education",
    "education": "_health_education",
}


def _flags(
    state: Dossier, told: Dossier, reception: ReceptionFact, end: DossierEnd | None
) -> list[int]:
    """The data-quality rules that the dossier breaks; `told`: as it was before it was settled."""
    received_at, heard_at = reception.received_at, reception.heard_at
    flags = []
    if reception.level == 2 and reception.channel == ONLINE:
        flags.append(_FLAGGED["offline_procedure_online"])
    if heard_at is not None and received_at > heard_at + _FUTURE_MS:
        flags.append(_FLAGGED["received_in_future"])
    if state.dues or reception.due_at:
        flags += _due_flags(dues_of(state, reception), state.dues, received_at)
    if 0 < state.first_step_at < received_at:
        flags.append(_FLAGGED["step_before_reception"])
    if len(state.finish) > 1 and not too_many("finish", told.finish) and _disagree(state):
        flags.append(_FLAGGED["sources_disagree"])
    if end is not None:
        flags += _end_flags(state, end, received_at)
    if _is_restated(state):
        flags.append(_FLAGGED["restated"])
    return flags


def _is_restated(state: Dossier) -> bool:
    """Whether anything that stands was stated otherwise, at the same instant and under the same
    id.
    """
    # Written out: on the path of every event.
    reception, returned, refusal = state.reception, state.returned, state.refusal
    withdrawal, stop, since = state.withdrawal, state.stop, state.reopened
    return (
        (reception is not None and reception.restated)
        or (returned is not None and returned.restated and returned.occurred_at >= since)
        or (refusal is not None and refusal.restated and _standing_refusal(state) is not None)
        or (withdrawal is not None and withdrawal.restated and withdrawal.occurred_at >= since)
        or (stop is not None and stop.restated and stop.occurred_at >= since)
        or (bool(state.finish) and _any_restated("finish", state.finish, since))
        or (bool(state.payments) and _any_restated("payments", state.payments))
        or (bool(state.ratings) and _any_restated("ratings", state.ratings))
    )


def _any_restated(
    group: str, facts: Mapping[str, FinishFact | PaymentFact | RatingFact], since: int = 0
) -> bool:
    for fact in facts.values():
        if fact.restated and fact.occurred_at >= since:
            return not too_many(group, facts)
    return False


def _disagree(state: Dossier) -> bool:
    """Whether sources report different times of the finish, of those that no reopening undid."""
    times = {fact.occurred_at for fact in state.finish.values()}
    return sum(at >= state.reopened for at in times) > 1


def _end_flags(state: Dossier, end: DossierEnd, received_at: int) -> list[int]:
    at = end.at
    flags = []
    if end.outcome == "finished":
        flags += _result_flags(state, at)
    if end.heard_at is not None and at > end.heard_at + _FUTURE_MS:
        flags.append(_FLAGGED["ended_in_future"])
    if received_at > at:
        flags.append(_FLAGGED["received_after_end"])
    if state.step_at > at:
        flags.append(_FLAGGED["step_after_end"])
    return flags


def _result_flags(state: Dossier, end_at: int) -> list[int]:
    finish = finish_of(state)
    if finish is None or finish.occurred_at < state.reopened:
        return [_FLAGGED["finished_without_end"]]
    returned = returned_of(state)
    if returned is not None and returned.occurred_at < end_at:
        return [_FLAGGED["returned_before_end"]]
    return []


def _due_flags(dues: dict[int, int], told: dict[int, int], received_at: int) -> list[int]:
    flags = []
    if dues[max(dues)] < received_at:
        flags.append(_FLAGGED["due_before_reception"])
    if len(dues) > 1 and not too_many("dues", told) and _moved_after_passed(dues):
        flags.append(_FLAGGED["due_moved_after_passed"])
    return flags


def _moved_after_passed(dues: dict[int, int]) -> bool:
    """Whether any due time was replaced by another one after it had passed; to state it again is
    not to move it.
    """
    moments = sorted(dues)
    return any(later > dues[earlier] != dues[later] for earlier, later in pairwise(moments))
