"""How far each import came: one small file per (content, mapping, cluster) under `imports/` of the
data folder.

It is only ever a saving: without it, or with a damaged one, the import starts over and publishes
the same events again, which merging ignores.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import msgspec

from schemas.clock import now_ms
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings

_FORMAT = "lgsp-import-2"  # a new one makes all files start over


class ImportProgress(msgspec.Struct, forbid_unknown_fields=True):
    """What is acknowledged by Kafka: the first `rows` rows, with their events and rejections."""

    file: str
    began_ms: int
    rows: int = 0
    events: int = 0
    rejected: int = 0
    complete: bool = False


def folder(settings: Settings) -> Path:
    """Where progress is kept."""
    return settings.space_folder / "imports"


class ProgressFile:
    """The progress of one file under one mapping into one cluster."""

    def __init__(self, settings: Settings, name: str, content: str, mapping: str) -> None:
        key = sha256(
            "\n".join((_FORMAT, content, mapping, settings.bootstrap)).encode()
        ).hexdigest()
        self.path = folder(settings) / f"{key}.json"
        self._name = name

    def load(self) -> ImportProgress:
        """What the last attempt left; a missing, damaged or half-written file is a fresh start."""
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=ImportProgress)
        except (OSError, msgspec.MsgspecError, UnicodeError):
            return self.fresh()
        counts = (found.rows, found.events, found.rejected)
        if min(counts) < 0 or found.began_ms > now_ms():
            return self.fresh()
        return found

    def fresh(self) -> ImportProgress:
        """Nothing done yet; its time decides what lies in the future, also for a later attempt that
        goes on from here.
        """
        return ImportProgress(self._name, now_ms())

    def save(self, progress: ImportProgress) -> None:
        """Replace the file as a whole.

        Raises: EnvironmentBroken if the folder can't be written.
        """
        fresh = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(progress))
            os.replace(fresh, self.path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise EnvironmentBroken(
                f"{self.path.parent} can't be written ({reason}): set LGSP_DATA to a writable"
                " folder."
            ) from error
