"""What is so of a dossier, by its last packet and its steps. Knows nothing of what was told before,
but where a packet says nothing.
"""

from __future__ import annotations

from itertools import zip_longest

from msgspec.structs import replace

from connectors.packets.states import (
    ASKED_FOR,
    CAME_IN,
    ENDED_STATES,
    REFUSED,
    REGISTERED,
    DossierStanding,
    EndTold,
    Instants,
    Packet,
    PacketRecord,
    PaymentTold,
    ReceptionTold,
    RefusalTold,
    ReturnTold,
)
from connectors.packets.timeline import Waits, marked, waits_for, waits_of
from schemas.codes import Channel

_DONE = (9, 10)
_RETURNED = 10
_OUTCOMES = {9: "finished", 10: "finished", 7: "withdrawn", 8: "suspended"}
_OVER = ENDED_STATES | {REFUSED}


def with_packet(record: PacketRecord, packet: Packet, heard_at: int) -> PacketRecord:
    """The record with a further packet; what that means is asked of it afterwards."""
    blanked = _is_blanked(record, packet)
    undated = packet.status in _OVER and not packet.dated and not blanked
    end_heard_at = 0
    if undated:
        same = record.packet is not None and _outcome(record.packet) == _outcome(packet)
        end_heard_at = (record.end_heard_at if same else 0) or heard_at
    return replace(
        record,
        packet=packet,
        blanked=blanked,
        marks=marked(record.steps, record.marks, packet.status, heard_at),
        end_heard_at=end_heard_at,
        paid_heard_at=record.paid_heard_at or (heard_at if packet.paid_online else 0),
    )


def _is_blanked(record: PacketRecord, packet: Packet) -> bool:
    """Whether an end was taken back by blank dates alone."""
    before = record.packet
    if before is None or packet.status not in _OVER or packet.dated:
        return False
    if before.dated and before.status in _OVER:
        return True
    return record.blanked and _outcome(before) == _outcome(packet)


def _outcome(packet: Packet) -> str:
    return "refused" if packet.status == REFUSED else _OUTCOMES.get(packet.status, "")


def standing_of(record: PacketRecord, agency: str, channel: Channel | None) -> DossierStanding:
    """What is so now. `channel`: how the dossier came in, wherever that is known from; None: it is
    not.
    """
    packet = record.packet
    if packet is None:
        return DossierStanding()
    before = record.standing
    accepted = packet.status not in (REGISTERED, REFUSED)
    reception = _reception(packet, agency, channel) if accepted else before.reception
    if reception is None:
        return DossierStanding(refusal=_refusal(record, packet, agency, 0))
    waits = waits_of((*record.steps, *record.marks))
    return DossierStanding(
        reception=reception,
        due_at=packet.due_at if accepted else before.due_at,
        end=_end(record, packet),
        returned=_returned(record, packet),
        refusal=_refusal(record, packet, agency, reception.received_at),
        papers=_papers(packet, waits),
        fees=waits.fees,
        payments=_payments(record, packet, waits),
    )


def _reception(packet: Packet, agency: str, channel: Channel | None) -> ReceptionTold:
    return ReceptionTold(
        received_at=packet.received_at,
        agency=agency,
        procedure=packet.procedure,
        channel=channel or "other",
        applicant=packet.applicant,
        authenticated=packet.authenticated,
        with_fee=packet.fees > 0,
        reused_data=packet.reused_data,
        papers_digitised=packet.papers_digitised,
        from_personal_store=packet.from_personal_store,
        population_data=packet.population_data,
        channel_unknown=channel is None,
    )


def _end(record: PacketRecord, packet: Packet) -> EndTold | None:
    outcome = _OUTCOMES.get(packet.status)
    if outcome is None or record.blanked:
        return None
    at = packet.ended_at or packet.returned_at or _stepped_at(record, packet.status)
    if outcome == "finished":
        return EndTold(outcome, at or _stepped_at(record, *_DONE), packet.result_digitised)
    return EndTold(outcome, at)


def _returned(record: PacketRecord, packet: Packet) -> ReturnTold | None:
    end = _end(record, packet)
    if end is None or packet.status not in _DONE:
        return None
    at = packet.returned_at
    if not at and packet.status == _RETURNED:
        at = max(end.at, _known_step(record, _RETURNED))
    return ReturnTold(at, packet.returned_how, packet.result_digitised) if at else None


def _refusal(
    record: PacketRecord, packet: Packet, agency: str, received_at: int
) -> RefusalTold | None:
    if packet.status != REFUSED or record.blanked:
        return None
    at = packet.refused_at or packet.ended_at or packet.returned_at
    # none is refused before it came: such a refusal would count for one of an earlier try
    return RefusalTold(
        max(at or _stepped_at(record, REFUSED), received_at), agency, packet.procedure
    )


def _stepped_at(record: PacketRecord, *states: int) -> int:
    """When a step led to one of the states, since it was last reopened; else when the hub heard of
    the end.
    """
    return _known_step(record, *states) or record.end_heard_at


def _known_step(record: PacketRecord, *states: int) -> int:
    since = record.said.reopened
    return max(
        (one.at for one in record.steps if one.status in states and one.at >= since), default=0
    )


def _papers(packet: Packet, waits: Waits) -> Instants:
    """By the packet's own list, where that fits its state; else by the steps."""
    if not packet.supplements:
        return waits.papers
    waiting = waits_for(packet.status)
    still_asked = not packet.supplements[-1][1]
    if waiting is not None and (waiting == "papers") != still_asked:
        return waits.papers
    asked = {(at, ASKED_FOR) for at, _ in packet.supplements}
    came = {(at, CAME_IN) for _, at in packet.supplements if at}
    return tuple(sorted(asked | came))


def _payments(record: PacketRecord, packet: Packet, waits: Waits) -> tuple[PaymentTold, ...]:
    """One for each fee that was waited for; one in all where it was paid without a wait. All that
    is known of the amount is their sum, which stands at the first.
    """
    paid = waits.paid or ((record.paid_heard_at,) if packet.paid_online else ())
    return tuple(
        PaymentTold(at, amount, packet.paid_online)
        for at, amount in zip_longest(paid, (packet.fees,)[: len(paid)], fillvalue=0)
    )
