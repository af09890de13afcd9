"""Files of the tests' own, and what the readers of connectors/files make of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.files.readers.opening import open_rows
from connectors.files.readers.options import FileOptions
from connectors.files.readers.rows import SourceRow, WantedColumns
from connectors.files.readers.source import UnreadableFile


def wanted(*columns: str) -> WantedColumns:
    """Columns, all of them required."""
    return WantedColumns(columns, frozenset(columns))


AB = wanted("b", "a")


def file_of(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    """A file with that content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(path: Path, columns: WantedColumns = AB, **options: Any) -> list[SourceRow]:
    """All rows of a file."""
    with closing(open_rows(path, FileOptions(**options), columns)) as rows:
        found = list(rows)
        assert rows.read == len(found)
    return found


def cells_of(path: Path, columns: WantedColumns = AB, **options: Any) -> list[Sequence[Any]]:
    """Each row's wanted cells, or what is wrong with it."""
    return [row.problem or tuple(row.cells) for row in rows_of(path, columns, **options)]


def unreadable(path: Path, columns: WantedColumns = AB, **options: Any) -> str:
    """Why a file can't be read, in one line."""
    with pytest.raises(UnreadableFile) as refused:
        rows_of(path, columns, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)
