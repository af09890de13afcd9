"""What is wrong with a disk that something could not be written to or read from, and what to do:
full, read-only, failing.

None of it says that the file is damaged. It is kept, and what could not be done is done later.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from schemas.errors import EnvironmentBroken, StorageReason, StorageTrouble

_NO_ROOM = 64 << 10  # bytes: with so few left, whatever fails on the disk fails because of that
_MIB = 1 << 20
_OF_ERRNO: dict[int | None, StorageReason] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENOTDIR: "denied",
    errno.ENOENT: "denied",
    errno.ELOOP: "denied",
}
_OF_SQLITE: dict[int, StorageReason] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_NOLFS: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "denied",
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_IOERR: "failing",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_PROTOCOL: "busy",
}
_PRIMARY = 0xFF  # the part of SQLite's extended error codes that is the plain one
_SAYING: dict[StorageReason, str] = {
    "full": "Disk full: {what} can't be written in {path} ({free} left). Make room there",
    "read-only": "Disk read-only: {what} can't be written in {path}. Make it writable",
    "denied": (
        "Not allowed: {what} can't be opened in {path} ({error}). Mend the path, its owner and"
        " rights"
    ),
    "failing": (
        "Disk failing: {what} can't be read or written in {path} ({error}). Look at the disk and"
        " how it is mounted"
    ),
    "busy": "In use: another process holds {what} in {path} ({error}). End that one",
}


def trouble_of(error: BaseException, path: Path, what: str) -> StorageTrouble | None:
    """What is wrong with the disk under `path`, where `what` lies; None: the error says nothing
    about the disk.
    """
    if isinstance(error, OSError):
        reason: StorageReason | None = _OF_ERRNO.get(error.errno, "failing")
    elif isinstance(error, sqlite3.Error):
        reason = _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY)
    else:
        reason = None
    if reason in ("denied", "failing"):
        reason = _of_the_disk(path) or reason
    return (
        None
        if reason is None
        else trouble(reason, path, what, getattr(error, "strerror", None) or str(error))
    )


def trouble(reason: StorageReason, path: Path, what: str, error: str = "") -> StorageTrouble:
    """The one sentence for it."""
    told = _SAYING[reason].format(
        what=what, path=path, free=mebibytes(free_bytes(path)), error=error
    )
    return StorageTrouble(f"{told}; it then goes on by itself.", reason)


def _of_the_disk(path: Path) -> StorageReason | None:
    """A full or read-only disk shows as many errors: which of both it is."""
    found = _statistics(path)
    if found is None:
        return None
    if found.f_flag & os.ST_RDONLY:
        return "read-only"
    return "full" if _available(found) < _NO_ROOM else None


def free_bytes(path: Path) -> int | None:
    """Bytes that may still be written where `path` lies or will lie; None: the disk can't be
    asked.
    """
    found = _statistics(path)
    return None if found is None else _available(found)


def _available(found: os.statvfs_result) -> int:
    """None is left where no further file can be made."""
    without_inodes = found.f_files > 0 and found.f_favail == 0
    return 0 if without_inodes else found.f_bavail * found.f_frsize


def _statistics(path: Path) -> os.statvfs_result | None:
    for place in (path, *path.absolute().parents):
        try:
            return os.statvfs(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
    return None


def mebibytes(free: int | None) -> str:
    """Bytes that are left, for people."""
    return "unknown" if free is None else f"{free / _MIB:.1f} MiB"


def require_writable(folder: Path, who: str) -> None:
    """That a folder, made where it is missing, can be written. That it is full is no reason to
    refuse: room may be made.

    Raises: EnvironmentBroken with one sentence.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        found = trouble_of(error, folder, who)
        if found is not None and found.reason == "full":
            return
        why = error.strerror or str(error)
        raise EnvironmentBroken(
            f"{who} can't write its folder {folder} ({why}): make it writable, or set LGSP_DATA to"
            " another."
        ) from error


def sync_folder(folder: Path) -> None:
    """A new name in it outlasts a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_once(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read. Another process may do the same at this moment:
    the first one's stays, and it is never seen half-written.

    Raises: OSError
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _written(path, content)
    try:
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_instead(path: Path, content: bytes) -> None:
    """Replace such a file in one step.

    Raises: OSError; then the file is what it was
    """
    fresh = _written(path, content)
    try:
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def _written(path: Path, content: bytes) -> Path:
    """The content on the disk, beside the path."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # an empty one after a power cut would be no secret for good
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def private_content(
    path: Path, setting: str, *, group: bool = False, leaked: str = "delete it and make new keys"
) -> bytes:
    """What a file of a secret holds, which nobody but its owner may read (or its `group`).
    `leaked` says what to do where others did read it.

    Raises: EnvironmentBroken
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentBroken(
            f"The secret in {path} can't be read ({why}): mend the path or its rights, or name"
            f" another file with {setting}."
        ) from error
    if mode & (0o037 if group else 0o077):
        right = "640" if group else "600"
        raise EnvironmentBroken(
            f"Others than its owner may read or change the secret in {path} (mode {mode:03o}):"
            f" `chmod {right} {path}`, and if others did read it, {leaked}."
        )
    return content
