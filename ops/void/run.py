"""One run of `lgsp void`: look, tell, and only if asked for send."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from connectors.publishing.publisher import Publisher
from ops.void.touched import OWN_SOURCE, VOIDABLE, Mistaken, TouchedThing, touched
from schemas.clock import iso, now_ms
from schemas.errors import HubError
from schemas.events import EVENT_TYPES, Event
from schemas.settings import Settings
from schemas.spreadsheets import CsvWriter

_AT_ONCE = 500  # events


@dataclass(frozen=True, slots=True)
class VoidOptions:
    """What is done with what was found. `left`: a CSV file to be written of what is left alone."""

    send: bool = False
    restore: bool = False
    left: Path | None = None


def run_void(
    settings: Settings, mistaken: Mistaken, options: VoidOptions, console: Console | None = None
) -> int:
    """Show what a source told of within a while, and void (or restore) what nobody else spoke of;
    the exit code.

    Raises: HubError for a while that ends before it begins; KafkaUnavailable
    """
    if mistaken.since >= mistaken.until:
        raise HubError("--from should be before --to: the while begins after it ends.")
    if options.left is not None and not options.left.parent.is_dir():
        raise HubError(f"--left {options.left}: there is no such folder. Make it first.")
    return asyncio.run(_run(settings, mistaken, options, console or Console()))


async def _run(
    settings: Settings, mistaken: Mistaken, options: VoidOptions, console: Console
) -> int:
    found = await _found(settings, mistaken, console)
    if not found:
        console.print(
            f"Nothing was taken in from {mistaken.source} between {iso(mistaken.since)} and"
            f" {iso(mistaken.until)} into the space {settings.space}. Sources are"
            " written as in CloudEvents' `source`; `GET /v1/dossiers/{id}` tells that of each"
            " fact.",
            markup=False,
            highlight=False,
        )
        return 1
    theirs = [thing for thing in found if _is_due(thing, options)]
    done = [thing for thing in found if thing.only_theirs and thing.voided]
    rest = [thing for thing in found if not thing.only_theirs]
    console.print(_table(found))
    if rest and not options.restore:
        _tell_left(rest, options, console)
    if done and not options.restore:
        console.print(f"Voided already by this command: {len(done):,}. --restore takes that back.")
    verb = "restored" if options.restore else "voided"
    if not theirs:
        kept = "is voided by this command" if options.restore else "is left to be voided"
        console.print(f"There is nothing to send: none of them {kept}.")
        return 0
    if not options.send:
        console.print(f"Nothing was sent. With --send, {len(theirs):,} would be {verb}.")
        return 0
    async with Publisher(settings) as publisher:
        for first in range(0, len(theirs), _AT_ONCE):
            await publisher.publish(_events(theirs[first : first + _AT_ONCE], mistaken, options))
    back = "without --restore voids them again" if options.restore else "with --restore undoes that"
    console.print(f"Sent: {len(theirs):,} are {verb}. The same {back}.")
    return 0


def _is_due(thing: TouchedThing, options: VoidOptions) -> bool:
    """Whether it is still to be voided, or restored."""
    if options.restore:
        return thing.voided
    return thing.only_theirs and not thing.voided


async def _found(settings: Settings, mistaken: Mistaken, console: Console) -> list[TouchedThing]:
    found: list[TouchedThing] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        for family in VOIDABLE:
            task = progress.add_task(f"reading {family}", total=None)
            found += await touched(settings, family, mistaken, partial(progress.advance, task))
            progress.remove_task(task)
    return found


def _table(found: Sequence[TouchedThing]) -> Table:
    table = Table("of", "spoken of then", "by nobody else", "by others too", "facts then")
    for family in VOIDABLE:
        things = [thing for thing in found if thing.family == family]
        if things:
            theirs = sum(thing.only_theirs for thing in things)
            facts = sum(thing.mistaken for thing in things)
            counts = (len(things), theirs, len(things) - theirs, facts)
            table.add_row(family, *(f"{count:,}" for count in counts))
    return table


def _tell_left(rest: Sequence[TouchedThing], options: VoidOptions, console: Console) -> None:
    console.print(
        f"Left alone: {len(rest):,}, since others spoke of them too, or the source at another"
        " time. Look at each, and put right what is wrong (docs/corrections.md)."
    )
    if options.left is None:
        console.print("--left FILE.csv lists them.")
        return
    with options.left.open("w", encoding="utf-8", newline="") as file:
        writer = CsvWriter(file)
        writer.write(("family", "id", "agency", "facts_then", "other_facts"))
        for thing in rest:
            writer.write((thing.family, thing.id, thing.agency, thing.mistaken, thing.others))
    console.print(f"They are listed in {options.left}.", highlight=False)


def _events(
    things: Iterable[TouchedThing], mistaken: Mistaken, options: VoidOptions
) -> list[Event]:
    """The same things of the same while have the same ids: sent again, they change nothing."""
    verb = "restored" if options.restore else "voided"
    at = now_ms()
    events = []
    for thing in things:
        model = EVENT_TYPES[f"{VOIDABLE[thing.family]}.{verb}"]
        name = f"{verb}|{mistaken.source}|{mistaken.since}|{mistaken.until}|{thing.id}"
        fields = {
            "event_id": str(uuid5(NAMESPACE_URL, name)),
            "source": OWN_SOURCE,
            "agency": thing.agency,
            "occurred_at": at,
            model.key: thing.id,
        }
        events.append(model.model_validate(fields))
    return events
