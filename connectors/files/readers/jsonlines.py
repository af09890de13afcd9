"""JSON: one object a line, or one array of objects. Columns are their keys; those of objects within
are joined by dots (`fee.amount`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from connectors.files.readers.arrays import BrokenArray, Element, elements
from connectors.files.readers.objectrows import ObjectRows
from connectors.files.readers.objects import object_cells
from connectors.files.readers.options import FileOptions
from connectors.files.readers.rows import SourceRow, WantedColumns
from connectors.files.readers.source import TextSource, UnreadableFile

_SAMPLE = 1000  # objects looked at for the required columns before anything is published


class JsonRows(ObjectRows):
    """The rows of a JSON file; a key that an object does not have is a blank cell."""

    def __init__(self, path: Path, options: FileOptions, wanted: WantedColumns) -> None:
        super().__init__(path, wanted)
        self._array = self._is_array(options)
        self._check(options)
        self._source = TextSource(path, options.encoding)

    def _is_array(self, options: FileOptions) -> bool:
        with closing(TextSource(self.path, options.encoding)) as source:
            first = next((line.text for line in source.lines() if line.text.strip()), "")
        return first.lstrip().startswith("[")

    def _check(self, options: FileOptions) -> None:
        """A file's columns show only in its objects, so the first ones are read ahead; an array is
        read to its end, or none of it.
        """
        with closing(TextSource(self.path, options.encoding)) as source:
            objects = self._objects(source)
            sample = list(islice(objects, _SAMPLE))
            if self._array:
                for _ in objects:
                    pass
        if not sample:
            raise UnreadableFile(f"{self.path.name} is empty: each line should be one JSON object.")
        found: dict[str, None] = {}
        for read in sample:
            if isinstance(read.cells, dict):
                found.update(dict.fromkeys(read.cells))
        if found:  # else every line is wrong in its own way, which its rejection says
            self.column_indexes(
                tuple(found),
                [column for column in self.wanted.columns if column in self.wanted.required],
            )

    def rows(self) -> Iterator[SourceRow]:
        """Every object, and every line that should be one."""
        for number, text, cells in self._objects(self._source):
            if isinstance(cells, str):
                yield SourceRow(number, (), text, cells)
            else:
                yield SourceRow(number, tuple(map(cells.get, self._names)), text)

    def _objects(self, source: TextSource) -> Iterator[Element]:
        return self._elements(source) if self._array else self._lines(source)

    def _lines(self, source: TextSource) -> Iterator[Element]:
        self.blank = 0
        for number, line in enumerate(source.lines(), 1):
            text = line.text.strip()
            if text:
                yield Element(number, text, line.problem or object_cells(text))
            else:
                self.blank += 1

    def _elements(self, source: TextSource) -> Iterator[Element]:
        try:
            yield from elements(source.characters())
        except BrokenArray as broken:
            raise UnreadableFile(
                f"{self.path.name} is a JSON array that can't be read: {broken}. Have it exported"
                " anew."
            ) from broken

    def position(self) -> int:
        """Bytes read."""
        return self._source.position()

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()
