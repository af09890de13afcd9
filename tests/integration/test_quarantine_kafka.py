"""What the gateway refuses, on a real Kafka: kept whole in the vault, looked at, replayed after a
fix, dropped, and forgotten with its day's key.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from accesses import basic, draft
from aiokafka.admin import AIOKafkaAdminClient
from gateway_process import Process, gateway
from topic_reader import records_since

from connectors.gateway.examples import EXAMPLES
from connectors.gateway.modes import BATCH_TYPE
from connectors.publishing.publisher import Publisher
from connectors.quarantine.entries import Entry, entries
from connectors.quarantine.finding import find, original_of
from connectors.vault.datakeys import VaultOwner
from connectors.vault.keeping import erase, tick
from connectors.vault.reading import read_known_keys, read_whole
from connectors.vault.vault import Vault, VaultItem
from ops.access.run import HERE
from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable, MasterKeyMissing, OriginalGone
from schemas.kafka.clients import admin
from schemas.kafka.topics import TopicSetting, ensure_topics, set_settings, settings_of
from schemas.settings import Settings
from schemas.topics import events_topic, topics_of, vault_keys_topic, vault_topic
from serving.access import changes
from serving.access.clients import Client
from serving.access.keys import Pepper
from serving.access.secrets import pepper_of
from serving.access.topic import change_client

pytestmark = pytest.mark.kafka

SPACE = "refused"  # of its own: gateways of other tests have other master keys
NAME, CITIZEN = "Nguyễn Thị Mẫu", "001085012345"
RECEIVED = EXAMPLES["dossier.received"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that all share, as they do on one machine."""
    return tmp_path_factory.mktemp("quarantine")


@pytest.fixture(scope="module")
def opened(kafka: str, folder: Path) -> Iterator[Process]:
    with gateway(kafka, folder, space=SPACE, personal_numbers="refuse") as process:
        process.await_status("/readyz", 200)
        yield process


@pytest.fixture(scope="module")
def required(kafka: str, folder: Path) -> Iterator[Process]:
    with gateway(kafka, folder, space=SPACE, access="required") as process:
        process.await_status("/readyz", 200)
        yield process


@pytest.fixture
def here(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"data": folder, "space": SPACE})


