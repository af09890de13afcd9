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

from schemas.cells import applied_key, decode_vector
from schemas.errors import ContractError
from schemas.kafka import consumer, ensure_topics, read_to_end
from schemas.settings import Settings
from schemas.topics import CELLS, events_topic
from schemas.wire import Decoder
from streams.families import ALL, FAMILIES, Family

SHOWN = 20  # differing cells printed; the count says how many there are
Cells = dict[bytes, list[int]]


@dataclass
class Verdict:
    """What the recount of one partition of one family found."""

    family: str
    partition: int
    events: int = 0
    things: int = 0
    cells: int = 0
    behind: int = 0  # events in Kafka that the workers have not applied yet
    differences: list[tuple[bytes, list[int], list[int]]] = field(default_factory=list)  # key, published, recounted


async def recount(settings: Settings, progress: Progress | None = None) -> list[Verdict]:
    """Recount every partition of every family whose events are kept for ever."""
    await ensure_topics(settings)
    verdicts = []
    async with consumer(settings, max_partition_fetch_bytes=8 << 20) as reader:
        for family in FAMILIES.values():
            if family.recounted:
                for partition in range(settings.partitions):
                    verdicts.append(await _recount_partition(reader, family, partition, progress))
    return verdicts


async def _recount_partition(reader: AIOKafkaConsumer, family: Family, partition: int, progress: Progress | None) -> Verdict:
    published, applied = await _published(reader, family, partition)
    source = TopicPartition(events_topic(family.name), partition)
    verdict = Verdict(family.name, partition, cells=len(published))
    states = await _fold(reader, family, source, applied, verdict, progress)
    verdict.things = len(states)
    counted = _count(family, states)
    for key in sorted(published.keys() | counted.keys()):
        if published.get(key, []) != counted.get(key, []):
            verdict.differences.append((key, published.get(key, []), counted.get(key, [])))
    return verdict


async def _published(reader: AIOKafkaConsumer, family: Family, partition: int) -> tuple[Cells, int]:
    """The published cells, and the offset of the first event that they do not stand for."""
    prefix, cells = f"{family.name}|".encode(), {}
    async for record in _records(reader, TopicPartition(CELLS, partition)):
        if record.key is not None and record.key.startswith(prefix):
            cells[record.key] = decode_vector(record.value)
    applied = cells.pop(applied_key(family.name), [0])[0]
    return {key: vector for key, vector in cells.items() if vector}, applied


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
    sums: dict[bytes, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for state in states.values():
        for key, ones, amounts in family.counts(state, ALL):
            for place in ones:
                sums[key][place] += 1
            for place, amount in amounts:
                sums[key][place] += amount
    vectors = {key: [places.get(place, 0) for place in range(max(places) + 1)] for key, places in sums.items()}
    return {key: trimmed for key, vector in vectors.items() if (trimmed := _trim(vector))}


def _trim(vector: list[int]) -> list[int]:
    last = max((place for place, amount in enumerate(vector) if amount), default=-1)
    return vector[: last + 1]


async def _records(reader: AIOKafkaConsumer, partition: TopicPartition) -> AsyncIterator[Any]:
    reader.assign([partition])
    async for records in read_to_end(reader, partition):
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
        console.print(f"  {key.decode(errors='replace')}: published {published}, recounted {counted}")
    return 1


def _table(verdicts: list[Verdict]) -> Table:
    table = Table(title="Recount from offset zero")
    table.add_column("family")
    for column in ("partition", "events", "things", "cells", "differ", "not yet applied"):
        table.add_column(column, justify="right")
    for v in verdicts:
        row = (v.events, v.things, v.cells, len(v.differences), v.behind)
        table.add_row(v.family, str(v.partition), *(f"{number:,}" for number in row), style="bold red" if v.differences else "")
    return table
