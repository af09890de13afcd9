"""One packet, or some steps, taken into a dossier's record: the facts that they come to. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from connectors.packets.difference import PacketDifference, difference, made_at, step_fact
from connectors.packets.states import ENDED_STATES, REFUSED, Packet, PacketRecord, PacketStep
from connectors.packets.target import standing_of, with_packet
from connectors.packets.timeline import with_steps
from schemas.codes import Channel


def take_packet(
    record: PacketRecord,
    packet: Packet,
    *,
    source: str,
    agency: str,
    channel: Channel | None,
    heard_at: int,
) -> PacketDifference:
    """A dossier's packet, heard at that time. `channel`: where the packet does not say; None: nor
    does anybody else.
    """
    made = made_at(record.said, heard_at)
    known = with_packet(record, packet, made)
    standing = standing_of(known, agency, packet.channel or channel)
    return difference(known, standing, source=source, agency=agency, made=made)


def take_steps(
    record: PacketRecord,
    steps: Iterable[PacketStep],
    *,
    source: str,
    agency: str,
    heard_at: int,
) -> PacketDifference:
    """Steps of a dossier. Those that are known already are told no more."""
    known = set(record.steps)
    fresh = [step for step in dict.fromkeys(steps) if step not in known]
    told = [step_fact(record.dossier_id, source, agency, *_pair(step)) for step in fresh]
    found = _steps_known(record, fresh, source=source, agency=agency, heard_at=heard_at)
    return found._replace(facts=[*told, *found.facts])


def take_status(
    record: PacketRecord,
    packet: Packet,
    step: PacketStep,
    *,
    source: str,
    agency: str,
    heard_at: int,
) -> PacketDifference:
    """A state of its own packet (DongBoTrangThaiHoSo): as if the last `packet` had come with that
    state, since that time.
    """
    made = made_at(record.said, heard_at)
    steps, marks = with_steps(record.steps, record.marks, [step])
    stepped = replace(record, steps=steps, marks=marks)
    known = with_packet(stepped, _in_state(packet, step), made)
    agency = _receiver(record, agency)
    standing = standing_of(known, agency, _channel_told(record))
    return difference(known, standing, source=source, agency=agency, made=made)


def _steps_known(
    record: PacketRecord,
    fresh: list[PacketStep],
    *,
    source: str,
    agency: str,
    heard_at: int,
) -> PacketDifference:
    made = made_at(record.said, heard_at)
    steps, marks = with_steps(record.steps, record.marks, fresh)
    known = replace(record, steps=steps, marks=marks)
    standing = standing_of(known, _receiver(record, agency), _channel_told(record))
    return difference(known, standing, source=source, agency=agency, made=made)


def _receiver(record: PacketRecord, agency: str) -> str:
    """Who received it, which its packets alone say."""
    reception = record.standing.reception
    return reception.agency if reception else agency


def _channel_told(record: PacketRecord) -> Channel | None:
    reception = record.standing.reception
    return None if reception is None or reception.channel_unknown else reception.channel


def _in_state(packet: Packet, step: PacketStep) -> Packet:
    """An end has the time of the state, where the packet had none; what goes on has no end."""
    if step.status not in ENDED_STATES | {REFUSED}:
        return replace(packet, status=step.status, ended_at=0, returned_at=0, refused_at=0)
    if step.status == REFUSED:
        return replace(packet, status=REFUSED, ended_at=0, returned_at=0, refused_at=step.at)
    returned_at = (packet.returned_at or step.at) if step.status == 10 else 0
    same_end = packet.status in ENDED_STATES and packet.ended_at
    ended_at = packet.ended_at if same_end else step.at
    return replace(
        packet, status=step.status, ended_at=ended_at, returned_at=returned_at, refused_at=0
    )


def _pair(step: PacketStep) -> tuple[int, int]:
    return step.at, step.status
