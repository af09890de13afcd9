"""JSON lines: one object a line. Columns are its keys; those of objects within it are joined by dots (`fee.amount`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from connectors.files.mapping import FileOptions
from connectors.files.rows import Row, Rows, Wanted
from connectors.files.source import Line, TextSource, UnreadableFile
from connectors.files.values import Cell, text_of

SAMPLE = 1000  # objects looked at for the required columns before anything is published
DEEPEST = 8


class JsonRows(Rows):
    """The rows of a JSON lines file; a key that an object does not have is a blank cell."""

    def __init__(self, path: Path, options: FileOptions, wanted: Wanted) -> None:
        super().__init__(path, wanted)
        self.header = ("json",)
        self._names = [text_of(column) for column in wanted.columns]
        self._check(options)
        self._source = TextSource(path, options.encoding)

    def _check(self, options: FileOptions) -> None:
        """A file's columns show only in its objects, so the first ones are read ahead."""
        sample = TextSource(self.path, options.encoding)
        try:
            lines = [line for line in islice(sample.lines(), SAMPLE) if line.text.strip()]
        finally:
            sample.close()
        if not lines:
            raise UnreadableFile(f"{self.path.name} is empty: each line should be one JSON object.")
        found: dict[str, None] = {}
        for line in lines:
            if isinstance(read := _parsed(line), dict):
                found.update(dict.fromkeys(read))
        if found:  # else every line is wrong in its own way, which its rejection says
            self.places(tuple(found), [column for column in self.wanted.columns if column in self.wanted.required])

    def rows(self) -> Iterator[Row]:
        """Every line that holds anything."""
        for number, line in enumerate(self._source.lines(), 1):
            if not line.text.strip():
                self.blank += 1
                continue
            raw = (line.text.strip(),)
            read = _parsed(line)
            if isinstance(read, str):
                yield Row(number, (), raw, read)
            else:
                yield Row(number, tuple(map(read.get, self._names)), raw)

    def position(self) -> int:
        """Bytes read."""
        return self._source.position()

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()


def _parsed(line: Line) -> dict[str, Cell] | str:
    """The line's cells by name, or what is wrong with it."""
    if line.problem:
        return line.problem
    try:
        read = msgspec.json.decode(line.text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return f"the line is no JSON ({error})"
    if not isinstance(read, dict):
        return "the line is no JSON object: each line should be one, as {\"name\": value, …}"
    if line.text.isascii() and not any(isinstance(value, dict) for value in read.values()):
        return read
    return _flat(read)


def _flat(read: dict[str, Any], prefix: str = "", depth: int = 1) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for name, value in read.items():
        if isinstance(value, dict) and depth < DEEPEST:
            cells |= _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            cells[text_of(prefix + name)] = value
    return cells
