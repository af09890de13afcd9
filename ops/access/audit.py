"""`lgsp audit`: who was refused for want of right, who opened a list or one thing, who changed a
client.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from schemas.clock import iso
from schemas.errors import ContractError, EnvironmentBroken
from schemas.kafka.clients import consumer, unavailable
from schemas.kafka.reading import read_between
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.spreadsheets import MARK, CsvWriter
from schemas.topics import audit_topic
from serving.access.audit import WAITING, AuditKind, AuditRecord, decode_audit

log = logging.getLogger(__name__)

COLUMNS = (
    "first",
    "last",
    "times",
    "kind",
    "client",
    "door",
    "address",
    "status",
    "what",
    "question",
)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records: of a client, of a kind, since an instant (epoch ms)."""

    client: str | None = None
    kind: AuditKind | None = None
    since: int = 0

    def wants(self, record: AuditRecord) -> bool:
        """Whether it is one of them. Who changed a client is found under that client too."""
        theirs = self.client in (None, record.client) or (
            record.kind == "changed" and record.question == f"client={self.client}"
        )
        return theirs and self.kind in (None, record.kind) and record.last >= self.since


def run_audit(
    settings: Settings,
    asked: AuditFilter,
    *,
    limit: int = 50,
    csv: Path | None = None,
    console: Console | None = None,
) -> int:
    """The newest records as a table, or all of them as a file; the exit code."""
    if csv is not None:
        count = asyncio.run(_write(settings, asked, csv))
        click.echo(f"{count:,} records are in {csv}.")
        return 0
    console = console or Console()
    with console.status("Reading the audit …"):
        found, total = asyncio.run(_newest(settings, asked, limit))
    tabled(console, found, total)
    return 0


async def audit_records(settings: Settings, since: int = 0) -> AsyncIterator[AuditRecord]:
    """Every record that was written since an instant (epoch ms), oldest first, each once.

    Raises: KafkaUnavailable
    """
    await ensure_topics(settings)
    partition = TopicPartition(audit_topic(settings.space), 0)
    seen: OrderedDict[str, None] = OrderedDict()
    try:
        async with consumer(settings) as reader:
            reader.assign([partition])
            end = (await reader.end_offsets([partition]))[partition]
            begin = (await reader.offsets_for_times({partition: since}))[partition]
            start = end if begin is None else begin.offset
            async for records in read_between(reader, partition, start, end):
                for record in records:
                    found = _decoded(record.value, record.offset)
                    if found is not None and found.id not in seen:
                        _remember(seen, found.id)
                        yield found
    except KafkaConnectionError as error:
        raise unavailable(settings) from error


def _remember(seen: OrderedDict[str, None], id_: str) -> None:
    """A record whose confirmation got lost was written again soon, under the same id."""
    seen[id_] = None
    if len(seen) > 2 * WAITING:
        seen.popitem(last=False)


def tabled(console: Console, found: Iterable[AuditRecord], total: int) -> None:
    """The newest first, in eighty columns."""
    rows = list(found)
    if not rows:
        console.print("Nothing of that is in the audit.", markup=False, highlight=False)
        return
    table = Table("when", "kind", "client", "what", "from", "times", box=SIMPLE, pad_edge=False)
    table.padding = (0, 1, 0, 0)
    for column, width in zip(table.columns, (16, 7, 13, 14, 12, 6), strict=True):
        column.overflow, column.max_width = "fold", width
        column.min_width = width
    for one in rows:
        status = f"{one.status} " if one.kind == "refused" else ""
        what = f"{status}{one.what} {one.question}".rstrip()
        table.add_row(
            iso(one.last)[:16].replace("T", " "),
            one.kind,
            one.client,
            what,
            one.address or one.door,
            f"{one.times:,}",
        )
    console.print(table, markup=False, highlight=False)
    if total > len(rows):
        console.print(
            f"The newest {len(rows):,} of {total:,}: ask with --limit, or --csv FILE for all.",
            markup=False,
            highlight=False,
        )


def _decoded(value: bytes | None, offset: int) -> AuditRecord | None:
    try:
        return decode_audit(value or b"")
    except ContractError as error:
        log.warning("The audit record at offset %s can't be read: %s.", offset, error)
        return None


async def _newest(
    settings: Settings, asked: AuditFilter, limit: int
) -> tuple[list[AuditRecord], int]:
    found, total = deque[AuditRecord](maxlen=limit), 0
    async for record in audit_records(settings, asked.since):
        if asked.wants(record):
            found.append(record)
            total += 1
    return list(reversed(found)), total


async def _write(settings: Settings, asked: AuditFilter, path: Path) -> int:
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(MARK)
            writer = CsvWriter(file)
            writer.write(COLUMNS)
            async for record in audit_records(settings, asked.since):
                if asked.wants(record):
                    writer.write(row(record))
                    count += 1
    except OSError as error:
        raise EnvironmentBroken(
            f"{path} can't be written ({error.strerror or error}): name another file."
        ) from error
    return count


def row(record: AuditRecord) -> list[str | int]:
    """A record in the order of COLUMNS."""
    told = {name: getattr(record, name) for name in COLUMNS}
    told |= {"first": iso(record.first), "last": iso(record.last)}
    return [told[name] for name in COLUMNS]
