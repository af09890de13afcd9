"""The commands: progress while they work, and in sentences what they did and what is to be done
next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaError
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape

from ops.backup.copying import RECOUNTED, take_backup
from ops.backup.folder import alone, unwritable
from ops.backup.manifest import Manifest, required
from ops.backup.restoring import LeftOutThing, Restoring, check_files
from ops.bars import bars
from ops.kafka.group import require_no_worker
from ops.recount.report import tell
from schemas.errors import BackupError
from schemas.settings import Settings
from schemas.topics import events_topic

# both commands say it
LEFT_OUT = (
    "What was refused is in no backup: neither the quarantine nor the vault with its originals and"
    " keys."
)
# the latter two are errors of the system, and not of a disk
_AWAY = (KafkaError, ConnectionError, TimeoutError)


def run_backup(settings: Settings, root: Path) -> int:
    """Bring the backup in a folder up to now; exit code 0.

    Raises: BackupError
    """
    console, began = Console(), time.monotonic()
    try:
        with alone(root), bars(console) as progress:
            manifest, fresh = asyncio.run(take_backup(settings, root, progress))
    except _AWAY as error:
        raise _away(error) from error
    except OSError as error:
        raise unwritable(root, error) from error
    for line in _told(root, manifest, fresh, time.monotonic() - began):
        console.print(line, highlight=False)
    return 0


def run_check(root: Path) -> int:
    """Compare every file of a backup with its hash; exit code 0.

    Raises: BackupDamaged for the first that differs.
    """
    console, manifest = Console(), required(root)
    with bars(console) as progress:
        check_files(root, manifest, progress)
    facts = sum(manifest.records(root, log) for log in manifest.logs)
    console.print(
        f"The backup of {manifest.whole().at} in {escape(str(root))} is whole: {facts:,} facts of"
        f" the space {manifest.space}.",
        highlight=False,
    )
    return 0


def run_restore(
    settings: Settings, root: Path, *, events_only: bool, without: Sequence[str]
) -> int:
    """Restore a backup into an empty Kafka; exit code 0 once what is there agrees with it, 1 if the
    recount differs.

    Raises: BackupError
    """
    manifest, things = required(root), [LeftOutThing.of(said, RECOUNTED) for said in without]
    if settings.space != manifest.space:
        raise BackupError(
            f"The backup is of the space {manifest.space}, and restores only into that: set"
            f" LGSP_SPACE={manifest.space} (it is {settings.space})."
        )
    known = {events_topic(name, settings.space) for name in RECOUNTED}
    if unknown := sorted({log.topic for log in manifest.logs} - known):
        raise BackupError(
            f"The backup holds facts that this version does not know ({', '.join(unknown)}): use"
            " the newer version."
        )
    if settings.partitions != manifest.partitions:
        raise BackupError(
            f"The backup is of a hub with {manifest.partitions} partitions: set"
            f" LGSP_PARTITIONS={manifest.partitions}."
        )
    restoring = Restoring(settings, root, manifest, things, events_only=events_only)
    try:
        return asyncio.run(_restore(settings, root, manifest, restoring, Console()))
    except _AWAY as error:
        raise _away(error) from error


def _away(error: Exception) -> BackupError:
    why = str(error) or type(error).__name__
    return BackupError(
        f"Kafka did not do its part ({why}): run the same command again, it goes on where it"
        " stopped."
    )


async def _restore(
    settings: Settings, root: Path, manifest: Manifest, restoring: Restoring, console: Console
) -> int:
    with bars(console) as progress:
        check_files(root, manifest, progress)
        left_out = restoring.count(progress)
    await require_no_worker(settings, console, "then restore")
    await restoring.target.begin(restoring.asked)
    with bars(console) as progress:
        facts = await restoring.events(progress)
        await restoring.compare(progress)
        await restoring.target.stamp_by_broker()
        if restoring.books is not None:
            await restoring.derive(progress)
    console.print(
        f"{facts:,} facts are restored, each with the time at which it was first heard; read back,"
        " they are the backup's.",
        highlight=False,
    )
    if left_out:
        console.print(
            f"{left_out:,} facts were left out. This backup, older ones and the old LGSP_DATA still"
            " hold them: delete those as soon as a backup of the restored hub is taken.",
            highlight=False,
        )
    code = 0
    if restoring.books is None:
        console.print(
            f"No states and cells were restored ({restoring.why_no_books}): start the workers, they"
            " count every fact anew. Once they have caught up, `lgsp recount` proves the figures.",
            highlight=False,
        )
    else:
        code = await tell(settings, console)
    await restoring.target.let_go()
    console.print(LEFT_OUT, highlight=False)
    console.print(
        "Start the hub." if not code else "The hub may be started; what differs is said above.",
        highlight=False,
    )
    return code


def _told(root: Path, manifest: Manifest, fresh: int, seconds: float) -> list[str]:
    """What a backup says at its end."""
    finished = manifest.whole()
    size = sum(chunk.size for chunk in manifest.files())
    facts = sum(chunk.records for log in manifest.logs for chunk in log.chunks)
    found = [
        (
            f"{fresh:,} facts are new in the backup in {seconds:.0f} s; it holds {facts:,} of the"
            f" space {manifest.space} now, in {decimal(size)} in {escape(str(root))}."
        ),
    ]
    if finished.books is None:
        found.append(
            f"It holds no states and cells ({escape(finished.why_no_books)}): after a restore"
            " workers count every fact anew."
        )
    return [*found, LEFT_OUT]
