"""Who may scrape /metrics where access is required: this machine, or whoever has the token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from accesses import Clients
from gateways import Remembers, client_of

from connectors.gateway.access import GatewayAccess
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings
from serving.access.errors import NotKnown
from serving.access.scraping import Scraping
from serving.access.secrets import metrics_token_of
from streams.exposed import ScrapedOnly

TOKEN = "sample-token-of-more-than-thirty-two-characters"
OTHERS = "203.0.113.7"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_needs_no_token(address: str) -> None:
    Scraping(required=True).require(address, None, proxied=False)
    Scraping(required=True, token=TOKEN).require(address, None, proxied=False)


def test_another_machine_needs_the_token() -> None:
    scraping = Scraping(required=True, token=TOKEN)
    scraping.require(OTHERS, f"Bearer {TOKEN}", proxied=False)
    scraping.require("127.0.0.1", f"bearer  {TOKEN}", proxied=True)
    for given in (
        None,
        "",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer ",
        f"Bearer {TOKEN}x",
        "Bearer \udcff",
    ):
        with pytest.raises(NotKnown):
            scraping.require(OTHERS, given, proxied=False)


def test_who_comes_through_a_proxy_of_this_machine_is_not_this_machine() -> None:
    with pytest.raises(NotKnown, match="only this machine"):
        Scraping(required=True).require("127.0.0.1", None, proxied=True)


def test_an_empty_token_lets_in_nobody() -> None:
    with pytest.raises(NotKnown):
        Scraping(required=True).require(OTHERS, "Bearer ", proxied=False)


def token_file(folder: Path, text: str = TOKEN + "\n", mode: int = 0o600) -> Settings:
    path = folder / "metrics-token"
    path.write_text(text)
    path.chmod(mode)
    return Settings(data=folder, access="required", metrics_token_file=path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_the_token_is_in_a_file_that_prometheus_may_read_by_its_group(
    tmp_path: Path, mode: int
) -> None:
    assert metrics_token_of(token_file(tmp_path, mode=mode)) == TOKEN
    assert metrics_token_of(Settings(data=tmp_path)) is None


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_a_token_that_everybody_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(EnvironmentBroken, match="chmod 640") as caught:
        Scraping.of(token_file(tmp_path, mode=mode))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("text", ["", "short", "two words " * 8, "a" * 31, "x" * 40 + "\x00"])
def test_what_is_no_token_is_refused_with_how_to_make_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(EnvironmentBroken, match="openssl rand -hex 32"):
        Scraping.of(token_file(tmp_path, text))


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBroken, match="LGSP_METRICS_TOKEN_FILE"):
        Scraping.of(Settings(access="required", metrics_token_file=tmp_path / "none"))


async def test_the_gateway_asks(tmp_path: Path) -> None:
    access = GatewayAccess(Clients().gate, scraping=Scraping.of(token_file(tmp_path)))
    async with client_of(Remembers(), access=access) as client:
        assert (await client.get("/metrics")).status_code == 200  # this machine
        through = {"X-Forwarded-For": OTHERS}
        answer = await client.get("/metrics", headers=through)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:lgsp:problem:not-known")
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/metrics", headers=through | token)).status_code == 200
        assert (await client.get("/healthz", headers=through)).status_code == 200


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, "200 OK"),
        ({"REMOTE_ADDR": OTHERS}, "401 Unauthorized"),
        ({"REMOTE_ADDR": OTHERS, "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, "200 OK"),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_VIA": "1.1 proxy"}, "401 Unauthorized"),
    ],
)
def test_the_worker_asks(environ: dict[str, Any], status: str) -> None:
    told: list[str] = []
    app = ScrapedOnly(Scraping(required=True, token=TOKEN))
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", **environ}
    body = b"".join(app(asked, lambda given, _: told.append(given)))
    assert told == [status]
    assert (b"# TYPE process_" in body) == (status == "200 OK")
