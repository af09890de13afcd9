"""Dossiers: how facts about one dossier join into its state. What the state counts for:
counts.py.

Registers keep the fact with the greatest (occurred_at, event id); maps are united by their natural
key. The rules in words: docs/figures.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from schemas.codes import CHANNELS, PAYMENT_RANK
from schemas.states import (
    ClosingFact,
    Dossier,
    FinishFact,
    HandlerFact,
    PaymentFact,
    RatingFact,
    ReceptionFact,
    RefusalFact,
    ReturnFact,
    pack_id,
)
from schemas.wire import Fields
from schemas.worktime import work_time
from streams.families.base import (
    Family,
    Merge,
    newer,
    newer_reported,
    spoken_of,
    when_heard,
)
from streams.families.bounds import (
    AmendedGroup,
    AmendedInstants,
    BoundedGroup,
    BoundedPayments,
    by_fact,
    by_key,
)
from streams.families.corrections import Amendment, correctable, restored, voided
from streams.families.dossiers import amendments
from streams.families.dossiers.amendments import move_key, moved_at
from streams.families.dossiers.closed import ASKED, CAME, paid_at
from streams.families.dossiers.counts import counts_by, touched
from streams.families.dossiers.reception import BIT_OF_FIELD
from streams.families.dossiers.undone import (
    FINISHED,
    REOPENED,
    RETURNED,
    STOPPED,
    WITHDRAWN,
    remember,
)

_CHANNEL_INDEX: Mapping[str, int] = {channel: index for index, channel in enumerate(CHANNELS)}
_OTHER = _CHANNEL_INDEX["other"]
_PAID = PAYMENT_RANK["paid"]


def _reception(state: Dossier, fields: Fields, at: int, received_at: int, broker_ms: int) -> None:
    bits = 0
    for field, bit in BIT_OF_FIELD:
        if fields[field]:
            bits |= bit
    said = ReceptionFact(
        at,
        pack_id(fields["event_id"]),
        received_at,
        fields["agency"],
        fields["procedure"],
        _CHANNEL_INDEX.get(fields["channel"], _OTHER),
        fields["level"] or 0,
        bits,
        when_heard(fields, broker_ms),
        False,
        fields["due_at"] or 0,
        fields["handling_agency"],
    )
    state.reception = newer_reported(state.reception, said)
    state.reporter = None


def _due(state: Dossier, at: int, due_at: int) -> None:
    # Two due times said of one instant: the later one, whatever the order of arrival.
    state.dues[at] = max(due_at, state.dues.get(at, 0))


def _handler(state: Dossier, fields: Fields, agency: str) -> None:
    said = HandlerFact(fields["occurred_at"], pack_id(fields["event_id"]), agency, fields["unit"])
    state.handler = newer(state.handler, said)


def _closing(fields: Fields, broker_ms: int) -> ClosingFact:
    return ClosingFact(
        fields["occurred_at"], pack_id(fields["event_id"]), when_heard(fields, broker_ms)
    )


def received(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Reception, first handler, first due time."""
    _reception(state, fields, fields["occurred_at"], fields["occurred_at"], broker_ms)


