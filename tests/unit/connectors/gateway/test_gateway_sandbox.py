"""Where facts go, by who sends them: into the sandbox, into the hub's space, or nowhere while a
client is on its way from one to the other; alike at both doors.
"""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from accesses import BEGINNING, Clients, draft
from gateways import BAD, FOLDER, RECEIVED, Remembers, post, problem
from packet_doors import ITEM, STEP, UNIT, OneStop, packets_of
from sandboxes import MadeSandbox

from connectors.gateway import gateway_app
from connectors.gateway.health import Health
from connectors.gateway.packet_clients import RegisteredClients
from connectors.sandbox.writer import CLIENT_HEADER
from schemas.settings import Settings
from schemas.topics import events_topic, packets_topic, quarantine_topic
from serving.access import changes
from serving.access.clients import PacketSettings
from serving.access.limits import ClientBuckets
from serving.access.passwords import Logins, hash_password
from serving.spaces import SPACE_HEADER

DOSSIERS = events_topic("dossiers", "sandbox")
EVENT = {**RECEIVED, "data": {**RECEIVED["data"], "agency": "P"}}


class Gateway:
    """A gateway with a client that is live and one that is in the sandbox."""

    def __init__(self) -> None:
        self.clients = Clients(draft("old"), draft("new", live=False))
        self.official, self.health = Remembers(), Health()
        self.sandbox = MadeSandbox(self.clients)
        app = gateway_app(
            Settings(data=FOLDER),
            self.official,
            self.health,
            access=self.clients.access,
            sandbox=self.sandbox.open,
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def post(self, client: str, body: Any, **more: str) -> httpx.Response:
        return await post(self.http, body, **self.clients.basic(client), **more)

    def put(self, **stage: Any) -> None:
        new = self.clients.register.clients["new"]
        self.clients.put(msgspec.structs.replace(new, **stage))

    def move(self) -> None:
        new = self.clients.register.clients["new"]
        if new.stage == "sandbox":
            self.clients.put(changes.moving(new, BEGINNING, "run"))


async def test_each_clients_facts_go_where_it_is() -> None:
    gateway = Gateway()
    answer = await gateway.post("old", EVENT)
    assert (answer.status_code, gateway.sandbox.opened) == (202, 0), "nothing is opened for it"
    assert SPACE_HEADER not in answer.headers, "the server names the hub's own"
    answer = await gateway.post("new", EVENT)
    assert (answer.status_code, answer.headers[SPACE_HEADER]) == (202, "sandbox")
    assert len(gateway.official.events) == 1
    assert gateway.official.records == []
    (record,) = gateway.sandbox.publisher.records
    assert record.topic == DOSSIERS
    assert (CLIENT_HEADER, b"new") in record.headers


async def test_what_is_refused_is_kept_beside_the_rest() -> None:
    gateway = Gateway()
    assert (await gateway.post("new", [BAD])).status_code == 422
    answer = await gateway.post("new", b"{")
    assert (answer.status_code, answer.headers[SPACE_HEADER]) == (400, "sandbox")
    topics = [one.topic for one in gateway.sandbox.publisher.records]
    assert topics == [quarantine_topic("sandbox")] * 2
    assert gateway.official.records == []


async def test_tried_events_are_not_counted_as_real_ones() -> None:
    gateway = Gateway()
    await gateway.post("new", EVENT)
    text = gateway.health.render().decode()
    assert 'lgsp_gateway_sandbox_events_total{type="dossier.received"} 1.0' in text
    assert 'lgsp_gateway_events_total{type="dossier.received"}' not in text
    assert 'lgsp_gateway_clients{stage="sandbox"} 1.0' in text
    assert 'lgsp_gateway_clients{stage="live"} 1.0' in text


async def test_while_it_is_moved_it_is_told_to_send_again_and_nothing_is_taken_in() -> None:
    gateway = Gateway()
    gateway.move()
    answer = await gateway.post("new", EVENT)
    assert "leaves the sandbox" in problem(answer, "unavailable")["detail"]
    assert (gateway.official.events, gateway.sandbox.publisher.records) == ([], [])


async def test_who_leaves_before_the_answer_is_told_to_send_again() -> None:
    """What it sent may be behind that which is moved: a 202 would lose it."""
    gateway = Gateway()
    gateway.sandbox.proof.then = gateway.move  # type: ignore[method-assign]
    problem(await gateway.post("new", EVENT), "unavailable")
    gateway.put(stage="live", move=None)
    assert (await gateway.post("new", EVENT)).status_code == 202
    assert len(gateway.official.events) == 1


async def test_a_space_that_is_named_has_to_be_the_clients() -> None:
    gateway = Gateway()
    assert (await gateway.post("new", EVENT, LGSP_Space="sandbox")).status_code == 202
    problem(await gateway.post("new", EVENT, LGSP_Space="official"), "wrong-space")
    problem(await gateway.post("old", EVENT, LGSP_Space="sandbox"), "wrong-space")


async def test_a_gateway_without_a_sandbox_takes_nothing_in_for_it() -> None:
    clients, official = Clients(draft("new", live=False)), Remembers()
    app = gateway_app(Settings(data=FOLDER), official, access=clients.access)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        problem(await post(http, EVENT, **clients.basic("new")), "unavailable")
    assert official.events == []


# ---- packets

PASSWORD = "một mật khẩu mẫu"


class Door:
    """A one-stop system that is in the sandbox."""

    def __init__(self) -> None:
        packets = PacketSettings(
            user="motcua", password=hash_password(PASSWORD), source="packets/new"
        )
        self.clients = Clients(draft("new", packets=packets, agencies=(UNIT,), live=False))
        self.official, self.sandbox = Remembers(), MadeSandbox(self.clients)
        access = RegisteredClients(
            lambda: self.clients.register,
            ClientBuckets(),
            Logins(lambda: self.clients.register, pause=lambda seconds: None),
        )
        self.system = OneStop(self.official, access=access, sandbox=self.sandbox.open)

    def official_facts(self) -> list[Any]:
        """Everything but sessions, which are no facts."""
        kept = (packets_topic(), quarantine_topic())
        return [*self.official.events, *(one for one in self.official.records if one.topic in kept)]


async def test_packets_of_the_sandbox_are_kept_there_with_their_facts() -> None:
    door = Door()
    await door.system.login("motcua", PASSWORD)
    assert (await door.system.send("DongBoHoSoMC", [ITEM]))["error_code"] == "0"
    assert (await door.system.send("CapNhatTienDoHoSoMC", [STEP]))["error_code"] == "0"
    known = await door.system.send("TraCuuHoSo", [], mahoso=ITEM["MaHoSo"])
    assert len(known["result"]) == 1
    bad = await door.system.send("DongBoHoSoMC", [ITEM | {"NgayTiepNhan": "x"}])
    assert bad["error_code"] == "40"
    topics = {one.topic for one in door.sandbox.publisher.records}
    assert topics == {DOSSIERS, packets_topic("sandbox"), quarantine_topic("sandbox")}
    assert {one.dossier_id for one in packets_of(door.sandbox.publisher)} == {ITEM["MaHoSo"]}
    assert door.official_facts() == []
    assert "lgsp_gateway_packet_facts_total{" not in door.system.door.tally.text()


async def test_packets_of_who_is_moved_are_told_to_come_again() -> None:
    door = Door()
    await door.system.login("motcua", PASSWORD)
    new = door.clients.register.clients["new"]
    door.clients.put(changes.moving(new, BEGINNING, "run"))
    assert (await door.system.send("DongBoHoSoMC", [ITEM]))["error_code"] == "60"
    door.clients.put(msgspec.structs.replace(new, stage="live"))
    assert (await door.system.send("DongBoHoSoMC", [ITEM]))["error_code"] == "0"
    assert (len(door.official.events), door.sandbox.publisher.records) == (1, [])


async def test_packets_of_who_leaves_before_the_answer_are_told_to_come_again() -> None:
    door = Door()
    await door.system.login("motcua", PASSWORD)
    new = door.clients.register.clients["new"]

    def leaves() -> None:
        door.clients.put(changes.moving(new, BEGINNING, "run"))

    door.sandbox.proof.then = leaves  # type: ignore[method-assign]
    assert (await door.system.send("DongBoHoSoMC", [ITEM]))["error_code"] == "60"
    assert door.sandbox.proof.asked == ["new"]


@pytest.mark.parametrize("service", ["LayThuTuc", "TraCuuHoSo"])
async def test_what_is_asked_is_answered_in_the_space_of_who_asks(service: str) -> None:
    door = Door()
    await door.system.login("motcua", PASSWORD)
    answer = await door.system.http.post(
        "/g",
        json={"session": door.system.session, "service": service, "mahoso": "X", "matthc": "1"},
    )
    assert answer.headers[SPACE_HEADER] == "sandbox"
