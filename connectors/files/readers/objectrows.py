"""What rows of JSON objects have in common: their columns are the objects' keys, and a rejected one
is written as an object again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from connectors.files.readers.cells import DecimalNumber, FileCell, cell_text
from connectors.files.readers.rows import SourceRows, WantedColumns


class ObjectRows(SourceRows):
    """Rows whose rejections have one column, `json`."""

    def __init__(self, path: Path, wanted: WantedColumns) -> None:
        super().__init__(path, wanted)
        self._names = [cell_text(column) for column in wanted.columns]

    @property
    def kept(self) -> Sequence[str]:
        """The object."""
        return ("json",)

    def written(self, cells: Sequence[FileCell]) -> Sequence[str]:
        """An object of the wanted cells alone; one that was not there stays away."""
        there = {
            name: cell for name, cell in zip(self._names, cells, strict=True) if cell is not None
        }
        return (_object(there),)


def _object(members: Mapping[str, FileCell]) -> str:
    parts = [f"{_text(name)}: {_value(cell)}" for name, cell in members.items()]
    return f"{{{', '.join(parts)}}}"


def _value(cell: FileCell) -> str:
    """A value of JSON, numbers as they were written."""
    if isinstance(cell, DecimalNumber):
        return cell.text
    if isinstance(cell, list):
        return f"[{', '.join(map(_value, cell))}]"
    if isinstance(cell, dict):
        return _object(cell)
    return _text(cell) if isinstance(cell, str) else json.dumps(cell, default=cell_text)


def _text(text: str) -> str:
    halves = any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(text, ensure_ascii=halves)
