"""What a gateway over a publisher in memory refused, for tests to read and send again. All data are
made up.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gateways import RECEIVED, Remembers, client_of, post

from connectors.gateway.modes import BATCH_TYPE, STRUCTURED_TYPE
from connectors.publishing.lanes import OutgoingRecord
from connectors.quarantine.entries import Entry, entry_of
from connectors.quarantine.finding import Matches
from connectors.quarantine.original import Original
from connectors.vault.datakeys import DataKey, KnownKeys, keys_applied
from connectors.vault.master import MasterKeys
from connectors.vault.sealing import VaultRef, data_key_id, opened
from connectors.vault.vault import Vault
from schemas.digests import Digest
from schemas.quarantine import excerpt_of
from schemas.settings import Settings
from schemas.topics import QUARANTINE, VAULT, VAULT_KEYS
from serving.access.clients import Identity
from serving.access.permissions import Permissions

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


async def refused(publisher: Remembers, here: Settings, vault: Vault, body: Any) -> Entry:
    """The entry of something that a gateway refused."""
    async with client_of(publisher, vault=vault, data=here.data, personal_numbers="refuse") as one:
        await post(one, body, STRUCTURED_TYPE if isinstance(body, dict) else BATCH_TYPE)
    return entries(publisher)[-1]


NUMBERED = {**RECEIVED, "data": {**RECEIVED["data"], "dossier_id": "001085012345"}}


class EntriesInMemory:
    """Stands for the topics of the quarantine and the vault: one entry that waits, of an item that
    is good by now.
    """

    def __init__(self, client: str) -> None:
        kept = excerpt_of(b"x", Digest(b"k" * 32), "a text", source="/sample")
        ref = VaultRef.of(1)
        self.entry = Entry("http:x/1", 0, "wrong", "wrong_value", kept, client, ref)

    async def entries(
        self, _: Settings, since: int = 0, client: str | None = None
    ) -> AsyncIterator[Entry]:
        if client in (None, self.entry.client):
            yield self.entry

    async def find(self, settings: Settings, origin: str, client: str | None = None) -> Matches:
        matches = Matches()
        async for entry in self.entries(settings, client=client):
            if entry.begins(origin):
                matches.add(entry)
        return matches

    async def original_of(self, _: Settings, entry: Entry) -> Original:
        return Original.of_item("events", STRUCTURED_TYPE, json.dumps(RECEIVED))
