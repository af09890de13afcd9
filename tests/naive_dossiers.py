"""The figures of dossiers straight from events, each by the words of its definition
(metrics/catalogue/indicators.yaml, docs/figures.md).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from naive import Asked, Case, Figure, World, date_of, defines, lag, share, working_lag
from office_hours import working_seconds
from oracle_flow import waiting_days
from oracle_undone import undone_ends

Heard = Callable[[World, Asked], list[tuple[int, int]]]

MINUTES_5 = 300_000


def received(world: World, asked: Asked) -> list[Case]:
    """Accepted on a day of the window, at the receiving agency."""
    return [
        one
        for one in world.dossiers
        if one.accepted and asked.day(one.received_at) and asked.at(one.said("agency"))
    ]


def closed(world: World, asked: Asked) -> list[Case]:
    """Ended on a day of the window, at the handling agency."""
    return [
        one
        for one in world.dossiers
        if one.closed and asked.day(one.ended_at) and asked.at(one.handler)
    ]


def finished(world: World, asked: Asked) -> list[Case]:
    """Of these, those that came to a result."""
    return [one for one in closed(world, asked) if one.finished]


def opened(world: World, asked: Asked) -> list[Case]:
    """Open now, at the handling agency, whatever the window."""
    return [
        one for one in world.dossiers if one.accepted and not one.closed and asked.at(one.handler)
    ]


def known(world: World, asked: Asked) -> list[Case]:
    """With a reception on a day of the window, refused ones too, at the handling agency: where
    rules can be broken.
    """
    return [
        one
        for one in world.dossiers
        if one.reception is not None and asked.day(one.received_at) and asked.at(one.handler)
    ]


def unknown(world: World, asked: Asked) -> list[Case]:
    """Spoken of, last on a day of the window by the agency, and neither received nor refused."""
    silent = [one for one in world.dossiers if one.reception is None and not one.refused]
    found = [one for one in silent if one.spoken]
    return [one for one in found if asked.day(one.newest[0]) and asked.at(one.newest[1])]


@defines("dossiers_received")
def _(world: World, asked: Asked) -> Figure:
    return Figure(len(received(world, asked)))


@defines("dossiers_finished")
def _(world: World, asked: Asked) -> Figure:
    return Figure(len(finished(world, asked)))


# How dossiers end


@defines("dossiers_online_share")
def _(world: World, asked: Asked) -> Figure:
    return share(one.said("channel") == "online" for one in finished(world, asked))


@defines("transfers_electronic_share")
def _(world: World, asked: Asked) -> Figure:
    moves = [one.of("transferred") for one in finished(world, asked)]
    return share(all(move.fields["electronic"] for move in ones) for ones in moves if ones)


@defines("results_digitised_share", "score_766_4_1")
def _(world: World, asked: Asked) -> Figure:
    return share(
        any(fact.fields["digitised"] for fact in one.results) for one in finished(world, asked)
    )


@defines("score_766_4_2")
def _(world: World, asked: Asked) -> Figure:
    done = finished(world, asked)
    return share(
        one.said("papers_digitised") and any(fact.fields["digitised"] for fact in one.results)
        for one in done
    )


@defines("processing_time")
def _(world: World, asked: Asked) -> Figure:
    done = finished(world, asked)
    return Figure(
        sum(working_seconds(one.received_at, one.ended_at) - waited(one) for one in done), len(done)
    )


def requests(one: Case) -> set[int]:
    """When papers were asked for before a closed one's end."""
    return {fact.at for fact in one.of("supplement_requested") if fact.at <= one.ended_at}


def waited(one: Case) -> int:
    """Office hours between its reception and its end in which papers were awaited: asked for, and
    not come in since.
    """
    came = [fact.at for fact in one.of("supplement_completed")]
    waits = [
        (at, min([other for other in came if other >= at] + [one.ended_at])) for at in requests(one)
    ]
    # of requests that one answer ends, the first
    ends = {end: min(at for at, other in waits if other == end) for _, end in waits}
    return sum(working_seconds(max(at, one.received_at), end) for end, at in ends.items())


