"""What is put right about a simulated dossier but its end: each function tells one correction of
one kind at an instant (epoch ms), if the dossier has what it corrects, and writes down what is true
since. Which fact says what: docs/corrections.md.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ops.simulate.dossiers import SimulatedDossier
from ops.simulate.things import FactGroup, latest
from schemas.clock import DAY_MS
from schemas.events import Event
from schemas.events.dossiers import (
    DossierDueChanged,
    DossierFeeRequested,
    DossierPaid,
    DossierRated,
    DossierRefused,
    DossierResultReturned,
    DossierSupplementCompleted,
    DossierSupplementRequested,
    DossierTransferred,
)


def between(rng: Random, first: int, last: int) -> int:
    """An instant after one and before another, where there is room."""
    return first + 1 + rng.randrange(max(1, last - first - 1))


def first_known(dossier: SimulatedDossier) -> int:
    """When it was received, else refused."""
    return dossier.receptions[0].occurred if dossier.receptions else dossier.refusals[0].occurred


def say_anew(
    dossier: SimulatedDossier,
    group: FactGroup[Any],
    index: int,
    event: type[Event],
    at: int,
    effective: int | None,
    **fields: Any,
) -> int:
    """A fact at another time, or (None) that it never was; returns when it is reported."""
    if effective is None:
        reported = dossier.tell(event, at, dossier.handler, holds=False, **fields)
        group.put_right(index, at, reported, None)
    else:
        reported = dossier.tell(event, at, dossier.handler, effective_at=effective, **fields)
        group.put_right(index, effective, reported, group[index].value)
    return reported


# Returns and refusals


def return_at_another_time(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """The result was handed over at another time, after the end."""
    returned, end = dossier.returns.last, dossier.ends.last
    if returned is None or end is None or end.value.outcome == "reopened":
        return False
    effective = between(rng, end.occurred, at)
    fields = {"digitised": returned.value.digitised, "how": "counter"}
    say_anew(dossier, dossier.returns, -1, DossierResultReturned, at, effective, **fields)
    return True


def no_return(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """The result was not handed over."""
    if dossier.returns.last is None:
        return False
    say_anew(dossier, dossier.returns, -1, DossierResultReturned, at, None)
    return True


def refusal_at_another_time(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It was refused earlier, but not before it had come."""
    return _refusal(dossier, at, lambda refused: refused - rng.randrange(1, 2 * DAY_MS))


