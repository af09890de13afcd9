"""`/v1/clients`: what operators do there, and that nobody else does anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from accesses import Clients, TopicInMemory, basic, bearer, draft
from gateways import RECEIVED, Remembers, client_of, post, problem, publisher

from connectors.gateway import clients as routes
from schemas.clock import DAY_MS, now_ms
from schemas.settings import Settings
from serving.access.keys import Pepper
from serving.access.secrets import pepper_of

__all__ = ["publisher"]
OPERATOR = {"doors": (), "agencies": (), "sources": (), "families": (), "role": "operator"}
NEW = {
    "name": "new",
    "title_vi": "Hệ thống mới",
    "title_en": "New system",
    "agencies": ["U.2"],
    "sources": ["/sample/*"],
    "doors": ["events"],
    "families": ["dossiers"],
}


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """With the pepper of the folder, since the routes make keys with that."""
    pepper = Pepper(pepper_of(Settings(data=tmp_path)))
    monkeypatch.setattr("accesses.PEPPER", pepper)
    found = Clients(draft("boss", **OPERATOR), draft("shop"))
    found.now = now_ms()
    return found


@pytest.fixture
def kept(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> TopicInMemory:
    topic = TopicInMemory(clients)
    monkeypatch.setattr(routes, "topic", topic)
    return topic


@pytest.fixture
async def client(
    publisher: Remembers, clients: Clients, kept: TopicInMemory, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(publisher, access=clients.access, data=tmp_path) as client:
        yield client


async def described(client: httpx.AsyncClient, path: str, answer: httpx.Response) -> Any:
    """The answer's JSON, checked against what OpenAPI says of it."""
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"][path][answer.request.method.lower()]
    content = operation["responses"][str(answer.status_code)]["content"]
    schema = content[answer.headers["content-type"]]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(
        answer.json()
    )
    return answer.json()


async def test_an_operator_adds_a_client_that_then_sends(
    client: httpx.AsyncClient, clients: Clients, publisher: Remembers
) -> None:
    answer = await client.post("/v1/clients", json=NEW, headers=clients.basic("boss"))
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = await described(client, "/v1/clients", answer)
    event = {**RECEIVED, "data": {**RECEIVED["data"], "agency": "U.2"}}
    assert (await post(client, event, **basic("new", made["key"]))).status_code == 202
    shown = await client.get("/v1/clients/new", headers=clients.basic("boss"))
    told = await described(client, "/v1/clients/{name}", shown)
    assert "key" not in told, "it is shown once"
    assert made["key"].rpartition("_")[2] not in shown.text
    assert told["agencies"] == ["U.2"]


async def test_clients_are_listed_with_the_last_use_of_their_keys(
    client: httpx.AsyncClient, clients: Clients, kept: TopicInMemory
) -> None:
    kept.used[clients.keys["shop"].id] = clients.now
    answer = await client.get("/v1/clients", headers=clients.basic("boss"))
    listed = (await described(client, "/v1/clients", answer))["clients"]
    assert [one["name"] for one in listed] == ["boss", "shop"]
    assert listed[0]["keys"][0]["last_used_at"] is None
    assert listed[1]["keys"][0]["last_used_at"] is not None
    assert clients.register.clients["shop"].keys[0].digest not in answer.text