@defines("dossiers_asked_for_papers_share")
def _(world: World, asked: Asked) -> Figure:
    return share(bool(requests(one)) for one in closed(world, asked))


@defines("supplement_wait")
def _(world: World, asked: Asked) -> Figure:
    those = [one for one in closed(world, asked) if requests(one)]
    return Figure(sum(map(waited, those)), len(those))


@defines("dossiers_on_time_share")
def _(world: World, asked: Asked) -> Figure:
    return share(bool(one.due) and one.ended_at <= one.due for one in closed(world, asked))


@defines("late_06a")
def _(world: World, asked: Asked) -> Figure:
    """By the day on which it left: that of its end, or of its reception if that is later."""
    handled = [one for one in left(world, asked) if one.outcome != "stopped"]
    due = [one for one in handled if one.due and one.outcome != "withdrawn"]
    late = sum(date_of(one.left_at) > date_of(one.due) for one in due)
    return Figure(late, len(handled))


def left(world: World, asked: Asked) -> list[Case]:
    """Open no more from a day of the window on, at the handling agency."""
    return [
        one
        for one in world.dossiers
        if one.closed and asked.day(one.left_at) and asked.at(one.handler)
    ]


@defines("late_06a_opencps")
def _(world: World, asked: Asked) -> Figure:
    """To the instant, and of those that came to a result."""
    return share(0 < one.due < one.ended_at for one in finished(world, asked))


@defines("late_06a_v1")
def _(world: World, asked: Asked) -> Figure:
    return share(
        one.returned is not None and one.returned.at > one.due
        for one in closed(world, asked)
        if one.due
    )


def late_by_date(one: Case) -> bool:
    """Processing ended on a day after the due day."""
    return bool(one.due) and bool(date_of(one.ended_at) > date_of(one.due))


@defines("late_766")
def _(world: World, asked: Asked) -> Figure:
    return share(late_by_date(one) for one in closed(world, asked) if one.due)


@defines("finished_without_step")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(not one.steps for one in finished(world, asked)))


@defines("dossiers_reopened")
def _(world: World, asked: Asked) -> Figure:
    reopened = [one for one in world.dossiers if one.accepted and one.reopened]
    return Figure(sum(asked.day(one.reopened) and asked.at(one.handler) for one in reopened))


@defines("dossiers_end_undone")
def _(world: World, asked: Asked) -> Figure:
    mine = [one for one in world.dossiers if one.accepted and asked.at(one.handler)]
    ends = [{date_of(at) for at in undone_ends(one.told) if asked.day(at)} for one in mine]
    return Figure(sum(map(len, ends)))


# How they come in


@defines("information_not_asked_again_share", "score_766_4_3")
def _(world: World, asked: Asked) -> Figure:
    return share(one.said("reused_data") for one in received(world, asked))


@defines("score_766_4_4")
def _(world: World, asked: Asked) -> Figure:
    return share(one.said("from_personal_store") for one in received(world, asked))


@defines("score_766_4_5b")
def _(world: World, asked: Asked) -> Figure:
    used = ("authenticated", "from_personal_store", "population_data")
    return share(any(one.said(name) for name in used) for one in received(world, asked))


# What is open


def past_due(world: World, asked: Asked) -> list[Case]:
    """Open, and the due time has passed."""
    return [one for one in opened(world, asked) if 0 < one.due < asked.now]


@defines("dossiers_open")
def _(world: World, asked: Asked) -> Figure:
    return Figure(len(opened(world, asked)))


@defines("dossiers_waiting")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(one.waiting for one in opened(world, asked)))


@defines("dossiers_in_time")
def _(world: World, asked: Asked) -> Figure:
    late = [one for one in past_due(world, asked) if not one.waiting]
    return Figure(len(opened(world, asked)) - len(late))


