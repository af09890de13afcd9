"""Imports into a real Kafka: twice over, and killed in the middle."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord
from rich.console import Console

from connectors.files.importer import Import, into_kafka
from schemas.kafka.clients import consumer
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.topics import QUARANTINE, events_topic
from schemas.wire import Decoder

pytestmark = pytest.mark.kafka
EXAMPLES = Path(__file__).parents[2] / "ops" / "examples"
DOSSIERS = events_topic("dossiers")
MAP = """\
source: SOURCE
every_event: {dossier_id: "{id}", agency: SAMPLE.A, backfill: true}
events:
  - event: dossier.received
    id: "{id}/received"
    fields: {occurred_at: "{at}", procedure: SAMPLE.P, channel: online}
  - event: dossier.step_taken
    id: "{id}/{step}"
    fields: {occurred_at: "{at}", step: "{step}"}
"""
CHILD = """\
import sys
from pathlib import Path
from connectors.files.importer import run_import
from schemas.settings import settings
sys.exit(run_import(settings(), [Path(sys.argv[1])], Path(sys.argv[2])))
"""


@pytest.fixture
def settings(kafka: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "var", kafka_servers=kafka)


async def ends(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    """Where a topic ends now: other tests write to it as well."""
    await ensure_topics(settings)
    async with consumer(settings, topic) as reader:
        await reader.topics()
        partitions = [
            TopicPartition(topic, number) for number in reader.partitions_for_topic(topic) or ()
        ]
        return await reader.end_offsets(partitions)  # type: ignore[no-any-return]


async def since(
    settings: Settings, before: dict[TopicPartition, int]
) -> list[ConsumerRecord[Any, Any]]:
    """The records that came after."""
    found = []
    async with consumer(settings) as reader:
        reader.assign(list(before))
        until = await reader.end_offsets(list(before))
        for partition, offset in before.items():
            reader.seek(partition, offset)
        for partition in before:
            while await reader.position(partition) < until[partition]:
                found += [
                    record
                    for records in (await reader.getmany(timeout_ms=500)).values()
                    for record in records
                ]
    return found


async def events_since(
    settings: Settings, before: dict[TopicPartition, int], source: str
) -> list[tuple[str, str, dict[str, Any]]]:
    """(type, dossier, fields) of what one source sent."""
    decode, wanted = Decoder("dossiers"), ("ce_source", source.encode())
    events = [
        (*decode(record.value), record.key.decode())
        for record in await since(settings, before)
        if wanted in record.headers
    ]
    return [(kind, dossier, fields) for kind, fields, dossier in events]


def files_of(folder: Path, rows: list[str]) -> tuple[Path, Path, str]:
    source = f"test/{uuid4()}"
    data, mapping = folder / "rows.csv", folder / "map.yaml"
    data.write_text("\n".join(("id,at,step", *rows)) + "\n")
    mapping.write_text(MAP.replace("SOURCE", source))
    return data, mapping, source


async def imported(
    settings: Settings, data: Path, mapping: Path, *, again: bool = False
) -> tuple[int, str]:
    """Exit code and output."""
    console = Console(record=True, width=160, file=io.StringIO())
    code = await Import(settings, mapping, console, again=again).run([data], into_kafka)
    return code, console.export_text()


async def test_two_imports_leave_the_same_events(settings: Settings, tmp_path: Path) -> None:
    data, mapping, source = files_of(
        tmp_path, [f"D-{d},2025-11-03,s{s}" for d in range(400) for s in range(3)] + ["D-x,never,s"]
    )
    before, refused_before = await ends(settings, DOSSIERS), await ends(settings, QUARANTINE)
    assert (await imported(settings, data, mapping))[0] == 3
    first = await events_since(settings, before, source)
    assert Counter(kind for kind, _, _ in first) == {
        "dossier.received": 400,
        "dossier.step_taken": 1_200,
    }
    refused = [
        record
        for record in await since(settings, refused_before)
        if record.key == b"file:rows.csv/1202"
    ]
    (stays,) = [json.loads(record.value) for record in refused]
    assert (stays["source"], stays["fields"]) == (source, {"id": "D-x", "at": "never", "step": "s"})
    assert "column at: 'never' should be a time" in dict(refused[0].headers)["reason"].decode()

    code, output = await imported(settings, data, mapping)
    assert (code, "already imported 1,600 events, nothing sent" in output) == (3, True)
    assert len(await events_since(settings, before, source)) == 1_600

    assert (await imported(settings, data, mapping, again=True))[0] == 3
    both = await events_since(settings, before, source)
    assert len(both) == 3_200
    # merging ignores the second ones
    assert {json.dumps(event) for event in both} == {json.dumps(event) for event in first}


async def test_a_killed_import_goes_on_and_loses_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    data, mapping, source = files_of(
        tmp_path, [f"D-{n % 20_000},2025-11-03,s{n}" for n in range(60_000)]
    )
    before = await ends(settings, DOSSIERS)
    await asyncio.to_thread(kill_import, settings, data, mapping)
    with start_import(settings, data, mapping) as second:
        output, errors = await asyncio.to_thread(second.communicate, timeout=120)
    assert second.returncode == 0, errors
    assert "going on behind row" in output
    found = await events_since(settings, before, source)
    assert len({fields["event_id"] for _, _, fields in found}) == 80_000
    assert len({json.dumps(event) for event in found}) == 80_000  # what came twice is the same
    assert len(found) < 90_000  # most of what was acknowledged was not sent again


def start_import(settings: Settings, data: Path, mapping: Path) -> subprocess.Popen[str]:
    environment = os.environ | {
        "LGSP_DATA": str(settings.data),
        "LGSP_KAFKA_SERVERS": settings.kafka_servers,
    }
    command = [sys.executable, "-c", CHILD, str(data), str(mapping)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_import(settings: Settings, data: Path, mapping: Path) -> None:
    with start_import(settings, data, mapping) as child:
        try:
            await_progress(settings.data / "imports", child)
        finally:
            child.kill()
        assert child.wait() == -signal.SIGKILL


def await_progress(folder: Path, child: subprocess.Popen[str]) -> None:
    """Wait until some rows are acknowledged; the file is replaced as a whole, so it can be read at
    any moment.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.poll() is None:
        for path in folder.glob("*.json"):
            progress = json.loads(path.read_text())
            assert not progress["complete"], (
                "the import was over before it could be killed: give it more rows"
            )
            return
        time.sleep(0.005)
    pytest.fail("no progress was noted")


async def test_the_real_log_is_in_kafka_after_its_import(
    settings: Settings, tmp_path: Path
) -> None:
    before = await ends(settings, DOSSIERS)
    log = tmp_path / "coselog-receipt.csv.gz"
    log.write_bytes((EXAMPLES / log.name).read_bytes())
    assert (await imported(settings, log, EXAMPLES / "receipt.yaml"))[0] == 0
    found = await events_since(settings, before, "sample/coselog-receipt")
    kinds = Counter(kind for kind, _, _ in found)
    assert kinds == {
        "dossier.received": 1_434,
        "dossier.step_taken": 8_577,
        "dossier.finished": 1_329,
    }
