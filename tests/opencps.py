"""A one-stop system that speaks as OpenCPS does on the wire, with all its quirks, and the lives of
the dossiers that it tells; it knows what the figures must be. Codes and names are made up.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any, Literal

UNIT = "H00.SAMPLE"
PROCEDURE = "1.000000.SAMPLE"
START = datetime(2025, 11, 3, 8, 0)
SESSION_SECONDS = 600  # kept from the login, neither renewed nor dropped when refused
TRIES = 10
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Charset": "utf-8",
    "dstcode": "",
}
Ask = Callable[[str, dict[str, Any], dict[str, str]], Awaitable[tuple[int, str]]]
Version = Literal["stored", "newest"]  # most have "00" for success, the newest a number

REFUSED, OPEN, PAPERS, FEE, WITHDRAWN, STOPPED, DONE, RETURNED = 3, 4, 5, 6, 7, 8, 9, 10
_ENDED = (REFUSED, WITHDRAWN, STOPPED, DONE, RETURNED)
_WAYS: tuple[tuple[int, ...], ...] = (
    (2, OPEN, DONE, RETURNED),
    (2, OPEN, PAPERS, OPEN, DONE, RETURNED),
    (2, OPEN, FEE, OPEN, DONE),
    (2, REFUSED),
    (2, OPEN, WITHDRAWN),
    (2, OPEN, STOPPED),
    (2, OPEN, DONE, RETURNED, OPEN, DONE, RETURNED),
    (2, OPEN, DONE, OPEN),
    (2, OPEN, PAPERS),
    (2, OPEN, FEE),
    (2, OPEN),
    (1,),
)


@dataclass(frozen=True)
class Row:
    """A row of its queue: how a dossier stood when the row was made."""

    dossier_id: str
    status: int
    at: datetime  # of the step
    received_at: datetime
    due_at: datetime | None
    released_at: datetime | None = None
    finished_at: datetime | None = None

    def packet(self, sent: int) -> dict[str, Any]:
        """The 27 fields; `sent` makes links and notes differ with each sending."""
        note = f"Ghi chú {self.status} {sent}"
        refused = self.status == REFUSED
        return {
            "MaHoSo": self.dossier_id,
            "MaTTHC": PROCEDURE,
            "TenTTHC": "Thủ tục mẫu",
            "MaLinhVuc": "land",
            "TenLinhVuc": "Đất đai",
            "ChuHoSo": "Nguyễn Thị Mẫu",
            "LoaiDoiTuong": "1",
            "MaDoiTuong": "001085012345",
            "ThongTinKhac": "",
            "Email": "",
            "Fax": "0912345678",
            "SoDienThoai": "0912345678",
            "TrichYeuHoSo": note,
            "NgayTiepNhan": written(self.received_at),
            "NgayHenTra": "" if refused else written(self.due_at),
            "TrangThaiHoSo": str(self.status),
            "NgayTra": written(self.finished_at),
            "ThongTinTra": "",
            "HinhThuc": "0",
            "NgayKetThucXuLy": written(self.released_at),
            "DonViXuLy": "Đơn vị mẫu",
            "GhiChu": note,
            "TaiLieuNop": [
                {
                    "TepDinhKemId": 1,
                    "TenTepDinhKem": "don.pdf",
                    "IsDeleted": "False",
                    "MaThanhPhanHoSo": "TP01",
                    "DuongDanTaiTepTin": f"http://sample/don.pdf?t={sent}",
                }
            ],
            "DanhSachLePhi": [],
            "DanhSachTepDinhKemKhac": [],
            "DanhSachHoSoBoSung": [],
            "DanhSachGiayToKetQua": [],
        }

    def step(self) -> dict[str, Any]:
        """The one step of its CapNhatTienDoHoSoMC."""
        return {
            "MaHoSo": self.dossier_id,
            "NguoiXuLy": "Trần Văn Mẫu",
            "ChucDanh": "",
            "ThoiDiemXuLy": written(self.at),
            "PhongBanXuLy": "",
            "NoiDungXuLy": "",
            "TrangThai": str(self.status),
            "NgayBatDau": "",
            "NgayKetThucTheoQuyDinh": "",
        }


def written(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y%m%d%H%M%S")


class Failed(Exception):
    """A call that OpenCPS takes for failed: the row is tried again, from its first call."""


@dataclass
class OpenCps:
    """Sends rows. `clock` in seconds; `pause` is awaited between tries."""

    ask: Ask
    clock: Callable[[], float]
    pause: Callable[[], Awaitable[None]]
    user: str = "sample"
    version: Version = "newest"
    lost: list[Row] = field(default_factory=list)  # marked done and never sent
    given_up: list[Row] = field(default_factory=list)
    tries: int = 0
    _session: str = ""
    _since: float = 0.0

    async def send(self, rows: Iterable[Row]) -> None:
        """Its queue: each row until it succeeds, ten times at most."""
        for row in rows:
            for _ in range(TRIES):
                self.tries += 1
                try:
                    await self._sync(row)
                except Failed:
                    await self.pause()
                else:
                    break
            else:
                self.given_up.append(row)

    async def _sync(self, row: Row) -> None:
        known = await self._service("TraCuuHoSo", mahoso=row.dossier_id)
        found = await self._service("LayThuTuc", maTTHC=PROCEDURE)
        if "result" not in found:
            raise Failed
        result = found["result"]
        if not isinstance(result, list) or not result or "LINHVUCTHUCHIEN" not in result[0]:
            self.lost.append(row)
            return
        updating = bool(known.get("result"))
        sent = await self._service(
            "DongBoHoSoMC", isUpdating=str(updating), data=[row.packet(self.tries)]
        )
        self._require(sent, exact=False)
        self._require(await self._service("CapNhatTienDoHoSoMC", data=[row.step()]), exact=True)

    def _require(self, answer: dict[str, Any], *, exact: bool) -> None:
        code = answer.get("error_code")
        if self.version == "stored":
            succeeded = code == "00"
        elif exact:
            succeeded = code in (0, "0")
        else:
            text = str(code)
            succeeded = not text.lstrip("-").isdecimal() or int(text) == 0
        if not succeeded:
            raise Failed

    async def _service(self, service: str, **members: Any) -> dict[str, Any]:
        if not self._session or self.clock() - self._since >= SESSION_SECONDS:
            await self._login()
        envelope = {"madonvi": UNIT, "session": self._session, "service": service}
        return await self._call("/mapi/g", envelope | members)

    async def _login(self) -> None:
        answer = await self._call("/mapi/login", {"password": "mẫu", "username": self.user})
        code = str(answer.get("error_code", ""))
        if not answer.get("session") or not code.isdecimal() or int(code) != 0:
            raise Failed
        self._session, self._since = answer["session"], self.clock()

    async def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            status, text = await self.ask(path, body, HEADERS)
            answer = json.loads(text)
        except (OSError, ValueError):
            raise Failed from None
        if status >= 400 or not isinstance(answer, dict):
            raise Failed
        return answer


# ---- what it has to tell


def lives(count: int, seed: int = 1) -> list[list[Row]]:
    """The rows of so many dossiers, in order; those of another seed are others."""
    random = Random(seed)
    return [list(_life(random, number, seed)) for number in range(count)]


def _life(random: Random, number: int, series: int) -> Iterator[Row]:
    received_at = START + timedelta(hours=number, seconds=number)
    day = received_at.strftime("%y%m%d")
    due_at = None if random.random() < 0.15 else received_at + timedelta(days=random.randint(2, 7))
    dossier_id = f"{UNIT}-{day}-{series:02}{number:05}"
    row = Row(dossier_id, 2, received_at, received_at, due_at)
    for status in random.choice(_WAYS):
        at = row.at + timedelta(hours=random.randint(2, 40))
        moved = row.due_at and row.status in (PAPERS, FEE) and status == OPEN
        if status not in _ENDED:
            row = replace(row, released_at=None, finished_at=None)
        elif row.released_at is None:
            row = replace(row, released_at=at)
        if status in _ENDED and status != DONE:
            row = replace(row, finished_at=at)
        if moved and row.due_at:
            row = replace(row, due_at=row.due_at + timedelta(days=2))
        row = replace(row, status=status, at=at)
        yield row


def with_jumps(random: Random, rows: list[Row]) -> list[Row]:
    """What is left where states that were reached while a row waited are never sent."""
    return [row for row in rows[:-1] if random.random() < 0.7] + rows[-1:]


def figures(sent: Iterable[list[Row]]) -> Counter[str]:
    """What the hub must count of the rows that were sent of each dossier."""
    counted: Counter[str] = Counter()
    for rows in sent:
        counted.update(_counts(rows))
    return +counted


def _counts(rows: list[Row]) -> Iterator[str]:
    last = rows[-1]
    if last.status == REFUSED:
        yield "refused"
    if last.status in (1, REFUSED):
        return
    yield "received"
    if any(one.status in _ENDED and two.status not in _ENDED for one, two in pairwise(rows)):
        yield "reopened"
    if last.status not in _ENDED:
        yield "open"
        if last.status in (PAPERS, FEE):
            yield "waiting"
        return
    yield "closed"
    yield {WITHDRAWN: "withdrawn", STOPPED: "stopped"}.get(last.status, "finished")
    assert last.released_at is not None
    if last.due_at is None:
        yield "no_due"
    else:
        yield "on_time" if last.released_at <= last.due_at else "late"
    if any(row.status == PAPERS for row in rows):
        yield "asked_for_papers"
