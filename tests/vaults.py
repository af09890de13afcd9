"""A vault over topics in memory, for tests: all data are made up."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.publishing.lanes import OutgoingRecord
from connectors.vault.datakeys import (
    DataKey,
    KnownKeys,
    VaultOwner,
    keys_applied,
    new_data_key,
)
from connectors.vault.master import MasterKeys
from connectors.vault.sealing import VaultRef, data_key_id, opened
from connectors.vault.vault import VaultItem
from schemas.errors import (
    OriginalGone,
)
from schemas.settings import Settings
from schemas.topics import VAULT, VAULT_KEYS

NOON = 1_764_478_800_000  # 2025-11-30, noon in Viet Nam
OWNER = VaultOwner.at("quarantine", "SAMPLE.A", "shop", NOON)
MASTERS = MasterKeys([b"m" * 32])
NAME = "Nguyễn Thị Mẫu".encode()


class Kafka:
    """Stands for the publisher and the two topics."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.records: list[Any] = []

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        self.records += [
            SimpleNamespace(topic=one.topic, offset=0, key=one.key, value=one.value)
            for one in records
        ]

    def of(self, topic: str) -> dict[bytes, bytes]:
        """What stands there after compaction."""
        found = {one.key: one.value for one in self.records if one.topic == topic}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def known(self) -> KnownKeys:
        keys, erased = dict[str, DataKey](), set[str]()
        keys_applied(keys, erased, [one for one in self.records if one.topic == VAULT_KEYS])
        return KnownKeys(keys, erased)

    def read(self, ref: VaultRef, masters: MasterKeys) -> bytes:
        """As connectors/vault/reading.py does."""
        records = self.of(VAULT)
        key = self.known.keys.get(data_key_id(records[ref.keys[0]]))
        if key is None:
            raise OriginalGone("its key is gone")
        return opened(ref, records, key, key.plain(masters, VAULT_KEYS), VAULT)


@pytest.fixture
def kafka(tmp_path: Path) -> Kafka:
    return Kafka(Settings(data=tmp_path))


@pytest.fixture
def masters(kafka: Kafka) -> MasterKeys:
    return MasterKeys.of(kafka.settings)


def key_and_plain(owner: VaultOwner = OWNER) -> tuple[DataKey, bytes]:
    key = new_data_key(owner, MASTERS, VAULT_KEYS, NOON)
    return key, key.plain(MASTERS, VAULT_KEYS)


def item(whole: bytes, **chosen: Any) -> VaultItem:
    return VaultItem(OWNER._replace(**chosen), whole)
