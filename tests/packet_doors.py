"""The packets' door over a publisher that only remembers, and how one-stop systems ask it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx
from gateways import FOLDER, Remembers

from connectors.gateway import gateway_app
from connectors.packets.access import OpenAccess, PacketClient
from connectors.packets.door import PacketDoor
from connectors.packets.index import PacketSession, read_session
from connectors.packets.register import KnownDirectory
from connectors.packets.states import PacketRecord, decode_record
from schemas.settings import Settings
from schemas.topics import packets_topic, sessions_topic
from serving.directory.directory import Directory

UNIT = "H00.SAMPLE"
DOSSIER = f"{UNIT}-261103-0001"
ITEM: dict[str, Any] = {
    "MaHoSo": DOSSIER,
    "MaTTHC": "1.000000.SAMPLE",
    "TenTTHC": "Thủ tục mẫu",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20251103090000",
    "NgayHenTra": "20251110170000",
    "TrangThaiHoSo": "2",
    "HinhThuc": "0",
    "NgayTra": "",
    "NgayKetThucXuLy": "",
    "DonViXuLy": "Đơn vị mẫu",
}
STEP: dict[str, Any] = {
    "MaHoSo": DOSSIER,
    "NguoiXuLy": "Người mẫu",
    "ChucDanh": "",
    "ThoiDiemXuLy": "20251104100000",
    "PhongBanXuLy": "",
    "NoiDungXuLy": "",
    "TrangThai": "4",
    "NgayBatDau": "",
    "NgayKetThucTheoQuyDinh": "",
}
KNOWN = {
    name: PacketClient(name, f"packets/{name}", success_code=code)
    for name, code in {"text": "00", "number": 0}.items()
} | {"one": PacketClient("one", "packets/one", frozenset({UNIT}), default_channel="counter")}


class FedAtOnce:
    """What a gateway knows of the records that a publisher remembers."""

    def __init__(self, publisher: Remembers) -> None:
        self._publisher = publisher

    def _newest(self, topic: str) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for record in self._publisher.records:
            if record.topic == topic:
                found.pop(record.key, None)
                if record.value is not None:
                    found[record.key] = record.value
        return found

    async def records(self, keys: Iterable[bytes]) -> dict[bytes, PacketRecord]:
        wanted, newest = set(keys), dict[bytes, PacketRecord]()
        for one in self._publisher.records:
            if one.topic == packets_topic() and one.key in wanted and one.value is not None:
                record = decode_record(one.value)
                if one.key not in newest or record.version > newest[one.key].version:
                    newest[one.key] = record
        return newest

    async def session(self, key: bytes, *, newest: bool) -> PacketSession | None:
        value = self._newest(sessions_topic()).get(key)
        return None if value is None else read_session(value)

    async def expired(self, now: int, most: int) -> list[bytes]:
        newest = self._newest(sessions_topic()).items()
        return [key for key, value in newest if read_session(value).expires_at <= now][:most]

    async def stop(self) -> None:
        pass


class KnownAtOnce(KnownDirectory):
    """A directory that is there from the beginning."""

    def __init__(self, directory: Directory) -> None:
        super().__init__(Settings())
        self._directory = directory

    async def newest(self) -> Directory | None:
        return self._directory


class OneStop:
    """A one-stop system that asks a gateway in memory."""

    def __init__(
        self, publisher: Remembers, directory: Directory | None = None, **options: Any
    ) -> None:
        settings = Settings(**({"data": FOLDER} | options))
        self.door = PacketDoor(
            settings,
            publisher,
            OpenAccess(KNOWN),
            FedAtOnce(publisher),
            KnownAtOnce(directory or Directory()),
        )
        app = gateway_app(settings, publisher, packets=self.door, beside=self.door.tally.text)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway/packets")
        self.session = ""

    async def login(self, user: str = "sample") -> dict[str, Any]:
        answer = await self.post("/mapi/login", {"username": user, "password": "mẫu"})
        self.session = str(answer.get("session", ""))
        return answer

    async def post(
        self, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return answered(await self.http.post(path, content=content, headers=headers))

    async def send(self, service: str, data: Any, **more: Any) -> dict[str, Any]:
        """In the adapter's envelope."""
        envelope = {"session": self.session, "madonvi": UNIT, "service": service, "data": data}
        return await self.post("/mapi/g", envelope | more)

    async def rest(self, path: str, body: Any) -> dict[str, Any]:
        """At the service's own address."""
        return await self.post(path, body, {"Authorization": f"Bearer {self.session}"})


def answered(answer: httpx.Response) -> dict[str, Any]:
    """The answer, checked for what every one has."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    said: dict[str, Any] = answer.json()
    assert "error_code" in said
    assert isinstance(said.get("result", []), list)
    return said


def packets_of(publisher: Remembers) -> list[PacketRecord]:
    """The records of packets that were kept, in order."""
    return [
        decode_record(record.value)
        for record in publisher.records
        if record.topic == packets_topic() and record.value is not None
    ]
