"""What was refused, sent through the same door again, with the rights of now."""

from __future__ import annotations

import json
from datetime import date

import msgspec
import pytest
from accesses import PROVINCE, Clients, draft
from gateways import BAD, RECEIVED, Remembers, client_of, problem, publisher
from refusals import ANYBODY, NAME, NUMBERED, entries, here, of, original, refused, vault

from connectors.gateway.health import Health
from connectors.gateway.modes import BATCH_TYPE
from connectors.gateway.refusals import RefusalKeeper
from connectors.gateway.replay import Replay
from connectors.quarantine.marks import Mark
from connectors.quarantine.original import Original
from connectors.vault.vault import Vault
from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings
from schemas.topics import MARKS
from serving.access import changes
from serving.access.errors import AccessUnknown, NotAllowed
from serving.access.rights import rights_now

__all__ = ["here", "publisher", "vault"]  # fixtures


@pytest.fixture
def replay(publisher: Remembers, here: Settings, vault: Vault) -> Replay:
    health = Health()
    return Replay(here, publisher, health, RefusalKeeper(here, publisher, health, vault))


def marks(publisher: Remembers) -> list[Mark]:
    return [msgspec.json.decode(one.value or b"", type=Mark) for one in of(publisher, MARKS)]


async def test_an_item_that_is_good_now_is_taken_in_as_it_came(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    entry = await refused(publisher, here, vault, [RECEIVED, NUMBERED])
    whole = original(publisher, here, entry)
    assert (await replay.send(entry, whole, ANYBODY, "boss")).state == "replayed"
    assert [event.event_id for event in publisher.events] == [RECEIVED["id"], NUMBERED["id"]]
    (mark,) = marks(publisher)
    assert (mark.status, mark.by, len(mark.request)) == (202, "boss", 36)
    assert len(entries(publisher)) == 1


async def test_an_item_that_is_refused_again_waits_on_and_is_no_second_entry(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    bad = {**BAD, "data": {**BAD["data"], "channel": NAME}}
    entry = await refused(publisher, here, vault, [bad])
    mark = await replay.send(entry, original(publisher, here, entry), ANYBODY, "boss")
    assert (mark.state, mark.status) == ("waiting", 422)
    assert "data.channel" in mark.said
    assert NAME not in mark.said
    assert (len(entries(publisher)), publisher.events) == (1, [])


async def test_a_body_that_can_be_read_now_comes_in_and_its_bad_items_are_entries_of_their_own(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    """As where a later version of the hub reads what an earlier one could not."""
    entry = await refused(publisher, here, vault, b"[")
    body = json.dumps([RECEIVED, BAD]).encode()
    readable = Original("events", [("content-type", BATCH_TYPE)], body)
    mark = await replay.send(entry, readable, ANYBODY, "boss")
    assert (mark.state, mark.status, len(publisher.events)) == ("replayed", 422, 1)
    assert entries(publisher)[-1].origin == f"http:{mark.request}/1"
    assert original(publisher, here, entries(publisher)[-1]).body == json.dumps(BAD).encode()


async def test_a_body_whose_bad_items_can_not_be_kept_waits_on(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    entry = await refused(publisher, here, vault, b"[")
    poor = here.model_copy(update={"quarantine_rate": 1})
    keeper = RefusalKeeper(poor, publisher, Health(), vault)
    readable = Original("events", [("content-type", BATCH_TYPE)], json.dumps([BAD] * 9).encode())
    mark = await Replay(poor, publisher, Health(), keeper).send(entry, readable, ANYBODY, "boss")
    assert mark.state == "waiting"
    assert "LGSP_QUARANTINE_RATE" in mark.said


async def test_a_body_that_still_can_not_be_read_waits_on(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    entry = await refused(publisher, here, vault, b"[")
    mark = await replay.send(entry, original(publisher, here, entry), ANYBODY, "boss")
    assert (mark.state, mark.status) == ("waiting", 400)


async def test_a_binary_request_goes_through_the_door_as_one(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    """A header that stood twice is not forgotten, and stays a reason to refuse it."""
    async with client_of(publisher, vault=vault, data=here.data) as client:
        headers = [("Content-Type", "application/json"), ("ce-id", "again")]
        headers += [(f"ce-{name}", str(RECEIVED[name])) for name in RECEIVED if name != "data"]
        content = json.dumps(RECEIVED["data"]).encode()
        answer = await client.post("/v1/events", content=content, headers=headers)
    assert answer.status_code == 422, answer.text
    (entry,) = entries(publisher)
    whole = original(publisher, here, entry)
    assert (await replay.send(entry, whole, ANYBODY, "boss")).status == 422
    once = Original(whole.door, [one for one in whole.headers if one[1] != "again"], whole.body)
    assert (await replay.send(entry, once, ANYBODY, "boss")).status == 202


async def test_what_kafka_does_not_confirm_is_not_marked(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    entry = await refused(publisher, here, vault, [NUMBERED])
    whole = original(publisher, here, entry)
    publisher.fails = True
    with pytest.raises(KafkaUnavailable):
        await replay.send(entry, whole, ANYBODY, "boss")
    publisher.fails = False
    assert marks(publisher) == []


# ---- whose rights


async def test_the_clients_rights_are_those_of_now(
    publisher: Remembers, here: Settings, vault: Vault, replay: Replay
) -> None:
    entry = await refused(publisher, here, vault, [NUMBERED])
    whole = original(publisher, here, entry)
    clients = Clients(
        draft("poor", agencies=("NONE",)), draft("shut", doors=("files",), agencies=("*",))
    )
    for name, said in (("poor", "may speak for NONE"), ("shut", "may not use the door")):
        rights = rights_now(name, "required", clients.register, lambda: PROVINCE)
        mark = await replay.send(entry, whole, rights, "boss")
        assert (mark.state, mark.status, publisher.events) == ("waiting", 403, [])
        assert said in mark.said


def test_who_is_not_known_any_more_has_no_rights() -> None:
    clients = Clients(draft("shop"), draft("over"))
    clients.put(changes.revoked(clients.register.clients["over"], now_ms()))
    register = clients.register
    assert rights_now("shop", "required", register, lambda: PROVINCE).speaks_for(
        "P", date(2026, 11, 1)
    )
    for name, access in (
        ("", "required"),
        ("gone", "required"),
        ("gone", "open"),
        ("over", "open"),
    ):
        with pytest.raises(NotAllowed):
            rights_now(name, access, register, lambda: None)
    with pytest.raises(AccessUnknown):
        rights_now("shop", "required", None, lambda: None)
    rights_now("", "open", None, lambda: None).require_door("events")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/http:x"), ("POST", "/http:x/replay"), ("POST", "/http:x/drop")],
)
async def test_nobody_unknown_sees_what_was_refused(
    publisher: Remembers, method: str, path: str
) -> None:
    """Not where access is open either: nobody is known there to be its sender."""
    clients = Clients(draft("shop"))
    async with client_of(publisher, access=clients.access) as client:
        problem(await client.request(method, f"/v1/quarantine{path}"), "not-known")
    async with client_of(publisher) as client:
        answer = await client.request(method, f"/v1/quarantine{path}")
        assert "lgsp quarantine" in problem(answer, "not-allowed")["detail"]


@pytest.mark.parametrize("wrong", ["state=gone", "limit=0", "limit=x", "limit=1001", "limit=²"])
async def test_a_parameter_that_can_not_be_used_is_named(publisher: Remembers, wrong: str) -> None:
    clients = Clients(draft("shop"))
    async with client_of(publisher, access=clients.access) as client:
        answer = await client.get(f"/v1/quarantine?{wrong}", headers=clients.basic("shop"))
    assert wrong.split("=")[0] in problem(answer, "wrong-question")["detail"]