def no_refusal(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It was not refused."""
    return _refusal(dossier, at, None)


def _refusal(dossier: SimulatedDossier, at: int, when: Callable[[int], int] | None) -> bool:
    refused = dossier.refusals.last
    if refused is None:
        return False
    effective = None
    if when is not None:
        received = dossier.receptions[0].occurred if dossier.receptions else 0
        effective = max(when(refused.occurred), received + 1)
    agency, procedure = refused.value
    reported = dossier.tell(
        DossierRefused,
        at,
        agency,
        procedure=procedure,
        holds=effective is not None,
        effective_at=effective,
    )
    value = None if effective is None else refused.value
    dossier.refusals.put_right(-1, effective or at, reported, value)
    return True


# Payments and ratings


def payment_otherwise(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Another amount, another way or another state."""
    paid = dossier.payments.last
    if paid is None:
        return False
    was = paid.value
    others = [
        was._replace(amount=was.amount + 1_000),
        was._replace(online=not was.online),
        was._replace(state="failed"),
    ]
    payment = rng.choice(others)
    fields = payment._asdict()
    reported = dossier.tell(DossierPaid, at, dossier.handler, effective_at=paid.occurred, **fields)
    dossier.payments.put_right(-1, paid.occurred, reported, payment)
    return True


def never_paid(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Nothing was paid under this reference."""
    paid = dossier.payments.last
    if paid is None:
        return False
    say_anew(dossier, dossier.payments, -1, DossierPaid, at, None, **paid.value._asdict())
    return True


def rating_otherwise(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """The applicant was not of that mind."""
    rated = dossier.ratings.last
    if rated is None:
        return False
    rating = rated.value._replace(satisfied=not rated.value.satisfied)
    fields = rating._asdict()
    reported = dossier.tell(
        DossierRated, at, dossier.handler, effective_at=rated.occurred, **fields
    )
    dossier.ratings.put_right(-1, rated.occurred, reported, rating)
    return True


def no_rating(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Nobody rated it so."""
    rated = dossier.ratings.last
    if rated is None:
        return False
    say_anew(dossier, dossier.ratings, -1, DossierRated, at, None, **rated.value._asdict())
    return True


# Due times and moves


def due_otherwise(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Another due time was meant all along."""
    due = latest(dossier.dues.known())
    if due is None:
        return False
    meant = due.value + rng.choice((-2, -1, 1, 2, 5)) * DAY_MS
    reported = dossier.tell(
        DossierDueChanged, at, dossier.handler, effective_at=due.occurred, due_at=meant
    )
    for index, fact in enumerate(dossier.dues):
        if fact.occurred == due.occurred:  # a reception that was stated anew says it again
            dossier.dues.put_right(index, due.occurred, reported, meant)
    return True


def no_due(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Nobody was promised a time."""
    due = dossier.dues.last
    if due is None:
        return False
    reported = dossier.tell(DossierDueChanged, at, dossier.handler, holds=False, due_at=due.value)
    for index, fact in enumerate(dossier.dues):
        dossier.dues.put_right(index, fact.occurred, reported, None)
    return True


def move_on_paper(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """The last move was not electronic."""
    moved = dossier.transfers.last
    if moved is None:
        return False
    move = moved.value._replace(electronic=False)
    reported = dossier.tell(
        DossierTransferred,
        at,
        move.origin,
        from_agency=move.origin,
        to_agency=move.to,
        electronic=False,
        effective_at=moved.occurred,
    )
    dossier.transfers.put_right(-1, moved.occurred, reported, move)
    for index, fact in enumerate(dossier.handlers):
        if fact.occurred == moved.occurred:  # it also says who has it, should that not be known
            dossier.handlers.put_right(index, fact.occurred, reported, move.to)
    return True


def no_move(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """It never moved: of a dossier that moved once and was not worked on since."""
    moved = dossier.transfers.last
    if moved is None or len(dossier.transfers) > 1:
        return False
    if dossier.handlers[-1].occurred != moved.occurred:
        return False
    origin, to, electronic = moved.value
    reported = dossier.tell(
        DossierTransferred,
        at,
        origin,
        from_agency=origin,
        to_agency=to,
        electronic=electronic,
        effective_at=moved.occurred,
        holds=False,
    )
    dossier.transfers.put_right(-1, moved.occurred, reported, None)
    dossier.handlers.put_right(-1, moved.occurred, reported, origin)
    dossier.handler = origin
    return True


# Waits, which are stated anew as a whole


def papers_at_other_times(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """Further papers were asked for earlier, and came earlier: of one request that was answered."""
    asked, came = dossier.papers_asked.last, dossier.papers_came.last
    if asked is None or came is None or len(dossier.papers_asked) > 1:
        return False
    begun = between(rng, first_known(dossier), asked.occurred)
    brought = between(rng, begun, came.occurred)
    group, agency = dossier.papers_asked, dossier.handler
    reported = say_anew(dossier, group, -1, DossierSupplementRequested, at, begun)
    dossier.tell(DossierSupplementCompleted, at, agency, told_at=reported, effective_at=brought)
    dossier.papers_came.put_right(-1, brought, reported, True)
    return True


def no_papers_asked(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """No further papers were asked for."""
    if dossier.papers_asked.last is None:
        return False
    reported = dossier.tell(DossierSupplementRequested, at, dossier.handler, holds=False)
    for group in (dossier.papers_asked, dossier.papers_came):
        for index in range(len(group)):
            group.put_right(index, at, reported, None)
    return True


def fee_asked_at_another_time(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """The fee was asked for earlier."""
    asked = dossier.fee_asked.last
    if asked is None:
        return False
    effective = between(rng, first_known(dossier), asked.occurred)
    say_anew(dossier, dossier.fee_asked, -1, DossierFeeRequested, at, effective)
    return True


def no_fee_asked(rng: Random, dossier: SimulatedDossier, at: int) -> bool:
    """No fee was asked for."""
    if dossier.fee_asked.last is None:
        return False
    say_anew(dossier, dossier.fee_asked, -1, DossierFeeRequested, at, None)
    return True
