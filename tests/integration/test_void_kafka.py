"""`lgsp void` on a real Kafka: only what nobody else spoke of, only what was told within the while,
nothing before it is asked for, and back again.
"""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import pytest
from rich.console import Console
from topic_reader import ends_of, records_since

from connectors.publishing.publisher import Publisher
from ops.void.run import VoidOptions, run_void
from ops.void.touched import Mistaken, moment
from schemas.clock import now_ms
from schemas.errors import HubError
from schemas.events import EVENT_TYPES, Event
from schemas.settings import Settings
from schemas.topics import events_topic
from schemas.wire import Decoder

DOSSIERS = events_topic("dossiers")
HOUR = 3_600_000


def received(source: str, id_: str, number: int) -> Event:
    fields = {
        "event_id": f"{source}-{number}",
        "source": source,
        "agency": "T-SAMPLE",
        "occurred_at": now_ms() - HOUR,
        "dossier_id": id_,
        "procedure": "p",
        "channel": "online",
    }
    return EVENT_TYPES["dossier.received"].model_validate(fields)


async def told(settings: Settings, *events: Event) -> None:
    async with Publisher(settings) as publisher:
        await publisher.publish(events)


def run(settings: Settings, source: str, since: int, **options: object) -> tuple[int, str]:
    """Of what was told since then: other tests told much before, which takes long to decode."""
    out = io.StringIO()
    mistaken = Mistaken(source, since, now_ms() + HOUR)
    chosen = VoidOptions(**options)  # type: ignore[arg-type]
    code = run_void(settings, mistaken, chosen, Console(file=out, width=100))
    return code, out.getvalue()


async def sent(settings: Settings, before: object) -> list[tuple[str, str]]:
    """What was sent since: types of events and ids of things."""
    decode = Decoder("dossiers")
    records = await records_since(settings, DOSSIERS, before)  # type: ignore[arg-type]
    return sorted((decode(record.value)[0], record.key.decode()) for record in records)


async def test_only_what_nobody_else_spoke_of_is_voided_and_restored(
    settings: Settings, code: str, tmp_path: Path
) -> None:
    wrong, right, since = f"/sample/{code}", f"/sample/{code}-other", now_ms()
    await told(
        settings,
        received(wrong, f"{code}-1", 1),
        received(wrong, f"{code}-2", 2),
        received(wrong, f"{code}-both", 3),
        received(right, f"{code}-both", 4),
        received(right, f"{code}-other", 5),
    )
    before = await ends_of(settings, DOSSIERS)
    left = tmp_path / "left.csv"
    status, said = await asyncio.to_thread(run, settings, wrong, since, left=left)
    assert (status, await sent(settings, before)) == (0, [])
    assert "With --send, 2 would be voided" in said
    with left.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["facts_then"], row["other_facts"]) for row in rows] == [
        (f"{code}-both", "1", "1")
    ]
    _, said = await asyncio.to_thread(run, settings, wrong, since, send=True)
    assert "Sent: 2 are voided." in said
    status, said = await asyncio.to_thread(run, settings, wrong, since, send=True)
    assert (status, len(await sent(settings, before))) == (0, 2), "nothing is sent again"
    assert "Voided already by this command: 2." in said
    assert "none of them is left to be voided" in said
    # what others say of it meanwhile does not keep it voided
    await told(settings, received(right, f"{code}-1", 6))
    await asyncio.to_thread(run, settings, wrong, since, send=True, restore=True)
    _, said = await asyncio.to_thread(run, settings, wrong, since, send=True, restore=True)
    assert "none of them is voided by this command" in said
    assert await sent(settings, before) == [
        ("dossier.received", f"{code}-1"),
        ("dossier.restored", f"{code}-1"),
        ("dossier.restored", f"{code}-2"),
        ("dossier.voided", f"{code}-1"),
        ("dossier.voided", f"{code}-2"),
    ]


async def test_a_source_that_told_nothing_then_is_said(settings: Settings, code: str) -> None:
    status, said = await asyncio.to_thread(run, settings, f"/sample/{code}", now_ms())
    assert status == 1
    assert "Nothing was taken in from" in said


def test_a_while_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(HubError, match="before --to"):
        run_void(Settings(), Mistaken("s", 2, 1), VoidOptions())
    with pytest.raises(HubError, match="--from should be a time"):
        moment("--from", "yesterday")
    assert moment("--from", "2026-11-30T08:00") == 1_796_000_400_000
