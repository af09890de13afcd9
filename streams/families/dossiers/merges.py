"""Dossiers: how facts about one dossier join into its state. What the state counts for:
counts.py.

Registers keep the fact with the greatest (occurred_at, event id); maps are united by their natural
key. The rules in words: docs/figures.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from schemas.codes import CHANNELS, PAYMENT_RANK
from schemas.states import (
    ClosingFact,
    Dossier,
    FinishFact,
    HandlerFact,
    HeardAt,
    PaymentFact,
    RatingFact,
    ReceptionFact,
    RefusalFact,
    ReporterFact,
    ReturnFact,
    WaitFact,
    pack_id,
)
from schemas.wire import Fields
from schemas.worktime import work_time
from streams.families.base import Family, Merge, newer, newer_reported
from streams.families.bounds import BoundedGroup, by_fact, by_key
from streams.families.dossiers.closed import ASKED, CAME
from streams.families.dossiers.counts import counts_by, touched
from streams.families.dossiers.reception import BIT_OF_FIELD

_CHANNEL_INDEX: Mapping[str, int] = {channel: index for index, channel in enumerate(CHANNELS)}
_OTHER = _CHANNEL_INDEX["other"]


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
        _heard_at(fields, broker_ms),
    )
    state.reception = newer_reported(state.reception, said)
    state.reporter = None
    if fields["due_at"] is not None:
        _due(state, at, fields["due_at"])


def _due(state: Dossier, at: int, due_at: int) -> None:
    # Two due times said of one instant: the later one, whatever the order of arrival.
    state.dues[at] = max(due_at, state.dues.get(at, 0))


def _handler(state: Dossier, fields: Fields, agency: str) -> None:
    said = HandlerFact(fields["occurred_at"], pack_id(fields["event_id"]), agency, fields["unit"])
    state.handler = newer(state.handler, said)


def _wait(fields: Fields, *, waiting: bool) -> WaitFact:
    return WaitFact(fields["occurred_at"], pack_id(fields["event_id"]), waiting)


def _closing(fields: Fields, broker_ms: int) -> ClosingFact:
    return ClosingFact(
        fields["occurred_at"], pack_id(fields["event_id"]), _heard_at(fields, broker_ms)
    )


def _heard_at(fields: Fields, broker_ms: int) -> HeardAt:
    return None if fields["backfill"] else broker_ms


def received(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Reception, first handler, first due time."""
    _reception(state, fields, fields["occurred_at"], fields["occurred_at"], broker_ms)
    _handler(state, fields, fields["handling_agency"] or fields["agency"])


