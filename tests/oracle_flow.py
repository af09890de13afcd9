"""How many dossiers were open, waiting and overdue at the end of a day, looked up day by day.

From that, what changed on a day; no sums and no spans.
"""

from __future__ import annotations

from datetime import date, timedelta

from oracle_facts import Dossier, Tally, date_of

DAY = timedelta(days=1)
End = tuple[int, str, int | None]


def count_flow(dossier: Dossier, end: End | None, where: tuple[str, str], tally: Tally) -> None:
    """Count what changes with one dossier."""
    assert dossier.reception is not None
    received = date_of(dossier.received_at)
    left = None if end is None else max(received, date_of(end[0]))
    online = dossier.reception.fields["channel"] == "online"
    _add(tally, where, received, "taken_online" if online else "taken_other")
    if left is not None and end is not None:
        _add(tally, where, left, "left", _left_as(end[1], left, dossier.due))
    if not dossier.due:
        _add(tally, where, received, "taken_undated")
        if left is not None:
            _add(tally, where, left, "left_undated")
    late = max(date_of(dossier.due) + DAY, received) if dossier.due else None
    if late is not None and (left is None or left > late):
        _add(tally, where, late, "fell_due")
        if left is not None:
            _add(tally, where, left, "settled")
    days = waiting_days(dossier, received, left)
    _changes(tally, where, days, ("asked", "back"))
    if late is not None:
        _changes(tally, where, [day for day in days if day >= late], ("wait_from", "wait_to"))


def _left_as(outcome: str, left: date, due: int) -> str:
    if outcome == "stopped":
        return "left_stopped"
    if outcome == "withdrawn" or not due or left == date_of(due):
        return "left_on_time"
    return "left_early" if left < date_of(due) else "left_late"


def waiting_days(dossier: Dossier, received: date, left: date | None) -> list[date]:
    """The days of its life at whose end it waited; of one that still waits up to a day on which
    nothing is known to change.
    """
    asks: list[tuple[date, date | None]] = []
    for group, (asked, came) in (("papers", dossier.papers()), ("fees", dossier.fees())):
        if group in dossier.too_many:
            continue
        for at in asked - came:
            ends = min((other for other in came if other > at), default=None)
            asks.append((date_of(at), None if ends is None else date_of(ends)))
    told = [received, *(day for ask in asks for day in ask if day is not None)]
    if dossier.due:
        told.append(date_of(dossier.due))
    stop = left or max(told) + 3 * DAY
    day, found = received, []
    while day < stop:
        if any(since <= day and (until is None or day < until) for since, until in asks):
            found.append(day)
        day += DAY
    return found if left is not None else [*found, *_for_ever(found, stop)]


def _for_ever(found: list[date], stop: date) -> list[date]:
    """A last day that no other follows, where it waits to this day."""
    return [date.max] if found and found[-1] == stop - DAY else []


def _changes(
    tally: Tally, where: tuple[str, str], days: list[date], names: tuple[str, str]
) -> None:
    begins, ends = names
    known = set(days) - {date.max}
    for day in known:
        if day - DAY not in known:
            _add(tally, where, day, begins)
        goes_on = day + DAY in known or (date.max in days and day == max(known))
        if not goes_on:
            _add(tally, where, day + DAY, ends)


def _add(tally: Tally, where: tuple[str, str], day: date, *measures: str) -> None:
    tally.add("flow", *where, int(day.strftime("%Y%m%d")), *measures)
