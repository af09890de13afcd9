"""What each service does with a request of a client that is known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from connectors.packets.access import PacketClient
from connectors.packets.answers import Refused, items_refused, success
from connectors.packets.keeping import (
    TURN_SECONDS,
    PacketKeeper,
    PacketSaid,
    PacketsTaken,
    StatusSaid,
)
from connectors.packets.reading import (
    DossierSaid,
    StepSaid,
    read_dossier,
    read_status,
    read_step,
)
from connectors.packets.register import (
    KnownDirectory,
    procedure_told,
    usual_channel,
)
from connectors.packets.requests import DOSSIERS, LOOK_UP, PROCEDURE, STATUS, STEPS, ServiceAsked
from connectors.packets.states import PacketRecord
from connectors.packets.values import agency_code, dossier_code, procedure_code, written_time
from connectors.packets.wrong import FieldMistake, PacketRefused, WrongField
from schemas.clock import now_ms, to_datetime
from schemas.settings import Settings
from serving.access.permissions import stands_below
from serving.directory.directory import Directory

_Read = Callable[[Any, str, int], DossierSaid | StepSaid]


class PacketAnswer(NamedTuple):
    """The answer; the items that were refused, as they came, and why; what was taken in."""

    answer: dict[str, Any]
    refused: list[tuple[int, Any, PacketRefused]]
    taken: PacketsTaken


class PacketServices:
    """The services over what keeps packets and knows the register."""

    def __init__(self, settings: Settings, keeper: PacketKeeper, directory: KnownDirectory) -> None:
        self._settings, self._keeper, self._directory = settings, keeper, directory

    async def answer(self, client: PacketClient, asked: ServiceAsked) -> PacketAnswer:
        """Raises: Refused; KafkaUnavailable, RecordTooLarge, PacketsBehind"""
        if asked.service == LOOK_UP:
            return _plain(await self._look_up(client, asked))
        if asked.service == PROCEDURE:
            return _plain(await self._procedure(client, asked))
        if asked.service == STATUS:
            if not isinstance(asked.data, dict):
                raise Refused("wrong_shape")
            return await self._take(client, asked, [asked.data], read_status)
        read: dict[str, _Read] = {DOSSIERS: read_dossier, STEPS: read_step}
        return await self._take(client, asked, _items(asked.data), read[asked.service])

    async def _take(
        self, client: PacketClient, asked: ServiceAsked, items: Sequence[Any], read: _Read
    ) -> PacketAnswer:
        if len(items) > self._settings.batch_limit:
            raise Refused("too_many", f"{len(items):,} > {self._settings.batch_limit:,}")
        unit = await self._unit(client, asked)
        refused: dict[int, PacketRefused] = {}
        places: list[int] = []
        said: list[PacketSaid] = []
        latest, turn = self._latest(), time.perf_counter()
        for index, item in enumerate(items):
            try:
                one = await self._allowed(client, read(item, unit, latest))
                one = await self._with_channel(one)
                said.append(StatusSaid(one) if asked.service == STATUS else one)  # type: ignore[arg-type]
                places.append(index)
            except PacketRefused as error:
                refused[index] = error
            if time.perf_counter() - turn > TURN_SECONDS:
                await asyncio.sleep(0)
                turn = time.perf_counter()
        taken = await self._keeper.take(client, said) if said else PacketsTaken()
        refused |= {places[index]: error for index, error in taken.refused.items()}
        told = items_refused(client, len(items), refused) if refused else success(client, result=[])
        kept = [(index, items[index], error) for index, error in sorted(refused.items())]
        return PacketAnswer(told, kept, taken)

    def _latest(self) -> int:
        return now_ms() + int(self._settings.future_tolerance * 1000)

    async def _unit(self, client: PacketClient, asked: ServiceAsked) -> str:
        """Who sends it; "" where that is not said, which is enough where the dossier's code does.

        Raises: Refused
        """
        if asked.unit in (None, ""):
            return ""
        try:
            unit = agency_code(asked.unit)
        except WrongField:
            raise Refused("unit") from None
        if not await self._may_speak(client, unit):
            raise Refused("other_unit")
        return unit

    async def _allowed(
        self, client: PacketClient, said: DossierSaid | StepSaid
    ) -> DossierSaid | StepSaid:
        """Raises: PacketRefused for a dossier of another's agency, or of nobody's."""
        if not said.agency:
            raise PacketRefused(FieldMistake("madonvi", "missing"))
        if not await self._may_speak(client, said.agency):
            raise PacketRefused(FieldMistake("MaHoSo", "other_unit"))
        return said

    async def _may_speak(self, client: PacketClient, agency: str) -> bool:
        if client.agencies is None or agency in client.agencies:
            return True
        today = to_datetime(now_ms()).date()
        return stands_below(await self._register(), agency, client.agencies, today)

    async def _register(self) -> Directory:
        """Raises: Refused where it can't be read yet."""
        directory = await self._directory.newest()
        if directory is None:
            raise Refused("starting")
        return directory

    async def _with_channel(self, said: DossierSaid | StepSaid) -> DossierSaid | StepSaid:
        """A dossier with what the register says where its packet does not."""
        if not isinstance(said, DossierSaid) or said.packet.channel is not None:
            return said
        channel = usual_channel(await self._register(), said.packet.procedure)
        return said if channel is None else replace(said, usual_channel=channel)

    async def _look_up(self, client: PacketClient, asked: ServiceAsked) -> dict[str, Any]:
        """An empty array says that the dossier is not known."""
        try:
            dossier_id = dossier_code(_question(asked, "mahoso"))
        except WrongField:
            return success(client, result=[])
        record = await self._keeper.record(client.name, dossier_id)
        return success(client, result=[] if record is None else _dossier_told(record))

    async def _procedure(self, client: PacketClient, asked: ServiceAsked) -> dict[str, Any]:
        directory = await self._register()
        try:
            found = procedure_told(directory, procedure_code(_question(asked, "matthc")))
        except WrongField:
            found = None
        if found is None:
            raise Refused("procedure")
        return success(client, result=found)


def _plain(answer: dict[str, Any]) -> PacketAnswer:
    return PacketAnswer(answer, [], PacketsTaken())


def _items(data: Any) -> Sequence[Any]:
    """Raises: Refused"""
    if isinstance(data, dict):
        return [data]
    if not isinstance(data, list):
        raise Refused("wrong_shape")
    return data


def _question(asked: ServiceAsked, name: str) -> Any:
    """A parameter, however its name is written."""
    where = [asked.asked, asked.data if isinstance(asked.data, dict) else {}]
    found = (value for one in where for key, value in one.items() if key.lower() == name)
    return next(found, None)


def _dossier_told(record: PacketRecord) -> list[dict[str, Any]]:
    """What is known of the dossier; of one of which only steps came, nothing yet."""
    packet = record.packet
    if packet is None:
        return []
    return [
        {
            "MaHoSo": record.dossier_id,
            "MaTTHC": packet.procedure,
            "TrangThaiHoSo": str(packet.status),
            "NgayTiepNhan": written_time(packet.received_at),
            "NgayHenTra": written_time(packet.due_at),
            "NgayKetThucXuLy": written_time(packet.ended_at),
            "NgayTra": written_time(packet.returned_at),
        }
    ]
