"""One-stop systems: how many dossiers a second the gateway takes in on one core, in arrays of 100,
and how long a look-up takes right behind the dossier that it asks for.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import msgspec

from ops.bench.gateway import alone_on_a_core
from ops.bench.machine import usage
from ops.bench.names import Scale
from ops.bench.report import Need, ReportLine, percentile
from ops.bench.requests import ready
from ops.bench.stage import Stage, require_running
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings

_SIZE = 100
_CONNECTIONS = 8
_UNIT = "H00.SAMPLE"


def measure_packets(stage: Stage, scale: Scale) -> list[ReportLine]:
    """The gateway alone on one core, this process and the broker on the other."""
    gateway = stage.service("gateway")
    gateway.start()
    pid = require_running(gateway)
    with (
        stage.counting("Dossiers are sent", scale.packets) as advance,
        alone_on_a_core(stage, gateway),
    ):
        sending = _Sending(stage.settings, scale, advance)
        asyncio.run(sending.run(lambda session, url: ready(session, url, gateway), pid))
    rate, cpu = sending.dossiers / sending.seconds, sending.cpu / sending.dossiers
    asked = sending.looked_up
    return [
        ReportLine(
            "packets: dossiers, one core",
            rate,
            "dossiers/s",
            Need("at least", 1_000),
            f"in arrays of {_SIZE}, {_CONNECTIONS} connections, {sending.dossiers:,} dossiers,"
            f" {cpu * 1e3:.2f} CPU-ms each",
        ),
        ReportLine(
            "TraCuuHoSo right after its DongBoHoSoMC, p99",
            percentile(asked, 99),
            "ms",
            Need("at most", 50),
            f"p50 {percentile(asked, 50):.1f} ms, {len(asked):,} look-ups",
        ),
    ]


class _Sending:
    """Dossiers that several connections share, and look-ups of single ones afterwards."""

    def __init__(self, settings: Settings, scale: Scale, advance: Callable[[int], None]) -> None:
        self.dossiers, self.seconds, self.cpu = 0, 0.0, 0.0
        self.looked_up: list[float] = []  # milliseconds
        self._url = f"http://{settings.host}:{settings.gateway_port}"
        self._scale, self._advance = scale, advance
        self._numbers = itertools.count()
        self._session = ""

    async def run(self, until_ready: Any, pid: int) -> None:
        """Raises: EnvironmentBroken for any answer but success."""
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector) as session:
            await until_ready(session, self._url)
            login = {"username": "sample", "password": "sample"}
            self._session = str((await self._post(session, login))["session"])
            await self._post(session, self._envelope([]))  # what the door follows begins with it
            arrays = iter([self._array() for _ in range(max(1, self._scale.packets // _SIZE))])
            began, used = time.monotonic(), usage(pid).cpu
            await asyncio.gather(*(self._connection(session, arrays) for _ in range(_CONNECTIONS)))
            self.seconds, self.cpu = time.monotonic() - began, usage(pid).cpu - used
            for _ in range(self._scale.looked_up):
                await self._look_up(session)

    async def _connection(
        self, session: aiohttp.ClientSession, arrays: Iterator[list[dict[str, str]]]
    ) -> None:
        for array in arrays:
            await self._post(session, self._envelope(array))
            self.dossiers += len(array)
            self._advance(self.dossiers)

    async def _look_up(self, session: aiohttp.ClientSession) -> None:
        dossier = self._dossier()
        await self._post(session, self._envelope([dossier]))
        asked = {**self._envelope(None), "service": "TraCuuHoSo", "mahoso": dossier["MaHoSo"]}
        began = time.perf_counter()
        answer = await self._post(session, asked)
        self.looked_up.append((time.perf_counter() - began) * 1_000)
        if [one["MaHoSo"] for one in answer["result"]] != [dossier["MaHoSo"]]:
            raise EnvironmentBroken("TraCuuHoSo did not find a dossier that was taken in.")

    def _envelope(self, data: Any) -> dict[str, Any]:
        return {"session": self._session, "madonvi": _UNIT, "service": "DongBoHoSoMC", "data": data}

    def _array(self) -> list[dict[str, str]]:
        return [self._dossier() for _ in range(_SIZE)]

    def _dossier(self) -> dict[str, str]:
        """A dossier that was finished and returned, which is three facts."""
        return {
            "MaHoSo": f"{_UNIT}-251103-{next(self._numbers):07}",
            "MaTTHC": "1.000000.SAMPLE",
            "TenTTHC": "Thủ tục mẫu",
            "LoaiDoiTuong": "1",
            "TrichYeuHoSo": "x" * 200,
            "NgayTiepNhan": "20251103090000",
            "NgayHenTra": "20251110170000",
            "NgayKetThucXuLy": "20251107150000",
            "NgayTra": "20251108090000",
            "TrangThaiHoSo": "10",
            "HinhThuc": "0",
        }

    async def _post(self, session: aiohttp.ClientSession, body: Any) -> dict[str, Any]:
        content = msgspec.json.encode(body)
        async with session.post(f"{self._url}/packets/send", data=content) as answer:
            said: dict[str, Any] = await answer.json()
        if said.get("error_code") != "0":
            raise EnvironmentBroken(f"The gateway answered {answer.status}: {str(said)[:300]}")
        return said
