"""The packets' door: four shapes of requests, sessions, and a declared answer to whatever is
wrong.
"""

from __future__ import annotations

from typing import Any

import pytest
from agencies import Items, agency, state
from gateways import Remembers, kept, publisher
from packet_doors import DOSSIER, ITEM, KNOWN, STEP, UNIT, OneStop, answered, packets_of

from connectors.packets import sessions
from connectors.packets.answers import REFUSALS, SUCCESS
from schemas.events.dossiers import DossierReceived
from schemas.topics import QUARANTINE, sessions_topic
from serving.directory.directory import Directory

__all__ = ["publisher"]  # fixture


def types(publisher: Remembers) -> list[str]:
    return [event.type for event in publisher.events]


def register() -> Directory:
    """A procedure, and an agency with one below it."""
    items: Items = {}
    state(
        items,
        "procedure/2.000001.SAMPLE",
        "procedure.registered",
        "H00",
        "2020-01-01",
        procedure="2.000001.SAMPLE",
        field="land",
        name_vi="Thủ tục mẫu",
        channel="post",
    )
    agency(items, UNIT, "department")
    agency(items, "H00.BELOW", "unit", UNIT)
    return Directory(items)


def code(kind: str) -> str:
    return str(REFUSALS[kind].code)


@pytest.fixture
async def system(publisher: Remembers) -> OneStop:
    system = OneStop(publisher)
    await system.login()
    return system


async def test_a_dossier_and_its_steps_come_in_by_the_envelope(
    system: OneStop, publisher: Remembers
) -> None:
    said = await system.send("DongBoHoSoMC", [ITEM], isUpdating="False")
    assert said == {"error_code": "0", "message": SUCCESS, "result": []}
    assert (await system.send("CapNhatTienDoHoSoMC", [STEP]))["error_code"] == "0"
    assert types(publisher) == ["dossier.received", "dossier.step_taken"]
    received = publisher.events[0]
    assert (received.source, received.agency) == ("packets/sample", UNIT)
    assert received.thing == DOSSIER


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/x/DongBoHoSoMC?MaDinhDanhDV={UNIT}&isUpdating=True", [ITEM]),
        (f"/DongBoHoSoMC?madonvi={UNIT}", ITEM),
        ("/DongBoHoSoMC", [ITEM]),
    ],
)
async def test_a_dossier_comes_in_at_the_services_own_address(
    system: OneStop, publisher: Remembers, path: str, body: Any
) -> None:
    assert (await system.rest(path, body))["error_code"] == "0"
    assert types(publisher) == ["dossier.received"]


async def test_a_state_comes_in_as_a_bare_object(system: OneStop, publisher: Remembers) -> None:
    await system.send("DongBoHoSoMC", [ITEM])
    state = {"MaHoSo": DOSSIER, "TrangThai": 9, "NgayXuLy": "20251107150000", "NoiDung": "mẫu"}
    assert (await system.rest("/DongBoTrangThaiHoSoKM", state))["error_code"] == "0"
    assert types(publisher) == ["dossier.received", "dossier.finished"]
    envelope = {"type": "2"}
    assert (await system.send("DongBoTrangThaiHoSo", state, **envelope))["error_code"] == "0"
    assert types(publisher) == ["dossier.received", "dossier.finished"], "it says nothing more"


async def test_look_ups_are_answered_in_every_shape(system: OneStop) -> None:
    unknown = await system.send("TraCuuHoSo", None, mahoso=DOSSIER)
    assert unknown == {"error_code": "0", "message": SUCCESS, "result": []}
    await system.send("DongBoHoSoMC", [ITEM])
    (known,) = (await system.send("TraCuuHoSo", None, mahoso=DOSSIER))["result"]
    assert known["NgayTiepNhan"] == ITEM["NgayTiepNhan"]
    bearer = {"Authorization": f"Bearer {system.session}"}
    for asked in (
        await system.http.get("/TraCuuHoSo", params={"MaHoSo": DOSSIER}, headers=bearer),
        await system.http.post("/TraCuuHoSo", json={"mahoso": DOSSIER}, headers=bearer),
    ):
        assert answered(asked)["result"] == [known]