def corrected(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """The same anew; what changed the due time or the handler since stays."""
    _reception(state, fields, fields["occurred_at"], fields["received_at"], broker_ms)


def step_taken(state: Dossier, fields: Fields, _: int) -> None:
    """The agency that did the step handles the dossier."""
    _handler(state, fields, fields["agency"])
    at = fields["occurred_at"]
    state.step_at = max(state.step_at, at)
    state.first_step_at = min(state.first_step_at or at, at)


def transferred(state: Dossier, fields: Fields, _: int) -> None:
    """A move between agencies; if sources disagree on one move, it was not surely electronic."""
    _handler(state, fields, fields["to_agency"])
    move = move_key(fields["from_agency"], fields["to_agency"], fields["occurred_at"])
    state.transfers[move] = fields["electronic"] and state.transfers.get(move, True)


def supplement_requested(state: Dossier, fields: Fields, _: int) -> None:
    """The dossier waits for papers."""
    _waits(state.papers, fields["occurred_at"], ASKED)


def supplement_completed(state: Dossier, fields: Fields, _: int) -> None:
    """The wait for papers ends, perhaps with a new due time."""
    _waits(state.papers, fields["occurred_at"], CAME)
    if fields["due_at"] is not None:
        _due(state, fields["occurred_at"], fields["due_at"])


def _waits(instants: dict[int, int], at: int, said: int) -> None:
    instants[at] = instants.get(at, 0) | said


def due_changed(state: Dossier, fields: Fields, _: int) -> None:
    """A new due time."""
    _due(state, fields["occurred_at"], fields["due_at"])


def fee_requested(state: Dossier, fields: Fields, _: int) -> None:
    """The dossier waits for a payment."""
    _waits(state.fees, fields["occurred_at"], ASKED)


def paid(state: Dossier, fields: Fields, _: int) -> None:
    """The state of a payment, by reference; only a completed one ends the wait."""
    reference, rank = fields["reference"], PAYMENT_RANK.get(fields["state"], 0)
    payment = PaymentFact(fields["occurred_at"], rank, fields["amount"], fields["online"])
    known = state.payments.get(reference)
    state.payments[reference] = payment if known is None else _newer_payment(known, payment)


def _newer_payment(old: PaymentFact, new: PaymentFact) -> PaymentFact:
    """Join of two statements of a payment. That it went on at one instant is nothing strange; that
    it was of another amount then, or made otherwise, is.
    """
    stays = max(old, new, key=_rank_of_payment)
    restated = stays.restated
    if old.occurred_at == new.occurred_at:
        differs = (old.amount, old.online) != (new.amount, new.online)
        restated = old.restated or new.restated or differs
    paid_before = 0
    if stays.rank != _PAID:
        paid_before = max(paid_at(old), paid_at(new))
    return replace(stays, restated=restated, paid_before=paid_before)


def _rank_of_payment(payment: PaymentFact) -> tuple[int, int, int, bool]:
    return payment.occurred_at, payment.rank, payment.amount, payment.online


def finished(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """End of processing, per source, so that sources that disagree show."""
    fact = FinishFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["digitised"],
        when_heard(fields, broker_ms),
    )
    if state.finish:
        newest = max(known.occurred_at for known in state.finish.values())
        remember(state.earlier, FINISHED, newest, fact.occurred_at)
    state.finish[fields["source"]] = newer_reported(state.finish.get(fields["source"]), fact)


def result_returned(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """The result was handed over."""
    fact = ReturnFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["digitised"],
        fields["how"],
        when_heard(fields, broker_ms),
    )
    if state.returned is not None:
        remember(state.earlier, RETURNED, state.returned.occurred_at, fact.occurred_at)
    state.returned = newer_reported(state.returned, fact)


def refused(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Not accepted; carries its own agency and procedure, since there may be no reception."""
    fact = RefusalFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["agency"],
        fields["procedure"],
        when_heard(fields, broker_ms),
    )
    state.refusal = newer_reported(state.refusal, fact)


def withdrawn(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Taken back by the applicant."""
    if state.withdrawal is not None:
        remember(state.earlier, WITHDRAWN, state.withdrawal.occurred_at, fields["occurred_at"])
    state.withdrawal = newer_reported(state.withdrawal, _closing(fields, broker_ms))


def suspended(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Processing stopped."""
    if state.stop is not None:
        remember(state.earlier, STOPPED, state.stop.occurred_at, fields["occurred_at"])
    state.stop = newer_reported(state.stop, _closing(fields, broker_ms))


def reopened(state: Dossier, fields: Fields, _: int) -> None:
    """Undoes every closing fact that occurred before it."""
    if state.reopened:
        remember(state.earlier, REOPENED, state.reopened, fields["occurred_at"])
    state.reopened = max(state.reopened, fields["occurred_at"])


def rated(state: Dossier, fields: Fields, _: int) -> None:
    """A rating, by its id; the newest statement of it stays."""
    rating_id, score = fields["rating_id"], fields["score"] or 0
    rating = RatingFact(fields["occurred_at"], fields["satisfied"], fields["about"], score)
    known = state.ratings.get(rating_id)
    state.ratings[rating_id] = rating if known is None else _newer_rating(known, rating)


def _newer_rating(old: RatingFact, new: RatingFact) -> RatingFact:
    """Join of two statements of a rating."""
    if old.occurred_at != new.occurred_at:
        return max(old, new)
    plain = replace(old, restated=False), replace(new, restated=False)
    differs = plain[0] != plain[1]
    return replace(max(plain), restated=old.restated or new.restated or differs)


def _moved_at(move: str, _: bool) -> int:
    return moved_at(move)


# The event types whose facts can be put right: how a fact joins, and how a correction of one does.
_CORRECTABLE: Mapping[str, tuple[Merge, Amendment]] = {
    "dossier.transferred": (transferred, amendments.move),
    "dossier.supplement_requested": (supplement_requested, amendments.papers_asked),
    "dossier.supplement_completed": (supplement_completed, amendments.papers_came),
    "dossier.due_changed": (due_changed, amendments.due),
    "dossier.fee_requested": (fee_requested, amendments.fee_asked),
    "dossier.paid": (paid, amendments.payment),
    "dossier.finished": (finished, amendments.end("finished")),
    "dossier.result_returned": (result_returned, amendments.returned),
    "dossier.refused": (refused, amendments.refusal),
    "dossier.withdrawn": (withdrawn, amendments.end("withdrawn")),
    "dossier.suspended": (suspended, amendments.end("stopped")),
    "dossier.reopened": (reopened, amendments.reopening),
    "dossier.rated": (rated, amendments.rating),
}

FAMILY = Family(
    name="dossiers",
    version=5,
    states_since=5,  # requests for fees are kept, for the length of the waits
    state=Dossier,
    groups=(
        BoundedPayments("payments", "payments", by_fact),
        BoundedGroup("ratings", "ratings", by_fact),
        BoundedGroup("finish", "sources of its finish", by_fact),
        BoundedGroup("transfers", "moves", _moved_at),
        BoundedGroup("papers", "requests for papers and answers to them", by_key),
        BoundedGroup("fees", "requests for fees", by_key),
        BoundedGroup("dues", "due times", by_key),
        BoundedGroup("earlier", "ends and reopenings before the last ones", by_key),
        AmendedGroup("amended_payments", "corrections of payments", by_fact),
        AmendedGroup("amended_ratings", "corrections of ratings", by_fact),
        AmendedGroup("amended_moves", "corrections of moves", by_fact),
        AmendedInstants("amended_dues", "corrected due times", by_key),
        AmendedInstants("amended_papers", "corrected requests for papers", by_key),
        AmendedInstants("amended_fees", "corrected requests for fees", by_key),
        AmendedGroup("amended_earlier_ends", "corrections of its end", by_fact),
        AmendedGroup("amended_earlier_returns", "corrections of the return", by_fact),
    ),
    merges={
        "dossier.received": received,
        "dossier.corrected": corrected,
        "dossier.step_taken": spoken_of("reception", step_taken),
        **{
            event: spoken_of("reception", correctable(merge, amend))
            for event, (merge, amend) in _CORRECTABLE.items()
        },
        "dossier.voided": voided,
        "dossier.restored": restored,
    },
    counts=counts_by(work_time()),
    counts_by=counts_by,
    touched=touched,
)
