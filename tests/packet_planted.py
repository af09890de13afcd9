"""Packets with a text in every place that there is, taken in and refused, in every shape. Whoever
plants something of a person looks for it everywhere afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from packet_doors import ITEM, STEP, UNIT

from connectors.packets.fields import DOSSIER_FIELDS, STATUS_FIELDS, STEP_FIELDS

LOGIN = {"username": "planted", "password": "mẫu"}
_LISTS = ("TaiLieuNop", "DanhSachLePhi", "DanhSachHoSoBoSung", "DanhSachGiayToKetQua")
_ENTRIES = (
    "TenTepDinhKem",
    "DuongDanTaiTepTin",
    "TenPhiLePhi",
    "Gia",
    "NguoiYeuCauBoSung",
    "NgayBoSung",
    "DuongDanTepTinKetQua",
    "DuocSoHoa",
    "khác",
)


class PlantedRequest(NamedTuple):
    """A request; the session is put in where it says SESSION."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = {}  # noqa: RUF012


def _items(value: str) -> Iterator[dict[str, Any]]:
    """Dossiers; what is of a person goes with one that is taken in."""
    unread = [field.name for field in DOSSIER_FIELDS if field.read is None]
    keys = ("MaHoSo", "MaTTHC")
    yield {**ITEM, **{name: value for name in unread if name not in keys}, "thêm": value}
    for field in DOSSIER_FIELDS:
        yield {**ITEM, field.name: value}
        yield {**ITEM, field.name: [{value: value}]}
    for name in _LISTS:
        yield {**ITEM, name: [dict.fromkeys(_ENTRIES, value)]}
        for entry in _ENTRIES:
            yield {**ITEM, name: [{entry: value}]}
    yield {**ITEM, value: value}
    yield {value: value}


def _bodies(value: str) -> Iterator[tuple[str, Any]]:
    """By service what is sent to it."""
    for item in _items(value):
        yield "DongBoHoSoMC", [item]
    for field in STEP_FIELDS:
        yield "CapNhatTienDoHoSoMC", [{**STEP, field.name: value}]
    yield "CapNhatTienDoHoSoMC", [{**STEP, value: value}]
    state = {"MaHoSo": ITEM["MaHoSo"], "TrangThai": "4", "NgayXuLy": "20251104100000"}
    for field in STATUS_FIELDS:
        yield "DongBoTrangThaiHoSo", {**state, field.name: value}
    for data in (value, [value], {value: value}, None):
        yield "DongBoHoSoMC", data
        yield "DongBoTrangThaiHoSo", data


def planted_requests(value: str) -> Iterator[PlantedRequest]:
    """Everything that can be asked with this text in it."""
    yield PlantedRequest("POST", "/mapi/login", _json({"username": value, "password": value}))
    bearer = {"Authorization": "Bearer SESSION"}
    for service, data in _bodies(value):
        envelope = {"session": "SESSION", "madonvi": UNIT, "service": service, "data": data}
        yield PlantedRequest("POST", "/mapi/g", _json(envelope))
        yield PlantedRequest("POST", f"/{service}?MaDinhDanhDV={UNIT}", _json(data), bearer)
    for name in ("session", "madonvi", "service", "mahoso", "maTTHC", value):
        for service in ("DongBoHoSoMC", "TraCuuHoSo", "LayThuTuc"):
            envelope = {"session": "SESSION", "madonvi": UNIT, "service": service, "data": []}
            yield PlantedRequest("POST", "/mapi/g", _json({**envelope, name: value}))
    for service in ("TraCuuHoSo", "LayThuTuc", quote(value)):
        path = f"/{service}?maTTHC={quote(value)}&mahoso={quote(value)}&session={quote(value)}"
        yield PlantedRequest("GET", path, b"", bearer)
        yield PlantedRequest("PUT", path, _json(value), {"Authorization": f"Bearer {quote(value)}"})
    for broken in (f'{{"a": "{value}"', value, f'["{value}" "{value}"]'):
        yield PlantedRequest("POST", "/mapi/g", broken.encode())
    yield PlantedRequest("POST", "/mapi/g", _json({"?": value * 1_000_000}))  # oversize
    yield PlantedRequest("POST", "/DongBoHoSoMC", _json([{"?": value}] * 2_000), bearer)


def with_session(request: PlantedRequest, session: str) -> PlantedRequest:
    headers = {name: text.replace("SESSION", session) for name, text in request.headers.items()}
    return request._replace(
        body=request.body.replace(b"SESSION", session.encode()), headers=headers
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