async def test_another_client_does_not_see_the_dossier(
    system: OneStop, publisher: Remembers
) -> None:
    await system.send("DongBoHoSoMC", [ITEM])
    other = OneStop(publisher)
    await other.login("other")
    assert (await other.send("TraCuuHoSo", None, mahoso=DOSSIER))["result"] == []


async def test_procedures_are_answered_from_the_register(publisher: Remembers) -> None:
    system = OneStop(publisher, register())
    await system.login()
    (found,) = (await system.send("LayThuTuc", None, maTTHC="2.000001"))["result"]
    assert found["TENTTHC"] == "Thủ tục mẫu"
    assert found["LINHVUCTHUCHIEN"] == [{"MALINHVUC": "land", "TENLINHVUC": "land"}]
    bearer = {"Authorization": f"Bearer {system.session}"}
    asked = await system.http.get(
        "/LayThuTuc", params={"maTTHC": "2.000001.SAMPLE"}, headers=bearer
    )
    assert answered(asked)["result"] == [found]
    unknown = await system.send("LayThuTuc", None, maTTHC="2.000002")
    assert (unknown["error_code"], "result" in unknown) == (code("procedure"), False)


async def test_where_no_procedure_is_registered_none_keeps_a_dossier_away(system: OneStop) -> None:
    (found,) = (await system.send("LayThuTuc", None, maTTHC="2.000001"))["result"]
    assert found["TENTTHC"] == "2.000001"
    assert found["LINHVUCTHUCHIEN"]


@pytest.mark.parametrize("user", ["sample", *KNOWN])
async def test_success_has_the_form_that_the_client_knows(publisher: Remembers, user: str) -> None:
    wanted = KNOWN[user].success_code if user in KNOWN else "0"
    system = OneStop(publisher)
    for said in (
        await system.login(user),
        await system.send("DongBoHoSoMC", [ITEM]),
        await system.send("CapNhatTienDoHoSoMC", [STEP]),
        await system.send("TraCuuHoSo", None, mahoso=DOSSIER),
    ):
        assert (said["error_code"], type(said["error_code"])) == (wanted, type(wanted))
    refused = await system.send("DongBoHoSoMC", [{}])
    assert isinstance(refused["error_code"], type(wanted))
    assert int(refused["error_code"]) == REFUSALS["items"].code


@pytest.mark.parametrize(
    ("user", "changed", "channel"),
    [
        ("sample", {"KenhThucHien": "2", "MaTTHC": "2.000001"}, "online"),
        ("one", {"MaTTHC": "2.000001"}, "post"),
        ("one", {}, "counter"),
        ("sample", {"KenhThucHien": None}, None),
    ],
)
async def test_how_it_came_in_says_packet_else_procedure_else_client(
    publisher: Remembers, user: str, changed: dict[str, Any], channel: str | None
) -> None:
    """Where nobody does it is told so, and counted as what it is: not known."""
    system = OneStop(publisher, register())
    await system.login(user)
    assert (await system.send("DongBoHoSoMC", [{**ITEM, **changed}]))["error_code"] == "0"
    (received,) = publisher.events
    assert isinstance(received, DossierReceived)
    assert received.channel == (channel or "other")
    assert received.channel_unknown == (channel is None)
    steps = await system.send("CapNhatTienDoHoSoMC", [STEP])
    assert steps["error_code"] == "0"
    assert types(publisher) == ["dossier.received", "dossier.step_taken"]


# ---- sessions


async def test_several_sessions_hold_at_a_time_and_after_a_restart(publisher: Remembers) -> None:
    first, second = OneStop(publisher), OneStop(publisher)
    await first.login()
    await second.login()
    assert first.session != second.session
    restarted = OneStop(publisher)
    for session in (first.session, second.session):
        restarted.session = session
        assert (await restarted.send("TraCuuHoSo", None, mahoso="x"))["error_code"] == "0"


