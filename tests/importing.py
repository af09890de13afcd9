"""A folder to import from, and a sink of the test's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from connectors.files.importer import Import, SinkFactory
from connectors.publishing.lanes import OutgoingRecord
from schemas.errors import KafkaUnavailable
from schemas.events import Event
from schemas.settings import Settings

MAP = """\
source: sample/test
events:
  - event: dossier.received
    id: "{id}/received"
    fields:
      dossier_id: "{id}"
      agency: SAMPLE.A
      occurred_at: "{at}"
      procedure: "{procedure}"
      channel: online
      backfill: true
  - event: dossier.step_taken
    id: "{id}/{step}"
    fields: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{at}", step: "{step}",
      backfill: true}
"""


class FakeSink:
    """Keeps what it is given; from batch `fails_at` on it is unavailable, as a Kafka that went
    away.
    """

    settings = Settings()

    def __init__(self, fails_at: int | None = None) -> None:
        self.events: list[Event] = []
        self.records: list[OutgoingRecord] = []
        self.batches = 0
        self.fails_at = fails_at
        self.opened = 0

    async def publish(self, events: Sequence[Event]) -> None:
        self.batches += 1
        number = self.batches
        for _ in range(7 - number % 4):  # later batches may be acknowledged before earlier ones
            await asyncio.sleep(0)
        if self.fails_at is not None and number >= self.fails_at:
            raise KafkaUnavailable("No Kafka answers: start one.")
        self.events += events

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        self.records += records

    @property
    def factory(self) -> SinkFactory:
        @asynccontextmanager
        async def open_sink(_: Settings) -> AsyncIterator[FakeSink]:
            self.opened += 1
            yield self

        return open_sink


class Bench:
    """A folder with a mapping, data and a console whose output can be read."""

    def __init__(self, folder: Path, mapping: str = MAP) -> None:
        self.folder, self.settings = folder, Settings(data=folder / "var")
        self.map = folder / "map.yaml"
        self.map.write_text(mapping, "utf-8")
        self.console = Console(
            record=True, width=160, force_terminal=False, file=(folder / "out.txt").open("w")
        )

    def file(self, rows: Iterable[str], name: str = "rows.csv") -> Path:
        path = self.folder / name
        path.write_text("\n".join(("id,at,procedure,step", *rows)) + "\n", "utf-8")
        return path

    async def run(self, sink: FakeSink, *files: Path, again: bool = False) -> int:
        return await Import(self.settings, self.map, self.console, again=again).run(
            files, sink.factory
        )

    def progress(self) -> list[dict[str, Any]]:
        return [
            json.loads(path.read_text()) for path in (self.settings.data / "imports").glob("*.json")
        ]

    @property
    def output(self) -> str:
        return self.console.export_text(clear=True)


@pytest.fixture
def bench(tmp_path: Path) -> Iterable[Bench]:
    made = Bench(tmp_path)
    yield made
    made.console.file.close()


def steps(dossiers: int, each: int = 3) -> list[str]:
    return [
        f"D-{d},2025-11-03T09:00:00+07:00,SAMPLE.P,s{s}"
        for d in range(dossiers)
        for s in range(each)
    ]


def ids(events: Iterable[Event]) -> list[str]:
    return [event.event_id for event in events]
