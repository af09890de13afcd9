"""What the gateway tells the audit: every refusal for want of right, whichever way it was told."""

from __future__ import annotations

from typing import Any

import pytest
from accesses import Clients, draft
from gateways import FOLDER, RECEIVED, Remembers, post
from httpx import ASGITransport, AsyncClient

from connectors.gateway import gateway_app
from schemas.settings import Settings
from serving.access.audit import AuditLog
from serving.access.clients import NOBODY


def event(agency: str, number: int = 1, **more: Any) -> dict[str, Any]:
    data = {**RECEIVED["data"], "agency": agency, "dossier_id": f"SAMPLE-{number}", **more}
    return {**RECEIVED, "id": f"sample-{number}", "data": data}


@pytest.fixture
def audit() -> AuditLog:
    return AuditLog("gateway")


@pytest.fixture
def clients() -> Clients:
    return Clients(
        draft("shop", agencies=("N.2",)),
        draft("packets", doors=("packets",)),
        draft("slow", events_a_second=1),
    )


@pytest.fixture
def client(audit: AuditLog, clients: Clients) -> AsyncClient:
    app = gateway_app(Settings(data=FOLDER), Remembers(), access=clients.access, audit=audit)
    return AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://gateway"
    )


def told(audit: AuditLog) -> list[tuple[str, str, int, str]]:
    return [(one.kind, one.client, one.status, one.what) for one in audit.take()]


async def test_who_is_not_known_or_may_not_use_the_door(
    client: AsyncClient, clients: Clients, audit: AuditLog
) -> None:
    await post(client, event("N.2"))
    assert told(audit) == [("refused", NOBODY, 401, "POST /v1/events")]
    await post(client, event("N.2"), **clients.basic("packets"))
    assert told(audit) == [("refused", "packets", 403, "POST /v1/events")]
    await client.post("/oauth/token", data={"grant_type": "client_credentials"})
    assert told(audit) == [("refused", NOBODY, 401, "POST /oauth/token")]


async def test_an_item_that_is_not_the_clients_beside_any_other(
    client: AsyncClient, clients: Clients, audit: AuditLog
) -> None:
    header = clients.basic("shop")
    await post(client, event("N.2"), **header)
    assert told(audit) == []
    await post(client, [event("N.2"), event("P", 2)], **header)
    assert told(audit) == [("refused", "shop", 403, "POST /v1/events")]
    wrong = event("N.2", 3, channel="pigeon")
    assert (await post(client, [wrong], **header)).status_code == 422
    assert told(audit) == []
    answer = await post(client, [event("P", 2), wrong], **header)
    assert answer.status_code == 422
    assert [one.times for one in audit.take(everything=True)] == [1]


async def test_who_sends_more_than_its_limits(
    client: AsyncClient, clients: Clients, audit: AuditLog
) -> None:
    for number in range(13):
        await post(client, event("P", number), **clients.basic("slow"))
    assert ("refused", "slow", 429, "POST /v1/events") in told(audit)


async def test_who_manages_clients_and_may_not(
    client: AsyncClient, clients: Clients, audit: AuditLog
) -> None:
    await client.get("/v1/clients/somebody", headers=clients.basic("shop"))
    assert told(audit) == [("refused", "shop", 403, "GET /v1/clients/{name}")]
