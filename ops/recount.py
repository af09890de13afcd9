"""`lgsp recount`: every cell computed again from offset zero by a plain fold, and compared with what was published.

The proof that the figures are exact: it shares with the workers what a family means (merge and counts), and nothing of how
they batch, cache, subtract, commit or recover. It may run under load: the cells themselves say which offset they stand for.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from schemas.cells import APPLIED, KINDS, CellKey, Sums, cells_of, parse_key
from schemas.errors import ContractError
from schemas.kafka import consumer, ensure_topics, read_to_end
from schemas.settings import Settings
from schemas.topics import cells_topic, events_topic
from schemas.wire import Decoder
from streams.families import ALL, Family, families

SHOWN = 20  # differing cells printed; the count says how many there are
Cells = dict[CellKey, Sums]
Pages = dict[bytes, bytes | None]


@dataclass
class Verdict:
    """What the recount of one partition of one family found."""

    family: str
    partition: int
    events: int = 0
    things: int = 0
    cells: int = 0
    behind: int = 0  # events in Kafka that the workers have not applied yet
    differences: list[tuple[CellKey, Sums, Sums]] = field(default_factory=list)  # key, published, recounted


async def recount(settings: Settings, progress: Progress | None = None) -> list[Verdict]:
    """Recount every partition of every family whose events are kept for ever."""
    await ensure_topics(settings)
    counted = {name: family for name, family in families(settings).items() if family.recounted}
    order, verdicts = list(counted), []
    # A broker holds the fetch of a partition that was read to its end back for so long, and the next one's has to wait for it.
    async with consumer(settings, max_partition_fetch_bytes=8 << 20, fetch_max_wait_ms=20) as reader:
        for partition in range(settings.partitions):
            pages = await _published(reader, TopicPartition(cells_topic(settings.app_id), partition))
            for name, family in counted.items():
                verdicts.append(await _recount_partition(reader, family, partition, pages[name.encode()], progress))
    return sorted(verdicts, key=lambda verdict: (order.index(verdict.family), verdict.partition))


async def _recount_partition(reader: AIOKafkaConsumer, family: Family, partition: int, pages: Pages, progress: Progress | None) -> Verdict:
    cells = dict(cell for page in pages.items() for cell in cells_of(*page))
    published = {key: sums for key, sums in cells.items() if key.kind != APPLIED}
    source = TopicPartition(events_topic(family.name), partition)
    verdict = Verdict(family.name, partition, cells=len(published))
    states = await _fold(reader, family, source, _applied(cells), verdict, progress)
    verdict.things = len(states)
    counted = _count(family, states)
    for key in sorted(published.keys() | counted.keys()):
        if published.get(key, {}) != counted.get(key, {}):
            verdict.differences.append((key, published.get(key, {}), counted.get(key, {})))
    return verdict


async def _published(reader: AIOKafkaConsumer, topic: TopicPartition) -> dict[bytes, Pages]:
    """The newest pages of each family."""
    pages: defaultdict[bytes, Pages] = defaultdict(dict)
    async for record in _records(reader, topic):
        if record.key is not None:
            pages[record.key.partition(b"|")[0]][record.key] = record.value
    return pages


def _applied(cells: Cells) -> int:
    """The offset of the first event that they do not stand for."""
    return next((sums.get(0, 0) for key, sums in cells.items() if key.kind == APPLIED), 0)


async def _fold(
    reader: AIOKafkaConsumer, family: Family, source: TopicPartition, applied: int, verdict: Verdict, progress: Progress | None
) -> dict[bytes, Any]:
    decode, states = Decoder(family.name), {}
    task = progress.add_task(f"{family.name}/{source.partition}", total=applied) if progress else None
    async for record in _records(reader, source):
        if record.offset >= applied:
            verdict.behind += 1
            continue
        verdict.events += 1
        if progress and task is not None and record.offset % 1_000 == 0:
            progress.update(task, completed=record.offset)
        try:
            kind, fields = decode(record.value)
        except ContractError:
            continue  # in quarantine, with its reason
        if record.key:
            if record.key not in states:
                states[record.key] = family.state()
            family.merges[kind](states[record.key], fields, record.timestamp)
    if progress and task is not None:
        progress.update(task, completed=applied)
    return states


def _count(family: Family, states: dict[bytes, Any]) -> Cells:
    cells: dict[bytes, Sums] = defaultdict(lambda: defaultdict(int))
    for state in states.values():
        for key, ones, amounts in family.counts(state, ALL):
            for place in ones:
                cells[key][place] += 1
            for place, amount in amounts:
                cells[key][place] += amount
    trimmed = {parse_key(key): {place: amount for place, amount in sums.items() if amount} for key, sums in cells.items()}
    return {key: sums for key, sums in trimmed.items() if sums}


async def _records(reader: AIOKafkaConsumer, partition: TopicPartition) -> AsyncIterator[Any]:
    reader.assign([partition])
    async for _, records in read_to_end(reader, partition):
        for record in records:
            yield record


def run_recount(settings: Settings) -> int:
    """The command: a table of what was compared; exit 0 if every cell agrees, 1 if any differs."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        verdicts = asyncio.run(recount(settings, progress))
    console.print(_table(verdicts))
    differences = [difference for verdict in verdicts for difference in verdict.differences]
    if not differences:
        console.print(f"All {sum(verdict.cells for verdict in verdicts):,} cells agree.")
        return 0
    console.print(f"[bold red]{len(differences):,} cells differ.[/] Published figures are not what the events say.")
    for key, published, counted in differences[:SHOWN]:
        console.print(f"  {'|'.join(map(str, key))}: published {_named(key, published)}, recounted {_named(key, counted)}")
    return 1


def _named(key: CellKey, sums: Sums) -> dict[str, int]:
    """Counts by the names of their measures; a newer worker's further measures by their places."""
    measures = dict(enumerate(KINDS[key.family][key.kind].measures))
    return {measures.get(place, str(place)): amount for place, amount in sorted(sums.items())}


def _table(verdicts: list[Verdict]) -> Table:
    table = Table(title="Recount from offset zero")
    table.add_column("family")
    for column in ("partition", "events", "things", "cells", "differ", "not yet applied"):
        table.add_column(column, justify="right")
    for v in verdicts:
        row = (v.events, v.things, v.cells, len(v.differences), v.behind)
        table.add_row(v.family, str(v.partition), *(f"{number:,}" for number in row), style="bold red" if v.differences else "")
    return table
