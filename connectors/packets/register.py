"""The register of agencies and procedures as the packets' door needs it: followed from when it is
first asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import date
from functools import lru_cache
from typing import Any

from schemas.clock import now_ms, to_datetime
from schemas.codes import Channel
from schemas.settings import Settings
from serving.directory.directory import Directory
from serving.directory.feed import DirectoryFeed
from serving.directory.items import ProcedureFields

_LOOK_SECONDS = 0.02
_SHORTEST = 2  # parts of a code that may stand for a longer one


class KnownDirectory:
    """The newest directory; None before it was read once."""

    def __init__(self, settings: Settings, feed: DirectoryFeed | None = None) -> None:
        """`feed` is one that somebody else starts and stops."""
        self._settings = settings
        self._feed, self._own = feed, feed is None

    async def newest(self) -> Directory | None:
        """The directory, once it was read; None: it can't be read in time."""
        if self._feed is None:
            self._feed = DirectoryFeed(self._settings)
            self._feed.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.publish_timeout):
                while not self._feed.progress.ready:  # noqa: ASYNC110 - of another thread
                    await asyncio.sleep(_LOOK_SECONDS)
        return self._feed.directory if self._feed.progress.ready else None

    def stop(self) -> None:
        """End."""
        if self._own and self._feed is not None:
            self._feed.stop()


def usual_channel(directory: Directory, code: str) -> Channel | None:
    """How dossiers of a procedure come in by the register; None: it does not say."""
    found = _procedure(directory, code)
    return None if found is None else found.channel


def procedure_told(directory: Directory, code: str) -> list[dict[str, Any]] | None:
    """What LayThuTuc answers of a procedure, by its code of today or the one that begins with it
    (2.002307 of 2.002307.000.00.00.H35); None: it is not registered.

    Where no procedure is registered at all, the code stands for the name: what the hub can't know
    must keep no dossier from coming.
    """
    if not directory.procedures:
        return [_told(code, "other", code)]
    one = _procedure(directory, code)
    if one is None:
        return None
    return [_told(one.name_vi or one.procedure, one.field, one.procedure)]


def _procedure(directory: Directory, code: str) -> ProcedureFields | None:
    return _procedures(directory, to_datetime(now_ms()).date()).get(code)


@lru_cache(maxsize=1)
def _procedures(directory: Directory, day: date) -> dict[str, ProcedureFields]:
    """The procedures of a day by their codes and by what these begin with, of which the first in
    order counts.
    """
    stated = sorted(
        (one.fields for one in directory.procedures_on(day)), key=lambda one: one.procedure
    )
    found: dict[str, ProcedureFields] = {}
    for one in stated:
        parts = one.procedure.split(".")
        for length in range(_SHORTEST, len(parts)):
            found.setdefault(".".join(parts[:length]), one)
    return found | {one.procedure: one for one in stated}


def _told(name: str, field: str, code: str) -> dict[str, Any]:
    return {
        "MATTHC": code,
        "TENTTHC": name,
        # the register has codes of fields only
        "LINHVUCTHUCHIEN": [{"MALINHVUC": field, "TENLINHVUC": field}],
    }
