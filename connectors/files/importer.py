"""`lgsp import`: files through their mapping into Kafka, resumable, and accounted for row by row.

All files are opened and checked before the first event is published. An import that was stopped
goes on behind the rows that Kafka has acknowledged: they are read again, so that counts and
rejections are those of the whole file, but not sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from rich.console import Console

from connectors.files.batches import FileBatch, FileIntake, OnReject
from connectors.files.console import (
    SHOWN,
    ImportAccount,
    meter,
    say,
    show_personal,
    show_rejections,
    show_table,
)
from connectors.files.delivery import EventSink, FileDelivery
from connectors.files.mapping.mapper import RowMapper
from connectors.files.mapping.model import load_mapping
from connectors.files.progress import ImportProgress, ProgressFile, folder
from connectors.files.readers.cells import FileCell
from connectors.files.readers.opening import open_rows
from connectors.files.readers.rows import SourceRow, SourceRows, WantedColumns
from connectors.files.readers.source import file_digest
from connectors.files.rejects import rejects_file
from connectors.publishing.publisher import Publisher
from schemas.digests import Digest, digest_of
from schemas.kafka.topics import ensure_topics
from schemas.masking import without_numbers
from schemas.settings import Settings

# exit codes; 1 is any failure, 2 the command line's own
ALL_ACCEPTED, DOES_NOT_ADD_UP, SOME_REJECTED = 0, 1, 3

SinkFactory = Callable[[Settings], AbstractAsyncContextManager[EventSink]]


@asynccontextmanager
async def into_kafka(settings: Settings) -> AsyncIterator[EventSink]:
    """The publisher, with the topics made if they are not there yet."""
    await ensure_topics(settings)
    async with Publisher(settings) as publisher:
        yield publisher


@dataclass(frozen=True, slots=True)
class _Job:
    """One file, opened and checked."""

    path: Path
    rows: SourceRows
    file: ProgressFile
    progress: ImportProgress


def run_import(
    settings: Settings,
    files: Sequence[Path],
    map_path: Path,
    *,
    again: bool = False,
    dry_run: bool = False,
    console: Console | None = None,
) -> int:
    """Import files; returns the exit code: 0 all rows accepted, 3 some rejected, 1 the counts do
    not add up.

    `again` sends even what is known to be imported; `dry_run` reads, validates and counts, but
    publishes and writes nothing. Raises: CatalogueError for a mapping that can't hold,
    UnreadableFile, KafkaUnavailable, EnvironmentBroken.
    """
    importing = Import(settings, map_path, console or Console(), again=again)
    if dry_run:
        return importing.dry_run(files)
    return asyncio.run(importing.run(files, into_kafka))


class Import:
    """One mapping applied to some files."""

    def __init__(
        self, settings: Settings, map_path: Path, console: Console, *, again: bool = False
    ) -> None:
        self.settings, self.console, self.again = settings, console, again
        self.mapping, declaration = load_mapping(map_path)
        self.mapper = RowMapper(self.mapping, declaration)
        self._map_digest = sha256(map_path.read_bytes()).hexdigest()

    async def run(self, files: Sequence[Path], sink: SinkFactory) -> int:
        """Import all files, one after the other; returns the exit code."""
        with ExitStack() as opened:
            jobs = [self._open(path, opened) for path in dict.fromkeys(files)]
            accounts = await self._publish_all(jobs, sink)
        return self._conclude(accounts)

    def dry_run(self, files: Sequence[Path]) -> int:
        """Everything but publishing and writing; returns the exit code."""
        self.again = True
        with ExitStack() as opened:
            accounts = [self._count(self._open(path, opened)) for path in dict.fromkeys(files)]
        return self._conclude(accounts)

    def _open(self, path: Path, opened: ExitStack) -> _Job:
        file = ProgressFile(
            self.settings, without_numbers(path.name), file_digest(path), self._map_digest
        )
        wanted = WantedColumns(self.mapper.columns, self.mapper.required)
        rows = opened.enter_context(closing(open_rows(path, self.mapping.files, wanted)))
        if rows.note:
            say(self.console, f"{path.name}: {rows.note}.")
        return _Job(path, rows, file, file.fresh() if self.again else file.load())

    async def _publish_all(self, jobs: Sequence[_Job], sink: SinkFactory) -> list[ImportAccount]:
        if all(job.progress.complete for job in jobs):
            return [self._known(job) for job in jobs]  # says so even while Kafka is away
        async with sink(self.settings) as publisher:
            return [
                self._known(job) if job.progress.complete else await self._publish(job, publisher)
                for job in jobs
            ]

    def _known(self, job: _Job) -> ImportAccount:
        done = job.progress
        say(
            self.console,
            f"{job.path.name}: already imported {done.events:,} events, nothing sent; --again sends"
            " them once more.",
        )
        return ImportAccount(
            job.path.name, done.rows, done.rows - done.rejected, done.rejected, done.events
        )

    async def _publish(self, job: _Job, sink: EventSink) -> ImportAccount:
        if job.progress.rows:
            say(
                self.console,
                f"{job.path.name}: going on behind row {job.progress.rows:,}, where an earlier"
                " import stopped.",
            )
        shown: list[str] = []
        with (
            rejects_file(folder(self.settings), job.rows) as rejects,
            meter(self.console, job.path.name, job.rows) as read,
        ):

            def on_reject(row: SourceRow, reason: str, cells: Sequence[FileCell]) -> None:
                rejects.add(row.line, reason, cells)
                _keep_first(shown, row, reason)

            intake = self._intake(job, on_reject, digest_of(self.settings.data))
            await FileDelivery(sink, lambda batch: _note(job, batch)).run(
                intake.batches(), job.progress.rows, read
            )
            path = rejects.finish()
        account = _account(job, intake, shown, path)
        job.progress.complete = account.holds
        job.file.save(job.progress)
        return account

    def _count(self, job: _Job) -> ImportAccount:
        shown: list[str] = []
        # a dry run leaves no key behind
        intake = self._intake(job, lambda row, reason, _: _keep_first(shown, row, reason), Digest())
        with meter(self.console, job.path.name, job.rows) as read:
            for _ in intake.batches():
                read()
        return _account(job, intake, shown, None)

    def _intake(self, job: _Job, on_reject: OnReject, digest: Digest) -> FileIntake:
        latest = job.progress.began_ms + int(self.settings.future_tolerance * 1000)
        return FileIntake(
            job.rows,
            self.mapper,
            latest,
            on_reject,
            digest,
            refuse_numbers=self.settings.personal_numbers == "refuse",
        )

    def _conclude(self, accounts: Sequence[ImportAccount]) -> int:
        for account in accounts:
            show_rejections(self.console, account)
            show_personal(self.console, account)
        show_table(self.console, accounts, self.settings.space)
        if not all(account.holds for account in accounts):
            return DOES_NOT_ADD_UP
        return SOME_REJECTED if any(account.rejected for account in accounts) else ALL_ACCEPTED


def _note(job: _Job, batch: FileBatch) -> None:
    progress = job.progress
    progress.rows, progress.events = batch.total_rows, batch.total_events
    progress.rejected = batch.total_rejected
    job.file.save(progress)


def _keep_first(shown: list[str], row: SourceRow, reason: str) -> None:
    if len(shown) < SHOWN:
        shown.append(f"line {row.line}: {reason}")


def _account(
    job: _Job, intake: FileIntake, shown: list[str], rejects: Path | None
) -> ImportAccount:
    tally, rows = intake.tally, job.rows
    return ImportAccount(
        job.path.name,
        rows.read,
        tally.accepted,
        tally.rejected,
        tally.events,
        tally.repeated,
        rows.blank,
        shown,
        rejects,
        tally.personal,
        tally.first_personal,
    )