async def test_a_session_ends_half_an_hour_after_the_login(
    publisher: Remembers, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_762_135_200_000]
    monkeypatch.setattr(sessions.Sessions.__init__, "__defaults__", (lambda: now[0],))
    system = OneStop(publisher)
    await system.login()
    now[0] += 30 * 60_000 - 1
    assert (await system.send("TraCuuHoSo", None, mahoso="x"))["error_code"] == "0"
    now[0] += 1
    over = await system.send("TraCuuHoSo", None, mahoso="x")
    assert over["error_code"] == code("session")
    await system.login()
    forgotten = [one for one in publisher.records if one.topic == sessions_topic()][-1]
    assert forgotten.value is None, "what is over is taken out of the topic"


async def test_kafka_has_no_session_that_could_be_used(
    system: OneStop, publisher: Remembers
) -> None:
    kept = b"".join(one.key + (one.value or b"") for one in publisher.records)
    assert system.session.encode() not in kept


@pytest.mark.parametrize("session", ["", "x", "x" * 10_000, None, 1, [], {"a": 1}])
async def test_what_is_no_session_is_told_so(publisher: Remembers, session: Any) -> None:
    system = OneStop(publisher)
    said = await system.post("/g", {"session": session, "service": "DongBoHoSoMC", "data": []})
    assert said["error_code"] == code("session")
    assert publisher.events == []


# ---- what is wrong


@pytest.mark.parametrize(
    ("kind", "method", "path", "body"),
    [
        ("not_json", "POST", "/mapi/g", b"{"),
        ("not_json", "POST", "/DongBoHoSoMC", b""),
        ("not_json", "POST", "/mapi/g", b'{"a": "\xff"}'),
        ("not_json", "POST", "/mapi/g", b"[" * 100_000),
        ("unknown_service", "POST", "/mapi/g", b'{"service": "LayDanhSach"}'),
        ("unknown_service", "POST", "/mapi/g", b'{"service": ["DongBoHoSoMC"]}'),
        ("unknown_service", "POST", "", b"{}"),
        ("unknown_service", "POST", "/mapi/g", b"[]"),
        ("unknown_service", "GET", "/LayDanhSachTTHC", b""),
        ("unknown_service", "GET", "/", b""),
        ("wrong_method", "GET", "/DongBoHoSoMC", b""),
        ("wrong_method", "PUT", "/DongBoHoSoMC", b"[]"),
        ("wrong_method", "DELETE", "/mapi/login", b""),
        ("login", "POST", "/mapi/login", b'{"username": ""}'),
        ("login", "POST", "/mapi/login", b'{"username": ["a"], "password": 1}'),
        ("session", "POST", "/DongBoHoSoMC", b"[]"),
    ],
)
async def test_whatever_is_wrong_with_a_request_has_its_answer(
    publisher: Remembers, kind: str, method: str, path: str, body: bytes
) -> None:
    system = OneStop(publisher)
    said = answered(await system.http.request(method, path, content=body))
    assert said["error_code"] == code(kind)
    assert "result" not in said
    refused = REFUSALS[kind]
    assert said["message"].startswith(f"{refused.vietnamese} / {refused.english}")
    assert publisher.events == []


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("unit", {"madonvi": "Sở mẫu"}),
        ("unit", {"madonvi": ["H00"]}),
        ("wrong_shape", {"data": None}),
        ("wrong_shape", {"data": "[]"}),
        ("too_many", {"data": [ITEM] * 1_001}),
    ],
)
async def test_whatever_is_wrong_with_an_envelope_has_its_answer(
    system: OneStop, publisher: Remembers, kind: str, changed: dict[str, Any]
) -> None:
    said = await system.send("DongBoHoSoMC", **({"data": [ITEM]} | changed))
    assert said["error_code"] == code(kind)
    assert publisher.events == []


async def test_nobody_speaks_for_anothers_agency(publisher: Remembers) -> None:
    system = OneStop(publisher)
    await system.login("one")
    assert (await system.send("DongBoHoSoMC", [ITEM]))["error_code"] == "0"
    said = await system.send("DongBoHoSoMC", [ITEM], madonvi="H00.OTHER")
    assert said["error_code"] == code("other_unit")
    stranger = {**ITEM, "MaHoSo": "H00.OTHER-261103-0001"}
    said = await system.send("DongBoHoSoMC", [stranger])
    assert said["error_code"] == code("items")
    assert "MaHoSo" in said["message"]
    assert types(publisher) == ["dossier.received"]


