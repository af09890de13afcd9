"""The fields of packets, declared: what each becomes, or that it goes no further.

Nothing that is not here with a reader gets past the reading: names, addresses, numbers of persons
and free texts are never even looked at. Source: QCVN 120:2019/BTTTT and what systems send beyond
it. The table in docs/packets.md is made of this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.packets.values import list_entries, money, number_in, packet_time, plain, yes
from connectors.packets.wrong import WrongField
from schemas.codes import DOSSIER_STATUSES, PORTAL_APPLICANTS, PORTAL_CHANNELS, Channel

Treatment = Literal["code", "fact", "personal", "text", "unused"]
ReadFields = Mapping[str, Any]  # fields of a Packet

TREATMENTS: dict[Treatment, str] = {
    "code": "kept as it is: it names the dossier, its procedure or its agency",
    "fact": "becomes a fact, or a part of one",
    "personal": "nothing: it is of a person, and never read, kept or told",
    "text": "nothing: a person may stand in it, and it is never read, kept or told",
    "unused": "nothing: not needed, and never read, kept or told",
}


_DIGIT = re.compile(r"\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class PacketField:
    """A field of a packet. `becomes`: what of it the hub keeps, for people; `read` gives the fields
    of a `Packet` that it sets. Without `read` its value is never looked at, or is a key that the
    reading takes itself.
    """

    name: str
    treatment: Treatment
    becomes: str = ""
    read: Callable[[Any], ReadFields] | None = None


def _time(attribute: str) -> Callable[[Any], ReadFields]:
    return lambda value: {attribute: packet_time(value)}


def _flag(attribute: str) -> Callable[[Any], ReadFields]:
    return lambda value: {attribute: yes(value)}


def _status(value: Any) -> ReadFields:
    return {"status": status_of(value)}


def status_of(value: Any) -> int:
    """One of the portal's ten states."""
    status = number_in(value)
    if status is None:
        raise WrongField("missing")
    if status not in DOSSIER_STATUSES:
        raise WrongField("choice")
    return status


def _applicant(value: Any) -> ReadFields:
    """Other kinds are told by none."""
    text = plain(value)
    return {"applicant": PORTAL_APPLICANTS.get(int(text)) if _DIGIT.fullmatch(text) else None}


def _channel(value: Any) -> ReadFields:
    number = number_in(value)
    if number is not None and number not in PORTAL_CHANNELS:
        raise WrongField("choice")
    # the portal's rule that none is the counter would hide how many do not say
    channel: Channel | None = None if number is None else PORTAL_CHANNELS[number]
    return {"channel": channel}


def _returned_how(value: Any) -> ReadFields:
    number = number_in(value)
    if number not in (None, 0, 1):
        raise WrongField("choice")
    return {"returned_how": "post" if number else "counter"}


def _paid_online(value: Any) -> ReadFields:
    number = number_in(value)
    if number not in (None, 0, 1, 2, 3):
        raise WrongField("choice")
    return {"paid_online": number in (1, 2)}


def _fees(value: Any) -> ReadFields:
    return {"fees": money(sum(money(entry.get("Gia")) for entry in list_entries(value)))}


def _papers(value: Any) -> ReadFields:
    digitised = reused = from_store = False
    for entry in list_entries(value):
        if plain(entry.get("IsDeleted")).lower() in ("true", "1"):
            continue
        digitised |= yes(entry.get("DuocSoHoa"))
        reused |= number_in(entry.get("DuocTaiSuDung")) in (1, 2)
        from_store |= yes(entry.get("DuocLayTuKhoDMQG"))
    return {
        "papers_digitised": digitised,
        "reused_data": reused,
        "from_personal_store": from_store,
    }


def _results(value: Any) -> ReadFields:
    # the links have the time of sending in them, so only that there is one is of account
    linked = [bool(plain(entry.get("DuongDanTepTinKetQua"))) for entry in list_entries(value)]
    return {"result_digitised": any(linked)}


def _databases(value: Any) -> ReadFields:
    return {"population_data": any(plain(one.get("MaCSDL")) for one in list_entries(value))}


def _supplements(value: Any) -> ReadFields:
    found = []
    for entry in list_entries(value):
        asked_at = packet_time(entry.get("NgayBoSung"))
        came_at = packet_time(entry.get("NgayTiepNhanBoSung"))
        if asked_at:
            found.append((asked_at, came_at))
    return {"supplements": tuple(sorted(set(found)))}


