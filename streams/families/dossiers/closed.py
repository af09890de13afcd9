"""The cell in which a dossier counts once it has ended: its end, its timing, its pauses and how
late it was reported.

Each of these is asked of the whole state, so the order in which facts came plays no part. Words:
docs/figures.md.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

import msgspec

from schemas.cells.kinds import DAYS_BOUNDS, LAG_BOUNDS, WORKING_LAG_BOUNDS
from schemas.clock import day, day_number
from schemas.codes import CHANNELS, PAYMENT_RANK
from schemas.states import Dossier, FinishFact, HeardAt, PaymentFact, ReturnFact
from schemas.worktime import WorkTime
from streams.families.base import Contribution, measure_indexes, newer_reported
from streams.families.bounds import too_many
from streams.families.dossiers.reception import PAPERS_DIGITISED

ASKED, CAME = 1, 2  # what is known of papers or fees at an instant
# how a dossier ends, by the number that corrections keep; 0: it has not ended
OUTCOMES = ("", "finished", "withdrawn", "stopped")

_CLOSED = measure_indexes("dossiers", "closed")
ONLINE = CHANNELS.index("online")
_PAID = PAYMENT_RANK["paid"]
_SECONDS, _WORKING_SECONDS = _CLOSED["processing_seconds"], _CLOSED["processing_working_seconds"]
_PAUSED = _CLOSED["paused_working_seconds"]
_FIRST_CLASS_OF_DAYS = _CLOSED[f"days_le_{DAYS_BOUNDS[0]}"]

MeasureAmounts = tuple[tuple[int, int], ...]  # (index of a measure, amount)


class DossierEnd(msgspec.Struct, frozen=True, gc=False):
    """The end of a dossier. As a struct, which costs no more than a tuple: one is made for every
    event.
    """

    at: int
    outcome: str  # finished, withdrawn, stopped
    heard_at: HeardAt  # when the hub first heard of it


class LagIndexes(NamedTuple):
    """Of a step that is reported: where its reports, the sums of their lags and the first classes
    of lag stand.
    """

    reports: int
    seconds: int
    first_class: int
    working_seconds: int
    first_working_class: int

    @classmethod
    def of(cls, step: str, where: dict[str, int]) -> LagIndexes:
        """By the step's prefix."""
        names = (
            "reports",
            "lag_seconds",
            f"lag_le_{LAG_BOUNDS[0]}",
            "working_lag_seconds",
            f"working_lag_le_{WORKING_LAG_BOUNDS[0]}",
        )
        return cls(*(where[step + name] for name in names))


_END_LAG = LagIndexes.of("", _CLOSED)
_RETURN_LAG = LagIndexes.of("return_", _CLOSED)


def end_of(state: Dossier) -> DossierEnd | None:
    """The closing fact that stands: finish, else return, else the later of withdrawal and stop;
    None while open.
    """
    reopened = state.reopened
    finish = finish_of(state)
    if finish is not None and finish.occurred_at >= reopened:
        return DossierEnd(finish.occurred_at, "finished", finish.heard_at)
    returned = state.returned
    if returned is not None and returned.occurred_at >= reopened:
        return DossierEnd(returned.occurred_at, "finished", returned.heard_at)
    withdrawn, stopped = state.withdrawal, state.stop
    if withdrawn is None and stopped is None:  # nearly always
        return None
    if withdrawn is not None and withdrawn.occurred_at < reopened:
        withdrawn = None
    if stopped is not None and stopped.occurred_at < reopened:
        stopped = None
    if withdrawn is not None and (stopped is None or withdrawn.occurred_at >= stopped.occurred_at):
        return DossierEnd(withdrawn.occurred_at, "withdrawn", withdrawn.heard_at)
    if stopped is not None:
        return DossierEnd(stopped.occurred_at, "stopped", stopped.heard_at)
    return None


def finish_of(state: Dossier) -> FinishFact | None:
    """The finish with the greatest (occurred_at, event id) of all sources."""
    best = None
    for fact in state.finish.values():
        best = fact if best is None else newer_reported(best, fact)
    return best


def lag(
    ones: list[int], at: int, heard_at: int, where: LagIndexes, work: WorkTime
) -> MeasureAmounts:
    """Adds a report and its classes of lag, by the clock and in working time; returns both lags as
    what they add to the sums.
    """
    seconds = max(0, heard_at - at) // 1000
    working = work.seconds(at, heard_at)
    ones += (
        where.reports,
        where.first_class + bisect_left(LAG_BOUNDS, seconds),
        where.first_working_class + bisect_left(WORKING_LAG_BOUNDS, working),
    )
    return (where.seconds, seconds), (where.working_seconds, working)


def is_waiting(state: Dossier) -> bool:
    """For papers or for a fee."""
    if state.papers and not too_many("papers", state.papers) and asked_last(state.papers):
        return True
    return bool(state.fees) and asked_last(fee_instants(state))


def asked_last(instants: dict[int, int]) -> bool:
    """Whether nothing came since it was last asked for; at one instant what came is later."""
    return bool(instants) and instants[max(instants)] == ASKED