async def test_a_new_key_leaves_the_old_one_its_time(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    old = clients.basic("shop")
    answer = await client.post("/v1/clients/shop/rotate", json={}, headers=clients.basic("boss"))
    new = basic("shop", (await described(client, "/v1/clients/{name}/rotate", answer))["key"])
    clients.now = now_ms()
    assert (await post(client, RECEIVED, **old)).status_code != 401
    assert (await post(client, RECEIVED, **new)).status_code != 401
    clients.now += 8 * DAY_MS
    problem(await post(client, RECEIVED, **old), "not-known")
    assert (await post(client, RECEIVED, **new)).status_code != 401


async def test_other_rights_hold_from_the_next_request_on(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    boss, shop = clients.basic("boss"), clients.basic("shop")
    answer = await client.patch("/v1/clients/shop", json={"agencies": ["T"]}, headers=boss)
    told = await described(client, "/v1/clients/{name}", answer)
    assert (told["agencies"], told["doors"]) == (["T"], ["events"])
    event = {**RECEIVED, "data": {**RECEIVED["data"], "agency": "P"}}
    problem(await post(client, event, **shop), "forbidden-items")
    wrong = await client.patch("/v1/clients/shop", json={"doors": None}, headers=boss)
    problem(wrong, "wrong-client")


async def test_what_is_revoked_is_refused_by_the_next_request(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    boss, shop = clients.basic("boss"), clients.basic("shop")
    key = clients.keys["shop"].id
    answer = await client.post("/v1/clients/shop/revoke", json={"key": key}, headers=boss)
    await described(client, "/v1/clients/{name}/revoke", answer)
    problem(await post(client, RECEIVED, **shop), "not-known")
    assert (await client.post("/v1/clients/shop/revoke", json={}, headers=boss)).status_code == 200
    assert clients.register.clients["shop"].revoked_at is not None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/clients", None),
        ("GET", "/v1/clients/shop", None),
        ("POST", "/v1/clients", NEW),
        ("PATCH", "/v1/clients/shop", {"role": "operator"}),
        ("POST", "/v1/clients/shop/rotate", {}),
        ("POST", "/v1/clients/shop/revoke", {}),
    ],
)
async def test_nobody_but_an_operator_manages_clients(
    client: httpx.AsyncClient,
    publisher: Remembers,
    clients: Clients,
    method: str,
    path: str,
    body: Any,
) -> None:
    """Not even where access is open: a client that was made then would be let in later."""
    before = clients.register
    for header, name in (
        ({}, "not-known"),
        (bearer("x.y.z"), "not-known"),
        (clients.basic("shop"), "not-allowed"),
    ):
        answer = await client.request(method, path, json=body, headers=header)
        problem(answer, name)
    async with client_of(publisher) as open_to_all:
        answer = await open_to_all.request(method, path, json=body)
        assert "lgsp client" in problem(answer, "not-allowed")["detail"]
    assert clients.register is before


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        ({**NEW, "name": "shop"}, "wrong-client", "registered already"),
        ({**NEW, "agencies": ["Sở Mẫu"]}, "wrong-client", "no agency's code"),
        ({**NEW, "door": "events"}, "wrong-client", "door"),
        ({**NEW, "days": "ten"}, "wrong-client", "int"),
        ({**NEW, "days": -1}, "wrong-client", "days"),
        ({"name": "new"}, "wrong-client", "title_vi"),
    ],
)
async def test_each_mistake_is_named_and_nothing_changed(
    client: httpx.AsyncClient, clients: Clients, body: Any, name: str, said: str
) -> None:
    before = clients.register
    answer = await client.post("/v1/clients", json=body, headers=clients.basic("boss"))
    assert said in problem(answer, name)["detail"]
    assert clients.register is before


async def test_a_body_that_can_not_be_read_is_told_so(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    boss = clients.basic("boss")
    json = {"Content-Type": "application/json"}
    problem(await client.post("/v1/clients", content=b"{", headers=boss | json), "not-json")
    large = b" " * (routes.LONGEST_REQUEST + 1)
    problem(await client.post("/v1/clients", content=large, headers=boss | json), "too-large")
    problem(await client.post("/v1/clients", content=b"{}", headers=boss), "unsupported-media-type")


async def test_who_is_not_registered_is_not_there(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    boss = clients.basic("boss")
    problem(await client.get("/v1/clients/nobody", headers=boss), "no-such-client")
    answer = await client.post("/v1/clients/nobody/rotate", json={}, headers=boss)
    problem(answer, "no-such-client")
