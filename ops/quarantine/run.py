"""The commands: which refusals are looked at, and how they are told."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import click
import msgspec
from rich.console import Console

from connectors.quarantine.entries import Entry, entries
from connectors.quarantine.finding import Matches
from connectors.quarantine.marks import EntryState
from ops.quarantine.tell import RefusalGroup, grouped, whole
from schemas.settings import Settings
from schemas.spreadsheets import CsvWriter

_Form = Literal["table", "json", "csv"]
_COLUMNS = (
    "at",
    "state",
    "door",
    "source",
    "kind",
    "reason",
    "origin",
    "type",
    "length",
    "digest",
    "digest_key",
    "unknown",
)
_MOST_ORIGINS = 1_000  # of one hash


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which refusals; texts are looked for anywhere in the source and in the reason or its kind,
    capitals or not.
    """

    source: str = ""
    reason: str = ""
    since: int = 0
    limit: int = 20
    state: EntryState | None = None  # None: all but those that were dropped

    def wants(self, entry: Entry) -> bool:
        """Whether it is one of them."""
        told_of = f"{entry.kind} {entry.reason}".lower()
        stands = entry.state == self.state if self.state else entry.state != "dropped"
        return (
            stands
            and self.source.lower() in entry.source.lower()
            and self.reason.lower() in told_of
        )


def run_list(
    settings: Settings, asked: EntryFilter, form: _Form = "table", console: Console | None = None
) -> int:
    """Counts by day, source and reason as a table, or the entries themselves for machines; newest
    first. The exit code.
    """
    console = console or Console()
    if form == "table":
        with console.status("Reading the quarantine …"):
            groups, total = asyncio.run(_groups(settings, asked))
        grouped(console, groups, total, asked.limit)
        return 0
    found = asyncio.run(_newest(settings, asked))
    if form == "json":
        for entry in found:
            click.echo(msgspec.json.encode(entry.told()))
    else:
        _write_csv(found)
    return 0


async def _groups(settings: Settings, asked: EntryFilter) -> tuple[list[RefusalGroup], int]:
    groups: dict[tuple[str, str, str], RefusalGroup] = {}
    total = 0
    async for entry in entries(settings, asked.since):
        if asked.wants(entry):
            total += 1
            key = (entry.day, entry.source, entry.general)
            groups.setdefault(key, RefusalGroup(*key)).add(entry)
    return sorted(groups.values(), key=attrgetter("day", "at"), reverse=True), total


async def _newest(settings: Settings, asked: EntryFilter) -> list[Entry]:
    found: deque[Entry] = deque(maxlen=asked.limit)
    async for entry in entries(settings, asked.since):
        if asked.wants(entry):
            found.append(entry)
    return list(reversed(found))


def _write_csv(found: Iterable[Entry]) -> None:
    writer = CsvWriter(sys.stdout, line_end="\n")
    writer.write(_COLUMNS)
    for entry in found:
        values = entry.told()
        writer.write(str(values[name]) for name in _COLUMNS)


def run_show(settings: Settings, origin: str, console: Console | None = None) -> int:
    """All that is kept of one refusal, in words. `origin` may be the beginning of one, as long as
    there is no other.

    Raises: HubError if there is none, or several.
    """
    console = console or Console()
    with console.status("Reading the quarantine …"):
        matches, same = asyncio.run(_matching(settings, origin))
    entry = matches.one(origin)
    others = dict.fromkeys(same.get(entry.hash, []))
    others.pop(entry.origin, None)
    whole(console, entry, matches.times[entry.origin], list(others))
    return 0


async def _matching(
    settings: Settings, origin: str
) -> tuple[Matches, dict[tuple[str, str], list[str]]]:
    """The entries, and of each hash that they have the origins where the same came. Read twice, to
    hold no more than that.
    """
    matches = Matches()
    async for entry in entries(settings):
        if entry.begins(origin):
            matches.add(entry)
    hashes: dict[tuple[str, str], list[str]] = {
        entry.hash: [] for entry in matches.by_origin.values()
    }
    async for entry in entries(settings):
        origins = hashes.get(entry.hash)
        if origins is not None and len(origins) < _MOST_ORIGINS:
            origins.append(entry.origin)
    return matches, hashes
