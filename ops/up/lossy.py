"""What a service prints goes into a log file of its supervisor: where the disk takes no more, that
is lost and the service goes on.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from typing import TextIO, cast

_LOST = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


class _LossyFile(io.FileIO):
    """A file that says of everything that it was written."""

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """As much as there is room for."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _LOST:
                raise
            return memoryview(data).nbytes


def lose_what_does_not_fit() -> None:
    """In a supervised process: neither a line printed nor its flush ends it. Terminals and pipes
    stay as they are.
    """
    sys.stdout, sys.stderr = _lossy(sys.stdout), _lossy(sys.stderr)


def _lossy(stream: TextIO) -> TextIO:
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return stream
    stream.flush()
    file = io.BufferedWriter(cast(io.RawIOBase, _LossyFile(stream.fileno(), "w", closefd=False)))
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)