@defines("dossiers_in_time_opencps")
def _(world: World, asked: Asked) -> Figure:
    active = [one for one in opened(world, asked) if not one.waiting]
    return Figure(sum(not 0 < one.due < asked.now for one in active))


@defines("dossiers_overdue")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(not one.waiting for one in past_due(world, asked)))


@defines("dossiers_due_soon")
def _(world: World, asked: Asked) -> Figure:
    return Figure(
        sum(asked.now <= one.due <= asked.soon and not one.waiting for one in opened(world, asked))
    )


@defines("dossiers_carried_over")
def _(world: World, asked: Asked) -> Figure:
    mine = [one for one in world.dossiers if one.accepted and asked.at(one.handler)]
    came = sum(asked.before(one.received_at) for one in mine)
    return Figure(came - sum(one.closed and asked.before(one.left_at) for one in mine))


def open_at_end_of(one: Case, day: date) -> bool:
    """Received by then, and not ended."""
    if date_of(one.received_at) > day:
        return False
    return not one.closed or date_of(one.left_at) > day


def waits_at_end_of(one: Case, day: date) -> bool:
    """For papers or a fee; of one that is open then. What waits to this day waits on each of the
    days that follow.
    """
    received = date_of(one.received_at)
    days = waiting_days(one, received, date_of(one.left_at) if one.closed else None)
    return day in days or (date.max in days and day > max(set(days) - {date.max}))


@defines("score_766_2_1")
def _(world: World, asked: Asked) -> Figure:
    day = min(asked.last or asked.today, asked.today)
    ended = [one for one in closed(world, asked) if one.due]
    mine = [one for one in world.dossiers if one.accepted and one.due and asked.at(one.handler)]
    open_ = [one for one in mine if open_at_end_of(one, day)]
    in_time = [one for one in open_ if date_of(one.due) >= day or waits_at_end_of(one, day)]
    good = [one for one in ended if not late_by_date(one) and len(requests(one)) < 2]
    return Figure(len(good) + len(in_time), len(ended) + len(open_))


# When the hub hears of it


def ends_heard(world: World, asked: Asked) -> list[tuple[int, int]]:
    """When they ended, and when that was heard."""
    return [
        (one.ended_at, one.end_heard_at)
        for one in closed(world, asked)
        if one.end_heard_at is not None
    ]


def receptions_heard(world: World, asked: Asked) -> list[tuple[int, int]]:
    """When the reception was stated, and when that was heard."""
    heard = [(one.reception, one.reception_heard_at) for one in received(world, asked)]
    return [(fact.at, at) for fact, at in heard if fact is not None and at is not None]


def returns_heard(world: World, asked: Asked) -> list[tuple[int, int]]:
    """Of finished ones, by the day of their end: when the result was returned, and when that was
    heard.
    """
    returns = [(one, one.returned) for one in finished(world, asked)]
    heard = [(fact.at, first(one, fact.at)) for one, fact in returns if fact is not None]
    return [(at, when) for at, when in heard if when is not None]


for _id, _heard in {
    "sync_lag": ends_heard,
    "reception_sync_lag": receptions_heard,
    "return_sync_lag": returns_heard,
}.items():

    @defines(_id)
    def _(world: World, asked: Asked, heard: Heard = _heard) -> Figure:
        return lag(heard(world, asked))

    @defines(f"{_id}_working")
    def _(world: World, asked: Asked, heard: Heard = _heard) -> Figure:
        return working_lag(heard(world, asked))


def first(one: Case, at: int) -> int | None:
    """When the hub first heard of the return of an instant."""
    told = [
        fact.heard
        for fact in one.of("result_returned")
        if fact.at == at and not fact.fields["backfill"]
    ]
    return min(told, default=None)


@defines("overdue_by_late_reporting")
def _(world: World, asked: Asked) -> Figure:
    """Ended in time, and heard of after the due time, when it did not wait."""
    ended = [
        one for one in closed(world, asked) if one.end_heard_at is not None and not one.waiting
    ]
    return Figure(sum(one.ended_at <= one.due < (one.end_heard_at or 0) for one in ended))
