"""The mappings that ship as examples give the known figures of their files."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

from connectors.files.mapping.mapper import RowMapper
from connectors.files.mapping.model import load_mapping
from schemas.events import Event

EXAMPLES = Path(__file__).parents[4] / "ops" / "examples"


def example_events(data: str, mapping: str) -> list[Event]:
    mapper = RowMapper(*load_mapping(EXAMPLES / mapping))
    opener = gzip.open if data.endswith(".gz") else open
    with opener(EXAMPLES / data, "rt", encoding="utf-8") as text:
        rows = list(csv.DictReader(text, delimiter=";" if data == "dossiers.csv" else ","))
    return [
        mapper.event(draft, 1 << 50)
        for row in rows
        for draft in mapper.drafts([row[column] for column in mapper.columns])
    ]


def test_the_real_log_gives_its_figures() -> None:
    """Replayed with a few lines of plain Python, against the figures counted from the log
    itself.
    """
    told = {
        (event.type, event.event_id): event
        for event in example_events("coselog-receipt.csv.gz", "receipt.yaml")
    }.values()
    received = {event.thing: event for event in told if event.type == "dossier.received"}
    finished = {event.thing: event for event in told if event.type == "dossier.finished"}
    assert len(received) == 1_434
    assert Counter(event.channel for event in received.values()) == {  # type: ignore[attr-defined]
        "online": 1_250,
        "counter": 109,
        "post": 53,
        "email": 21,
        "internal": 1,
    }
    on_time = sum(event.occurred_at <= received[thing].due_at for thing, event in finished.items())  # type: ignore[attr-defined]
    assert (len(finished), on_time, len(received.keys() - finished.keys())) == (1_329, 952, 105)
    assert len(told) == 1_434 + 8_577 + 1_329
    assert all(event.backfill for event in told)
    agencies = {(event.thing, event.agency) for event in told}
    assert len(agencies) == 1_434  # every fact of a dossier is its responsible group's


def test_the_sample_export_gives_every_state() -> None:
    events = example_events("dossiers.csv", "dossiers.yaml")
    assert Counter(event.type for event in events) == {
        "dossier.received": 9,
        "dossier.finished": 3,
        "dossier.result_returned": 2,
        "dossier.withdrawn": 1,
        "dossier.suspended": 1,
        "dossier.refused": 1,
    }
    channels = Counter(event.channel for event in events if event.type == "dossier.received")  # type: ignore[attr-defined]
    assert channels == {"online": 5, "counter": 3, "post": 1}
