"""`POST /oauth/token` as OAuth's own clients ask it (Authlib), and what else is sent there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from accesses import Clients, basic, draft
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from gateways import RECEIVED, Remembers, client_of, publisher

from connectors.gateway.oauth import FORM_TYPE, LONGEST_FORM
from serving.access.clients import ClientLimits
from serving.access.tokens import TOKEN_SECONDS

__all__ = ["publisher"]


@pytest.fixture
def clients() -> Clients:
    return Clients(draft("shop", agencies=("*",)))


@pytest.fixture
async def client(publisher: Remembers, clients: Clients) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(publisher, access=clients.access) as client:
        yield client


def oauth(
    client: httpx.AsyncClient, clients: Clients, secret: object, **options: str
) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        "shop",
        str(secret),
        token_endpoint="http://gateway/oauth/token",
        grant_type="client_credentials",
        transport=client._transport,
        base_url="http://gateway",
        **options,
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_an_oauth_client_gets_its_token_and_sends_with_it(
    client: httpx.AsyncClient, clients: Clients, publisher: Remembers, method: str
) -> None:
    async with oauth(
        client, clients, clients.keys["shop"], token_endpoint_auth_method=method
    ) as session:
        token = await session.fetch_token()
        assert token["token_type"] == "Bearer"
        assert token["expires_in"] == TOKEN_SECONDS
        assert clients.keys["shop"].secret not in token["access_token"]
        answer = await session.post("/v1/events", json=RECEIVED)
    assert answer.status_code == 202
    assert len(publisher.events) == 1


async def test_a_wrong_key_is_an_oauth_error_and_a_problem(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    async with oauth(client, clients, "lgsp_0_0") as session:
        with pytest.raises(OAuthError, match="invalid_client"):
            await session.fetch_token()
    answer = await client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=basic("shop", "wrong"),
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["type"] == "urn:lgsp:problem:not-known"
    assert answer.json()["error_description"] == answer.json()["detail"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&client_secret=twice", "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(100)), "invalid_request"),
        ("grant_type=client_credentials&x=" + "y" * LONGEST_FORM, "invalid_request"),
    ],
)
async def test_what_is_no_request_for_a_token_is_told_in_oauths_words(
    client: httpx.AsyncClient, clients: Clients, form: str, error: str
) -> None:
    headers = {"Content-Type": FORM_TYPE, **clients.basic("shop")}
    answer = await client.post("/oauth/token", content=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_json_is_no_form(client: httpx.AsyncClient, clients: Clients) -> None:
    answer = await client.post(
        "/oauth/token", json={"grant_type": "client_credentials"}, headers=clients.basic("shop")
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_without_name_and_key_nobody_gets_one(client: httpx.AsyncClient) -> None:
    form = {"grant_type": "client_credentials"}
    assert (await client.post("/oauth/token", data=form)).status_code == 401
    token = {"Authorization": "Bearer whatever"}
    assert (await client.post("/oauth/token", data=form, headers=token)).status_code == 401


async def test_tokens_are_asked_for_within_the_clients_limits(
    client: httpx.AsyncClient, clients: Clients
) -> None:
    shop = clients.register.clients["shop"]
    clients.put(msgspec.structs.replace(shop, limits=ClientLimits(events=1)))
    form = {"grant_type": "client_credentials"}
    answers = [
        await client.post("/oauth/token", data=form, headers=clients.basic("shop"))
        for _ in range(30)
    ]
    over = [one for one in answers if one.status_code == 429]
    assert over
    assert {one.json()["error"] for one in over} == {"temporarily_unavailable"}
    assert all("Retry-After" in one.headers for one in over)
