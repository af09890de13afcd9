"""Clients of made-up agencies with their keys, and a gate over them whose clock is the test's."""

from __future__ import annotations

import base64
from typing import Any

from agencies import instant, merged_communes

from connectors.gateway.access import GatewayAccess
from schemas.settings import Settings
from serving.access.audit import Actor
from serving.access.changes import ClientDraft, added
from serving.access.clients import Client
from serving.access.gate import Gate
from serving.access.keys import KeyText, Pepper
from serving.access.register import ClientRegister
from serving.access.tokens import Tokens
from serving.access.topic import Change
from serving.directory.directory import Directory

PEPPER = Pepper(b"p" * 32)
SEED = b"s" * 32
BEGINNING = instant("2026-11-01")
PROVINCE = Directory(merged_communes())
# of the sample province, by hand: who is below whom on the two days around the merger
BELOW: dict[str, dict[str, set[str]]] = {
    "2025-06-30": {
        "P": {"P", "T", "U", "T.1", "U.1", "U.2", "N.2"},
        "T": {"T", "T.1"},
        "U": {"U", "U.1", "U.2"},
        "N.2": {"N.2"},
        "U.1": {"U.1"},
    },
    "2025-07-01": {
        "P": {"P", "T", "U", "T.1", "U.1", "U.2", "N.2"},
        "T": {"T"},
        "U": {"U"},
        "N.2": {"N.2", "U.1"},
        "U.1": {"U.1"},
    },
}


def draft(name: str, **chosen: Any) -> ClientDraft:
    """A live client that may send everything of the sample province, but for what is chosen."""
    usual: dict[str, Any] = {
        "title_vi": "Hệ thống mẫu",
        "title_en": "Sample system",
        "agencies": ("P",),
        "sources": ("*",),
        "doors": ("events", "packets") if "packets" in chosen else ("events",),
        "families": ("*",),
        "live": True,
    }
    return ClientDraft(name, **(usual | chosen))


def basic(name: str, key: object) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{key}'.encode()).decode()}"}


def bearer(text: object) -> dict[str, str]:
    """The header of a key or a token."""
    return {"Authorization": f"Bearer {text}"}


class Clients:
    """A register that tests change, and the gate over it. `now` is the gate's clock (epoch ms)."""

    def __init__(self, *drafts: ClientDraft, space: str = "official") -> None:
        self.now = BEGINNING
        self.read = True
        self.keys: dict[str, KeyText] = {}
        self.register = ClientRegister()
        self.directory: Directory | None = PROVINCE
        for one in drafts:
            self.add(one)
        self.gate = Gate(
            PEPPER, Tokens(SEED, space), lambda: self.register if self.read else None, self._clock
        )
        self.access = GatewayAccess(
            self.gate,
            lambda: self.register if self.read else None,
            lambda: self.directory,
            self._clock,
        )

    def _clock(self) -> int:
        return self.now

    def add(self, one: ClientDraft) -> Client:
        """Register a client; its key is in `keys`."""
        client, key = added(self.register.clients, one, PEPPER, self.now)
        if key is not None:
            self.keys[client.name] = key
        return self.put(client)

    def put(self, client: Client) -> Client:
        """A client as it is now, in place of what was known of it."""
        self.register = ClientRegister({**self.register.clients, client.name: client})
        return client

    def basic(self, name: str) -> dict[str, str]:
        """The header with which a client says who it is."""
        return basic(name, self.keys[name])


class TopicInMemory:
    """Stands for serving/access/topic.py: the register that tests look into, without Kafka."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.used: dict[str, int] = {}
        self.changes: list[tuple[Actor, str, str]] = []

    async def read_clients(self, settings: Settings) -> dict[str, Client]:
        return dict(self.clients.register.clients)

    async def read_used(self, settings: Settings) -> dict[str, int]:
        return self.used

    async def change_client(
        self, settings: Settings, change: Change[Any], by: Actor, what: str
    ) -> tuple[Client, Any]:
        client, made = change(self.clients.register.clients)
        self.changes.append((by, what, client.name))
        return self.clients.put(client), made