def fee_instants(state: Dossier) -> dict[int, int]:
    """When fees were asked for and paid, as what is known of papers; of too many none."""
    if too_many("fees", state.fees) or too_many("payments", state.payments):
        return {}
    instants = dict(state.fees)
    for payment in state.payments.values():
        if at := paid_at(payment):
            instants[at] = instants.get(at, 0) | CAME
    return instants


def paid_at(payment: PaymentFact) -> int:
    """When it was last said to be paid; 0: never."""
    return payment.occurred_at if payment.rank == _PAID else payment.paid_before


def closed(state: Dossier, tail: str, end: DossierEnd, due: int, work: WorkTime) -> Contribution:
    """What a dossier that has ended counts for."""
    at, heard_at = end.at, end.heard_at
    ones = [_CLOSED["closed"], _CLOSED[end.outcome]]
    returned = returned_of(state)
    if end.outcome == "finished":
        ones += _finished(state, returned)
    if due:
        ones += _timing(end, due, returned)
    else:
        ones.append(_CLOSED["no_due"])
    amounts = _durations(state, end, ones, due, work)
    if heard_at is not None:
        amounts += lag(ones, at, heard_at, _END_LAG, work)
        if day(heard_at) > day(at):
            ones.append(_CLOSED["reported_late"])
        if at <= due < heard_at and not is_waiting(state):
            ones.append(_CLOSED["looked_overdue"])
    if returned is not None and returned.heard_at is not None and end.outcome == "finished":
        amounts += lag(ones, returned.occurred_at, returned.heard_at, _RETURN_LAG, work)
    return (f"dossiers|closed|{tail}{day(at)}".encode(), tuple(ones), amounts)


def _durations(
    state: Dossier, end: DossierEnd, ones: list[int], due: int, work: WorkTime
) -> MeasureAmounts:
    """How long it took by the clock, a finished one in working time without the waits for papers,
    and those waits.
    """
    assert state.reception is not None
    received_at, end_at = state.reception.received_at, end.at
    days = max(0, day_number(end_at) - day_number(received_at))
    ones.append(_FIRST_CLASS_OF_DAYS + bisect_left(DAYS_BOUNDS, days))
    asked = paused = 0
    if state.papers and not too_many("papers", state.papers):
        asked, paused = _pauses(state, received_at, end_at, work)
    if asked:
        ones.append(_CLOSED["asked_for_papers"])
        if asked > 1 and due and day(end_at) <= day(due):
            ones.append(_CLOSED["asked_again_in_time"])
    took = (_SECONDS, max(0, end_at - received_at) // 1000)
    if end.outcome != "finished":
        return took, (_PAUSED, paused)
    working = work.seconds(received_at, end_at) - paused
    return took, (_PAUSED, paused), (_WORKING_SECONDS, working)


def _pauses(state: Dossier, received_at: int, end_at: int, work: WorkTime) -> tuple[int, int]:
    """How often papers were asked for before the end, and the working seconds of the waits, as far
    as they lie before it.

    A wait lasts from the first request until papers come in; those asked for and brought at one
    instant are no wait.
    """
    asked, paused, since = 0, 0, 0
    for at in sorted(at for at in state.papers if at <= end_at):
        said = state.papers[at]
        asked += said & ASKED
        if said & CAME:
            if since:
                paused += work.seconds(max(since, received_at), at)
            since = 0
        elif not since:
            since = at
    if since:
        paused += work.seconds(max(since, received_at), end_at)
    return asked, paused


def returned_of(state: Dossier) -> ReturnFact | None:
    """The return of the result, unless a reopening undid it."""
    returned = state.returned
    if returned is not None and returned.occurred_at >= state.reopened:
        return returned
    return None


def _finished(state: Dossier, returned: ReturnFact | None) -> list[int]:
    reception = state.reception
    assert reception is not None
    ones = [_CLOSED["results"]]
    if not state.step_at:
        ones.append(_CLOSED["finished_without_step"])
    if reception.channel == ONLINE:
        ones.append(_CLOSED["finished_online"])
    if _is_digitised(state, returned):
        ones.append(_CLOSED["results_digitised"])
        if reception.bits & PAPERS_DIGITISED:
            ones.append(_CLOSED["digitised_throughout"])
    if state.transfers and not too_many("transfers", state.transfers):
        ones.append(_CLOSED["moved"])
        if all(state.transfers.values()):
            ones.append(_CLOSED["moved_electronically"])
    return ones


def _is_digitised(state: Dossier, returned: ReturnFact | None) -> bool:
    """Whether the finish or the return that stands says that the result exists in digital form."""
    if returned is not None and returned.digitised:
        return True
    finish = finish_of(state)
    return finish is not None and finish.digitised and finish.occurred_at >= state.reopened


def _timing(end: DossierEnd, due: int, returned: ReturnFact | None) -> list[int]:
    ended, promised = day(end.at), day(due)
    ones = [_CLOSED["late"] if end.at > due else _CLOSED["on_time"]]
    if end.at > due and end.outcome == "finished":
        ones.append(_CLOSED["finished_late"])
    if ended < promised:
        ones.append(_CLOSED["early"])
    elif ended > promised:
        ones.append(_CLOSED["late_766"])
    if returned is not None and returned.occurred_at > due:
        ones.append(_CLOSED["late_06a"])
    return ones
