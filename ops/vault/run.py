"""What the commands do. Each returns the process's exit code."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from connectors.publishing.publisher import Publisher
from connectors.vault.datakeys import DataKey, KnownKeys
from connectors.vault.keeping import (
    begin_rotation,
    chosen_keys,
    day_of,
    ends_at,
    erase,
    finish_rotation,
    rewrap,
    tick,
)
from connectors.vault.master import MasterKeys, master_path
from connectors.vault.reading import read_known_keys
from schemas.clock import iso, now_ms
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings


def run_list(settings: Settings, console: Console | None = None) -> int:
    """Tell the days of which something is kept."""
    console = console or Console()
    known, masters = asyncio.run(_known(settings)), MasterKeys.of(settings)
    if not known.keys:
        console.print("Nothing is kept in the vault.", highlight=False)
        return 0
    table = Table("day", "agency", "client", "for", "until", "readable here", box=SIMPLE)
    for key in sorted(known.keys.values(), key=lambda one: (-one.day, one.agency, one.client)):
        readable = "yes" if key.master in masters.ids else f"no: master key {key.master}"
        until = iso(ends_at(key))[:10]
        table.add_row(day_of(key).isoformat(), key.agency, key.client, key.purpose, until, readable)
    console.print(table, markup=False, highlight=False)
    return 0


def run_erase(settings: Settings, agency: str | None, client: str | None, day: date | None) -> int:
    """Erase keys."""
    erased = asyncio.run(_erase(settings, agency, client, day))
    if not erased:
        click.echo("Nothing is kept of that, or it was erased already.")
        return 0
    days = ", ".join(
        f"{one} ({count:,})" for one, count in sorted(Counter(map(day_of, erased)).items())
    )
    keys = "1 key is" if len(erased) == 1 else f"{len(erased):,} keys are"
    click.echo(
        f"{keys} erased, of {days}: nobody can read any more what they encrypted. They go from"
        " Kafka's disk within the hour while a gateway runs. What could not be read as JSON names"
        " no agency: it lies under its client's name and the agency -."
    )
    return 0


async def _erase(
    settings: Settings, agency: str | None, client: str | None, day: date | None
) -> list[DataKey]:
    chosen = chosen_keys(await _known(settings), agency, client, day)
    async with Publisher(settings) as publisher:
        await erase(publisher, settings, chosen)
        await tick(publisher, settings, now_ms())
    return chosen


def run_rotate(settings: Settings) -> int:
    """Begin with another master key; the old one stays in the file."""
    wrapped, masters = asyncio.run(_rotate(settings))
    path = master_path(settings)
    click.echo(
        f"{wrapped:,} data keys are wrapped anew, by the master key {masters.newest}. {path} holds"
        " the old one beside it. Give every other machine of the hub that file, then"
        " `lgsp vault rotate --finish`."
    )
    return 0


async def _rotate(settings: Settings) -> tuple[int, MasterKeys]:
    known = await _known(settings)
    masters = begin_rotation(settings, known)
    async with Publisher(settings) as publisher:
        return await rewrap(publisher, settings, known.keys.values(), masters), masters


def run_finish(settings: Settings) -> int:
    """Forget the old master key."""
    masters = finish_rotation(settings, asyncio.run(_known(settings)))
    click.echo(
        f"{master_path(settings)} holds the master key {masters.newest} alone. Delete the copies of"
        " the old file."
    )
    return 0


async def _known(settings: Settings) -> KnownKeys:
    await ensure_topics(settings)
    return await read_known_keys(settings)
