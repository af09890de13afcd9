"""Facts of packets, joined as the workers join them, for comparison with what packets say."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.packets.states import (
    ASKED_FOR,
    CAME_IN,
    DossierStanding,
    EndTold,
    FactUnsent,
    PaymentTold,
    RefusalTold,
    ReturnTold,
)
from schemas.codes import CHANNELS
from schemas.events import EVENT_TYPES, Event
from schemas.states import Dossier
from schemas.wire import Decoder, encode
from streams.families import FAMILIES
from streams.families.dossiers.closed import end_of, returned_of
from streams.families.dossiers.counts import _standing_refusal
from streams.families.dossiers.reception import due_of
from streams.families.dossiers.settling import settled

FAMILY = FAMILIES["dossiers"]
DECODE = Decoder("dossiers")


def event_told(fact: FactUnsent) -> Event:
    return EVENT_TYPES[fact.type].model_validate(fact.fields)


def joined(facts: Iterable[FactUnsent]) -> Dossier:
    """The state that a worker makes of facts, in this order."""
    state = Dossier()
    for fact in facts:
        kind, fields = DECODE(encode(event_told(fact)))
        FAMILY.merges[kind](state, fields, 1)
    return state


def standing_in(state: Dossier) -> DossierStanding:
    """What stands in a state, in the form in which packets are compared; without what a state does
    not keep of a reception.
    """
    plain = settled(state).state
    end, returned = end_of(plain), returned_of(plain)
    refusal = _standing_refusal(plain)
    outcome = {"finished": "finished", "withdrawn": "withdrawn", "stopped": "suspended"}
    digitised = False
    if end is not None and plain.finish:
        digitised = max(plain.finish.values(), key=lambda one: one.occurred_at).digitised
    return DossierStanding(
        due_at=due_of(plain),
        end=None if end is None else EndTold(outcome[end.outcome], end.at, digitised),
        returned=None
        if returned is None
        else ReturnTold(returned.occurred_at, returned.how, returned.digitised),  # type: ignore[arg-type]
        refusal=None
        if refusal is None
        else RefusalTold(refusal.occurred_at, refusal.agency, refusal.procedure),
        papers=tuple(
            (at, kind)
            for at, said in sorted(plain.papers.items())
            for kind in (ASKED_FOR, CAME_IN)
            if said & kind
        ),
        fees=tuple(sorted(plain.fees)),
        payments=tuple(
            PaymentTold(paid.occurred_at, paid.amount, paid.online)
            for _, paid in sorted(plain.payments.items(), key=lambda one: _number(one[0]))
        ),
    )


def _number(reference: str) -> int:
    return int(reference.rpartition("/")[2])


def reception_in(state: Dossier) -> tuple[object, ...] | None:
    """Time, agency, procedure and channel of the reception that stands."""
    reception = settled(state).state.reception
    if reception is None:
        return None
    channel = CHANNELS[reception.channel]
    return reception.received_at, reception.agency, reception.procedure, channel
