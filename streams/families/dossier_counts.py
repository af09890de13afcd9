"""Dossiers: the pure function from a state to the cells it counts in (the rules in words: docs/figures.md).

Days are the province's; `at` of an open dossier is its exact due time, so that overdue is a question asked later.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

from schemas.cells import DAYS_BOUNDS, LAG_BOUNDS
from schemas.clock import day, day_number
from schemas.codes import CHANNELS
from schemas.states import Dossier, Reported
from streams.families.base import ALL, Contribution, newer_reported, places

AUTHENTICATED, WITH_FEE, REUSED_DATA, BACKFILLED = 1, 2, 4, 8
FUTURE_MS = 300_000  # clocks differ; beyond this a time lay in the future when the hub heard of it
PAID = 2

RECEPTION, PROGRESS, PAYMENTS, RATINGS, FLAGS = 1, 2, 4, 8, 16  # the parts of a dossier's counts

RECEIVED = places("dossiers", "received")
CLOSED = places("dossiers", "closed")
PAID_PLACES = places("dossiers", "paid")
RATED = places("dossiers", "rated")
FLAGGED = places("dossiers", "flagged")
BY_CHANNEL = tuple(RECEIVED[f"received_{channel}"] for channel in CHANNELS)
ONLINE = CHANNELS.index("online")
SECONDS = CLOSED["processing_seconds"]
LAG_SECONDS = CLOSED["lag_seconds"]
DAYS_0 = CLOSED[f"days_le_{DAYS_BOUNDS[0]}"]
LAG_0 = CLOSED["lag_seconds"] + 1

# The end of a dossier: time, outcome (finished, withdrawn, stopped), when the hub first heard of it
End = tuple[int, str, Reported]


def counts(state: Dossier, parts: int = ALL) -> list[Contribution]:
    """The cells that a dossier counts in; only the given parts where the others are known not to matter."""
    reception = state.reception
    refused = _refused(state)
    if reception is None:
        return [_refusal(state)] if refused else [_unknown(state)] if state.reporter else []
    found: list[Contribution] = []
    if parts & RECEPTION:
        found.append(_refusal(state) if refused else _received(reception))
    tail = f"{state.handler[2] if state.handler else reception[3]}|{reception[4]}|"
    end = None if refused else end_of(state)
    if parts & PROGRESS and not refused:
        found.append(_progress(state, tail, end))
    if parts & PAYMENTS and state.payments:
        found += _paid(state, tail)
    if parts & RATINGS and state.ratings:
        found += _rated(state, tail)
    if parts & FLAGS:
        flags = _flags(state, end)
        if flags:
            found.append((f"dossiers|flagged|{tail}{day(reception[2])}".encode(), (FLAGGED["flagged"], *flags), ()))
    return found


def touched(old: Dossier, new: Dossier) -> int:
    """The parts of the counts in which two states of one dossier can differ."""
    if old.reception is None or new.reception != old.reception or new.refusal != old.refusal or new.reopened != old.reopened:
        return ALL
    parts = 0
    if new.handler != old.handler and (old.handler is None or new.handler is None or new.handler[2] != old.handler[2]):
        return ALL & ~RECEPTION
    if new.payments != old.payments:
        parts |= PAYMENTS
    if new.ratings != old.ratings:
        parts |= RATINGS
    if new.step_at != old.step_at:
        parts |= FLAGS
    if new.dues != old.dues or _closings(new) != _closings(old):
        parts |= PROGRESS | FLAGS
    elif new.transfers != old.transfers or _waiting(new) != _waiting(old):
        parts |= PROGRESS
    return parts


def _closings(state: Dossier) -> tuple[object, ...]:
    return state.finish, state.returned, state.withdrawal, state.stop


def _progress(state: Dossier, tail: str, end: End | None) -> Contribution:
    due = state.dues[max(state.dues)] if state.dues else 0
    if end is not None:
        return _closed(state, tail, end, due)
    return (f"dossiers|open|{tail}{due}".encode(), (0, 1) if _waiting(state) else (0,), ())


def end_of(state: Dossier) -> End | None:
    """The closing fact that stands: finish, else return, else the later of withdrawal and stop; None while open."""
    reopened = state.reopened
    finish = finish_of(state)
    if finish is not None and finish[0] >= reopened:
        return finish[0], "finished", finish[3]
    returned = state.returned
    if returned is not None and returned[0] >= reopened:
        return returned[0], "finished", returned[4]
    others = [
        (fact[0], outcome, fact[2])
        for fact, outcome in ((state.withdrawal, "withdrawn"), (state.stop, "stopped"))
        if fact is not None and fact[0] >= reopened
    ]
    return max(others, key=lambda end: (end[0], end[1])) if others else None


def finish_of(state: Dossier) -> tuple[int, bytes, bool, Reported] | None:
    """The finish with the greatest (occurred_at, event id) of all sources."""
    facts = iter(state.finish.values())
    best = next(facts, None)
    for fact in facts:
        best = newer_reported(best, fact)
    return best


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
    return (f"dossiers|flagged|{agency}|-|{day(at)}".encode(), (FLAGGED["flagged"], FLAGGED["no_reception"]), ())


def _received(reception: tuple[int, bytes, int, str, str, int, int, int, Reported]) -> Contribution:
    _, _, received_at, agency, procedure, channel, level, bits, _ = reception
    ones = [0, BY_CHANNEL[channel]]
    if level >= 3:
        ones.append(RECEIVED["received_partial"] if level == 3 else RECEIVED["received_full"])
    if bits:
        ones += [place for bit, place in RECEIVED_BITS if bits & bit]
    return (f"dossiers|received|{agency}|{procedure}|{day(received_at)}".encode(), tuple(ones), ())


RECEIVED_BITS = (
    (WITH_FEE, RECEIVED["with_fee"]), (AUTHENTICATED, RECEIVED["authenticated"]),
    (REUSED_DATA, RECEIVED["reused_data"]), (BACKFILLED, RECEIVED["backfilled"]),
)  # fmt: skip


def _waiting(state: Dossier) -> bool:
    return (state.supplement is not None and state.supplement[2]) or (state.fee is not None and state.fee[2])


def _closed(state: Dossier, tail: str, end: End, due: int) -> Contribution:
    assert state.reception is not None
    at, outcome, reported = end
    ones = [CLOSED["closed"], CLOSED[outcome]]
    if outcome == "finished":
        ones += _finished(state)
    ones += _timing(state, at, due)
    received_at = state.reception[2]
    ones.append(DAYS_0 + bisect_left(DAYS_BOUNDS, max(0, day_number(at) - day_number(received_at))))
    sums: tuple[tuple[int, int], ...] = ((SECONDS, max(0, at - received_at) // 1000),)
    if reported is not None:
        sums += ((LAG_SECONDS, _reported(ones, at, due, reported)),)
    return (f"dossiers|closed|{tail}{day(at)}".encode(), tuple(ones), sums)


def _reported(ones: list[int], at: int, due: int, reported: int) -> int:
    """Adds what the report's lateness counts for; returns the lag in seconds."""
    lag = max(0, reported - at) // 1000
    ones += (CLOSED["reports"], LAG_0 + bisect_left(LAG_BOUNDS, lag))
    if day(reported) > day(at):
        ones.append(CLOSED["reported_late"])
    if at <= due < reported:
        ones.append(CLOSED["looked_overdue"])
    return lag


