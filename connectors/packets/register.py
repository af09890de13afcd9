"""The register of agencies and procedures as the packets' door needs it: followed from when it is
first asked for.
"""

from __future__ import annotations

from typing import Any

from connectors.packets.access import PacketClient
from schemas.clock import now_ms, to_datetime
from schemas.settings import Settings
from serving.directory.directory import Directory
from serving.directory.feed import DirectoryFeed


class KnownDirectory:
    """The newest directory; None before it was read once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._feed: DirectoryFeed | None = None

    def newest(self) -> Directory | None:
        """The directory, once it was read."""
        if self._feed is None:
            self._feed = DirectoryFeed(self._settings)
            self._feed.start()
        return self._feed.directory if self._feed.progress.ready else None

    def stop(self) -> None:
        """End."""
        if self._feed is not None:
            self._feed.stop()


def may_speak(client: PacketClient, agency: str, directory: Directory | None) -> bool:
    """Whether a client may speak for an agency: for its own, and today for those below them."""
    if client.agencies is None or agency in client.agencies:
        return True
    if directory is None:
        return False
    today = to_datetime(now_ms()).date()
    return any(above in client.agencies for above in directory.roll_up(agency, today))


def procedure_told(directory: Directory, code: str) -> list[dict[str, Any]] | None:
    """What LayThuTuc answers of a procedure, by its code of today or the one that begins with it
    (2.002307 of 2.002307.000.00.00.H35); None: it is not registered.

    Where no procedure is registered at all, the code stands for the name: what the hub can't know
    must keep no dossier from coming.
    """
    today = to_datetime(now_ms()).date()
    stated = [one.fields for one in directory.procedures_on(today)]
    if not directory.procedures:
        return [_told(code, "other", code)]
    exact = [one for one in stated if one.procedure == code]
    found = exact or [one for one in stated if one.procedure.startswith(f"{code}.")]
    if not found:
        return None
    one = min(found, key=lambda fields: fields.procedure)
    return [_told(one.name_vi or one.procedure, one.field, one.procedure)]


def _told(name: str, field: str, code: str) -> dict[str, Any]:
    return {
        "MATTHC": code,
        "TENTTHC": name,
        # the register has codes of fields only
        "LINHVUCTHUCHIEN": [{"MALINHVUC": field, "TENLINHVUC": field}],
    }
