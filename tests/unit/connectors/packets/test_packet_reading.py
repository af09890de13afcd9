"""Fields of packets, read by the declared map."""

from __future__ import annotations

from typing import Any

import pytest
from facts import ms
from packet_doors import ITEM, STEP, UNIT

from connectors.packets.fields import DOSSIER_FIELDS, STATUS_FIELDS, STEP_FIELDS, TREATMENTS
from connectors.packets.reading import agency_of, read_dossier, read_step
from connectors.packets.states import Packet
from connectors.packets.values import packet_time, written_time
from connectors.packets.wrong import FIELD_MISTAKES, PacketRefused, WrongField

LATEST = ms("2026-12-01 00:00")


def mistakes(item: Any, **changed: Any) -> set[tuple[str, str]]:
    read = read_step if item is STEP else read_dossier
    with pytest.raises(PacketRefused) as refused:
        read({**item, **changed}, UNIT, LATEST)
    return {(one.field, one.kind) for one in refused.value.mistakes}


def packet(**changed: Any) -> Packet:
    return read_dossier({**ITEM, **changed}, UNIT, LATEST).packet


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("MaHoSo", "", "missing"),
        ("MaHoSo", "Hồ sơ 1", "code"),
        ("MaHoSo", "A|B", "code"),
        ("MaHoSo", "001085012345", "personal"),
        ("MaHoSo", "0912345678", "personal"),
        ("MaHoSo", ["A"], "text"),
        ("MaHoSo", 10**40, "number"),
        ("TrangThaiHoSo", 10**40, "number"),
        ("TrangThaiHoSo", "9" * 5_000, "choice"),
        ("TrangThaiHoSo", 1e300, "number"),
        ("NgayTiepNhan", "2" * 5_000, "time"),
        ("MaTTHC", None, "missing"),
        ("MaTTHC", "thủ tục", "code"),
        ("TrangThaiHoSo", "", "missing"),
        ("TrangThaiHoSo", "0", "choice"),
        ("TrangThaiHoSo", "11", "choice"),
        ("TrangThaiHoSo", "hai", "choice"),
        ("NgayTiepNhan", "", "missing"),
        ("NgayTiepNhan", "03/11/2025", "time"),
        ("NgayTiepNhan", "20251103", "time"),
        ("NgayTiepNhan", "20251303090000", "no_such_time"),
        ("NgayTiepNhan", "25681103090000", "years"),
        ("NgayTiepNhan", "20991103090000", "future"),
        ("NgayTiepNhan", True, "time"),
        ("NgayKetThucXuLy", "20991103090000", "future"),
        ("HinhThuc", "5", "choice"),
        ("KenhThucHien", "4", "choice"),
        ("DuocThanhToanTrucTuyen", "9", "choice"),
        ("HoSoCoThanhPhanSoHoa", "có", "choice"),
        ("DanhSachLePhi", [{"Gia": "-1"}], "number"),
        ("DanhSachLePhi", [{"Gia": 10**15}] * 2, "number"),
        ("DanhSachLePhi", "x", "list"),
        ("TaiLieuNop", ["x"], "list"),
        ("TaiLieuNop", [{}] * 1_001, "too_many"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(field: str, value: Any, kind: str) -> None:
    assert mistakes(ITEM, **{field: value}) == {(field, kind)}


def test_every_mistake_of_an_item_is_told() -> None:
    found = mistakes(ITEM, TrangThaiHoSo="x", NgayHenTra="x", MaTTHC="")
    assert {field for field, _ in found} == {"TrangThaiHoSo", "NgayHenTra", "MaTTHC"}


def test_a_step_needs_its_time_and_a_state_of_the_list() -> None:
    assert mistakes(STEP, ThoiDiemXuLy="") == {("ThoiDiemXuLy", "missing")}
    assert mistakes(STEP, ThoiDiemXuLy="20991103090000") == {("ThoiDiemXuLy", "future")}
    assert mistakes(STEP, TrangThai="11") == {("TrangThai", "choice")}


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("20251103090000", "11-03 09:00"),
        (20251103090000, "11-03 09:00"),
        (" 20251103090000 ", "11-03 09:00"),
        ("2025-11-03T09:00:00", "11-03 09:00"),
        ("2025-11-03T02:00:00Z", "11-03 09:00"),
    ],
)
def test_times_in_every_form_that_systems_write(written: Any, instant: str) -> None:
    assert packet_time(written) == ms(instant)
    assert written_time(ms(instant)) == "20251103090000"


@pytest.mark.parametrize("blank", ["", None, "  ", "0001-01-01T00:00:00"])
def test_blank_times_in_every_form(blank: Any) -> None:
    assert packet_time(blank) == 0
    assert written_time(0) == ""


def test_the_ends_of_the_calendar_are_no_times() -> None:
    for written in ("9999-12-31T23:59:59", "0002-01-01T00:00:00", "00010101000000"):
        with pytest.raises(WrongField):
            packet_time(written)


def test_a_reception_by_the_fields_of_later_years() -> None:
    said = packet(
        KenhThucHien="2",
        TaiKhoanDuocXacThucVoiVNeID="1",
        DuocThanhToanTrucTuyen="2",
        DSKetNoiCSDL=[{"MaCSDL": "1"}],
        TaiLieuNop=[
            {"DuocSoHoa": 1, "DuocTaiSuDung": "2", "DuocLayTuKhoDMQG": "1"},
            {"IsDeleted": "True", "DuocSoHoa": "1"},
        ],
        DanhSachLePhi=[{"Gia": "30000"}, {"Gia": 20000.0}],
        DanhSachGiayToKetQua=[{"DuongDanTepTinKetQua": "http://sample?t=1"}],
    )
    assert (said.channel, said.fees, said.paid_online) == ("online", 50_000, True)
    assert said.authenticated
    assert said.population_data
    assert said.papers_digitised
    assert said.reused_data
    assert said.from_personal_store
    assert said.result_digitised


def test_deleted_papers_say_nothing() -> None:
    assert not packet(TaiLieuNop=[{"IsDeleted": "True", "DuocSoHoa": "1"}]).papers_digitised


@pytest.mark.parametrize("kind", ["", "1", 2, "9", "x", "٣", "1" * 5_000, None])
def test_kinds_of_applicants_keep_no_dossier_away(kind: Any) -> None:
    known = {"1": "citizen", "2": "business"}
    assert packet(LoaiDoiTuong=kind).applicant == known.get(str(kind))


def test_who_received_it_is_in_its_code_where_that_has_the_official_form() -> None:
    assert agency_of("H15.50.05.13-261008-0975", "H15") == "H15.50.05.13"
    assert agency_of("000.00.01.H22-261008-000975", "H22") == "000.00.01.H22"
    assert agency_of("2026-0975", "H15") == "H15"


@pytest.mark.parametrize("fields", [DOSSIER_FIELDS, STEP_FIELDS, STATUS_FIELDS])
def test_what_is_of_a_person_or_free_text_is_never_read(fields: Any) -> None:
    names = [field.name for field in fields]
    assert len(names) == len(set(names))
    for field in fields:
        assert (field.read is not None) == (field.treatment == "fact"), field.name
        assert bool(field.becomes) == (field.treatment in ("fact", "code")), field.name
    assert {field.treatment for field in fields} <= TREATMENTS.keys()


def test_every_mistake_is_told_in_both_languages() -> None:
    for vietnamese, english in FIELD_MISTAKES.values():
        assert vietnamese
        assert english
        assert vietnamese != english
