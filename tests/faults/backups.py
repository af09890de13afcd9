"""What tests of backups share: a second hub, the command as its user runs it, and what a hub
holds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from harness import Hub

from ops.backup.copying import RECOUNTED
from ops.recount.verdict import Verdict
from schemas.cells.applied import is_applied
from schemas.cells.codec import CellSums
from schemas.cells.pages import CellKey, cells_of_page
from schemas.kafka.clients import consumer
from schemas.kafka.reading import read_to_end
from schemas.topics import cells_topic, events_topic

Fact = tuple[int, bytes | None, bytes | None, tuple[Any, ...]]
LGSP = (sys.executable, "-m", "ops.cli")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Hub]:
    """Another hub, with a broker and nothing in it: not even topics."""
    other = Hub(tmp_path / "elsewhere")
    with other.broker:
        yield other
        other.stop()


def lgsp(
    hub: Hub, *arguments: str, code: int = 0, program: tuple[str, ...] | list[str] = LGSP
) -> str:
    """Run the command; what it said."""
    environment = os.environ | hub.environment | {"COLUMNS": "200"}
    done = subprocess.run(
        [*program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def sources(hub: Hub) -> list[TopicPartition]:
    """Every partition of facts."""
    return [
        TopicPartition(events_topic(name), number)
        for name in RECOUNTED
        for number in range(hub.settings.partitions)
    ]


async def facts(hub: Hub) -> dict[TopicPartition, list[Fact]]:
    """Every fact with its time, by partition, in its order."""
    found: dict[TopicPartition, list[Fact]] = {source: [] for source in sources(hub)}
    async with consumer(hub.settings) as reader:
        for source, kept in found.items():
            reader.assign([source])
            async for _, records in read_to_end(reader, source):
                kept += [(one.timestamp, one.key, one.value, tuple(one.headers)) for one in records]
    return found


async def cells(hub: Hub) -> Mapping[CellKey, CellSums]:
    """What is published, lags included, summed over partitions."""
    pages: dict[tuple[int, bytes], bytes | None] = {}
    async with consumer(hub.settings) as reader:
        for number in range(hub.settings.partitions):
            source = TopicPartition(cells_topic(), number)
            reader.assign([source])
            async for _, records in read_to_end(reader, source):
                pages |= {
                    (number, one.key): one.value for one in records if not is_applied(one.key)
                }
    found: defaultdict[CellKey, CellSums] = defaultdict(dict)
    for (_, key), value in pages.items():
        for cell, sums in cells_of_page(key, value):
            for place, amount in sums.items():
                found[cell][place] = found[cell].get(place, 0) + amount
    return {
        cell: sums
        for cell, sums in found.items()
        if any(sums.values()) and cell.family in RECOUNTED
    }


def exact(verdicts: list[Verdict]) -> int:
    """The facts of a recount that found nothing wrong."""
    assert not any(verdict.wrong or verdict.rules for verdict in verdicts)
    return sum(verdict.events for verdict in verdicts)
