"""The ends that reopenings undid: each was in the figures of its day once, and is in none any more.

An undone end is the one that stood just before a reopening that stands, by all that was said of
the end since the reopening before it. A state keeps the newest fact of each kind; so that any of
the earlier ones can be asked for, in whatever order they come, it also keeps when those were
(`earlier`), and the corrections before the newest. Refusals play no part.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from schemas.states import (
    ClosingFact,
    Dossier,
    DossierAmendments,
    EndCorrection,
    FinishFact,
    Register,
    ReopeningCorrection,
    ReturnCorrection,
    ReturnFact,
)
from streams.families.bounds import too_many
from streams.families.dossiers.closed import DossierEnd, end_of
from streams.families.dossiers.settling import settled

# bits of `earlier`: what was said to have happened then
FINISHED, RETURNED, WITHDRAWN, STOPPED, REOPENED = 1, 2, 4, 8, 16
_NO_ID = b""  # events that are equal but for their ids end a dossier at one instant

_Correction = TypeVar("_Correction", EndCorrection, ReturnCorrection)


def remember(earlier: dict[int, int], kind: int, newest: int, at: int) -> None:
    """Of one more fact of a kind, beside the newest known one: keep when the older of both was."""
    if at != newest:
        older = min(at, newest)
        earlier[older] = earlier.get(older, 0) | kind


def undone_ends(told: Dossier) -> list[DossierEnd]:
    """The ends that reopenings undid, in the order of the reopenings; none of too many. `told`: a
    state as it was told, before it is settled.
    """
    if not told.reopened and (told.amended is None or told.amended.reopened is None):
        return []  # nearly always
    amended = told.amended or DossierAmendments()
    if (
        too_many("earlier", told.earlier)
        or too_many("amended_earlier_ends", amended.earlier_ends)
        or too_many("amended_earlier_returns", amended.earlier_returns)
    ):
        return []
    said = _said_of_end(told, amended)
    found, since = [], 0
    for before in _reopenings(told, amended.reopened):
        end = end_of(settled(said.within(since, before)).state)
        if end is not None:
            found.append(end)
        since = before
    return found


def _reopenings(told: Dossier, correction: ReopeningCorrection | None) -> list[int]:
    """Those that stand, in order: the ones said after the correction, and before the last of them
    the one that it puts in the place of all others.
    """
    instants = _instants(told, REOPENED, [told.reopened])
    if correction is None:
        return instants
    later = [at for at in instants if at > correction.occurred_at]
    if correction.at and (not later or correction.at < later[-1]):
        later = sorted({correction.at, *later})
    return later


class _SaidOfEnd(NamedTuple):
    """All that was said of a dossier's end, each in order: when it finished and so on, and the
    corrections.
    """

    finished: list[int]
    returned: list[int]
    withdrawn: list[int]
    stopped: list[int]
    ends: list[EndCorrection]
    returns: list[ReturnCorrection]

    def within(self, since: int, before: int) -> Dossier:
        """A dossier of which nothing was said but that, from an instant to before another."""
        finished = _last(self.finished, since, before)
        returned = _last(self.returned, since, before)
        withdrawn = _last(self.withdrawn, since, before)
        stopped = _last(self.stopped, since, before)
        end = _last_made(self.ends, since, before)
        return_anew = _last_made(self.returns, since, before)
        corrected = end is not None or return_anew is not None
        return Dossier(
            finish={"": FinishFact(finished, _NO_ID, False, None)} if finished else {},
            returned=ReturnFact(returned, _NO_ID, False, "", None) if returned else None,
            withdrawal=ClosingFact(withdrawn, _NO_ID, None) if withdrawn else None,
            stop=ClosingFact(stopped, _NO_ID, None) if stopped else None,
            amended=DossierAmendments(end=end, returned=return_anew) if corrected else None,
        )


def _said_of_end(told: Dossier, amended: DossierAmendments) -> _SaidOfEnd:
    finishes = [fact.occurred_at for fact in told.finish.values()]
    return _SaidOfEnd(
        _instants(told, FINISHED, finishes),
        _instants(told, RETURNED, _at(told.returned)),
        _instants(told, WITHDRAWN, _at(told.withdrawal)),
        _instants(told, STOPPED, _at(told.stop)),
        _in_order(amended.earlier_ends, amended.end),
        _in_order(amended.earlier_returns, amended.returned),
    )


def _at(fact: Register | None) -> list[int]:
    return [] if fact is None else [fact.occurred_at]


def _instants(told: Dossier, kind: int, newest: Iterable[int]) -> list[int]:
    """When there was a fact of a kind."""
    earlier = (at for at, kinds in told.earlier.items() if kinds & kind)
    return sorted({*earlier, *newest})


def _in_order(earlier: Mapping[int, _Correction], newest: _Correction | None) -> list[_Correction]:
    found = sorted(earlier.values(), key=_made_at)
    if newest is not None:
        found.append(newest)
    return found


def _made_at(correction: Register) -> int:
    return correction.occurred_at


def _last(instants: list[int], since: int, before: int) -> int:
    """The last of these; 0: there is none."""
    index = bisect_left(instants, before)
    return instants[index - 1] if index and instants[index - 1] >= since else 0


def _last_made(corrections: list[_Correction], since: int, before: int) -> _Correction | None:
    index = bisect_left(corrections, before, key=_made_at)
    if not index or corrections[index - 1].occurred_at < since:
        return None
    return corrections[index - 1]
