"""A workbook as a package of XML parts (ECMA-376, both its transitional and its strict names):
which sheets, texts and styles it has.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from connectors.files.readers.source import CHUNK, UnreadableFile, beginning
from connectors.files.readers.styles import Styles

_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_LINKS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
_OLE = b"\xd0\xcf\x11\xe0"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

_Start = Callable[[str, dict[str, str]], None]
_End = Callable[[str], None]
_Text = Callable[[str], None]


class NoWorkbook(ValueError):
    """Something that a workbook can't be without is missing or wrong; the message says what."""


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Turns whatever is met in a damaged workbook into one sentence.

    Raises: UnreadableFile
    """
    try:
        yield
    except NoWorkbook as error:
        why = str(error)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        why = "its parts can't be unpacked"
    except expat.ExpatError as error:
        why = f"one of its parts breaks off or is damaged at its line {error.lineno}"
    except (KeyError, ValueError, IndexError):
        why = "its parts do not fit together"
    else:
        return
    raise UnreadableFile(
        f"{path.name} is no sound XLSX workbook ({why}): open it in a spreadsheet program and save"
        " it as .xlsx anew."
    )


def local(name: str) -> str:
    """A spreadsheet element's own name, whatever prefix it is written with; "" for what is of
    another kind.
    """
    space, _, own = name.rpartition(" ")
    return own if space in _MAIN else ""


class WorkbookSheet(NamedTuple):
    """A sheet as the workbook lists it; `part` is "" for a chart."""

    name: str
    part: str
    hidden: bool


class Package:
    """An opened workbook."""

    def __init__(self, path: Path) -> None:
        if not beginning(path).startswith(b"PK"):
            raise NoWorkbook(_what(path))
        self.archive = zipfile.ZipFile(path)
        self.from_1904 = self.uncomputed = False
        self._sheets: list[tuple[str, str, bool]] = []
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        links = self._links("", "_rels/.rels")
        workbook = next((part for kind, part in links.values() if kind == "officeDocument"), "")
        if workbook.endswith(".xml"):
            self._read(workbook, self._workbook_element)
        if not self._sheets:
            raise NoWorkbook("it is another kind of file, such as .xlsb, .ods or .docx")
        folder, name = posixpath.split(workbook)
        parts = self._links(folder, f"{folder}/_rels/{name}.rels")
        self.sheets = [self._sheet(parts, *found) for found in self._sheets]
        self.texts = self._texts(_part(parts, "sharedStrings"))
        self.styles = self._styles(_part(parts, "styles"))

    def close(self) -> None:
        """Let go of the file."""
        self.archive.close()

    def feed(
        self, part: str, start: _Start, end: _End | None = None, text: _Text | None = None
    ) -> Iterator[int]:
        """Read a part in flat memory, handing its elements on; gives the bytes read so far after
        each piece.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        with self.archive.open(part) as unpacked:
            while piece := unpacked.read(CHUNK >> 3):
                parser.Parse(piece, False)
                yield unpacked.tell()
        parser.Parse(b"", True)
        yield self.archive.getinfo(part).file_size

    def _read(
        self, part: str, start: _Start, end: _End | None = None, text: _Text | None = None
    ) -> None:
        for _ in self.feed(part, start, end, text):
            pass

    def _links(self, folder: str, part: str) -> dict[str, tuple[str, str]]:
        """Relation id → (kind, part)."""
        found: dict[str, tuple[str, str]] = {}

        def start(name: str, values: dict[str, str]) -> None:
            if name.endswith(" Relationship") and values.get("TargetMode") != "External":
                kind = values["Type"].rpartition("/")[2]
                found[values["Id"]] = (
                    kind,
                    posixpath.normpath(posixpath.join("/", folder, values["Target"])).lstrip("/"),
                )

        if part in self.archive.namelist():
            self._read(part, start)
        return found

    def _workbook_element(self, name: str, values: dict[str, str]) -> None:
        own = local(name)
        if own == "sheet":
            link = next((values[f"{space} id"] for space in _LINKS if f"{space} id" in values), "")
            self._sheets.append((values["name"], link, values.get("state", "visible") != "visible"))
        elif own == "workbookPr":
            self.from_1904 = values.get("date1904") in ("1", "true")
        elif own == "calcPr":
            self.uncomputed = values.get("fullCalcOnLoad") in ("1", "true")

    @staticmethod
    def _sheet(
        parts: dict[str, tuple[str, str]], name: str, link: str, hidden: bool
    ) -> WorkbookSheet:
        kind, part = parts.get(link, ("", ""))
        return WorkbookSheet(name, part if kind == "worksheet" else "", hidden)

    def _texts(self, part: str) -> list[str]:
        """The shared texts; how a reading is written in small above them is no part of them."""
        found: list[str] = []
        collect = TextCollector()

        def start(name: str, values: dict[str, str]) -> None:
            collect.start(local(name))

        def end(name: str) -> None:
            own = local(name)
            collect.end(own)
            if own == "si":
                found.append(collect.take())

        if part:
            self._read(part, start, end, collect.text)
        return found

    def _styles(self, part: str) -> Styles:
        codes: dict[int, str] = {}
        formats: list[int] = []
        within = ""

        def start(name: str, values: dict[str, str]) -> None:
            nonlocal within
            own = local(name)
            if own == "numFmt":
                codes[int(values["numFmtId"])] = values["formatCode"]
            elif own in ("cellXfs", "cellStyleXfs"):
                within = own
            elif own == "xf" and within == "cellXfs":
                formats.append(int(values.get("numFmtId", "0")))

        if part:
            self._read(part, start)
        return Styles(codes, formats, from_1904=self.from_1904)


class TextCollector:
    """Gathers the runs of a text (`t`), without its phonetic ones (`rPh`)."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._in_text = self._phonetic = False

    def start(self, own: str) -> None:
        """An element begins."""
        if own == "t":
            self._in_text = not self._phonetic
        elif own == "rPh":
            self._phonetic = True

    def end(self, own: str) -> None:
        """An element ends."""
        if own == "t":
            self._in_text = False
        elif own == "rPh":
            self._phonetic = False

    def text(self, text: str) -> None:
        """Characters."""
        if self._in_text:
            self._parts.append(text)

    def take(self) -> str:
        """The whole text; the next one begins."""
        whole = "".join(self._parts)
        self._parts.clear()
        return unescaped(whole)


def unescaped(text: str) -> str:
    """Characters that XML can't hold stand as _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _part(parts: dict[str, tuple[str, str]], kind: str) -> str:
    return next((part for found, part in parts.values() if found == kind), "")


def _refuse_doctype(*_: object) -> None:
    raise NoWorkbook("it holds a document type, which workbooks do not have")


def _what(path: Path) -> str:
    if beginning(path).startswith(_OLE):
        return "it is an .xls workbook of long ago, or protected by a password"
    return "it is another kind of file, whatever its name says"
