"""The feed of packets: nothing runs before it is asked, and without Kafka it says so."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from connectors.packets.feed import PacketFeed
from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable
from schemas.settings import Settings


def there(folder: Path) -> tuple[int, list[Path]]:
    """Threads, and files."""
    return threading.active_count(), [*folder.iterdir()]


async def test_nothing_runs_before_it_is_asked(tmp_path: Path) -> None:
    before = there(tmp_path)
    feed = PacketFeed(Settings(data=tmp_path))
    assert there(tmp_path) == before
    await feed.stop()


async def test_without_kafka_it_says_so_and_can_be_asked_again(tmp_path: Path) -> None:
    feed = PacketFeed(Settings(data=tmp_path, kafka_port=free_port(), publish_timeout=5))
    for _ in range(2):
        with pytest.raises(KafkaUnavailable, match="No Kafka answers"):
            await feed.records([b"sample|HS-1"])
    await feed.stop()
