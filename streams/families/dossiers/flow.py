"""What changes on days at the handling agency: sums up to a day say how many dossiers were open,
waiting and overdue at its end, by date. The words: docs/figures.md.

A dossier that ended before its reception left on the day on which it came, and the waits for papers
and for fees are one where they overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.clock import DAY_MS, OFFSET_MS, day, day_number, numbered_day
from schemas.states import Dossier, ReceptionFact
from streams.families.base import Contribution, measure_indexes
from streams.families.bounds import too_many
from streams.families.dossiers.closed import ASKED, CAME, ONLINE, DossierEnd, fee_instants

_FLOW = measure_indexes("dossiers", "flow")
_LEFT, _STOPPED = _FLOW["left"], _FLOW["left_stopped"]
_EARLY, _ON_TIME, _LATE = _FLOW["left_early"], _FLOW["left_on_time"], _FLOW["left_late"]
_FELL_DUE, _SETTLED = (_FLOW["fell_due"],), _FLOW["settled"]
_ASKED, _BACK = _FLOW["asked"], _FLOW["back"]
_WAIT_FROM, _WAIT_TO = _FLOW["wait_from"], _FLOW["wait_to"]
_ONLINE, _OTHER = (_FLOW["taken_online"],), (_FLOW["taken_other"],)
_TAKEN_UNDATED, _LEFT_UNDATED = (_FLOW["taken_undated"],), _FLOW["left_undated"]
_NEVER = 1 << 40  # number of a day that does not come

DaySpan = tuple[int, int]  # from a day's number to before another's
MeasuresByDay = dict[int, list[int]]  # indexes of measures, by a day's number


class Life(NamedTuple):
    """Numbers of days: on which it came and left, and on which it became late."""

    came: int
    left: int
    late: int


def taken(reception: ReceptionFact, tail: str) -> Contribution:
    """It was taken in, on the day of its reception."""
    key = f"dossiers|flow|{tail}{day(reception.received_at)}"
    return key.encode(), _ONLINE if reception.channel == ONLINE else _OTHER, ()


def flow(
    state: Dossier, reception: ReceptionFact, tail: str, end: DossierEnd | None, due: int
) -> list[Contribution]:
    """What else changed with it, on whichever days. `due`: 0 if there is none."""
    came = (reception.received_at + OFFSET_MS) // DAY_MS
    late = max((due + OFFSET_MS) // DAY_MS + 1, came) if due else _NEVER
    waits = state.papers or state.fees
    if end is None:
        if not waits:  # nearly always
            return [(_key(tail, late), _FELL_DUE, ()) if due else _came_undated(tail, came)]
        begun = {} if due else {came: [*_TAKEN_UNDATED]}
        return _changes(state, tail, Life(came, _NEVER, late), begun)
    left = max(came, (end.at + OFFSET_MS) // DAY_MS)
    leaves = (_LEFT, _left_as(end.outcome, left, due))
    if left <= late and not waits:  # nearly always
        if due:
            return [(_key(tail, left), leaves, ())]
        return [(_key(tail, left), (*leaves, _LEFT_UNDATED), ()), _came_undated(tail, came)]
    found = {left: [*leaves]}
    if not due:
        _add(found, left, _LEFT_UNDATED)
        _add(found, came, *_TAKEN_UNDATED)
    return _changes(state, tail, Life(came, left, late), found)


def _came_undated(tail: str, came: int) -> Contribution:
    return _key(tail, came), _TAKEN_UNDATED, ()


def _key(tail: str, number: int) -> bytes:
    return f"dossiers|flow|{tail}{numbered_day(number)}".encode()


def _changes(state: Dossier, tail: str, life: Life, found: MeasuresByDay) -> list[Contribution]:
    """All that changed, with what is found already."""
    if life.left > life.late:
        _add(found, life.late, *_FELL_DUE)
        _add(found, life.left, _SETTLED)
    for since, until in _waits(state, life):
        _add(found, since, _ASKED)
        _add(found, until, _BACK)
        if until > life.late:
            _add(found, max(since, life.late), _WAIT_FROM)
            _add(found, until, _WAIT_TO)
    return [(_key(tail, number), tuple(ones), ()) for number, ones in found.items()]


def _left_as(outcome: str, left: int, due: int) -> int:
    """06a's columns 8 to 10, by date; what was withdrawn, or had no due time, is on time there."""
    if outcome == "stopped":
        return _STOPPED
    if outcome == "withdrawn" or not due:
        return _ON_TIME
    promised = (due + OFFSET_MS) // DAY_MS
    if left == promised:
        return _ON_TIME
    return _EARLY if left < promised else _LATE


def _add(found: MeasuresByDay, number: int, measure: int) -> None:
    if number != _NEVER:
        found.setdefault(number, []).append(measure)


def _waits(state: Dossier, life: Life) -> Iterator[DaySpan]:
    """The days at whose end it waited, in spans that neither overlap nor touch."""
    spans: list[DaySpan] = []
    if state.papers and not too_many("papers", state.papers):
        spans += _spans(state.papers, life)
    if state.fees:
        spans += _spans(fee_instants(state), life)
    spans.sort()
    open_since, open_until = 0, 0
    for since, until in spans:
        if since > open_until:
            if open_since < open_until:
                yield open_since, open_until
            open_since = since
        open_until = max(open_until, until)
    if open_since < open_until:
        yield open_since, open_until


def _spans(instants: dict[int, int], life: Life) -> Iterator[DaySpan]:
    """From requests until what was asked for came, within its life; what came at the instant of a
    request is no wait.
    """
    first, last = life.came, life.left
    since: int | None = None
    for at in sorted(instants):
        said = instants[at]
        if said & CAME:
            if since is not None:
                yield from _within(max(since, first), min(day_number(at), last))
            since = None
        elif since is None and said & ASKED:
            since = day_number(at)
    if since is not None:
        yield from _within(max(since, first), last)


def _within(since: int, until: int) -> Iterator[DaySpan]:
    if since < until:
        yield since, until
