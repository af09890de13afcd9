"""Rejected rows as a file beside the imported one: line, reason, and the row as it came.

Its header goes on with the file's own columns, so that rows corrected there can be imported with the same mapping.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from connectors.files.rows import Row
from connectors.files.source import without_surrogates
from schemas.errors import EnvironmentBroken
from schemas.quarantine import Quarantined

SUFFIX = ".rejected.csv"


class RejectsFile:
    """Written under another name and put in place at the end, so that a file under its own name is always whole.

    With no rejected row there is no file, and one of an earlier import of the same file is taken away.
    """

    def __init__(self, imported: Path, fallback: Path, header: Sequence[str]) -> None:
        self.path = _place(imported, fallback)
        self.count = 0
        self._header = header
        self._partial = self.path.with_name(self.path.name + ".partial")
        self._file: TextIO | None = None

    def add(self, row: Row, reason: str) -> None:
        """Write one row."""
        if self._file is None:
            self._file = self._partial.open("w", encoding="utf-8-sig", newline="")  # the mark tells spreadsheets that it is UTF-8
            csv.writer(self._file).writerow(("line", "reason", *self._header))
        csv.writer(self._file).writerow((row.line, reason, *map(without_surrogates, row.raw)))
        self.count += 1

    def finish(self) -> Path | None:
        """Put the file in place; None if every row was accepted."""
        if self._file is None:
            self.path.unlink(missing_ok=True)
            return None
        self._file.close()
        self._file = None
        os.replace(self._partial, self.path)
        return self.path

    def abandon(self) -> None:
        """Leave nothing half-written behind; the next attempt writes all of it anew."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._partial.unlink(missing_ok=True)


def _place(imported: Path, fallback: Path) -> Path:
    """Beside the imported file, or in the data folder where that can't be written."""
    for folder in (imported.absolute().parent, fallback):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder / (imported.name + SUFFIX)
    raise EnvironmentBroken(f"Neither {imported.absolute().parent} nor {fallback} can be written: set LGSP_DATA to a writable folder.")


def quarantined(imported: Path, row: Row, reason: str) -> Quarantined:
    """The row for `lgsp.quarantine`."""
    text = io.StringIO()
    if len(row.raw) == 1:
        text.write(row.raw[0])
    else:
        csv.writer(text, lineterminator="").writerow(row.raw)
    payload = text.getvalue().encode("utf-8", "surrogateescape")
    return Quarantined(f"file:{imported.name}/{row.line}", reason, payload)


@contextmanager
def rejects_file(imported: Path, fallback: Path, header: Sequence[str]) -> Iterator[RejectsFile]:
    """A file for rejected rows that leaves nothing behind if the import breaks off."""
    file = RejectsFile(imported, fallback, header)
    try:
        yield file
    finally:
        file.abandon()
