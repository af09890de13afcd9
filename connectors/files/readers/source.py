"""A file as a stream of bytes or lines: compression seen by its first bytes, damage found before
anything is published.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from schemas.errors import HubError

_GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
CHUNK = 1 << 20
LONGEST_LINE = 1 << 20  # characters of a line; a longer one is no row but a missing line break
_MARKS = (  # UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNMARKED = (  # how a file begins whose first character is of ASCII
    (re.compile(rb"[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]"), "utf-16-be"),
)
_UNDECODED = re.compile("[\udc80-\udcff]")
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, UnicodeError)
_ENCRYPTED = 1  # of an archive part's flags
_LOOKED_AT = 4096  # bytes


class UnreadableFile(HubError):
    """A file to import that can't be read as what it says it is."""


class _BrokenPart(zipfile.BadZipFile):
    """A part of an archive that is not what its checksum says."""


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a file is read into one sentence.

    Raises: UnreadableFile
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadableFile(f"There is no file {path}: check the name.") from error
    except _DAMAGE as error:
        raise UnreadableFile(
            f"{path.name} is damaged or cut off ({_why(error)}): have it sent again."
        ) from error
    except OSError as error:
        raise UnreadableFile(
            f"{path} can't be read ({error.strerror or error}): check that it is a file and may be"
            " read."
        ) from error


def _why(error: BaseException) -> str:
    if isinstance(error, EOFError):
        return "its compressed data ends too early"
    if isinstance(error, UnicodeError):
        return "some of its bytes are not in the encoding that it begins with"
    if isinstance(error, _BrokenPart):
        return str(error)
    if isinstance(error, zipfile.BadZipFile):
        return "its parts can't be told from one another"
    return "its compressed data can't be unpacked"


def beginning(path: Path) -> bytes:
    """The file's first eight bytes as they are on disk."""
    with _readable(path), path.open("rb") as raw:
        return raw.read(8)


def file_digest(path: Path) -> str:
    """SHA-256 of the file as it is; compressed files are unpacked once on the way, so that damage
    shows now.

    Raises: UnreadableFile
    """
    with _readable(path):
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
        if beginning(path)[:2] == _GZIP:
            with gzip.open(path) as unpacked:
                while unpacked.read(CHUNK):
                    pass
        if beginning(path).startswith(ZIP):
            _check_archive(path)
    return digest


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if any(part.flag_bits & _ENCRYPTED for part in archive.infolist()):
            raise UnreadableFile(f"{path.name} is protected by a password: save it without one.")
        broken = archive.testzip()
    if broken is not None:
        raise _BrokenPart(f"its part {broken} does not match its checksum")


class TextLine(NamedTuple):
    """A line of text; `problem` says why it can't be read, if so."""

    text: str
    problem: str


class TextSource:
    """A text file, plain or gzip, read line by line in flat memory."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self.encoding = path, encoding
        with _readable(path):
            self._raw = path.open("rb")
            self._bytes: IO[bytes] = self._raw
            if beginning(path)[:2] == _GZIP:
                self._bytes = cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw))
            self._text = self._decoded(io.BufferedReader(cast("io.RawIOBase", self._bytes), CHUNK))

    def _decoded(self, buffered: io.BufferedReader) -> io.TextIOWrapper:
        start = buffered.peek(_LOOKED_AT)[:_LOOKED_AT]
        marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
        declared = self.encoding.lower().replace("_", "-")
        wide = marked is not None or declared.startswith(("utf-16", "utf-32"))
        if b"\0" in start and not wide:
            raise UnreadableFile(_no_text(self.path, start))
        self.encoding = marked or self.encoding
        return io.TextIOWrapper(buffered, self.encoding, errors="surrogateescape", newline="")

    def position(self) -> int:
        """Bytes of the file on disk that were read."""
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._text.close()
        self._raw.close()

    def lines(self) -> Iterator[TextLine]:
        """Every line with its line break; raises UnreadableFile where the file breaks off."""
        with _readable(self.path):
            while text := self._text.readline(LONGEST_LINE):
                if len(text) == LONGEST_LINE and not text.endswith(("\n", "\r")):
                    self._skip_rest()
                    yield TextLine(
                        f"{text[:200]}\N{REPLACEMENT CHARACTER}",
                        f"the line is longer than {LONGEST_LINE:,} characters",
                    )
                elif "\0" in text:
                    yield TextLine(
                        text,
                        "the line holds the character NUL, which no text has: have the file"
                        " exported anew",
                    )
                elif not text.isascii() and (found := _UNDECODED.search(text)):
                    yield TextLine(
                        text,
                        f"byte 0x{ord(found[0]) - 0xDC00:02X} is no {self.encoding} text: declare"
                        " the file's encoding",
                    )
                else:
                    yield TextLine(text, "")

    def characters(self) -> Iterator[str]:
        """The text in pieces, for a format whose line breaks mean nothing; raises UnreadableFile
        where it can't be read.
        """
        with _readable(self.path):
            while text := self._text.read(CHUNK):
                if _UNDECODED.search(text):
                    raise UnreadableFile(
                        f"{self.path.name} holds bytes that are no {self.encoding} text: declare"
                        " the file's encoding."
                    )
                yield text

    def _skip_rest(self) -> None:
        while (text := self._text.readline(LONGEST_LINE)) and not text.endswith(("\n", "\r")):
            pass


def _no_text(path: Path, start: bytes) -> str:
    """What to do with a file that holds zero bytes."""
    name = next((name for begins, name in _UNMARKED if begins.match(start)), None)
    if name is None:
        return f"{path.name} holds zero bytes, so it is no text file: export it as CSV in UTF-8."
    written = name[:6].upper()
    advice = f"say `files: {{encoding: {name}}}` in the mapping, or save it as UTF-8"
    return f"{path.name} is written in {written} without a byte order mark: {advice}."


def without_surrogates(text: str) -> str:
    """Text that can be written anywhere: bytes that could not be decoded show as the sign for lost
    characters, which no reader takes in.
    """
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
