"""A gateway over a publisher that only remembers, and how tests ask it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
import pytest

from connectors.gateway import gateway_app
from connectors.gateway.access import GatewayAccess
from connectors.gateway.examples import EXAMPLES
from connectors.gateway.health import Health
from connectors.gateway.modes import JSON_TYPE
from connectors.gateway.problems import GATEWAY_PROBLEMS
from connectors.publishing.budget import Budget
from connectors.publishing.lanes import OutgoingRecord
from connectors.vault.vault import Vault
from schemas.digests import digest_of
from schemas.errors import KafkaUnavailable, TopicUnwritable
from schemas.events import Event
from schemas.quarantine import QuarantineExcerpt, excerpt_of
from schemas.settings import Settings
from schemas.topics import QUARANTINE

RECEIVED = EXAMPLES["dossier.received"]
BAD = {**RECEIVED, "id": "bad-1", "data": {**RECEIVED["data"], "channel": "pigeon"}}


_folder = TemporaryDirectory(prefix="lgsp-gateways-")
FOLDER = Path(_folder.name)


class Remembers:
    """A publisher that keeps what it is given; `fails` makes it fail as an absent Kafka does,
    `gate` makes it wait.
    """

    settings = Settings()

    def __init__(self) -> None:
        self.budget = Budget(1 << 20)
        self.away = False
        self.fails = False
        self.unwritable_topic = ""
        self.gate: asyncio.Event | None = None
        self.events: list[Event] = []
        self.records: list[OutgoingRecord] = []

    @property
    def reachable(self) -> bool:
        return not self.away

    async def publish(self, events: Sequence[Event]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise KafkaUnavailable("Kafka did not confirm the records: send them again.")
        self.events.extend(events)

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        if self.fails:
            raise KafkaUnavailable("Kafka did not confirm the records: send them again.")
        records = list(records)
        if any(record.topic == self.unwritable_topic for record in records):
            raise TopicUnwritable(f"Topic {self.unwritable_topic} can't be written: it is missing.")
        self.records.extend(records)

    def unwritable(self) -> dict[str, bool]:
        return {topic: topic == self.unwritable_topic for topic in (QUARANTINE, "lgsp.dossiers")}


@pytest.fixture
def publisher() -> Remembers:
    return Remembers()


def client_of(
    publisher: Remembers,
    health: Health | None = None,
    access: GatewayAccess | None = None,
    vault: Vault | None = None,
    **options: Any,
) -> httpx.AsyncClient:
    settings = Settings(**({"data": FOLDER} | options))
    app = gateway_app(settings, publisher, health, access=access, vault=vault)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://gateway"
    )


@pytest.fixture
async def client(publisher: Remembers) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(publisher) as client:
        yield client


def kept(record: OutgoingRecord, payload: bytes | None = None) -> QuarantineExcerpt:
    """What the quarantine keeps, checked against what came, of which nothing else may be there."""
    found = msgspec.json.decode(record.value, type=QuarantineExcerpt)
    if payload is not None:
        same = excerpt_of(payload, digest_of(FOLDER))
        assert (found.length, found.digest, found.digest_key) == (
            same.length,
            same.digest,
            same.digest_key,
        )
    return found


async def post(
    client: httpx.AsyncClient, body: Any, kind: str = JSON_TYPE, **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/events", content=content, headers={"Content-Type": kind, **named})


def problem(answer: httpx.Response, name: str, status: int | None = None) -> dict[str, Any]:
    """The answer's problem document, checked for what every problem has."""
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:lgsp:problem:{name}"
    assert document["title"] == GATEWAY_PROBLEMS[name].title
    assert document["status"] == answer.status_code == (status or GATEWAY_PROBLEMS[name].status)
    assert document["detail"]
    assert UUID(document["instance"].removeprefix("urn:uuid:"))
    assert ("Retry-After" in answer.headers) == (answer.status_code in (429, 503))
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)
    return document


async def binary(client: httpx.AsyncClient, event: dict[str, Any], **more: str) -> httpx.Response:
    attributes = {
        f"ce-{name}": quote(value, safe="/:+") for name, value in event.items() if name != "data"
    }
    return await post(client, event["data"], JSON_TYPE, **attributes, **more)
