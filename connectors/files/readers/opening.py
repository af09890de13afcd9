"""Which reader takes a file: by what the mapping says, else by the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from connectors.files.readers.delimited import DelimitedRows
from connectors.files.readers.jsonlines import JsonRows
from connectors.files.readers.options import FileOptions
from connectors.files.readers.rejected import open_rejected
from connectors.files.readers.rows import SourceRows, WantedColumns
from connectors.files.readers.source import UnreadableFile, beginning
from connectors.files.readers.workbook import WorkbookRows

_Format = Literal["csv", "jsonl", "xlsx"]
_SUFFIXES: dict[str, _Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".xlsx": "xlsx",
}

_OTHERS = {
    b"PK\x03\x04": "a workbook or another packed file",
    b"\xd0\xcf\x11\xe0": "an .xls workbook",
    b"%PDF": "a PDF document",
    b"<!DOC": "a web page",
    b"<HTML": "a web page",
    b"<TABLE": "a web page",
    b"<?XML": "an XML file",
    b"RAR!": "a packed file",
    b"7Z\xbc\xaf": "a packed file",
    b"{\\RTF": "a text document",
}


def _format_of(path: Path, options: FileOptions) -> _Format:
    """The file's format.

    Raises: UnreadableFile when neither the mapping nor the name says it.
    """
    name = Path(path.stem if path.suffix.lower() == ".gz" else path.name)
    found = options.format or _SUFFIXES.get(name.suffix.lower())
    if found is None:
        raise UnreadableFile(
            f"{path.name} does not show its format: say `files: {{format: csv}}`, jsonl or xlsx in"
            " the mapping."
        )
    return found


def _check_text(path: Path, kind: _Format) -> None:
    start = beginning(path)
    other = next((name for mark, name in _OTHERS.items() if start.upper().startswith(mark)), None)
    if other is not None:
        read_as = "CSV" if kind == "csv" else "JSON lines"
        raise UnreadableFile(
            f"{path.name} is {other}, and should be {read_as}: export it anew, or give it the"
            " ending that it should have."
        )


def open_rows(path: Path, options: FileOptions, wanted: WantedColumns) -> SourceRows:
    """Open a file and check its header.

    Raises: UnreadableFile for a file that can't be read, or lacks a column that the mapping needs.
    """
    if not beginning(path):
        raise UnreadableFile(f"{path.name} is empty: it should have a header and rows.")
    if (rejected := open_rejected(path, wanted)) is not None:
        return rejected
    kind = _format_of(path, options)
    if kind != "xlsx":
        _check_text(path, kind)
    if kind == "csv":
        return DelimitedRows(path, options, wanted)
    if kind == "jsonl":
        return JsonRows(path, options, wanted)
    return WorkbookRows(path, options, wanted)
