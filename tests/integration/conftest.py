"""What tests on the shared Kafka have in common."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from quick_kafka import quick_brokers

from ops.kafka.ports import free_port
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings

__all__ = ["quick_brokers"]


@pytest.fixture
async def settings(kafka: str, tmp_path: Path) -> Settings:
    """A data folder and a port of one's own, on topics that exist."""
    made = Settings(kafka_servers=kafka, data=tmp_path, metrics_port=free_port())
    await ensure_topics(made)
    return made


@pytest.fixture
def code() -> str:
    """The topics are shared by all tests; what is asked is asked of an agency of one's own."""
    return f"T{uuid4().hex[:12]}"
