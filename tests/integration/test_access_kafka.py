"""Who may, on a real Kafka: `lgsp client` and gateways that run, of one register."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from accesses import basic, bearer, draft
from agencies import agency
from gateway_process import Process, gateway
from harness import until

from connectors.cloudevents.decode import event_of
from connectors.cloudevents.jsonitems import JsonItem
from connectors.gateway.access import GatewayAccess
from connectors.gateway.examples import EXAMPLES
from connectors.gateway.used import note_used
from ops.access.own import own_headers
from ops.simulate.sinks import GatewaySink
from schemas.clock import LATEST_MS, now_ms
from schemas.errors import HubError
from schemas.kafka.clients import producer
from schemas.settings import Settings
from schemas.topics import state_topic
from serving.access import changes
from serving.access.audit import Actor
from serving.access.keys import Pepper
from serving.access.secrets import pepper_of
from serving.access.topic import change_client, read_clients, read_used

pytestmark = pytest.mark.kafka
BY = Actor("sample-operator", "gateway", "203.0.113.7")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that all share, as they do on one machine."""
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def running(kafka: str, folder: Path) -> Iterator[Process]:
    with gateway(kafka, folder, access="required") as process:
        process.await_status("/readyz", 200)
        yield process


@pytest.fixture
def here(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(update={"data": folder, "access": "required"})


def lgsp(here: Settings, *arguments: str) -> str:
    """`lgsp client` as a process; what it prints."""
    environment = {name: one for name, one in os.environ.items() if not name.startswith("LGSP_")}
    environment |= {"LGSP_DATA": str(here.data), "LGSP_KAFKA_SERVERS": here.kafka_servers}
    command = [sys.executable, "-m", "ops.cli", "client", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def add(here: Settings, name: str, code: str) -> str:
    titles = ("--title-vi", "Mẫu", "--title-en", "Sample")
    rights = ("--agency", code, "--source", "*", "--door", "events", "--family", "dossiers")
    return lgsp(here, "add", name, *titles, *rights, "--live", "--only-key")


def send(process: Process, code: str, headers: dict[str, str]) -> int:
    """The status of an event of an agency."""
    example = EXAMPLES["dossier.received"]
    event = {**example, "data": {**example["data"], "agency": code, "dossier_id": f"{code}-1"}}
    return httpx.post(f"{process.url}/v1/events", json=event, headers=headers).status_code


def becomes(status: int, ask: Callable[[], int]) -> None:
    """It is seen by a process that runs; how soon is nobody's business here."""
    until(lambda: ask() == status)


def test_what_is_given_rotated_and_taken_is_seen_by_a_gateway_that_runs(
    running: Process, here: Settings, code: str
) -> None:
    name = code.lower()
    assert send(running, code, {}) == 401
    old = basic(name, add(here, name, code))
    becomes(202, lambda: send(running, code, old))
    assert send(running, "SOMEBODY.ELSE", old) == 403
    new = basic(name, lgsp(here, "rotate", name, "--only-key"))
    becomes(202, lambda: send(running, code, new))
    assert send(running, code, old) == 202
    lgsp(here, "rotate", name, "--old-until", "now")
    becomes(401, lambda: send(running, code, old))
    lgsp(here, "revoke", name, "--yes")
    becomes(401, lambda: send(running, code, new))


def test_a_token_of_one_gateway_holds_at_another_and_ends_with_the_client(
    running: Process, kafka: str, here: Settings, code: str
) -> None:
    name = code.lower()
    key = basic(name, add(here, name, code))
    becomes(202, lambda: send(running, code, key))
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{running.url}/oauth/token", data=form, headers=key)
    token = bearer(answer.json()["access_token"])
    with gateway(kafka, here.data, access="required") as other:
        other.await_status("/readyz", 200)
        assert send(other, code, token) == send(running, code, token) == 202
        lgsp(here, "revoke", name, "--yes")
        becomes(401, lambda: send(other, code, token))
        becomes(401, lambda: send(running, code, token))


async def test_what_is_below_an_agency_is_known_from_the_directory(
    running: Process, here: Settings, code: str
) -> None:
    name, below = code.lower(), f"{code}.1"
    key = basic(name, await asyncio.to_thread(add, here, name, code))
    await asyncio.to_thread(becomes, 202, lambda: send(running, code, key))
    assert send(running, below, key) == 403
    items = agency(agency({}, code, "district"), below, "commune", code)
    async with producer(here) as sender:
        for item, state in items.items():
            await sender.send_and_wait(
                state_topic("inventory"), msgspec.msgpack.encode(state), item.encode(), partition=0
            )
    await asyncio.to_thread(becomes, 202, lambda: send(running, below, key))


def test_an_operator_manages_clients_over_http(running: Process, here: Settings, code: str) -> None:
    name = code.lower()
    titles = ("--title-vi", "Mẫu", "--title-en", "Sample")
    operator = basic(
        f"{name}-op", lgsp(here, "add", f"{name}-op", *titles, "--role", "operator", "--only-key")
    )

    def clients() -> httpx.Response:
        return httpx.get(f"{running.url}/v1/clients", headers=operator)

    becomes(200, lambda: clients().status_code)
    asked: dict[str, Any] = {
        "name": name,
        "title_vi": "Mẫu",
        "title_en": "Sample",
        "agencies": [code],
        "sources": ["*"],
        "doors": ["events"],
        "families": ["*"],
    }
    made = httpx.post(f"{running.url}/v1/clients", json=asked, headers=operator)
    assert made.status_code == 201
    key = basic(name, made.json()["key"])
    becomes(202, lambda: send(running, code, key))
    assert name in {one["name"] for one in clients().json()["clients"]}
    assert name in lgsp(here, "show", name)
    gone = httpx.post(f"{running.url}/v1/clients/{name}/revoke", json={}, headers=operator)
    assert gone.status_code == 200
    becomes(401, lambda: send(running, code, key))


async def test_of_changes_at_the_same_moment_none_is_lost(here: Settings, code: str) -> None:
    """Each makes a key: all of them are there in the end, and were shown to somebody."""
    name, pepper = code.lower(), Pepper(pepper_of(here))
    await change_client(
        here, lambda there: changes.added(there, draft(name, days=0), pepper, now_ms()), BY, "added"
    )

    async def one_more() -> str:
        client, key = await change_client(
            here,
            lambda there: changes.with_key(changes.found(there, name), pepper, 30, now_ms()),
            BY,
            "given a new key",
        )
        assert client.name == name
        return key.id

    shown = await asyncio.gather(*(one_more() for _ in range(4)))
    kept = (await read_clients(here))[name].keys
    assert {one.id for one in kept} == {*shown}
    assert len({*shown}) == 4


async def test_a_change_that_is_refused_changes_nothing(here: Settings, code: str) -> None:
    name, pepper = code.lower(), Pepper(pepper_of(here))
    await change_client(
        here, lambda there: changes.added(there, draft(name), pepper, now_ms()), BY, "added"
    )
    before = await read_clients(here)
    with pytest.raises(HubError, match="registered already"):
        await change_client(
            here, lambda there: changes.added(there, draft(name), pepper, now_ms()), BY, "added"
        )
    assert await read_clients(here) == before


async def test_the_last_use_of_a_key_is_noted(here: Settings, code: str) -> None:
    access = GatewayAccess()
    access.give_back({(code.lower(), f"{code}-key"): 1_000, ("other", f"{code}-other"): 2_000})
    await note_used(here, access)
    await note_used(here, access)
    used = await read_used(here)
    assert (used[f"{code}-key"], used[f"{code}-other"]) == (1_000, 2_000)
    assert access.take_used() == {}


async def test_what_can_not_be_noted_is_noted_later(here: Settings, code: str) -> None:
    access = GatewayAccess()
    access.give_back({(code.lower(), "key"): 1_000})
    away = here.model_copy(update={"kafka_servers": "127.0.0.1:9"})
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        await note_used(away, access)
    assert access.take_used() == {(code.lower(), "key"): 1_000}


async def test_the_hubs_own_programs_get_in_with_one_key_at_a_time(
    running: Process, here: Settings, code: str
) -> None:
    name = f"own-{code.lower()}"
    first = await own_headers(here, name, "Sample")
    await asyncio.to_thread(becomes, 202, lambda: send(running, code, first))
    second = await own_headers(here, name, "Sample")
    await asyncio.to_thread(becomes, 202, lambda: send(running, code, second))
    await asyncio.to_thread(becomes, 401, lambda: send(running, code, first))
    assert await own_headers(here.model_copy(update={"access": "open"}), name, "Sample") == {}
    await change_client(
        here,
        lambda there: (changes.revoked(changes.found(there, name), now_ms()), None),
        BY,
        "revoked",
    )
    with pytest.raises(HubError, match="was revoked"):
        await own_headers(here, name, "Sample")


async def test_a_simulation_sends_where_access_is_required(
    running: Process, here: Settings, code: str
) -> None:
    """Its key is so new that the gateway has not heard of it: it waits for that."""
    sample = EXAMPLES["dossier.received"]
    told = {**sample, "data": {**sample["data"], "agency": code, "dossier_id": code}}
    event = event_of(JsonItem(told, msgspec.json.encode(told).decode(), ()), latest=LATEST_MS)
    async with GatewaySink(here.model_copy(update={"gateway_port": running.port})) as sink:
        await sink.publish([event])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "0.0.0.0", "access": "open"}, "does not listen on 0.0.0.0"),
        ({"access": "required", "pepper_file": "readable"}, "chmod 600"),
    ],
)
def test_a_gateway_that_may_not_start_says_why(
    kafka: str, tmp_path: Path, options: dict[str, str], said: str
) -> None:
    (tmp_path / "readable").write_bytes(b"p" * 32)
    (tmp_path / "readable").chmod(0o644)
    with gateway(kafka, tmp_path, **options) as process:
        _, error = process.process.communicate(timeout=60)
        assert process.process.returncode == 1
    assert said in error
    assert "Traceback" not in error