def _finished(state: Dossier) -> list[int]:
    assert state.reception is not None
    finish, returned, reopened = finish_of(state), state.returned, state.reopened
    ones = [CLOSED["results"]]
    if state.reception[5] == ONLINE:
        ones.append(CLOSED["finished_online"])
    if (finish and finish[2] and finish[0] >= reopened) or (returned and returned[2] and returned[0] >= reopened):
        ones.append(CLOSED["results_digitised"])
    if state.transfers:
        ones.append(CLOSED["moved"])
        if all(state.transfers.values()):
            ones.append(CLOSED["moved_electronically"])
    return ones


def _timing(state: Dossier, at: int, due: int) -> list[int]:
    if not due:
        return [CLOSED["no_due"]]
    ended, promised = day(at), day(due)
    ones = [CLOSED["late"] if at > due else CLOSED["on_time"]]
    if ended < promised:
        ones.append(CLOSED["early"])
    elif ended > promised:
        ones.append(CLOSED["late_766"])
    returned = state.returned
    if returned is not None and returned[0] >= state.reopened and returned[0] > due:
        ones.append(CLOSED["late_06a"])
    return ones


def _paid(state: Dossier, tail: str) -> list[Contribution]:
    found: list[Contribution] = []
    for at, rank, amount, online in state.payments.values():
        if rank == PAID:
            sums = ((PAID_PLACES["amount"], amount), (PAID_PLACES["amount_online"], amount if online else 0))
            found.append((f"dossiers|paid|{tail}{day(at)}".encode(), (0, 1) if online else (0,), sums))
    return found


def _rated(state: Dossier, tail: str) -> list[Contribution]:
    found: list[Contribution] = []
    for at, satisfied, about, _ in state.ratings.values():
        suffix = RATING_SUFFIX.get(about, "")
        ones = [RATED[f"ratings{suffix}"]]
        if satisfied:
            ones.append(RATED[f"satisfied{suffix}"])
        found.append((f"dossiers|rated|{tail}{day(at)}".encode(), tuple(ones), ()))
    return found


RATING_SUFFIX = {"agency": "_agency", "health": "_health_education", "education": "_health_education"}


def _flags(state: Dossier, end: End | None) -> list[int]:
    """The data-quality rules that the dossier breaks."""
    reception = state.reception
    assert reception is not None
    received_at, reported = reception[2], reception[8]
    flags = []
    if reception[6] == 2 and reception[5] == ONLINE:
        flags.append(FLAGGED["offline_procedure_online"])
    if reported is not None and received_at > reported + FUTURE_MS:
        flags.append(FLAGGED["received_in_future"])
    if len(state.dues) > 1 and _moved_after_passed(state.dues):
        flags.append(FLAGGED["due_moved_after_passed"])
    if len(state.finish) > 1 and len({fact[0] for fact in state.finish.values() if fact[0] >= state.reopened}) > 1:
        flags.append(FLAGGED["sources_disagree"])
    if end is not None:
        flags += _end_flags(state, end, received_at)
    return flags


def _end_flags(state: Dossier, end: End, received_at: int) -> list[int]:
    at, outcome, reported = end
    flags = []
    if outcome == "finished" and not any(fact[0] >= state.reopened for fact in state.finish.values()):
        flags.append(FLAGGED["finished_without_end"])
    if reported is not None and at > reported + FUTURE_MS:
        flags.append(FLAGGED["ended_in_future"])
    if received_at > at:
        flags.append(FLAGGED["received_after_end"])
    if state.step_at > at:
        flags.append(FLAGGED["step_after_end"])
    return flags


def _moved_after_passed(dues: dict[int, int]) -> bool:
    """Whether any due time was replaced by another one after it had passed; to state it again is not to move it."""
    moments = sorted(dues)
    return any(later > dues[earlier] != dues[later] for earlier, later in pairwise(moments))
