"""The figures of payments, ratings and single procedures straight from events, each by the words of
its definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from naive import ABSENT, Asked, Case, Figure, World, defines, share
from naive_dossiers import closed, finished, late_by_date, received, waited
from naive_others import procedures
from office_hours import working_seconds

STATES = ("pending", "failed", "paid", "refunded")  # of one instant, the later one stands

# Payments and ratings, of every dossier with a reception, at the handling agency


class Rating(NamedTuple):
    """The newest statement of a rating."""

    at: int
    satisfied: bool
    about: str


def paid(one: Case) -> list[tuple[int, bool]]:
    """When each payment of a dossier was made, and whether online."""
    by_reference: dict[str, list[tuple[int, int, int, bool]]] = {}
    for fact in one.of("paid"):
        said = (
            fact.at,
            STATES.index(fact.fields["state"]),
            fact.fields["amount"],
            fact.fields["online"],
        )
        by_reference.setdefault(fact.fields["reference"], []).append(said)
    return [
        (at, online)
        for at, state, _, online in map(max, by_reference.values())
        if STATES[state] == "paid"
    ]


def payments(world: World, asked: Asked) -> Iterator[tuple[Case, bool]]:
    """Each payment that was made with its dossier, and whether it was made online."""
    for one in world.dossiers:
        yield from (
            (one, online)
            for at, online in paid(one)
            if one.reception is not None and asked.day(at) and asked.at(one.handler)
        )


def ratings(world: World, asked: Asked) -> Iterator[tuple[Case, Rating]]:
    """Each rating with its dossier."""
    for one in world.dossiers:
        by_id: dict[str, list[Rating]] = {}
        for fact in one.of("rated"):
            by_id.setdefault(fact.fields["rating_id"], []).append(
                Rating(fact.at, fact.fields["satisfied"], fact.fields["about"])
            )
        for rating in map(max, by_id.values()):
            if one.reception is not None and asked.day(rating.at) and asked.at(one.handler):
                yield one, rating


@defines("payments_online_share")
def _(world: World, asked: Asked) -> Figure:
    return share(online for _, online in payments(world, asked))


@defines("score_766_3_5b")
def _(world: World, asked: Asked) -> Figure:
    """Of fee procedures as of the window's last day, each once, however many items state it."""
    if asked.agency is not None:
        return ABSENT
    online = {one.procedure for one, online in payments(world, asked) if online}
    return share(
        code in online
        for code in {
            fields["procedure"] for fields in procedures(world, asked) if fields["with_fee"]
        }
    )


@defines("processing_time_cut_actual")
def _(world: World, asked: Asked) -> Figure:
    """Of the dossiers of reviewed procedures: what the law gave them before, less what they
    took.
    """
    registered = procedures(world, replace(asked, agency=None))
    given = {
        fields["procedure"]: fields["days_before"] for fields in registered if fields["days_before"]
    }
    done = [one for one in finished(world, asked) if one.procedure in given]
    taken = sum(working_seconds(one.received_at, one.ended_at) - waited(one) for one in done)
    legal = sum(given[one.procedure] * 8 * 3600 for one in done)
    return Figure(legal - taken, legal)


@defines("satisfaction")
def _(world: World, asked: Asked) -> Figure:
    return share(
        rating.satisfied for _, rating in ratings(world, asked) if rating.about == "procedure"
    )


@defines("satisfaction_land_construction_investment")
def _(world: World, asked: Asked) -> Figure:
    those = world.fields("land", "construction", "investment")
    if not those:
        return ABSENT
    found = [(one, rating) for one, rating in ratings(world, asked) if rating.about == "procedure"]
    return share(rating.satisfied for one, rating in found if one.procedure in those)


@defines("satisfaction_agencies")
def _(world: World, asked: Asked) -> Figure:
    return share(
        rating.satisfied for _, rating in ratings(world, asked) if rating.about == "agency"
    )


@defines("satisfaction_health_education")
def _(world: World, asked: Asked) -> Figure:
    return share(
        rating.satisfied
        for _, rating in ratings(world, asked)
        if rating.about in ("health", "education")
    )


@defines("score_766_5_4")
def _(world: World, asked: Asked) -> Figure:
    """All less those late by date, and less a dossier for each rating that was not satisfied."""
    ended = closed(world, asked)
    unsatisfied = sum(
        rating.about == "procedure" and not rating.satisfied for _, rating in ratings(world, asked)
    )
    return Figure(len(ended) - sum(late_by_date(one) for one in ended) - unsatisfied, len(ended))


@defines("score_766_3_6")
def _(world: World, asked: Asked) -> Figure:
    """Of dossiers with a fee, those with a payment online on whatever day."""
    return share(
        any(online for _, online in paid(one))
        for one in received(world, asked)
        if one.said("with_fee")
    )
