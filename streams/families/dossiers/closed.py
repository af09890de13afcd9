"""The cell in which a dossier counts once it has ended: its end, its timing, its pauses and how
late it was reported.

Each of these is asked of the whole state, so the order in which facts came plays no part. Words:
docs/figures.md.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from schemas.cells.kinds import DAYS_BOUNDS, LAG_BOUNDS, WORKING_LAG_BOUNDS
from schemas.clock import day, day_number
from schemas.codes import CHANNELS
from schemas.states import Dossier, HeardAt
from schemas.worktime import WorkTime
from streams.families.base import Contribution, measure_indexes, newer_reported
from streams.families.bounds import too_many

PAPERS_DIGITISED = 16  # among the bits of a reception
ASKED, CAME = 1, 2  # what is known of papers at an instant

_CLOSED = measure_indexes("dossiers", "closed")
ONLINE = CHANNELS.index("online")
_SECONDS, _WORKING_SECONDS = _CLOSED["processing_seconds"], _CLOSED["processing_working_seconds"]
_PAUSED = _CLOSED["paused_working_seconds"]
_FIRST_CLASS_OF_DAYS = _CLOSED[f"days_le_{DAYS_BOUNDS[0]}"]

# The end of a dossier: time, outcome (finished, withdrawn, stopped), when the hub first heard of it
DossierEnd = tuple[int, str, HeardAt]
DossierReturn = tuple[int, bytes, bool, str, HeardAt]
MeasureAmounts = tuple[tuple[int, int], ...]  # (index of a measure, amount)


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
    if finish is not None and finish[0] >= reopened:
        return finish[0], "finished", finish[3]
    returned = state.returned
    if returned is not None and returned[0] >= reopened:
        return returned[0], "finished", returned[4]
    if state.withdrawal is None and state.stop is None:
        return None
    others = [
        (fact[0], outcome, fact[2])
        for fact, outcome in ((state.withdrawal, "withdrawn"), (state.stop, "stopped"))
        if fact is not None and fact[0] >= reopened
    ]
    return max(others, key=lambda end: (end[0], end[1])) if others else None


def finish_of(state: Dossier) -> tuple[int, bytes, bool, HeardAt] | None:
    """The finish with the greatest (occurred_at, event id) of all sources."""
    best = None
    for fact in state.finish.values():
        best = fact if best is None else newer_reported(best, fact)
    return best


def lag(
    ones: list[int], at: int, reported: int, where: LagIndexes, work: WorkTime
) -> MeasureAmounts:
    """Adds a report and its classes of lag, by the clock and in working time; returns both lags as
    what they add to the sums.
    """
    seconds, working = max(0, reported - at) // 1000, work.seconds(at, reported)
    ones += (
        where.reports,
        where.first_class + bisect_left(LAG_BOUNDS, seconds),
        where.first_working_class + bisect_left(WORKING_LAG_BOUNDS, working),
    )
    return (where.seconds, seconds), (where.working_seconds, working)


def is_waiting(state: Dossier) -> bool:
    """For papers or for a fee."""
    return (state.supplement is not None and state.supplement[2]) or (
        state.fee is not None and state.fee[2]
    )


def closed(state: Dossier, tail: str, end: DossierEnd, due: int, work: WorkTime) -> Contribution:
    """What a dossier that has ended counts for."""
    at, outcome, reported = end
    ones = [_CLOSED["closed"], _CLOSED[outcome]]
    returned = returned_of(state)
    if outcome == "finished":
        ones += _finished(state, returned)
    ones += _timing(at, due, returned) if due else (_CLOSED["no_due"],)
    amounts = _durations(state, end, ones, due, work)
    if reported is not None:
        amounts += lag(ones, at, reported, _END_LAG, work)
        if day(reported) > day(at):
            ones.append(_CLOSED["reported_late"])
        if at <= due < reported and not is_waiting(state):
            ones.append(_CLOSED["looked_overdue"])
    if returned is not None and returned[4] is not None and outcome == "finished":
        amounts += lag(ones, returned[0], returned[4], _RETURN_LAG, work)
    return (f"dossiers|closed|{tail}{day(at)}".encode(), tuple(ones), amounts)


def _durations(
    state: Dossier, end: DossierEnd, ones: list[int], due: int, work: WorkTime
) -> MeasureAmounts:
    """How long it took by the clock, a finished one in working time without the waits for papers,
    and those waits.
    """
    assert state.reception is not None
    received_at, end_at = state.reception[2], end[0]
    ones.append(
        _FIRST_CLASS_OF_DAYS
        + bisect_left(DAYS_BOUNDS, max(0, day_number(end_at) - day_number(received_at)))
    )
    asked, paused = (
        _pauses(state, received_at, end_at, work)
        if state.papers and not too_many("papers", state.papers)
        else (0, 0)
    )
    if asked:
        ones.append(_CLOSED["asked_for_papers"])
        if asked > 1 and due and day(end_at) <= day(due):
            ones.append(_CLOSED["asked_again_in_time"])
    amounts = (_SECONDS, max(0, end_at - received_at) // 1000), (_PAUSED, paused)
    return (
        (*amounts, (_WORKING_SECONDS, work.seconds(received_at, end_at) - paused))
        if end[1] == "finished"
        else amounts
    )


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
            paused += work.seconds(max(since, received_at), at) if since else 0
            since = 0
        elif not since:
            since = at
    return asked, paused + (work.seconds(max(since, received_at), end_at) if since else 0)


def returned_of(state: Dossier) -> DossierReturn | None:
    """The return of the result, unless a reopening undid it."""
    returned = state.returned
    return returned if returned is not None and returned[0] >= state.reopened else None


def _finished(state: Dossier, returned: DossierReturn | None) -> list[int]:
    assert state.reception is not None
    finish = finish_of(state)
    ones = [_CLOSED["results"]]
    if not state.step_at:
        ones.append(_CLOSED["finished_without_step"])
    if state.reception[5] == ONLINE:
        ones.append(_CLOSED["finished_online"])
    if (finish and finish[2] and finish[0] >= state.reopened) or (returned and returned[2]):
        ones.append(_CLOSED["results_digitised"])
        if state.reception[7] & PAPERS_DIGITISED:
            ones.append(_CLOSED["digitised_throughout"])
    if state.transfers and not too_many("transfers", state.transfers):
        ones.append(_CLOSED["moved"])
        if all(state.transfers.values()):
            ones.append(_CLOSED["moved_electronically"])
    return ones


def _timing(at: int, due: int, returned: DossierReturn | None) -> list[int]:
    ended, promised = day(at), day(due)
    ones = [_CLOSED["late"] if at > due else _CLOSED["on_time"]]
    if ended < promised:
        ones.append(_CLOSED["early"])
    elif ended > promised:
        ones.append(_CLOSED["late_766"])
    if returned is not None and returned[0] > due:
        ones.append(_CLOSED["late_06a"])
    return ones
