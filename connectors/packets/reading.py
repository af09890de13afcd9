"""Packets read by the declared fields: what is said of a dossier, without anything of a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.packets.fields import DOSSIER_FIELDS, STATUS_FIELDS, STEP_FIELDS, PacketField
from connectors.packets.states import REFUSED, REGISTERED, Packet, PacketStep
from connectors.packets.values import dossier_code, procedure_code
from connectors.packets.wrong import FieldMistake, PacketRefused, WrongField
from schemas.codes import Channel

# {code of the agency}-{yymmdd}-{number of the day}: who received it
_OFFICIAL = re.compile(r"(?P<agency>[0-9A-Za-z][0-9A-Za-z._]{0,34})-\d{6}-\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class DossierSaid:
    """What a DongBoHoSoMC says of one dossier. `usual_channel`: how dossiers of its procedure come
    in, where the packet does not say.
    """

    dossier_id: str
    agency: str
    packet: Packet
    usual_channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class StepSaid:
    """What a CapNhatTienDoHoSoMC says of one step, or a DongBoTrangThaiHoSo of a state."""

    dossier_id: str
    agency: str
    step: PacketStep


def read_dossier(item: Any, unit: str, latest: int) -> DossierSaid:
    """A dossier of a DongBoHoSoMC; `unit` is who sends it (madonvi), `latest` the greatest time
    that anything may have happened at.

    Raises: PacketRefused
    """
    mistakes: list[FieldMistake] = []
    said = _read(item, DOSSIER_FIELDS, mistakes)
    dossier_id = _key(item, "MaHoSo", dossier_code, mistakes)
    procedure = _key(item, "MaTTHC", procedure_code, mistakes)
    if not mistakes:
        packet = Packet(procedure=procedure, **said)
        mistakes += _contradictions(packet, latest)
    if mistakes:
        raise PacketRefused(*mistakes)
    return DossierSaid(dossier_id, agency_of(dossier_id, unit), packet)


def read_step(item: Any, unit: str, latest: int) -> StepSaid:
    """A step of a CapNhatTienDoHoSoMC.

    Raises: PacketRefused
    """
    return _read_step(item, unit, latest, STEP_FIELDS, "ThoiDiemXuLy")


def read_status(item: Any, unit: str, latest: int) -> StepSaid:
    """The state of a DongBoTrangThaiHoSo.

    Raises: PacketRefused
    """
    return _read_step(item, unit, latest, STATUS_FIELDS, "NgayXuLy")


def agency_of(dossier_id: str, unit: str) -> str:
    """Whose dossier it is: by its code where that has the official form, else who sends it."""
    found = _OFFICIAL.fullmatch(dossier_id)
    return found["agency"] if found else unit


def _read_step(
    item: Any, unit: str, latest: int, fields: Iterable[PacketField], time_field: str
) -> StepSaid:
    mistakes: list[FieldMistake] = []
    said = _read(item, fields, mistakes)
    dossier_id = _key(item, "MaHoSo", dossier_code, mistakes)
    at = said.get("at", 0)
    if not mistakes and not at:
        mistakes.append(FieldMistake(time_field, "missing"))
    if at > latest:
        mistakes.append(FieldMistake(time_field, "future"))
    if mistakes:
        raise PacketRefused(*mistakes)
    return StepSaid(dossier_id, agency_of(dossier_id, unit), PacketStep(at, said["status"]))


def _read(item: Any, fields: Iterable[PacketField], mistakes: list[FieldMistake]) -> dict[str, Any]:
    """What the fields set. Yes from one of several fields is yes."""
    if not isinstance(item, dict):
        raise PacketRefused(FieldMistake("data", "object"))
    said: dict[str, Any] = {}
    for field in fields:
        if field.read is None:
            continue
        try:
            for name, value in field.read(item.get(field.name)).items():
                said[name] = said.get(name, False) or value if isinstance(value, bool) else value
        except WrongField as wrong:
            mistakes.append(FieldMistake(field.name, wrong.kind))
    return said


def _key(item: Mapping[str, Any], name: str, read: Any, mistakes: list[FieldMistake]) -> str:
    try:
        return str(read(item.get(name)))
    except WrongField as wrong:
        mistakes.append(FieldMistake(name, wrong.kind))
        return ""


def _contradictions(packet: Packet, latest: int) -> Iterable[FieldMistake]:
    """What its fields can't say together, or not yet."""
    if packet.status not in (REGISTERED, REFUSED) and not packet.received_at:
        yield FieldMistake("NgayTiepNhan", "missing")
    happened = {
        "NgayTiepNhan": packet.received_at,
        "NgayKetThucXuLy": packet.ended_at,
        "NgayTra": packet.returned_at,
        "NgayTuChoi": packet.refused_at,
        "DanhSachHoSoBoSung": max((max(pair) for pair in packet.supplements), default=0),
    }
    for name, at in happened.items():
        if at > latest:
            yield FieldMistake(name, "future")
