"""Dossiers: the pure function from a state to the cells it counts in (the rules in words:
docs/figures.md).

Days are the province's; `at` of an open dossier is its exact due time, so that overdue is a
question asked later.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from schemas.clock import day
from schemas.codes import CHANNELS
from schemas.states import MOST, Dossier, HeardAt
from schemas.worktime import WorkTime
from streams.families.base import ALL, Contribution, Counts, measure_indexes
from streams.families.bounds import too_many
from streams.families.dossiers.closed import (
    ONLINE,
    PAPERS_DIGITISED,
    DossierEnd,
    LagIndexes,
    closed,
    end_of,
    finish_of,
    is_waiting,
    lag,
    returned_of,
)

AUTHENTICATED, WITH_FEE, REUSED_DATA, BACKFILLED = 1, 2, 4, 8
FROM_PERSONAL_STORE, POPULATION_DATA = 32, 64
_FUTURE_MS = 300_000  # clocks differ; beyond this a time lay in the future when the hub heard of it
_PAID = 2

RECEPTION, PROGRESS, PAYMENTS, RATINGS, FLAGS = 1, 2, 4, 8, 16  # the parts of a dossier's counts

_RECEIVED = measure_indexes("dossiers", "received")
_PAYMENTS = measure_indexes("dossiers", "paid")
_RATED = measure_indexes("dossiers", "rated")
_FLAGGED = measure_indexes("dossiers", "flagged")
_BY_CHANNEL = tuple(_RECEIVED[f"received_{channel}"] for channel in CHANNELS)
_RECEPTION_LAG = LagIndexes.of("reception_", _RECEIVED)


def counts_by(work: WorkTime) -> Counts:
    """The counts by these office hours."""
    return partial(counts, work)


def counts(work: WorkTime, state: Dossier, parts: int = ALL) -> list[Contribution]:
    """The cells that a dossier counts in; only the given parts where the others are known not to
    matter.
    """
    reception = state.reception
    refused = _refused(state)
    if reception is None:
        return [_refusal(state)] if refused else [_unknown(state)] if state.reporter else []
    found: list[Contribution] = []
    if parts & RECEPTION:
        found.append(_refusal(state) if refused else _received(reception, state, work))
    tail = f"{state.handler[2] if state.handler else reception[3]}|{reception[4]}|"
    end = None if refused else end_of(state)
    if parts & PROGRESS and not refused:
        found.append(_progress(state, tail, end, work))
        if state.reopened:
            found.append((f"dossiers|reopened|{tail}{day(state.reopened)}".encode(), (0,), ()))
    if parts & PAYMENTS and state.payments and not too_many("payments", state.payments):
        found += _paid(state, tail)
    if parts & RATINGS and state.ratings and not too_many("ratings", state.ratings):
        found += _rated(state, tail)
    if parts & FLAGS:
        flags = _flags(state, end)
        if flags:
            found.append(
                (
                    f"dossiers|flagged|{tail}{day(reception[2])}".encode(),
                    (_FLAGGED["flagged"], *flags),
                    (),
                )
            )
    return found


def touched(old: Dossier, new: Dossier) -> int:
    """The parts of the counts in which two states of one dossier can differ."""
    if (
        old.reception is None
        or new.reception != old.reception
        or new.refusal != old.refusal
        or new.reopened != old.reopened
    ):
        return ALL
    paid = new.payments != old.payments
    parts = RECEPTION if paid and _paid_online(new) != _paid_online(old) else 0
    if new.handler != old.handler and (
        old.handler is None or new.handler is None or new.handler[2] != old.handler[2]
    ):
        return parts | ALL & ~RECEPTION
    if paid:
        parts |= PAYMENTS
    if new.ratings != old.ratings:
        parts |= RATINGS
    if new.step_at != old.step_at or new.first_step_at != old.first_step_at:
        parts |= FLAGS if old.step_at or not (new.finish or new.returned) else PROGRESS | FLAGS
    if new.dues != old.dues or _closings(new) != _closings(old):
        parts |= PROGRESS | FLAGS
    elif (
        new.transfers != old.transfers
        or new.papers != old.papers
        or is_waiting(new) != is_waiting(old)
    ):
        parts |= PROGRESS
    return parts | FLAGS if _gathered_too_much(new) else parts


def _closings(state: Dossier) -> tuple[object, ...]:
    return state.finish, state.returned, state.withdrawal, state.stop


def _progress(state: Dossier, tail: str, end: DossierEnd | None, work: WorkTime) -> Contribution:
    due = state.dues[max(state.dues)] if state.dues else 0
    if end is not None:
        return closed(state, tail, end, due, work)
    return (f"dossiers|open|{tail}{due}".encode(), (0, 1) if is_waiting(state) else (0,), ())


def _refused(state: Dossier) -> bool:
    """Whether a refusal stands: not undone by a reopening, nor by a reception after it."""
    refusal, reception = state.refusal, state.reception
    if refusal is None or refusal[0] < state.reopened:
        return False
    return reception is None or refusal[0] >= reception[2]


def _refusal(state: Dossier) -> Contribution:
    assert state.refusal is not None
    at, _, agency, procedure, _ = state.refusal
    return (f"dossiers|refused|{agency}|{procedure}|{day(at)}".encode(), (0,), ())


def _unknown(state: Dossier) -> Contribution:
    assert state.reporter is not None
    at, agency = state.reporter
    return (f"dossiers|flagged|{agency}|-|{day(at)}".encode(), _unknown_ones(state), ())


def _unknown_ones(state: Dossier) -> tuple[int, ...]:
    if _gathered_too_much(state):
        return *_without_reception(state, waits=False), _FLAGGED["too_many"]
    return _without_reception(state, waits=state.supplement is not None and state.supplement[2])


def _without_reception(state: Dossier, *, waits: bool) -> tuple[int, ...]:
    if end_of(state) is not None:
        return _FLAGGED["flagged"], _FLAGGED["no_reception"], _FLAGGED["end_without_reception"]
    if waits:
        # the portal's state 5: to lack a reception breaks no rule then
        return (_FLAGGED["supplement_before_reception"],)
    return _FLAGGED["flagged"], _FLAGGED["no_reception"]


def _received(
    reception: tuple[int, bytes, int, str, str, int, int, int, HeardAt],
    state: Dossier,
    work: WorkTime,
) -> Contribution:
    said_at, _, received_at, agency, procedure, channel, level, bits, reported = reception
    ones = [0, _BY_CHANNEL[channel]]
    if level >= 3:
        ones.append(_RECEIVED["received_partial"] if level == 3 else _RECEIVED["received_full"])
    if bits:
        ones += [index for bit, index in _RECEIVED_BITS if bits & bit]
    if state.payments and bits & WITH_FEE and _paid_online(state):
        ones.append(_RECEIVED["paid_online"])
    sums = () if reported is None else lag(ones, said_at, reported, _RECEPTION_LAG, work)
    return (
        f"dossiers|received|{agency}|{procedure}|{day(received_at)}".encode(),
        tuple(ones),
        sums,
    )


def _paid_online(state: Dossier) -> bool:
    if too_many("payments", state.payments):
        return False
    return any(rank == _PAID and online for _, rank, _, online in state.payments.values())


_RECEIVED_BITS = (
    (WITH_FEE, _RECEIVED["with_fee"]),
    (AUTHENTICATED, _RECEIVED["authenticated"]),
    (REUSED_DATA, _RECEIVED["reused_data"]),
    (BACKFILLED, _RECEIVED["backfilled"]),
    (PAPERS_DIGITISED, _RECEIVED["papers_digitised"]),
    (FROM_PERSONAL_STORE, _RECEIVED["from_personal_store"]),
    (AUTHENTICATED | FROM_PERSONAL_STORE | POPULATION_DATA, _RECEIVED["identified"]),
)


def _paid(state: Dossier, tail: str) -> list[Contribution]:
    found: list[Contribution] = []
    for at, rank, amount, online in state.payments.values():
        if rank == _PAID:
            sums = (
                (_PAYMENTS["amount"], amount),
                (_PAYMENTS["amount_online"], amount if online else 0),
            )
            found.append(
                (f"dossiers|paid|{tail}{day(at)}".encode(), (0, 1) if online else (0,), sums)
            )
    return found


def _rated(state: Dossier, tail: str) -> list[Contribution]:
    found: list[Contribution] = []
    for at, satisfied, about, _ in state.ratings.values():
        suffix = _RATING_SUFFIX.get(about, "")
        ones = [_RATED[f"ratings{suffix}"]]
        if satisfied:
            ones.append(_RATED[f"satisfied{suffix}"])
        found.append((f"dossiers|rated|{tail}{day(at)}".encode(), tuple(ones), ()))
    return found


_RATING_SUFFIX = {
    "agency": "_agency",
    "health": "_health_education",
    "education": "_health_education",
}


def _flags(state: Dossier, end: DossierEnd | None) -> list[int]:
    """The data-quality rules that the dossier breaks."""
    reception = state.reception
    assert reception is not None
    received_at, reported = reception[2], reception[8]
    flags = []
    if reception[6] == 2 and reception[5] == ONLINE:
        flags.append(_FLAGGED["offline_procedure_online"])
    if reported is not None and received_at > reported + _FUTURE_MS:
        flags.append(_FLAGGED["received_in_future"])
    if state.dues:
        flags += _due_flags(state.dues, received_at)
    if 0 < state.first_step_at < received_at:
        flags.append(_FLAGGED["step_before_reception"])
    if (
        1 < len(state.finish) <= MOST["finish"]
        and len({fact[0] for fact in state.finish.values() if fact[0] >= state.reopened}) > 1
    ):
        flags.append(_FLAGGED["sources_disagree"])
    if end is not None:
        flags += _end_flags(state, end, received_at)
    if _gathered_too_much(state):
        flags.append(_FLAGGED["too_many"])
    return flags


def _gathered_too_much(state: Dossier) -> bool:
    """Whether anything about it is so much that it counts nothing. Written out: on the path of
    every event.
    """
    return (
        len(state.payments) > MOST["payments"]
        or len(state.ratings) > MOST["ratings"]
        or len(state.finish) > MOST["finish"]
        or len(state.transfers) > MOST["transfers"]
        or len(state.papers) > MOST["papers"]
        or len(state.dues) > MOST["dues"]
    )


def _end_flags(state: Dossier, end: DossierEnd, received_at: int) -> list[int]:
    at, outcome, reported = end
    flags = []
    if outcome == "finished":
        flags += _result_flags(state, at)
    if reported is not None and at > reported + _FUTURE_MS:
        flags.append(_FLAGGED["ended_in_future"])
    if received_at > at:
        flags.append(_FLAGGED["received_after_end"])
    if state.step_at > at:
        flags.append(_FLAGGED["step_after_end"])
    return flags


def _result_flags(state: Dossier, end_at: int) -> list[int]:
    finish = finish_of(state)
    if finish is None or finish[0] < state.reopened:
        return [_FLAGGED["finished_without_end"]]
    returned = returned_of(state)
    return (
        [_FLAGGED["returned_before_end"]] if returned is not None and returned[0] < end_at else []
    )


def _due_flags(dues: dict[int, int], received_at: int) -> list[int]:
    flags = [_FLAGGED["due_before_reception"]] if dues[max(dues)] < received_at else []
    if len(dues) > 1 and not too_many("dues", dues) and _moved_after_passed(dues):
        flags.append(_FLAGGED["due_moved_after_passed"])
    return flags


def _moved_after_passed(dues: dict[int, int]) -> bool:
    """Whether any due time was replaced by another one after it had passed; to state it again is
    not to move it.
    """
    moments = sorted(dues)
    return any(later > dues[earlier] != dues[later] for earlier, later in pairwise(moments))