async def test_an_agency_speaks_for_those_below_it(publisher: Remembers) -> None:
    system = OneStop(publisher, register())
    await system.login("one")
    below = {**ITEM, "MaHoSo": "H00.BELOW-261103-0001"}
    assert (await system.send("DongBoHoSoMC", [below], madonvi="H00.BELOW"))["error_code"] == "0"
    assert publisher.events[0].agency == "H00.BELOW"


async def test_of_an_array_the_good_items_are_taken_in(
    system: OneStop, publisher: Remembers
) -> None:
    items: list[Any] = [
        ITEM,
        {**ITEM, "MaHoSo": "H00.SAMPLE-261103-0002", "TrangThaiHoSo": "12"},
        "?",
    ]
    said = await system.send("DongBoHoSoMC", items)
    assert said["error_code"] == code("items")
    assert [one["error_code"] for one in said["result"]] == ["0", code("items"), code("items")]
    assert "[1] TrangThaiHoSo" in said["message"]
    assert types(publisher) == ["dossier.received"]
    noted = [one for one in publisher.records if one.topic == QUARANTINE]
    assert [dict(one.headers)["kind"] for one in noted] == [b"choice", b"object"]
    assert kept(noted[0]).fields == {"MaHoSo": items[1]["MaHoSo"]}
    assert (kept(noted[0]).source, kept(noted[0]).type) == ("packets/sample", "DongBoHoSoMC")


async def test_more_than_a_body_may_have_is_the_gateways_own_answer(publisher: Remembers) -> None:
    system = OneStop(publisher, body_limit=1_024)
    answer = await system.http.post("/DongBoHoSoMC", content=b" " * 2_000)
    assert answer.status_code == 413


async def test_while_kafka_is_away_nothing_is_promised(
    system: OneStop, publisher: Remembers
) -> None:
    publisher.fails = True
    said = await system.send("DongBoHoSoMC", [ITEM])
    assert said["error_code"] == code("unavailable")
    publisher.fails = False
    assert (await system.send("DongBoHoSoMC", [ITEM]))["error_code"] == "0"
    assert types(publisher) == ["dossier.received"]


async def test_steps_may_come_before_their_dossier_and_twice(
    system: OneStop, publisher: Remembers
) -> None:
    assert (await system.send("CapNhatTienDoHoSoMC", [STEP, STEP]))["error_code"] == "0"
    assert types(publisher) == ["dossier.step_taken"]
    assert (await system.send("TraCuuHoSo", None, mahoso=DOSSIER))["result"] == []
    await system.send("DongBoHoSoMC", [ITEM])
    await system.send("CapNhatTienDoHoSoMC", [STEP])
    assert types(publisher) == ["dossier.step_taken", "dossier.received"]


async def test_a_state_of_a_dossier_that_did_not_come_is_refused(system: OneStop) -> None:
    state = {"MaHoSo": DOSSIER, "TrangThai": 9, "NgayXuLy": "20251107150000"}
    said = await system.send("DongBoTrangThaiHoSo", state)
    assert said["error_code"] == code("items")
    assert "DongBoHoSoMC" in said["message"]


async def test_numbers_come_as_text_and_text_as_numbers(
    system: OneStop, publisher: Remembers
) -> None:
    numbers = {**ITEM, "NgayTiepNhan": 20251103090000, "TrangThaiHoSo": 2.0, "HinhThuc": None}
    assert (await system.send("DongBoHoSoMC", [numbers]))["error_code"] == "0"
    again = {**ITEM, "TrangThaiHoSo": " 2 ", "LoaiDoiTuong": 1}
    assert (await system.send("DongBoHoSoMC", [again]))["error_code"] == "0"
    assert types(publisher) == ["dossier.received"], "both say the same"


async def test_what_is_sent_again_with_other_links_changes_nothing(
    system: OneStop, publisher: Remembers
) -> None:
    for time in (1, 2):
        papers = [{"TenTepDinhKem": "a.pdf", "DuongDanTaiTepTin": f"http://sample/a?t={time}"}]
        await system.send("DongBoHoSoMC", [{**ITEM, "TaiLieuNop": papers}])
    assert types(publisher) == ["dossier.received"]
    assert len(packets_of(publisher)) == 2, "with its fact, and then without"
