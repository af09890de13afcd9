"""Rejected rows as a file beside the imported one: line, reason, and of the row the columns that
the mapping reads.

It is always CSV in UTF-8, and its header goes on with those columns, so that rows corrected there
can be imported with the same mapping, however the file itself was written (readers/rejected.py).

No other column gets into it, since a file with all of a register's columns beside every import is a
copy of the register that nobody looks after. Cells that hold what looks like a number of a person
in the place of an id, and rows of which nobody can tell which cell is which, are masked: such a row
is corrected in the first file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from connectors.files.mapping.compiler import Uses
from connectors.files.readers.cells import FileCell, cell_text
from connectors.files.readers.rejected import REASON
from connectors.files.readers.rows import SourceRow, SourceRows
from connectors.files.readers.source import without_surrogates
from schemas.digests import Digest
from schemas.errors import EnvironmentBroken
from schemas.masking import file_shown, shown
from schemas.quarantine import Quarantined, bounded, excerpt_of
from schemas.spreadsheets import CsvWriter

_SUFFIX = ".rejected.csv"


class RejectsFile:
    """Written under another name and put in place at the end, so that a file under its own name is
    always whole.

    With no rejected row there is no file, and one of an earlier import of the same file is taken
    away.
    """

    def __init__(self, fallback: Path, rows: SourceRows) -> None:
        self.path = _place(rows.path, fallback)
        self.count = 0
        self._rows = rows
        self._header = (rows.origin, REASON, *rows.kept)
        self._partial = self.path.with_name(self.path.name + ".partial")
        self._file: TextIO | None = None

    def add(self, line: int, reason: str, cells: Sequence[FileCell]) -> None:
        """Write one row, of which the cells are safe (Uses.safe)."""
        if self._file is None:
            # the mark tells spreadsheets that it is UTF-8
            self._file = self._partial.open("w", encoding="utf-8-sig", newline="")
            self._writer = CsvWriter(self._file, delimiter=self._rows.delimiter)
            self._write(self._header)
        self._write((str(line), reason, *self._rows.written(cells)))
        self.count += 1

    def _write(self, cells: Sequence[str]) -> None:
        self._writer.write(without_surrogates(cell) for cell in cells)

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
            return folder / (imported.name + _SUFFIX)
    raise EnvironmentBroken(
        f"Neither {imported.absolute().parent} nor {fallback} can be written: set LGSP_DATA to a"
        " writable folder."
    )


def quarantined(
    imported: Path,
    row: SourceRow,
    reason: str,
    cells: Sequence[FileCell],
    uses: Uses,
    source: str,
    digest: Digest,
) -> Quarantined:
    """The row for `lgsp.quarantine`; its cells are safe."""
    known: dict[str, str] = {}
    if row.cells:
        for column, cell in zip(uses.columns, cells, strict=True):
            known[column] = shown(cell_text(cell))
    payload = row.text.encode("utf-8", "surrogateescape")
    structure = "" if known else "a row of which nobody can tell which cell is which"
    kept = excerpt_of(payload, digest, structure, source=source, fields=bounded(known))
    name = file_shown(imported.name, digest)
    return Quarantined(f"file:{name}/{row.line}", reason, "rejected_row", kept)


@contextmanager
def rejects_file(fallback: Path, rows: SourceRows) -> Iterator[RejectsFile]:
    """A file for rejected rows that leaves nothing behind if the import breaks off."""
    file = RejectsFile(fallback, rows)
    try:
        yield file
    finally:
        file.abandon()
