"""The gateway where access is required: who is let in, what each may say, and how much of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from accesses import PEPPER, Clients, basic, bearer, draft
from gateways import RECEIVED, Remembers, client_of, post, problem, publisher

from connectors.gateway.health import Health
from schemas.clock import HOUR_MS
from schemas.topics import QUARANTINE
from serving.access.changes import revoked, rotated
from serving.access.clients import ClientLimits
from serving.access.limits import ClientBuckets

__all__ = ["publisher"]


def event(agency: str = "P", number: int = 1, **fields: Any) -> dict[str, Any]:
    """A dossier received by an agency of the sample province."""
    data = {**RECEIVED["data"], "agency": agency, "dossier_id": f"SAMPLE-{number}"}
    return {**RECEIVED, "id": f"sample-{number}", "data": data, **fields}


@pytest.fixture
def clients() -> Clients:
    return Clients(draft("shop", agencies=("N.2",)))


@pytest.fixture
async def client(publisher: Remembers, clients: Clients) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(publisher, access=clients.access) as client:
        yield client


async def test_a_client_with_its_key_is_let_in_in_every_way(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    token = (await token_of(client, clients)).json()["access_token"]
    for number, header in enumerate(
        (clients.basic("shop"), bearer(clients.keys["shop"]), bearer(token))
    ):
        answer = await post(client, event("U.1", number), **header)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert len(publisher.events) == 3


async def token_of(client: httpx.AsyncClient, clients: Clients) -> httpx.Response:
    return await client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=clients.basic("shop"),
    )


async def test_who_does_not_say_who_it_is_is_told_how(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    for header in ({}, basic("shop", "wrong"), bearer("wrong.token.here")):
        answer = await post(client, event(), **header)
        problem(answer, "not-known")
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Basic realm="LGSP hub"')
        assert 'Bearer realm="LGSP hub"' in challenge
    assert (publisher.events, publisher.records) == ([], [])


async def test_good_items_are_taken_in_beside_those_that_are_not_the_clients(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    """Each is told what the client may; they are noted in the quarantine as all refusals are."""
    answer = await post(client, [event("U.1", 1), event("P", 2)], **clients.basic("shop"))
    document = problem(answer, "forbidden-items")
    assert (document["accepted"], document["refused"]) == (1, 1)
    good, bad = document["items"]
    assert (good["status"], bad["status"]) == (202, 403)
    (error,) = bad["errors"]
    assert error["field"] == "data.agency"
    assert "shop may speak for N.2 and what is below them" in error["message"]
    assert [one.agency for one in publisher.events] == ["U.1"]
    assert [record.topic for record in publisher.records] == [QUARANTINE]


async def test_an_item_that_is_wrong_beside_one_that_is_not_the_clients(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    wrong = event("N.2", 2)
    wrong["data"]["channel"] = "pigeon"
    answer = await post(client, [event("P", 1), wrong], **clients.basic("shop"))
    statuses = [item["status"] for item in problem(answer, "refused-items")["items"]]
    assert statuses == [403, 422]


async def test_a_client_that_may_not_use_the_door_is_told_its_doors(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    clients.add(draft("packets-only", doors=("packets",)))
    answer = await post(client, event(), **clients.basic("packets-only"))
    assert "its doors are packets" in problem(answer, "not-allowed")["detail"]
    assert publisher.events == []


async def test_rights_that_rest_on_the_directory_wait_for_it(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    """503 and not a guess; what rests on nothing goes on."""
    clients.directory = None
    problem(
        await post(client, [event("N.2"), event("U.1", 2)], **clients.basic("shop")), "unavailable"
    )
    assert publisher.events == []
    assert (await post(client, event("N.2"), **clients.basic("shop"))).status_code == 202
    clients.add(draft("everything", agencies=("*",)))
    assert (await post(client, event("U.1"), **clients.basic("everything"))).status_code == 202


async def test_nothing_is_taken_in_before_the_register_was_read(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    clients.read = False
    problem(await post(client, event("N.2"), **clients.basic("shop")), "unavailable")
    problem(await client.get("/readyz"), "unavailable")
    assert (await token_of(client, clients)).status_code == 503
    clients.read = True
    assert (await client.get("/readyz")).status_code == 200
    assert (await post(client, event("N.2"), **clients.basic("shop"))).status_code == 202
    assert len(publisher.events) == 1


async def test_changes_hold_for_the_next_request(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    header = clients.basic("shop")
    assert (await post(client, event("N.2"), **header)).status_code == 202
    shop = clients.register.clients["shop"]
    clients.put(msgspec.structs.replace(shop, agencies=("T",)))
    problem(await post(client, event("N.2"), **header), "forbidden-items")
    clients.put(revoked(shop, clients.now))
    problem(await post(client, event("N.2"), **header), "not-known")


async def test_no_request_is_refused_while_a_key_is_changed_for_another(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    """The old one serves on until its end, and not a moment longer."""
    old = clients.basic("shop")
    shop, key = rotated(
        clients.register.clients["shop"], PEPPER, clients.now, old_until=clients.now + HOUR_MS
    )
    statuses = []
    for number in range(20):
        if number == 10:
            clients.put(shop)
        clients.now += HOUR_MS // 11 if number >= 10 else 0
        header = basic("shop", key) if number > 12 else old
        statuses.append((await post(client, event("N.2", number), **header)).status_code)
    assert statuses == [202] * 20
    clients.now += HOUR_MS
    problem(await post(client, event("N.2"), **old), "not-known")


# Limits


async def test_a_client_beyond_its_limits_is_refused_before_its_body_is_read(
    client: httpx.AsyncClient, publisher: Remembers, clients: Clients
) -> None:
    """And leaves all others their turn: what it sends costs no more than its head."""
    shop = clients.register.clients["shop"]
    clients.put(msgspec.structs.replace(shop, limits=ClientLimits(events=1, bytes=0)))
    clients.access.buckets = ClientBuckets(lambda: 0.0)
    clients.add(draft("other"))
    batch = [event("N.2", number) for number in range(30)]
    assert (await post(client, batch, **clients.basic("shop"))).status_code == 202
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"[]"

    headers = {"Content-Type": "application/json", **clients.basic("shop")}
    for _ in range(20):
        answer = await client.post("/v1/events", content=body(), headers=headers)
        assert problem(answer, "over-limit")
        # 30 events of 10 that it had at once: 20 too many, at one a second
        assert answer.headers["Retry-After"] == "21"
    assert not read
    assert (await post(client, event("N.2"), **clients.basic("other"))).status_code == 202
    assert len(publisher.events) == 31


async def test_what_was_announced_is_taken_though_it_never_comes(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    shop = clients.register.clients["shop"]
    clients.put(msgspec.structs.replace(shop, limits=ClientLimits(events=0, bytes=100)))
    clients.access.buckets = ClientBuckets(lambda: 0.0)
    large = b" " * 100_000
    problem(await post(client, large, **clients.basic("shop")), "not-json")
    answer = await post(client, event("N.2"), **clients.basic("shop"))
    problem(answer, "over-limit")
    assert answer.headers["Retry-After"] == "991"


async def test_many_requests_at_once_of_one_client_have_half_of_the_memory(
    publisher: Remembers, clients: Clients
) -> None:
    """By its name, whatever addresses they come from."""
    publisher.gate = asyncio.Event()
    clients.add(draft("other"))
    options = {"publish_buffer": 1 << 20, "publish_timeout": 0.2}
    padding = " " * (200 << 10)
    async with client_of(publisher, access=clients.access, **options) as client:
        body = msgspec.json.encode(event("N.2")) + padding.encode()
        async with asyncio.TaskGroup() as tasks:
            many = [
                tasks.create_task(post(client, body, **clients.basic("shop"))) for _ in range(4)
            ]
            await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
            other = tasks.create_task(post(client, body, **clients.basic("other")))
            await asyncio.wait(many[2:])
            publisher.gate.set()
    statuses = sorted(one.result().status_code for one in many)
    assert statuses == [202, 202, 503, 503]
    assert other.result().status_code == 202


# What is told of it


async def test_requests_are_counted_by_client_and_verdict(
    publisher: Remembers, clients: Clients
) -> None:
    health = Health()
    header = clients.basic("shop")
    async with client_of(publisher, health, access=clients.access) as client:
        for agency in ("N.2", "P", "U.1"):
            await post(client, event(agency), **header)
        await post(client, b"{", **header)
        await post(client, event("N.2"), **basic("shop", "lgsp_0_0"))
        await token_of(client, clients)
        publisher.fails = True
        await post(client, event("N.2"), **header)
        text = (await client.get("/metrics")).text
    found = {
        line.rpartition(" ")[0].partition("{")[2]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("lgsp_gateway_client_requests_total{")
    }
    assert found == {
        'client="shop",verdict="accepted"}': 3.0,
        'client="shop",verdict="not_allowed"}': 1.0,
        'client="shop",verdict="refused"}': 1.0,
        'client="shop",verdict="unavailable"}': 1.0,
        'client="unknown",verdict="unknown"}': 1.0,
    }
    assert 'lgsp_client_key_expiry_seconds{client="shop"}' in text


async def test_where_access_is_open_everybody_is_anybody(publisher: Remembers) -> None:
    health = Health()
    async with client_of(publisher, health) as client:
        for header in ({}, basic("shop", "whatever")):
            assert (await post(client, event("X"), **header)).status_code == 202
        refused = await client.post("/oauth/token", data={"grant_type": "client_credentials"})
        assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
        told = (await client.get("/metrics")).text
    assert 'lgsp_gateway_client_requests_total{client="anybody",verdict="accepted"} 2.0' in told
    assert "lgsp_client_key_expiry_seconds{" not in told


async def test_the_last_use_of_keys_is_kept_beside_requests(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    await post(client, event("N.2"), **clients.basic("shop"))
    clients.now += 5
    await post(client, event("N.2"), **clients.basic("shop"))
    key = clients.keys["shop"].id
    used = clients.access.take_used()
    assert used == {("shop", key): clients.now}
    assert clients.access.take_used() == {}
    clients.now += 5
    await post(client, event("N.2"), **clients.basic("shop"))
    clients.access.give_back(used)
    assert clients.access.take_used() == {("shop", key): clients.now}, "the later one stays"
