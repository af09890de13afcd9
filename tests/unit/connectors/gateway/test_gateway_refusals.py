"""What the gateway refuses: whole in the vault, and sent through the same door again."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from accesses import PROVINCE, Clients, draft
from gateways import BAD, RECEIVED, Remembers, binary, client_of, post, problem, publisher

from connectors.gateway import housekeeping
from connectors.gateway.health import Health
from connectors.gateway.modes import BATCH_TYPE, STRUCTURED_TYPE
from connectors.gateway.refusals import RefusalKeeper
from connectors.gateway.replay import Replay
from connectors.publishing.lanes import OutgoingRecord
from connectors.quarantine.entries import Entry, entry_of
from connectors.quarantine.marks import Mark
from connectors.quarantine.original import Original, agency_in
from connectors.vault.datakeys import DataKey, KnownKeys, keys_applied, new_data_key
from connectors.vault.keeping import ends_at
from connectors.vault.master import VAULT_KEY_FILE, MasterKeys
from connectors.vault.sealing import data_key_id, opened
from connectors.vault.vault import Vault
from schemas.clock import now_ms
from schemas.digests import Digest
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings
from schemas.topics import MARKS, QUARANTINE, VAULT, VAULT_KEYS
from serving.access import changes
from serving.access.clients import Identity
from serving.access.errors import AccessUnknown, NotAllowed
from serving.access.permissions import Permissions
from serving.access.rights import rights_now

__all__ = ["publisher"]  # fixture

NAME = "Nguyễn Thị Mẫu"
ANYBODY = Permissions(Identity())


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def vault(here: Settings) -> Vault:
    return Vault(here)


def of(publisher: Remembers, topic: str) -> list[OutgoingRecord]:
    return [record for record in publisher.records if record.topic == topic]


def entries(publisher: Remembers) -> list[Entry]:
    return [
        entry_of(
            SimpleNamespace(key=one.key, value=one.value, headers=tuple(one.headers), timestamp=1),
            Digest(b"k" * 32),
        )
        for one in of(publisher, QUARANTINE)
    ]


def known(publisher: Remembers) -> KnownKeys:
    keys, erased = dict[str, DataKey](), set[str]()
    records = [
        SimpleNamespace(topic=VAULT_KEYS, offset=0, key=one.key, value=one.value)
        for one in of(publisher, VAULT_KEYS)
    ]
    keys_applied(keys, erased, records)
    return KnownKeys(keys, erased)


def original(publisher: Remembers, here: Settings, entry: Entry) -> Original:
    records = {one.key: one.value or b"" for one in of(publisher, VAULT)}
    assert entry.ref is not None
    key = known(publisher).keys[data_key_id(records[entry.ref.keys[0]])]
    plain = key.plain(MasterKeys.of(here), VAULT_KEYS)
    return Original.decode(opened(entry.ref, records, key, plain, VAULT))


# ---- kept


async def test_items_and_bodies_are_kept_whole_and_in_clear_nowhere(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    bad = {**BAD, "data": {**BAD["data"], "ho_ten": NAME}}
    async with client_of(publisher, vault=vault, data=here.data) as client:
        await post(client, [RECEIVED, bad], BATCH_TYPE)
        await post(client, f'["{NAME}"'.encode())
        await post(client, [f'{{"{NAME}": NaN}}', 1], BATCH_TYPE)
    found = [original(publisher, here, entry) for entry in entries(publisher)]
    assert [json.loads(one.body) for one in (found[0], *found[2:])] == [
        bad,
        f'{{"{NAME}": NaN}}',
        1,
    ]
    assert found[1].body == f'["{NAME}"'.encode()
    for record in publisher.records:
        texts = [record.key, record.value or b"", *(value for _, value in record.headers)]
        assert not [text for text in texts if NAME.encode() in text or b"ho_ten" in text]


async def test_a_binary_request_is_kept_with_its_headers_and_no_others(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    async with client_of(publisher, vault=vault, data=here.data) as client:
        await binary(client, BAD, Authorization="Basic secret", X_Name="name")
    (entry,) = entries(publisher)
    kept = original(publisher, here, entry)
    assert json.loads(kept.body) == BAD["data"]
    names = {name for name, _ in kept.headers}
    assert names == {"content-type", *(f"ce-{name}" for name in BAD if name != "data")}


async def test_whose_it_is_says_the_client_and_the_agency_if_that_is_a_code(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    clients = Clients(draft("shop"))
    named = {**BAD, "data": {**BAD["data"], "agency": "U.2"}}
    unnamed = {**BAD, "data": {**BAD["data"], "agency": NAME}}
    async with client_of(publisher, vault=vault, access=clients.access, data=here.data) as client:
        await post(client, [named, unnamed], BATCH_TYPE, **clients.basic("shop"))
    assert [entry.client for entry in entries(publisher)] == ["shop", "shop"]
    assert {(key.agency, key.client) for key in known(publisher).keys.values()} == {
        ("U.2", "shop"),
        ("-", "shop"),
    }
    assert agency_in({"data": {"agency": "001085012345"}}) == agency_in([]) == ""


async def test_what_the_vault_can_not_take_is_refused_and_noted_all_the_same(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    health = Health()
    publisher.unwritable_topic = VAULT
    async with client_of(publisher, health, vault=vault, data=here.data) as client:
        problem(await post(client, [BAD], BATCH_TYPE), "refused-items")
        publisher.unwritable_topic = ""
        (here.data / VAULT_KEY_FILE).chmod(0o644)
        other = {**BAD, "data": {**BAD["data"], "agency": "SAMPLE.OTHER"}}
        problem(await post(client, [other], BATCH_TYPE), "refused-items")
        told = (await client.get("/metrics")).text
    assert [entry.ref for entry in entries(publisher)] == [None, None]
    assert "lgsp_gateway_unvaulted_total 2.0" in told
    assert "lgsp_gateway_unkept_total 0.0" in told


async def test_only_so_much_is_kept_whole_and_that_takes_nothing_from_the_notes(
    publisher: Remembers, here: Settings, vault: Vault
) -> None:
    """10 bytes a second: 5,120 at once of each."""
    large = {**BAD, "comment": "x" * 4_300}
    async with client_of(publisher, vault=vault, data=here.data, quarantine_rate=10) as client:
        for item in (large, BAD, BAD):
            await post(client, [item], BATCH_TYPE)
        told = (await client.get("/metrics")).text
    assert [entry.ref is None for entry in entries(publisher)] == [False, True, True]
    assert "lgsp_gateway_unvaulted_total 2.0" in told
    assert "lgsp_gateway_unkept_total 0.0" in told


# ---- sent again


@pytest.fixture
def replay(publisher: Remembers, here: Settings, vault: Vault) -> Replay:
    health = Health()
    return Replay(here, publisher, health, RefusalKeeper(here, publisher, health, vault))


def marks(publisher: Remembers) -> list[Mark]:
    return [msgspec.json.decode(one.value or b"", type=Mark) for one in of(publisher, MARKS)]


async def refused(publisher: Remembers, here: Settings, vault: Vault, body: Any) -> Entry:
    """The entry of something that a gateway refused."""
    async with client_of(publisher, vault=vault, data=here.data, personal_numbers="refuse") as one:
        await post(one, body, STRUCTURED_TYPE if isinstance(body, dict) else BATCH_TYPE)
    return entries(publisher)[-1]


NUMBERED = {**RECEIVED, "data": {**RECEIVED["data"], "dossier_id": "001085012345"}}


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


# ---- beside requests


async def test_keys_whose_days_are_over_are_erased_and_others_stay(
    publisher: Remembers, here: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refused(publisher, here, vault, [NUMBERED])
    (key,) = known(publisher).keys.values()
    later = new_data_key(
        key.owner._replace(day=key.day + 1), MasterKeys.of(here), VAULT_KEYS, now_ms()
    )
    publisher.records.append(OutgoingRecord(VAULT_KEYS, later.id.encode(), later.value, []))
    await housekeeping.look_after_keys(here, publisher, known(publisher))
    assert known(publisher).keys.keys() == {key.id, later.id}
    monkeypatch.setattr(housekeeping, "now_ms", lambda: ends_at(key))
    await housekeeping.look_after_keys(here, publisher, known(publisher))
    assert known(publisher).keys.keys() == {later.id}
    await housekeeping.look_after_keys(here, publisher, None)


async def test_how_long_refusals_wait_is_told(
    publisher: Remembers, here: Settings, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await refused(publisher, here, vault, [NUMBERED])

    async def read(_: Settings) -> Any:
        yield entry
        yield Entry("file:x/1", 0, "", "", entry.kept)

    monkeypatch.setattr(housekeeping, "entries", read)
    health = Health()
    assert b"lgsp_quarantine_waiting_seconds NaN" in health.render()
    await housekeeping.look_at_entries(here, health)
    assert b"lgsp_quarantine_waiting_entries 1.0" in health.render()
    seconds = float(health.render().split(b"\nlgsp_quarantine_waiting_seconds ")[1].split()[0])
    assert seconds == pytest.approx((now_ms() - entry.at) / 1000, abs=60)
    health.waiting(0, None)
    assert b"lgsp_quarantine_waiting_seconds 0.0" in health.render()


async def test_what_fails_beside_requests_ends_nothing(
    here: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (KafkaUnavailable("no Kafka"), ValueError("a mistake")):

        async def fails(error: Exception = error) -> None:
            raise error

        assert not await housekeeping._tried(fails)
    assert "no Kafka" in caplog.text
    assert "unforeseen" in caplog.text


async def test_an_operator_reads_only_so_many_at_a_time(publisher: Remembers) -> None:
    clients = Clients(draft("shop"))
    async with client_of(publisher, access=clients.access) as client:
        routes = next(
            route.endpoint.__self__
            for route in client._transport.app.routes  # type: ignore[attr-defined]
            if route.path == "/v1/quarantine"
        )
        routes._waiting = 8
        answer = await client.get("/v1/quarantine", headers=clients.basic("shop"))
    problem(answer, "unavailable")
    assert isinstance(answer, httpx.Response)
