"""Clients of the register at the packets' door: who logs in, for whom they speak, how much; and a
change holds at once.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from accesses import BEGINNING, Clients, draft
from gateways import Remembers
from packet_doors import DOSSIER, ITEM, UNIT, OneStop, packets_of

from connectors.gateway.packet_clients import RegisteredClients
from serving.access.changes import ClientMistake, revoked
from serving.access.clients import Client, PacketSettings
from serving.access.limits import ClientBuckets
from serving.access.passwords import Logins, hash_password

PASSWORD = "một mật khẩu mẫu"


def one_stop(name: str, **chosen: Any) -> Any:
    """A client that logs in as `motcua-{name}`."""
    packets = PacketSettings(
        user=f"motcua-{name}",
        password=hash_password(PASSWORD),
        source=f"packets/{name}",
        **{key: chosen.pop(key) for key in ("success_code", "default_channel") if key in chosen},
    )
    usual = {"agencies": (UNIT,), "doors": ("packets",), "families": ("dossiers",)}
    return draft(name, **(usual | {"packets": packets} | chosen))


class Door:
    """A one-stop system before a gateway that knows these clients."""

    def __init__(self, *drafts: Any, clock: Any = time.monotonic) -> None:
        self.clients, self.publisher = Clients(*drafts), Remembers()
        registered = RegisteredClients(
            lambda: self.clients.register if self.clients.read else None,
            ClientBuckets(clock),
            Logins(lambda: self.clients.register, pause=lambda seconds: None),
        )
        self.system = OneStop(self.publisher, access=registered)

    async def sent(self, **more: Any) -> dict[str, Any]:
        return await self.system.send("DongBoHoSoMC", [ITEM | more])


async def test_who_is_registered_logs_in_and_its_facts_have_its_source() -> None:
    door = Door(one_stop("sample", success_code="00", default_channel="post"))
    assert (await door.system.login("motcua-sample", PASSWORD))["error_code"] == "00"
    assert (await door.sent())["error_code"] == "00"
    (event,) = door.publisher.events
    assert (event.source, event.channel) == ("packets/sample", "post")  # type: ignore[attr-defined]
    assert {one.dossier_id for one in packets_of(door.publisher)} == {DOSSIER}


@pytest.mark.parametrize(
    ("user", "password"),
    [("motcua-sample", "x"), ("motcua-other", PASSWORD), ("sample", PASSWORD), ("", "")],
)
async def test_nobody_else_logs_in(user: str, password: str) -> None:
    door = Door(one_stop("sample"), draft("other"))
    assert (await door.system.login(user, password))["error_code"] == "20"
    assert door.system.session == ""


async def test_it_speaks_for_its_agencies_and_those_below_only() -> None:
    door = Door(one_stop("sample", agencies=("H00.ELSEWHERE",)))
    await door.system.login("motcua-sample", PASSWORD)
    assert (await door.sent())["error_code"] == "31"
    assert not door.publisher.events


def without_all(client: Client) -> Client:
    return revoked(client, BEGINNING)


def without_door(client: Client) -> Client:
    return msgspec.structs.replace(client, doors=("events",))


def without_family(client: Client) -> Client:
    return msgspec.structs.replace(client, families=("tasks",))


@pytest.mark.parametrize("change", [without_all, without_door, without_family])
async def test_what_is_taken_away_holds_for_sessions_that_have_begun(change: Any) -> None:
    door = Door(one_stop("sample"))
    await door.system.login("motcua-sample", PASSWORD)
    assert (await door.sent())["error_code"] == "0"
    door.clients.put(change(door.clients.register.clients["sample"]))
    assert (await door.sent(NgayHenTra="20251111170000"))["error_code"] == "21"
    assert (await door.system.login("motcua-sample", PASSWORD))["error_code"] == "20"


async def test_more_than_its_limits_is_told_to_come_later_and_not_taken_in() -> None:
    now = SimpleNamespace(seconds=0.0)
    door = Door(one_stop("sample", events_a_second=1), clock=lambda: now.seconds)
    await door.system.login("motcua-sample", PASSWORD)
    many = [ITEM | {"MaHoSo": f"{UNIT}-261103-{number:04}"} for number in range(20)]
    assert (await door.system.send("DongBoHoSoMC", many))["error_code"] == "0"
    kept = len(door.publisher.events)
    assert (await door.sent(NgayHenTra="20251111170000"))["error_code"] == "62"
    assert len(door.publisher.events) == kept
    now.seconds = 60.0
    assert (await door.sent(NgayHenTra="20251111170000"))["error_code"] == "0"


async def test_while_the_register_is_read_it_is_told_to_come_again() -> None:
    door = Door(one_stop("sample"))
    door.clients.read = False
    assert (await door.system.login("motcua-sample", PASSWORD))["error_code"] == "60"


@pytest.mark.parametrize("chosen", [{"doors": ("events",)}, {"families": ("tasks",)}])
def test_a_login_that_could_send_nothing_is_refused_where_it_is_made(chosen: Any) -> None:
    with pytest.raises(ClientMistake, match="door packets, family dossiers"):
        Clients(one_stop("sample", **chosen))