DOSSIER_FIELDS: tuple[PacketField, ...] = (
    PacketField("MaHoSo", "code", "the dossier's id"),
    PacketField("MaTTHC", "code", "the procedure"),
    PacketField("TenTTHC", "unused"),
    PacketField("MaLinhVuc", "unused"),
    PacketField("TenLinhVuc", "unused"),
    PacketField("SoBienNhan", "unused"),
    PacketField("ChuHoSo", "personal"),
    PacketField("LoaiDoiTuong", "fact", "kind of applicant, of the reception", _applicant),
    PacketField("MaDoiTuong", "personal"),
    PacketField("ThongTinKhac", "text"),
    PacketField("Email", "personal"),
    PacketField("Fax", "personal"),
    PacketField("SoDienThoai", "personal"),
    PacketField("TrichYeuHoSo", "text"),
    PacketField("NgayTiepNhan", "fact", "when it was received", _time("received_at")),
    PacketField("NgayHenTra", "fact", "due time; a change of it", _time("due_at")),
    PacketField("TrangThaiHoSo", "fact", "which facts there are: see the states", _status),
    PacketField("NgayTra", "fact", "when the result was returned", _time("returned_at")),
    PacketField("ThongTinTra", "text"),
    PacketField("HinhThuc", "fact", "how the result was returned", _returned_how),
    PacketField(
        "NgayKetThucXuLy",
        "fact",
        "when it was finished, withdrawn, stopped; blanked: reopened",
        _time("ended_at"),
    ),
    PacketField("DonViXuLy", "text"),
    PacketField("GhiChu", "text"),
    PacketField("TaiLieuNop", "fact", "papers digitised, reused, from the personal store", _papers),
    PacketField("DanhSachLePhi", "fact", "that a fee is due; the amount of a payment", _fees),
    PacketField("DanhSachTepDinhKemKhac", "unused"),
    PacketField(
        "DanhSachHoSoBoSung", "fact", "when papers were asked for and came in", _supplements
    ),
    PacketField("DanhSachGiayToKetQua", "fact", "that the result is in digital form", _results),
    PacketField("KenhThucHien", "fact", "channel of the reception", _channel),
    PacketField("SoGiayToChuHoSo", "personal"),
    PacketField("NoiNopHoSo", "unused"),
    PacketField(
        "HoSoCoThanhPhanSoHoa",
        "fact",
        "papers digitised, of the reception",
        _flag("papers_digitised"),
    ),
    PacketField(
        "TaiKhoanDuocXacThucVoiVNeID", "fact", "applicant authenticated", _flag("authenticated")
    ),
    PacketField("DuocThanhToanTrucTuyen", "fact", "that it was paid online", _paid_online),
    PacketField("NgayTuChoi", "fact", "when it was refused", _time("refused_at")),
    PacketField("NgayNopHoSo", "unused"),
    PacketField("DinhDanhCHS", "personal"),
    PacketField("DSKetNoiCSDL", "fact", "data of the population database used", _databases),
)

STEP_FIELDS: tuple[PacketField, ...] = (
    PacketField("MaHoSo", "code", "the dossier's id"),
    PacketField("NguoiXuLy", "personal"),
    PacketField("ChucDanh", "personal"),
    PacketField("ThoiDiemXuLy", "fact", "when the step was taken", _time("at")),
    PacketField("PhongBanXuLy", "text"),
    PacketField("NoiDungXuLy", "text"),
    PacketField(
        "TrangThai", "fact", "the state since; since when papers or a fee were waited for", _status
    ),
    PacketField("NgayBatDau", "unused"),
    PacketField("NgayKetThucTheoQuyDinh", "unused"),
)


def _status_or_notice(value: Any) -> ReadFields:
    """11 stands for a refusal in this packet."""
    return {"status": 3 if number_in(value) == 11 else status_of(value)}


STATUS_FIELDS: tuple[PacketField, ...] = (
    PacketField("MaHoSo", "code", "the dossier's id"),
    PacketField("TrangThai", "fact", "its state; 11 as 3", _status_or_notice),
    PacketField("MaHoSoDonVi", "unused"),
    PacketField("MaDoiTuong", "personal"),
    PacketField("NoiDung", "text"),
    PacketField("NgayXuLy", "fact", "since when", _time("at")),
    PacketField("TaiLieuXuLy", "unused"),
)


def field_table(fields: Iterable[PacketField]) -> str:
    """Fields for a page: each with what it becomes, or why it goes no further."""
    rows = [
        f"| `{field.name}` | {field.becomes or TREATMENTS[field.treatment]} |" for field in fields
    ]
    return "\n".join(["| field | becomes |", "|---|---|", *rows])
