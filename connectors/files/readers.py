"""Which reader takes a file: by what the mapping says, else by the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from connectors.files.delimited import DelimitedRows
from connectors.files.jsonlines import JsonRows
from connectors.files.mapping import FileOptions
from connectors.files.rows import Rows, Wanted
from connectors.files.source import UnreadableFile, beginning
from connectors.files.workbook import WorkbookRows

Format = Literal["csv", "jsonl", "xlsx"]
SUFFIXES: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}


def format_of(path: Path, options: FileOptions) -> Format:
    """The file's format.

    Raises: UnreadableFile when neither the mapping nor the name says it.
    """
    name = Path(path.stem if path.suffix.lower() == ".gz" else path.name)
    found = options.format or SUFFIXES.get(name.suffix.lower())
    if found is None:
        raise UnreadableFile(f"{path.name} does not show its format: say `files: {{format: csv}}`, jsonl or xlsx in the mapping.")
    return found


def open_rows(path: Path, options: FileOptions, wanted: Wanted) -> Rows:
    """Open a file and check its header.

    Raises: UnreadableFile for a file that can't be read, or lacks a column that the mapping needs.
    """
    if not beginning(path):
        raise UnreadableFile(f"{path.name} is empty: it should have a header and rows.")
    kind = format_of(path, options)
    if kind == "csv":
        return DelimitedRows(path, options, wanted)
    return JsonRows(path, options, wanted) if kind == "jsonl" else WorkbookRows(path, options, wanted)