def corrected(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """The reception anew; the handler only where the correction names one."""
    _reception(state, fields, fields["occurred_at"], fields["received_at"], broker_ms)
    if fields["handling_agency"] is not None:
        _handler(state, fields, fields["handling_agency"])


def step_taken(state: Dossier, fields: Fields, _: int) -> None:
    """The agency that did the step handles the dossier."""
    _handler(state, fields, fields["agency"])
    at = fields["occurred_at"]
    state.step_at = max(state.step_at, at)
    state.first_step_at = min(state.first_step_at or at, at)


def transferred(state: Dossier, fields: Fields, _: int) -> None:
    """A move between agencies; if sources disagree on one move, it was not surely electronic."""
    _handler(state, fields, fields["to_agency"])
    move = f"{fields['from_agency']}|{fields['to_agency']}|{fields['occurred_at']}"
    state.transfers[move] = fields["electronic"] and state.transfers.get(move, True)


def supplement_requested(state: Dossier, fields: Fields, _: int) -> None:
    """The dossier waits for papers."""
    state.supplement = newer(state.supplement, _wait(fields, waiting=True))
    _papers(state, fields["occurred_at"], ASKED)


def supplement_completed(state: Dossier, fields: Fields, _: int) -> None:
    """The wait for papers ends, perhaps with a new due time."""
    state.supplement = newer(state.supplement, _wait(fields, waiting=False))
    _papers(state, fields["occurred_at"], CAME)
    if fields["due_at"] is not None:
        _due(state, fields["occurred_at"], fields["due_at"])


def _papers(state: Dossier, at: int, said: int) -> None:
    state.papers[at] = state.papers.get(at, 0) | said


def due_changed(state: Dossier, fields: Fields, _: int) -> None:
    """A new due time."""
    _due(state, fields["occurred_at"], fields["due_at"])


def fee_requested(state: Dossier, fields: Fields, _: int) -> None:
    """The dossier waits for a payment."""
    state.fee = newer(state.fee, _wait(fields, waiting=True))


def paid(state: Dossier, fields: Fields, _: int) -> None:
    """The state of a payment, by reference; only a completed one ends the wait."""
    reference, rank = fields["reference"], PAYMENT_RANK.get(fields["state"], 0)
    payment = PaymentFact(fields["occurred_at"], rank, fields["amount"], fields["online"])
    state.payments[reference] = max(payment, state.payments.get(reference, payment))
    if fields["state"] == "paid":
        state.fee = newer(state.fee, _wait(fields, waiting=False))


def finished(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """End of processing, per source, so that sources that disagree show."""
    fact = FinishFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["digitised"],
        _heard_at(fields, broker_ms),
    )
    state.finish[fields["source"]] = newer_reported(state.finish.get(fields["source"]), fact)


def result_returned(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """The result was handed over."""
    fact = ReturnFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["digitised"],
        fields["how"],
        _heard_at(fields, broker_ms),
    )
    state.returned = newer_reported(state.returned, fact)


def refused(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Not accepted; carries its own agency and procedure, since there may be no reception."""
    fact = RefusalFact(
        fields["occurred_at"],
        pack_id(fields["event_id"]),
        fields["agency"],
        fields["procedure"],
        _heard_at(fields, broker_ms),
    )
    state.refusal = newer_reported(state.refusal, fact)


def withdrawn(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Taken back by the applicant."""
    state.withdrawal = newer_reported(state.withdrawal, _closing(fields, broker_ms))


def suspended(state: Dossier, fields: Fields, broker_ms: int) -> None:
    """Processing stopped."""
    state.stop = newer_reported(state.stop, _closing(fields, broker_ms))


def reopened(state: Dossier, fields: Fields, _: int) -> None:
    """Undoes every closing fact that occurred before it."""
    state.reopened = max(state.reopened, fields["occurred_at"])


def rated(state: Dossier, fields: Fields, _: int) -> None:
    """A rating, by its id; the newest statement of it stays."""
    rating_id, score = fields["rating_id"], fields["score"] or 0
    rating = RatingFact(fields["occurred_at"], fields["satisfied"], fields["about"], score)
    state.ratings[rating_id] = max(rating, state.ratings.get(rating_id, rating))


def _heard(merge: Callable[[Dossier, Fields, int], None]) -> Merge:
    """While the reception is unknown, remember who spoke of the dossier: its flag needs an agency
    to go to.
    """

    @wraps(merge)
    def heard(state: Dossier, fields: Fields, broker_ms: int) -> None:
        merge(state, fields, broker_ms)
        if state.reception is None:
            spoken = ReporterFact(fields["occurred_at"], fields["agency"])
            state.reporter = max(spoken, state.reporter or spoken)

    return heard


def _moved_at(move: str, _: bool) -> int:
    return int(move.rpartition("|")[2])


FAMILY = Family(
    name="dossiers",
    version=4,
    states_since=3,  # requests for papers are kept, for the length of the waits
    state=Dossier,
    groups=(
        BoundedGroup("payments", "payments", by_fact),
        BoundedGroup("ratings", "ratings", by_fact),
        BoundedGroup("finish", "sources of its finish", by_fact),
        BoundedGroup("transfers", "moves", _moved_at),
        BoundedGroup("papers", "requests for papers and answers to them", by_key),
        BoundedGroup("dues", "due times", by_key),
    ),
    merges={
        "dossier.received": received,
        "dossier.corrected": corrected,
        **{
            f"dossier.{merge.__name__}": _heard(merge)
            for merge in (
                step_taken,
                transferred,
                supplement_requested,
                supplement_completed,
                due_changed,
                fee_requested,
                paid,
                finished,
                result_returned,
                refused,
                withdrawn,
                suspended,
                reopened,
                rated,
            )
        },
    },
    counts=counts_by(work_time()),
    counts_by=counts_by,
    touched=touched,
)