def lgsp(here: Settings, code: int, *arguments: str, **chosen: str) -> str:
    """A command as a process; what it prints."""
    environment = {name: one for name, one in os.environ.items() if not name.startswith("LGSP_")}
    environment |= {"LGSP_DATA": str(here.data), "LGSP_KAFKA_SERVERS": here.kafka_servers}
    environment |= {"LGSP_SPACE": here.space}
    environment |= {f"LGSP_{name.upper()}": one for name, one in chosen.items()}
    command = [sys.executable, "-m", "ops.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def event(code: str, thing: str, **chosen: Any) -> dict[str, Any]:
    data = {**RECEIVED["data"], "agency": code, "dossier_id": thing, **chosen}
    return {**RECEIVED, "id": f"{code}/{thing}", "data": data}


def send(process: Process, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return httpx.post(
        f"{process.url}/v1/events",
        content=content,
        headers={"Content-Type": BATCH_TYPE, **headers},
        timeout=60,
    )


def origin(answer: httpx.Response, item: int) -> str:
    return f"http:{answer.headers['x-request-id']}/{item}"


def things(here: Settings, code: str) -> list[str]:
    """The dossiers of which facts name an agency, as often as they stand in the log."""
    records = asyncio.run(records_since(here, events_topic("dossiers", here.space)))
    return [one.key.decode() for one in records if code.encode() in one.value]


def one(here: Settings, of: str) -> Entry:
    return asyncio.run(find(here, of)).one(of)


def test_an_item_is_replayed_after_the_fix_and_counted_once(
    opened: Process, here: Settings, code: str
) -> None:
    """The hub refused numbers of persons as ids; by now it only warns of them. Of a body of nearly
    8 MiB all others were taken in the first time.
    """
    good = [event(code, f"D-{number}") for number in range(900)]
    bad = event(code, CITIZEN)
    text = json.dumps([*good[:450], bad, *good[450:]]).encode()
    answer = send(opened, text[:-1] + b" " * ((8 << 20) - len(text) - 1) + b"]")
    assert answer.status_code == 422, answer.text
    name = origin(answer, 450)
    assert one(here, name).state == "waiting"
    assert CITIZEN not in things(here, code)
    assert (
        json.loads(lgsp(here, 0, "quarantine", "show", name, "--original").split("\n\n")[1]) == bad
    )
    assert CITIZEN not in lgsp(here, 0, "quarantine", "show", name)
    refused = lgsp(here, 3, "quarantine", "replay", name, personal_numbers="refuse")
    assert "answered 422" in refused
    assert CITIZEN not in refused
    assert one(here, name).state == "waiting"
    assert "is taken in" in lgsp(here, 0, "quarantine", "replay", name)
    assert sorted(things(here, code)) == sorted([*(f"D-{at}" for at in range(900)), CITIZEN])
    told = one(here, name).told()
    assert (told["state"], told["done"]["status"], told["done"]["by"]) == (
        "replayed",
        202,
        "the hub's machine",
    )
    listed = lgsp(here, 0, "quarantine", "list", "--json", "--state", "replayed", "--limit", "99")
    assert name in listed


def test_a_body_that_can_not_be_read_is_kept_whole_in_chunks(
    opened: Process, here: Settings, code: str
) -> None:
    body = f'[] "{NAME}"'.encode() + b"?" * (3 << 20)
    answer = send(opened, body)
    assert answer.status_code == 400
    entry = one(here, f"http:{answer.headers['x-request-id']}")
    assert entry.ref is not None
    assert entry.ref.chunks > 3
    assert asyncio.run(original_of(here, entry)).body == body
    for topic in (vault_topic(here.space), vault_keys_topic(here.space)):
        records = asyncio.run(records_since(here, topic))
        assert records
        assert not [1 for one in records if NAME.encode() in one.key + (one.value or b"")]


def test_what_was_dropped_is_read_by_nobody(opened: Process, here: Settings, code: str) -> None:
    answer = send(opened, [event(code, "D-1", channel=NAME), event(code, "D-2", channel=NAME)])
    dropped, other = origin(answer, 0), origin(answer, 1)
    assert "is dropped" in lgsp(here, 0, "quarantine", "drop", dropped, "--yes")
    assert one(here, dropped).state == "dropped"
    assert "is gone" in lgsp(here, 1, "quarantine", "replay", dropped)
    with pytest.raises(OriginalGone):
        asyncio.run(original_of(here, unmarked(one(here, dropped))))
    assert NAME in asyncio.run(original_of(here, one(here, other))).body.decode()
    assert dropped not in lgsp(here, 0, "quarantine", "list", "--json", "--limit", "999")
    request = other.rpartition("/")[0] + "/"
    assert "1 dropped" in lgsp(here, 0, "quarantine", "drop", request, "--all", "--yes")
    assert one(here, other).state == "dropped"


def unmarked(entry: Entry) -> Entry:
    """The entry as if nobody had marked it: the vault itself has to know."""
    return Entry(entry.origin, entry.at, entry.reason, entry.kind, entry.kept, ref=entry.ref)


def test_a_day_erased_is_a_day_forgotten(opened: Process, here: Settings, code: str) -> None:
    answer = send(opened, [event(code, "D-1", channel=NAME), event(f"{code}.1", "D", channel=NAME)])
    day = one(here, origin(answer, 0)).day
    assert "1 key" in lgsp(here, 0, "vault", "erase", "--agency", code, "--day", day, "--yes")
    with pytest.raises(OriginalGone):
        asyncio.run(original_of(here, one(here, origin(answer, 0))))
    assert NAME in asyncio.run(original_of(here, one(here, origin(answer, 1)))).body.decode()
    again = send(opened, [event(code, "D-1", channel=NAME)])
    assert NAME in asyncio.run(original_of(here, one(here, origin(again, 0)))).body.decode()
    assert "nothing" in lgsp(here, 0, "vault", "erase", "--client", code, "--yes").lower()


def test_nobody_reads_it_without_the_master_key(
    opened: Process, here: Settings, code: str, tmp_path: Path
) -> None:
    answer = send(opened, [event(code, "D-1", channel=NAME)])
    thief = here.model_copy(update={"data": tmp_path})
    with pytest.raises(MasterKeyMissing):
        asyncio.run(original_of(thief, one(here, origin(answer, 0))))


def test_a_changed_master_key_reads_what_is_there(
    opened: Process, here: Settings, code: str
) -> None:
    before = send(opened, [event(code, "D-1", channel=NAME)])
    assert "wrapped anew" in lgsp(here, 0, "vault", "rotate")
    after = send(opened, [event(f"{code}.1", "D-1", channel=NAME)])
    for answer in (before, after):
        assert NAME in asyncio.run(original_of(here, one(here, origin(answer, 0)))).body.decode()
    assert len({key.master for key in asyncio.run(read_known_keys(here)).keys.values()}) == 1
    assert "a gateway may be using the old one" in lgsp(here, 1, "vault", "rotate", "--finish")


def register(here: Settings, name: str, **chosen: Any) -> dict[str, str]:
    pepper = Pepper(pepper_of(here))
    made = draft(name, **{"sources": ("*",), **chosen})
    _, key = asyncio.run(
        change_client(
            here, lambda there: changes.added(there, made, pepper, now_ms()), HERE, "added"
        )
    )
    return basic(name, key)


def give(here: Settings, name: str, *agencies: str) -> None:
    def change(there: Any) -> tuple[Client, None]:
        return msgspec.structs.replace(there[name], agencies=agencies), None

    asyncio.run(change_client(here, change, HERE, "changed"))


def test_a_client_sees_replays_and_drops_its_own_alone(
    required: Process, here: Settings, code: str
) -> None:
    name, other = code.lower(), f"{code.lower()}-b"
    mine = register(here, name, agencies=(code,))
    theirs = register(here, other, agencies=("B",))
    boss = register(
        here, f"{name}-op", agencies=(), sources=(), doors=(), families=(), role="operator"
    )
    deadline = [httpx.Response(401)] * 600
    for _ in deadline:
        answer = send(
            required, [event(f"{code}.X", "D-1"), event(code, "D-2", channel=NAME)], **mine
        )
        if answer.status_code != 401:
            break
    assert answer.status_code in (403, 422), answer.text
    first, second = origin(answer, 0), origin(answer, 1)

    def ask(method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        return httpx.request(
            method, f"{required.url}/v1/quarantine{path}", headers=headers, timeout=60
        )

    for _ in deadline:
        if ask("GET", "", theirs).status_code == ask("GET", "", boss).status_code == 200:
            break
    assert [one["origin"] for one in ask("GET", "", mine).json()["entries"]] == [second, first]
    assert ask("GET", "", theirs).json() == {"entries": []}
    assert {first, second} <= {
        one["origin"] for one in ask("GET", "?limit=1000", boss).json()["entries"]
    }
    for method, path in (("GET", ""), ("POST", "/replay"), ("POST", "/drop")):
        assert ask(method, f"/{first}{path}", theirs).status_code == 404
        assert ask(method, f"/{first}{path}", {}).status_code == 401
    refused = ask("POST", f"/{first}/replay", mine)
    assert (refused.json()["state"], refused.json()["done"]["status"]) == ("waiting", 403)
    give(here, name, code, f"{code}.X")
    for _ in deadline:
        done = ask("POST", f"/{first}/replay", mine).json()
        if done["state"] == "replayed":
            break
    assert (done["state"], done["done"]["status"], done["done"]["by"]) == ("replayed", 202, name)
    assert set(things(here, f"{code}.X")) == {"D-1"}
    dropped = ask("POST", f"/{second}/drop", boss)
    assert (dropped.json()["state"], dropped.json()["done"]["by"]) == ("dropped", f"{name}-op")
    assert ask("POST", f"/{second}/replay", mine).status_code == 410
    assert NAME not in dropped.text + refused.text


def test_the_command_looks_at_the_clients_rights_too(
    required: Process, here: Settings, code: str
) -> None:
    name = code.lower()
    mine = register(here, name, agencies=(code,))
    for _ in range(600):
        answer = send(required, [event(f"{code}.X", "D-1")], **mine)
        if answer.status_code != 401:
            break
    assert answer.status_code == 403
    assert "answered 403" in lgsp(here, 3, "quarantine", "replay", origin(answer, 0))
    give(here, name, code, f"{code}.X")
    assert "is taken in" in lgsp(here, 0, "quarantine", "replay", origin(answer, 0))
    assert things(here, f"{code}.X") == ["D-1"]


async def told_settings(client: AIOKafkaAdminClient, topic: str) -> dict[str, TopicSetting]:
    """The settings of a topic that was made a moment ago: not every answer knows it yet."""
    for _ in range(100):
        try:
            return (await settings_of(client, [topic]))[topic]
        except KafkaUnavailable:
            await asyncio.sleep(0.1)
    return (await settings_of(client, [topic]))[topic]


async def test_an_erased_key_goes_from_the_log_itself(here: Settings) -> None:
    """As it does within the hour: here the topic's settings are those of seconds."""
    alone = here.model_copy(update={"space": "forgotten"})
    await ensure_topics(alone)
    topic = vault_keys_topic(alone.space)
    quick = {"max.compaction.lag.ms": "1", "segment.ms": "1", "min.cleanable.dirty.ratio": "0.01"}
    declared = next(one for one in topics_of(alone) if one.name == topic).config(alone)
    async with admin(alone) as client:
        found = await told_settings(client, topic)
        assert declared == {name: found[name].value for name in declared}, "as Kafka tells them"
        assert await set_settings(client, {topic: declared | quick}) == []
    async with Publisher(alone) as publisher:
        owner = VaultOwner.at("quarantine", "A", "b", now_ms())
        (ref,) = await Vault(alone).keep(publisher, [VaultItem(owner, NAME.encode())])
        assert await read_whole(alone, ref, now_ms()) == NAME.encode()
        (key,) = (await read_known_keys(alone)).keys.values()
        await erase(publisher, alone, [key])
        with pytest.raises(OriginalGone):
            await read_whole(alone, ref, now_ms())
        for _ in range(600):
            await tick(publisher, alone, now_ms())
            kept = [one.value for one in await records_since(alone, topic) if one.value]
            if key.value not in kept:
                break
            await asyncio.sleep(0.2)
    assert key.value not in kept


async def test_nothing_of_another_space_is_seen(here: Settings) -> None:
    elsewhere = here.model_copy(update={"space": "quarantined"})
    await ensure_topics(elsewhere)
    assert [one async for one in entries(elsewhere)] == []
